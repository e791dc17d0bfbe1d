"""plan(): the one function that says what is still to be done. The agent acts by it; drift is what it returns after.

Pure. Restores come before restrictions in what it returns, always.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from enforcement.access import Access, lowers
from enforcement.changes import Change, Refresh, Remove, Restore, Restrict, needs_permit
from enforcement.entries import BindingId, Entry, Mark
from enforcement.keys import Key
from enforcement.observed import Live, Observed, Seen


class State(StrEnum):
    """What is known of one entry after a read."""

    VERIFIED = "verified"
    ARMED = "armed"
    WRONGFUL = "wrongful"
    MISSING = "missing"
    OBSTRUCTED = "obstructed"
    UNKNOWN = "unknown"


DRIFT = ("wrongful", "missing", "stray", "obstructed", "unknown")
"""The directions of drift. `stray` belongs to a mark that no entry knows, the others to entries."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is left to do, restores first, and what is known of each entry.

    `contested` are keys that two live bindings claim: restricted for neither until a person settles it.
    """

    changes: tuple[Change, ...]
    states: Mapping[BindingId, State]
    contested: frozenset[Key]

    @property
    def strays(self) -> tuple[Remove, ...]:
        return tuple(change for change in self.changes if isinstance(change, Remove))


def plan(installation: str, desired: Iterable[Entry], observed: Observed, owed: Mapping[BindingId, bool]) -> Plan:
    """Compare what is wanted on a device with what was seen there.

    `owed` names the bindings whose effect on live sessions is not yet done; the value says whether it takes access
    away. A key that could not be read gets no change: nothing is written blind.
    """
    by_key: dict[Key, list[Entry]] = {}
    for entry in desired:
        by_key.setdefault(entry.key, []).append(entry)
    changes: list[Change] = []
    states: dict[BindingId, State] = {}
    contested: set[Key] = set()
    for key, entries in by_key.items():
        claims = [entry for entry in entries if not entry.ended]
        if len(claims) > 1:
            contested.add(key)
        governing = claims[0] if len(claims) == 1 else None
        seen = observed.of(key)
        todo = _changes_for(installation, key, governing, entries, seen, owed)
        changes += todo
        for entry in entries:
            states[entry.binding] = _state(entry if entry is governing else None, seen, todo)
    for key, seen in observed.seen.items():
        if key not in by_key:
            changes += [Remove(key, mark) for mark in seen.marks]
    changes.sort(key=needs_permit)
    return Plan(tuple(changes), states, frozenset(contested))


def _changes_for(
    installation: str,
    key: Key,
    governing: Entry | None,
    entries: list[Entry],
    seen: Seen,
    owed: Mapping[BindingId, bool],
) -> list[Change]:
    if seen.access is None:
        return []
    own = Mark(installation, governing.service, governing.binding) if governing else None
    changes: list[Change] = [Remove(key, mark) for mark in seen.marks if mark != own]
    if governing is None or own is None:
        return changes + _effects_of_the_ended(installation, entries, changes, owed)
    before = seen.access if own in seen.marks else Access.FULL
    if governing.access is not before:
        verb = Restrict if lowers(governing.kind, before, governing.access) else Restore
        changes.append(verb(governing, own, before))
    elif governing.binding in owed:
        changes.append(Refresh(governing, own, lowers=owed[governing.binding]))
    elif seen.live is Live.STALE:
        changes.append(Refresh(governing, own, lowers=governing.restricts))
    return changes


def _effects_of_the_ended(
    installation: str, entries: list[Entry], removals: list[Change], owed: Mapping[BindingId, bool]
) -> list[Change]:
    """A binding that ended still owes its former session the news, once its record is gone."""
    if removals:
        return []
    return [
        Refresh(entry, Mark(installation, entry.service, entry.binding), lowers=False)
        for entry in entries
        if entry.ended and entry.binding in owed
    ]


def _state(entry: Entry | None, seen: Seen, todo: list[Change]) -> State:
    """The state of an entry; None stands for one that does not govern its key (ended, or contested): wanted open."""
    if seen.access is None or seen.live is Live.UNKNOWN:
        return State.UNKNOWN
    if any(needs_permit(change) for change in todo):
        return State.MISSING
    if todo:
        return State.WRONGFUL
    if seen.obstructions and (entry is None or not entry.restricts):
        return State.OBSTRUCTED
    return State.ARMED if seen.live is Live.OFFLINE else State.VERIFIED
