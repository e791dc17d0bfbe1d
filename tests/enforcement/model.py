"""A device that does exactly what it is told: records by mark, live sessions that keep what they were last given."""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field

from enforcement.access import Access, Kind, Rate, least, slowest
from enforcement.changes import Change, Refresh, Remove, Restore, Restrict, key_of
from enforcement.entries import BindingId, Entry, Mark, ServiceId
from enforcement.keys import Key, KeyType
from enforcement.observed import Live, Observed, Seen
from enforcement.plan import Plan, plan

HERE = "isp"

KEYS = tuple(Key(KeyType.USERNAME, name) for name in ("ana", "bea", "carlos"))


def mark_of(entry: Entry) -> Mark:
    return Mark(HERE, entry.service, entry.binding)


def entry(
    binding: str, key: Key, access: Access = Access.FULL, *, ended: bool = False, rate: Rate | None = None
) -> Entry:
    service = ServiceId(f"s-{binding}")
    return Entry(BindingId(binding), service, Kind.INTERNET, key, access, (), 1, ended=ended, rate=rate)


@dataclass
class Device:
    """`sessions` has what each connected customer's session was last given, `rates` those of throttled records."""

    records: dict[Key, dict[Mark, Access]] = field(default_factory=dict)
    obstructions: dict[Key, tuple[str, ...]] = field(default_factory=dict)
    sessions: dict[Key, Access] = field(default_factory=dict)
    unreadable: frozenset[Key] = frozenset()
    rates: dict[Mark, Rate | None] = field(default_factory=dict)

    def on_record(self, key: Key) -> Access:
        ours = {m: access for m, access in self.records.get(key, {}).items() if m.installation == HERE}
        return least(Kind.INTERNET, ours.values())

    def rate_of(self, key: Key) -> Rate | None:
        if self.on_record(key) is not Access.THROTTLED:
            return None
        records = self.records[key].items()
        return slowest(
            self.rates.get(m) for m, access in records if m.installation == HERE and access is Access.THROTTLED
        )

    def observe(self) -> Observed:
        return Observed({key: self._seen(key) for key in {*KEYS, *self.records, *self.sessions}})

    def _seen(self, key: Key) -> Seen:
        marks = tuple(sorted(self.records.get(key, {})))
        if key in self.unreadable:
            return Seen(None, Live.UNKNOWN, marks)
        stale = self.sessions.get(key, self.on_record(key)) is not self.on_record(key)
        live = Live.OFFLINE if key not in self.sessions else Live.STALE if stale else Live.APPLIES
        return Seen(self.on_record(key), live, marks, self.obstructions.get(key, ()), self.rate_of(key))

    def apply(self, changes: Iterable[Change]) -> None:
        for change in changes:
            key = key_of(change)
            self._record(change, self.records.setdefault(key, {}))
            if not self.records[key]:
                del self.records[key]
            if key in self.sessions:
                self.sessions[key] = self.on_record(key)

    def _record(self, change: Change, here: dict[Mark, Access]) -> None:
        match change:
            case Restrict(entry=wanted) | Restore(entry=wanted) if wanted.restricts:
                here[change.mark] = wanted.access
                self.rates[change.mark] = wanted.rate
            case Restrict() | Restore() | Remove():
                here.pop(change.mark, None)
                self.rates.pop(change.mark, None)
            case Refresh():
                pass

    def copy(self) -> "Device":
        return deepcopy(self)


def planned(device: Device, desired: Iterable[Entry], owed: Mapping[BindingId, bool] | None = None) -> Plan:
    return plan(HERE, desired, device.observe(), owed or {})


def settle(device: Device, desired: Iterable[Entry]) -> Plan:
    """Plan and apply twice: two marks of ours on one key show only their sum, and may need a second look."""
    wanted = list(desired)
    for _ in range(2):
        device.apply(planned(device, wanted).changes)
    return planned(device, wanted)
