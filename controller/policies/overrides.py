"""Written overrides: where a policy is looser than a floor, a person has said why, in the file, until a date.

The core lets an override lapse after its date; here it is only matched with what it loosens. One that loosens nothing
is refused too: it was meant for something.
"""

from collections.abc import Iterable, Sequence
from datetime import date

from controller.core.policy import Loosened
from controller.policies.floors import Breach
from controller.policies.table import Table
from controller.policies.values import DAY, TEXT

_STAGE_PART = 2
"""`ladders.<kind>.<stage>.<key>`: where the stage's name is."""

_IDLE = "is no key at which this policy is looser than a floor; remove the override"


def read_overrides(tables: Iterable[Table]) -> tuple[Loosened, ...]:
    """The overrides of a file (its tables `loosened`)."""
    return tuple(map(_override, tables))


def _override(table: Table) -> Loosened:
    key = table.read("key", TEXT, "", "The key that is loosened, as the refusal writes it.")
    reason = table.read("reason", TEXT, "", "Why that is lawful, with its source.")
    author = table.read("author", TEXT, "", "Who answers for it.")
    expires_on = table.read("expires", DAY, date.max, "The last day on which it counts.")
    table.done()
    parts = key.split(".")
    stage = parts[_STAGE_PART] if parts[0] == "ladders" and len(parts) > _STAGE_PART else ""
    return Loosened(key, reason, author, expires_on, stage)


def refusals(breaches: Sequence[Breach], overrides: Sequence[Loosened]) -> list[str]:
    """What is said of breaches that no override covers, one a key, and of overrides that cover none."""
    allowed = {one.key for one in overrides}
    told = {one.key: one for one in reversed(breaches) if one.hard or one.key not in allowed}
    found = [_refusal(one) for one in reversed(told.values())]
    loosened = {one.key for one in breaches}
    found += [f"loosened: {key} {_IDLE}" for key in sorted(allowed - loosened)]
    return found


def _refusal(breach: Breach) -> str:
    words = f"{breach.key}: is {breach.value}; the floor is {breach.floor} ({breach.basis})."
    if breach.hard:
        return f"{words} No override loosens this."
    override = f'[[loosened]] with key = "{breach.key}", reason, author and expires'
    return f"{words} Keep to the floor, or say in writing why not: {override}."
