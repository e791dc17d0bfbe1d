"""Written overrides: where a policy is looser than a floor, a person has said why, in the file, until a date.

An override allows one value at one key: another that is written there later has its own reason or none. The core lets
an override lapse after its date; here it is only matched with what it loosens. One that loosens nothing is refused
too: it was meant for something.
"""

from collections.abc import Iterable, Sequence
from datetime import date

from controller.core.calendar import add_months
from controller.core.policy import Loosened
from controller.policies.floors import Breach
from controller.policies.table import Table
from controller.policies.values import DAY, TEXT, long_enough
from enforcement.access import Kind

REASON = long_enough(10)
NAME = long_enough(3)
LONGEST_MONTHS = 24
"""A reading of the law is looked at again after two years, by whoever answers for it then."""

_STAGE_PART = 2
"""`ladders.<kind>.<stage>.<key>`: where the stage's name is."""

_KINDS = {kind.value: kind for kind in Kind}
_IDLE = "is no key at which this policy is looser than a floor; remove the override"
_FLOOR = "Which floor, as the refusal names it, where several stand at the key."


def read_overrides(tables: Iterable[Table]) -> tuple[Loosened, ...]:
    """The overrides of a file (its tables `loosened`)."""
    return tuple(map(_override, tables))


def _override(table: Table) -> Loosened:
    key = table.read("key", TEXT, "", "The key that is loosened, as the refusal writes it.")
    allows = table.read("allows", TEXT, "", "The value that is accepted there, as the refusal writes it.")
    floor = table.read("floor", TEXT, "", _FLOOR, required=False)
    reason = table.read("reason", REASON, "", "Why that is lawful, with its source.")
    author = table.read("author", NAME, "", "Who answers for it.")
    signed_on = table.read("signed_on", DAY, date.min, "When.")
    expires_on = table.read("expires", DAY, date.min, "The last day on which it counts: two years later at most.")
    last = add_months(signed_on, LONGEST_MONTHS)
    if not signed_on <= expires_on <= last:
        table.complain(
            "expires", f"is {expires_on}; it must be from {signed_on} (signed_on) to {last}, two years later"
        )
    table.done()
    kind, stage = _place(key)
    return Loosened(key, reason, author, expires_on, stage, kind, allows, floor, signed_on)


def _place(key: str) -> tuple[Kind | None, str]:
    """The kind and the stage that a key belongs to, if any."""
    parts = key.split(".")
    if parts[0] != "ladders" or len(parts) <= _STAGE_PART:
        return None, ""
    return _KINDS.get(parts[1]), parts[_STAGE_PART]


def refusals(breaches: Sequence[Breach], overrides: Sequence[Loosened]) -> list[str]:
    """What is said of breaches that no override covers, one a floor, and of overrides that are about none."""
    shared = {one.key for one in breaches if sum(other.key == one.key for other in breaches) > 1}
    found = [
        _refusal(one, one.key in shared, [over for over in overrides if over.key == one.key])
        for one in breaches
        if one.hard or not any(_covers(over, one, one.key in shared) for over in overrides)
    ]
    idle = {over.key for over in overrides if not any(_is_about(over, one) for one in breaches)}
    return found + [f"loosened: {key} {_IDLE}" for key in sorted(idle)]


def _is_about(over: Loosened, breach: Breach) -> bool:
    return over.key == breach.key and over.floor in ("", breach.name)


def _covers(over: Loosened, breach: Breach, shared: bool) -> bool:
    """Where several floors stand at a key, an override says which it means."""
    return _is_about(over, breach) and over.allows == breach.value and (bool(over.floor) or not shared)


def _refusal(breach: Breach, shared: bool, overrides: Sequence[Loosened]) -> str:
    words = f"{breach.key}: is {breach.value}; the floor is {breach.floor} ({breach.basis})."
    if breach.hard:
        return f"{words} No override loosens this."
    floor = f', floor = "{breach.name}"' if shared else ""
    signed = f"{_other_values(breach, overrides)}Keep to the floor, or say in writing why not:"
    override = f'[[loosened]] with key = "{breach.key}"{floor}, allows = "{breach.value}"'
    return f"{words} {signed} {override}, reason, author, signed_on and expires."


def _other_values(breach: Breach, overrides: Sequence[Loosened]) -> str:
    """Whoever signed for something else is not made to answer for this."""
    other = [over.allows for over in overrides if _is_about(over, breach) and over.allows != breach.value]
    return f"What is signed allows {'; '.join(sorted(set(other)))}. " if other else ""
