"""What is kept of a hundred thousand entries, small: a line of text each, made into what it stands for when asked for.

The device's memory holds these; an `Entry` with its parts takes three times as much, and hardly any is needed between
two sweeps.
"""

from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import replace

from enforcement.access import Access
from enforcement.entries import BindingId, Entry, ServiceId
from enforcement.keys import Key, KeyType
from enforcement.plan import State
from enforcement.wire import EntryReport

_BETWEEN = b"\n"
"""Stands in no part: ids are of few characters, and a key's value is printable."""

_NOBODY, _NOTHING, _NOWHERE = BindingId(""), ServiceId(""), Key(KeyType.USERNAME, "")
"""Stand for what is an entry's own in what it has in common with thousands: access, reasons and the like."""

Packed = int | EntryReport
"""A report: usually its revision and one of the plain ones, as a number."""

_STATES = (*(state.value for state in State), "withheld", "refused")
_PLAIN = tuple((state, seen) for state in _STATES for seen in (None, *map(str, Access)))
_NUMBERS = {plain: number for number, plain in enumerate(_PLAIN)}


class Entries(Mapping[BindingId, Entry]):
    """Entries by binding, and the bindings of each key."""

    def __init__(self) -> None:
        self._lines: dict[BindingId, bytes | Entry] = {}
        self._by_key: dict[bytes, BindingId | tuple[BindingId, ...]] = {}
        self._alike: list[Entry] = []
        self._numbers: dict[Entry, int] = {}

    def __getitem__(self, binding: BindingId) -> Entry:
        return self._entry(binding, self._lines[binding])

    def __iter__(self) -> Iterator[BindingId]:
        return iter(self._lines)

    def __len__(self) -> int:
        return len(self._lines)

    def __contains__(self, binding: object) -> bool:
        return binding in self._lines

    def of(self, key: Key) -> tuple[BindingId, ...]:
        """The bindings of a key, in the order in which they came."""
        found = self._by_key.get(_written(key), ())
        return found if isinstance(found, tuple) else (found,)

    def own(self, binding: BindingId) -> BindingId:
        """A binding's id as it is kept here, so that nobody keeps it twice; itself where it is not."""
        same = self.of(self[binding].key) if binding in self._lines else ()
        return next((own for own in same if own == binding), binding)

    def keys_in_pieces(self, size: int) -> Iterator[frozenset[Key]]:
        """All keys, some at a time."""
        written = list(self._by_key)
        for start in range(0, len(written), size):
            yield frozenset(map(_key, written[start : start + size]))

    def put(self, entry: Entry) -> None:
        """Take an entry whose binding is not here."""
        self._lines[entry.binding] = self._line(entry)
        others = self.of(entry.key)
        self._by_key[_written(entry.key)] = (*others, entry.binding) if others else entry.binding

    def drop(self, binding: BindingId) -> Entry | None:
        """Forget a binding; answers what was known of it."""
        line = self._lines.pop(binding, None)
        if line is None:
            return None
        entry = self._entry(binding, line)
        others = tuple(other for other in self.of(entry.key) if other != binding)
        del self._by_key[_written(entry.key)]
        if others:
            self._by_key[_written(entry.key)] = others if len(others) > 1 else others[0]
        return entry

    def clear(self) -> None:
        self._lines.clear()
        self._by_key.clear()

    def _line(self, entry: Entry) -> bytes | Entry:
        """The entry as a line; as it is where a controller has given its service no proper id."""
        if not isinstance(entry.service, str) or not entry.service.isprintable():
            return entry
        alike = replace(entry, binding=_NOBODY, service=_NOTHING, key=_NOWHERE, changed_revision=0)
        number = self._numbers.setdefault(alike, len(self._alike))
        if number == len(self._alike):
            self._alike.append(alike)
        numbers = b"%d" % number, b"%d" % entry.changed_revision
        return _BETWEEN.join((*numbers, entry.service.encode(), _written(entry.key)))

    def _entry(self, binding: BindingId, line: bytes | Entry) -> Entry:
        if isinstance(line, Entry):
            return line
        number, revision, service, key = line.split(_BETWEEN)
        return replace(
            self._alike[int(number)],
            binding=binding,
            service=ServiceId(service.decode()),
            key=_key(key),
            changed_revision=int(revision),
        )


class Reports(MutableMapping[BindingId, EntryReport]):
    """Reports by binding."""

    def __init__(self) -> None:
        self._packed: dict[BindingId, Packed] = {}

    def __getitem__(self, binding: BindingId) -> EntryReport:
        return _unpacked(binding, self._packed[binding])

    def __setitem__(self, binding: BindingId, report: EntryReport) -> None:
        self._packed[binding] = _packed(report)

    def __delitem__(self, binding: BindingId) -> None:
        del self._packed[binding]

    def __iter__(self) -> Iterator[BindingId]:
        return iter(self._packed)

    def __len__(self) -> int:
        return len(self._packed)

    def __contains__(self, binding: object) -> bool:
        return binding in self._packed

    def packed(self, binding: BindingId) -> Packed | None:
        """A report as it is kept."""
        return self._packed.get(binding)

    def share(self, binding: BindingId, others: "Reports") -> bool:
        """Whether `others` has the very same of a binding; then it is kept but once."""
        same = others.packed(binding)
        if same is None or same != self._packed.get(binding):
            return False
        self._packed[binding] = same
        return True

    def clear(self) -> None:
        self._packed.clear()


def _written(key: Key) -> bytes:
    return str(key).encode()


def _key(written: bytes) -> Key:
    """A key that was `_written`: it needs no normalising again."""
    type, _, value = written.decode().partition(":")
    return Key(KeyType(type), value)


def _packed(report: EntryReport) -> Packed:
    """A number for a report that says nothing beside its revision, state and access seen."""
    number = _NUMBERS.get((report.state, report.seen))
    if number is None or report.changed_revision < 0:
        return report
    packed = report.changed_revision * len(_PLAIN) + number
    return packed if _unpacked(BindingId(report.binding), packed) == report else report


def _unpacked(binding: BindingId, packed: Packed) -> EntryReport:
    if isinstance(packed, EntryReport):
        return packed
    revision, number = divmod(packed, len(_PLAIN))
    state, seen = _PLAIN[number]
    return EntryReport(binding, revision, state, seen)
