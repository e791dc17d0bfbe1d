"""What no ladder may be, whoever wrote a reason for it: the refusals that no override reaches.

The core refuses the same at every decision; here they are said while the person who wrote the file still looks at it.
"""

from collections.abc import Iterable, Mapping, Sequence

from controller.core.policy import Conditions, Stage, Track
from controller.policies.stages import Rung
from enforcement.access import Access, Kind, lowers

QUARANTINE_DAYS = 31
"""A number rests for a month at least before it is given back, however long that month is."""

RELEASE_APPROVALS = 2


def ladders_of(rungs: Sequence[Rung], answers: Mapping[str, str]) -> list[Rung]:
    """The rungs whose `only_if` is answered so."""
    return [rung for rung in rungs if all(answers.get(name) == option for name, option in rung.only_if.items())]


def stages_of(rungs: Iterable[Rung]) -> Mapping[Kind, tuple[Stage, ...]]:
    """The ladders of those kinds that have one."""
    found: dict[Kind, tuple[Stage, ...]] = {}
    for rung in rungs:
        found[rung.kind] = (*found.get(rung.kind, ()), rung.stage)
    return found


def check_ladders(rungs: Sequence[Rung]) -> None:
    """Complain of all that can't be a ladder."""
    for kind in Kind:
        ladder = [rung for rung in rungs if rung.kind is kind]
        for number, rung in enumerate(ladder):
            _check(rung, ladder[:number])


def _check(rung: Rung, before: Sequence[Rung]) -> None:
    stage, table = rung.stage, rung.table
    if stage.name in [other.stage.name for other in before]:
        table.complain("name", f"is {stage.name!r}; another stage of this ladder has it")
    last = before[-1].stage.access if before else Access.FULL
    if stage.access is not Access.FULL and not lowers(rung.kind, last, stage.access):
        table.complain("access", f"is {stage.access.value!r}; it must be lower than what comes before, {last.value!r}")
    _check_track(rung)
    _check_days(rung, [other for other in before if other.stage.track is stage.track])
    if stage.access is Access.RELEASED:
        _check_release(rung, before)
    if stage.access is Access.EMERGENCY_ONLY and last is not Access.INCOMING_ONLY:
        table.complain("access", "is 'emergency_only'; the stage before it must be 'incoming_only'")


def _check_track(rung: Rung) -> None:
    """Premium charges bar premium calls, and nothing else does."""
    premium = rung.stage.access is Access.NO_PREMIUM
    if premium is not (rung.stage.track is Track.PREMIUM):
        wanted = Track.PREMIUM if premium else Track.SERVICE
        words = f"is {rung.stage.track.value!r}; with access {rung.stage.access.value} it must be {wanted.value!r}"
        rung.table.complain("track", f"{words}: premium and third-party charges bar only those")


def _check_days(rung: Rung, before: Sequence[Rung]) -> None:
    """One step at a time: a stage that follows another lets it stand for a day at least."""
    days = [conditions.days_in_previous_stage for conditions in rung.stage.conditions]
    key = "conditions.days_in_previous_stage"
    if before and min(days) < 1:
        rung.table.complain(key, f"is {min(days)}; it must be at least 1, since {before[-1].stage.name} comes before")
    if not before and max(days) > 0:
        rung.table.complain(key, f"is {max(days)}; it must be 0, since no stage comes before")


def _check_release(rung: Rung, before: Sequence[Rung]) -> None:
    """A number is given back after its quarantine, by two people's word (design: no payment brings it back)."""
    last = before[-1].stage if before else None
    if last is None or last.access is not Access.EMERGENCY_ONLY:
        rung.table.complain("access", "is 'released'; the stage before it must be 'emergency_only', the quarantine")
        return
    if last.approvals < RELEASE_APPROVALS:
        words = f"is {last.approvals}; a number is given back by {RELEASE_APPROVALS} people's word at least"
        before[-1].table.complain("approvals", words)
    if not all(map(_is_founded, last.conditions)):
        words = "ask for no age, returned collections or earlier suspensions: no ground to give a number back"
        before[-1].table.complain("conditions", words)
    days = min(conditions.days_in_previous_stage for conditions in rung.stage.conditions)
    if days < QUARANTINE_DAYS:
        words = f"is {days}; a number rests for at least {QUARANTINE_DAYS} days before it is given back"
        rung.table.complain("conditions.days_in_previous_stage", words)


def _is_founded(asks: Conditions) -> bool:
    age = asks.months_since_presented + asks.days_since_presented + asks.months_since_due + asks.days_since_due
    return bool(age or asks.consecutive_returns or asks.earlier_suspensions)
