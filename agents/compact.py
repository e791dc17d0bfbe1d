"""What is kept of a hundred thousand entries, small: a line of text each, made into what it stands for when asked for.

The device's memory holds these; an `Entry` with its parts takes three times as much, and hardly any is needed between
two sweeps.
"""

from collections.abc import Iterator, Mapping, MutableMapping

from enforcement.access import Access, Kind, Rate, Reason
from enforcement.entries import BindingId, Entry, ServiceId
from enforcement.keys import Key, KeyType
from enforcement.plan import State
from enforcement.wire import EntryReport

_BETWEEN = "\n"
"""Stands in no part: ids are of few characters, and a key's value is printable."""

Packed = int | EntryReport
"""A report: usually its revision and one of the plain ones, as a number."""

_STATES = (*(state.value for state in State), "withheld", "refused")
_PLAIN = tuple((state, seen) for state in _STATES for seen in (None, *map(str, Access)))
_NUMBERS = {plain: number for number, plain in enumerate(_PLAIN)}


class Entries(Mapping[BindingId, Entry]):
    """Entries by binding, and the bindings of each key."""

    def __init__(self) -> None:
        self._lines: dict[BindingId, str | Entry] = {}
        self._by_key: dict[str, BindingId | tuple[BindingId, ...]] = {}

    def __getitem__(self, binding: BindingId) -> Entry:
        return _entry(binding, self._lines[binding])

    def __iter__(self) -> Iterator[BindingId]:
        return iter(self._lines)

    def __len__(self) -> int:
        return len(self._lines)

    def __contains__(self, binding: object) -> bool:
        return binding in self._lines

    def of(self, key: Key) -> tuple[BindingId, ...]:
        """The bindings of a key, in the order in which they came."""
        found = self._by_key.get(str(key), ())
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
        self._lines[entry.binding] = _line(entry)
        others = self.of(entry.key)
        self._by_key[str(entry.key)] = (*others, entry.binding) if others else entry.binding

    def drop(self, binding: BindingId) -> Entry | None:
        """Forget a binding; answers what was known of it."""
        line = self._lines.pop(binding, None)
        if line is None:
            return None
        entry = _entry(binding, line)
        others = tuple(other for other in self.of(entry.key) if other != binding)
        del self._by_key[str(entry.key)]
        if others:
            self._by_key[str(entry.key)] = others if len(others) > 1 else others[0]
        return entry

    def clear(self) -> None:
        self._lines.clear()
        self._by_key.clear()


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


def _line(entry: Entry) -> str | Entry:
    """The entry as a line; as it is where a controller has given its service no proper id."""
    if not isinstance(entry.service, str) or _BETWEEN in entry.service:
        return entry
    reasons = ",".join(entry.reasons)
    flags = f"{entry.ended:d}{entry.first:d}"
    rate = str(entry.rate) if entry.rate is not None else ""
    parts = (entry.service, entry.kind, str(entry.key), entry.access, reasons, str(entry.changed_revision), flags, rate)
    return _BETWEEN.join(parts)


def _entry(binding: BindingId, line: str | Entry) -> Entry:
    if isinstance(line, Entry):
        return line
    service, kind, key, access, reasons, revision, flags, rate = line.split(_BETWEEN)
    return Entry(
        binding,
        ServiceId(service),
        Kind(kind),
        _key(key),
        Access(access),
        tuple(map(Reason, reasons.split(","))) if reasons else (),
        int(revision),
        flags[0] == "1",
        flags[1] == "1",
        Rate.parse(rate) if rate else None,
    )


def _key(written: str) -> Key:
    """A key that was written by `str`: it needs no normalising again."""
    type, _, value = written.partition(":")
    return Key(KeyType(type), value)


def _packed(report: EntryReport) -> Packed:
    number = _NUMBERS.get((report.state, report.seen))
    if number is None or report.obstructions or report.detail or report.changed_revision < 0:
        return report
    return report.changed_revision * len(_PLAIN) + number


def _unpacked(binding: BindingId, packed: Packed) -> EntryReport:
    if isinstance(packed, EntryReport):
        return packed
    revision, number = divmod(packed, len(_PLAIN))
    state, seen = _PLAIN[number]
    return EntryReport(binding, revision, state, seen)
