"""plan(): the one function that says what is still to be done. The agent acts by it; drift is what it returns after.

Pure. Restores come before restrictions in what it returns, always.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from enforcement.access import LADDERS, Access, Rate, lowers, may_slow
from enforcement.changes import Change, Refresh, Remove, Restore, Restrict, binding_of, needs_permit
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

    `contested` are keys that two live bindings claim: restricted for neither until a person settles it. `strays` are
    those of the changes that take away a mark which no entry of its key knows.
    """

    changes: tuple[Change, ...]
    states: Mapping[BindingId, State]
    contested: frozenset[Key]
    strays: tuple[Remove, ...]


def plan(installation: str, desired: Iterable[Entry], observed: Observed, owed: Mapping[BindingId, bool]) -> Plan:
    """Compare what is wanted on a device with what was seen there.

    `owed` names the bindings whose effect on live sessions is not yet done; the value says whether it takes access
    away. A key that could not be read gets no change: nothing is written blind. The rates of `desired` are such as the
    device can give; any other is to be None, its own.
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
            states[entry.binding] = _state(entry, governing, seen, todo)
    unknown = [(key, seen) for key, seen in observed.seen.items() if key not in by_key]
    changes += [removal for key, seen in unknown for removal in _removals(installation, key, seen, None)]
    changes.sort(key=needs_permit)
    return Plan(tuple(changes), states, frozenset(contested), _strays(changes, by_key))


def _strays(changes: Iterable[Change], by_key: Mapping[Key, list[Entry]]) -> tuple[Remove, ...]:
    removals = (change for change in changes if isinstance(change, Remove))
    return tuple(
        removal
        for removal in removals
        if all(entry.binding != removal.mark.binding for entry in by_key.get(removal.key, ()))
    )


def _changes_for(
    installation: str,
    key: Key,
    governing: Entry | None,
    entries: list[Entry],
    seen: Seen,
    owed: Mapping[BindingId, bool],
) -> list[Change]:
    own = Mark(installation, governing.service, governing.binding) if governing else None
    changes: list[Change] = [*_removals(installation, key, seen, own)]
    if seen.access is None:
        return []
    if not changes:
        idle = [entry for entry in entries if entry is not governing]
        changes += _effects_of_the_idle(installation, idle, governing is None, seen, owed)
    if governing is None or own is None:
        return changes
    before, rate = (seen.access, _rate(seen)) if own in seen.marks else (Access.FULL, None)
    if governing.access is not before:
        verb = Restrict if _is_less(governing, governing.access, before) else Restore
        changes.append(verb(governing, own, before, rate))
    elif _rate(governing) != rate:
        verb = Restrict if may_slow(rate, _rate(governing)) else Restore
        changes.append(verb(governing, own, before, rate))
    elif governing.binding in owed:
        changes.append(Refresh(governing, own, lowers=owed[governing.binding]))
    elif seen.live is Live.STALE:
        changes.append(Refresh(governing, own, lowers=governing.restricts))
    return changes


def _rate(of: Entry | Seen) -> Rate | None:
    """The rate of a throttled key; no other access has one."""
    return of.rate if of.access is Access.THROTTLED else None


def _removals(installation: str, key: Key, seen: Seen, own: Mark | None) -> list[Remove]:
    """Marks of this installation that are not `own`; another installation's are somebody else's."""
    if seen.access is None:
        return []
    return [Remove(key, mark) for mark in seen.marks if mark != own and mark.installation == installation]


def _effects_of_the_idle(
    installation: str, idle: list[Entry], alone: bool, seen: Seen, owed: Mapping[BindingId, bool]
) -> list[Change]:
    """What bindings that ended or are contested still owe their sessions once their record is gone: the news of it.

    They are told what is on record for the key now, which another binding may have restricted since. `alone` is true
    where no binding governs the key, so that nobody else would tell a session that kept what it had.
    """
    told = [entry for entry in idle if entry.binding in owed]
    if not told and alone and seen.live is Live.STALE:
        told = idle[-1:]
    access = seen.access or Access.FULL
    return [
        Refresh(
            replace(entry, access=access, rate=_rate(seen)),
            Mark(installation, entry.service, entry.binding),
            access is not Access.FULL,
        )
        for entry in told
    ]


def _is_less(entry: Entry, access: Access, than: Access) -> bool:
    """Whether `access` takes something away; what the kind does not have is left from another kind that it once was."""
    if access in LADDERS[entry.kind] and than in LADDERS[entry.kind]:
        return lowers(entry.kind, than, access)
    return access is not Access.FULL


def _state(entry: Entry, governing: Entry | None, seen: Seen, todo: list[Change]) -> State:
    """The state of an entry after a read; `todo` is what is left to do for its key. A contested one is wanted open.

    One that ended wants nothing but that its own mark and effect be gone: who restricts the key now is not its matter.
    """
    if seen.access is None:
        return State.UNKNOWN
    left = _left_to_do([change for change in todo if binding_of(change) == entry.binding])
    if entry.ended and governing is not None:
        return left or State.VERIFIED
    if seen.live is Live.UNKNOWN:
        return State.UNKNOWN
    wanted = entry.access if entry is governing else Access.FULL
    if left is None and not entry.ended:
        left = _wrong_besides(entry, wanted, seen)
    return left or (State.ARMED if seen.live is Live.OFFLINE else State.VERIFIED)


def _wrong_besides(entry: Entry, wanted: Access, seen: Seen) -> State | None:
    """What is wrong although nothing is left to do for the entry's own mark."""
    if seen.access is not None and _is_less(entry, seen.access, wanted):
        return State.WRONGFUL
    return State.OBSTRUCTED if seen.obstructions and wanted is Access.FULL else None


def _left_to_do(own: list[Change]) -> State | None:
    if any(needs_permit(change) for change in own):
        return State.MISSING
    return State.WRONGFUL if own else None
