"""Changes: the verbs that a driver carries out, and what came of them. Verbs are types; dispatch with `match`."""

from dataclasses import dataclass
from enum import StrEnum

from enforcement.access import Access, Rate
from enforcement.entries import BindingId, Entry, Mark
from enforcement.keys import Key


@dataclass(frozen=True, slots=True)
class Restrict:
    """Lower the key to `entry.access`, or to a lower rate of it. Needs a permit.

    `before` and `rate_before` are what was seen, for the log and for whoever must name what a session is to lose.
    """

    entry: Entry
    mark: Mark
    before: Access
    rate_before: Rate | None = None


@dataclass(frozen=True, slots=True)
class Restore:
    """Raise the key to `entry.access` (full, a higher rung or rate): overtakes every restriction, needs no permit."""

    entry: Entry
    mark: Mark
    before: Access
    rate_before: Rate | None = None


@dataclass(frozen=True, slots=True)
class Remove:
    """Take away entries that carry our mark where none should be: unknown to the controller, or of another binding."""

    key: Key
    mark: Mark


@dataclass(frozen=True, slots=True)
class Refresh:
    """Only the effect is due: the record is right, live sessions still have the former access.

    `lowers` is true where the effect takes something away, so that it needs a permit as a restriction does.
    """

    entry: Entry
    mark: Mark
    lowers: bool


Change = Restrict | Restore | Remove | Refresh


def key_of(change: Change) -> Key:
    """The key that a change is about."""
    return change.key if isinstance(change, Remove) else change.entry.key


def binding_of(change: Change) -> BindingId:
    """The binding that a change is about."""
    return change.mark.binding


def needs_permit(change: Change) -> bool:
    """Whether the change takes something away from a customer: no permit, no cut."""
    match change:
        case Restrict():
            return True
        case Refresh(lowers=lowers):
            return lowers
        case Restore() | Remove():
            return False


class Result(StrEnum):
    """What the device said to one change. `DONE` is no proof: only a read is."""

    DONE = "done"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one change; `detail` is the device's own words (a trap, an Error-Cause), safe to show."""

    change: Change
    result: Result
    detail: str = ""
    effect_done: bool = True
    """False while a live session has not yet taken the change: the effect stays owed."""
