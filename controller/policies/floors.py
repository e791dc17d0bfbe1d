"""Below which a policy may not go: the floors of a country's law, and what prudence refuses everywhere.

Data, with the sources; `breaches` finds where a policy is looser. Such a policy is used only with a written override at
that very key (`overrides.py`); a hard floor takes none. Stricter than a floor is always free.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from controller.core.calendar import DayUnit
from controller.core.policy import Stage
from controller.policies.stages import Rung
from controller.policies.worth import lasts, reaches
from enforcement.access import Access, Kind


@dataclass(frozen=True, slots=True)
class Breach:
    """A value that is looser than a floor. `stage` is empty where it is no stage's; a hard one takes no override.

    `name` is the floor's, by which an override says which of several floors at one key it means.
    """

    key: str
    value: str
    floor: str
    basis: str
    stage: str = ""
    hard: bool = False
    name: str = ""


@dataclass(frozen=True, slots=True)
class Lead:
    """The least notice, in whatever unit it is as long."""

    lead: int
    unit: DayUnit
    key: str = "notice.lead"

    def __str__(self) -> str:
        return f"{self.lead} {self.unit.value.replace('_', ' ')}"

    def found(self, stage: Stage) -> str:
        """The stage's own, in words; empty where it is long enough."""
        own = stage.notice
        enough = lasts(own.lead, own.unit, self.lead, self.unit)
        return "" if enough else f"{own.lead} {own.unit.value.replace('_', ' ')}"


@dataclass(frozen=True, slots=True)
class OneOf:
    """Every alternative of a stage's conditions asks for at least so much of one of these."""

    least: Mapping[str, int]

    @property
    def key(self) -> str:
        """Its place below the stage: the one condition's, or that of all."""
        return f"conditions.{next(iter(self.least))}" if len(self.least) == 1 else "conditions"

    def __str__(self) -> str:
        return _told(self.least)

    def found(self, stage: Stage) -> str:
        """The alternatives that are too loose, in words; empty where all ask for enough."""
        loose = [one for one in stage.conditions if not any(reaches(one, name, n) for name, n in self.least.items())]
        return "; or ".join(_told({name: getattr(one, name) for name in self.least}) for one in loose)


@dataclass(frozen=True, slots=True)
class Channels:
    """The ways in which the notice may be sent."""

    allowed: frozenset[str]
    key: str = "notice.channels"

    def __str__(self) -> str:
        return f"none but {', '.join(sorted(self.allowed))}"

    def found(self, stage: Stage) -> str:
        """The stage's own, in words; empty where all are allowed."""
        own = stage.notice.channels
        return "" if own and own <= self.allowed else ", ".join(sorted(own)) or "any"


@dataclass(frozen=True, slots=True)
class ValidDays:
    """For how long after the date that it named a notice may bind."""

    most: int
    key: str = "notice.valid_days"

    def __str__(self) -> str:
        return f"at most {self.most} days"

    def found(self, stage: Stage) -> str:
        """The stage's own, in words; empty where it is no longer."""
        own = stage.notice.valid_days
        return "" if own <= self.most else f"{own} days"


@dataclass(frozen=True, slots=True)
class DaysAfterDue:
    """How long after a bill was due it can first be announced."""

    least: int
    key: str = "notice.days_after_due"

    def __str__(self) -> str:
        return str(self.least)

    def found(self, stage: Stage) -> str:
        """The stage's own number, in words; empty where it is as late."""
        own = stage.notice.days_after_due
        return "" if own >= self.least else str(own)


@dataclass(frozen=True, slots=True)
class Approvals:
    """How many people must have said yes."""

    people: int
    key: str = "approvals"

    def __str__(self) -> str:
        return str(self.people)

    def found(self, stage: Stage) -> str:
        """The stage's own number, in words; empty where it is enough."""
        return "" if stage.approvals >= self.people else str(stage.approvals)


@dataclass(frozen=True, slots=True)
class StageFloor:
    """A floor for the stages of some accesses and kinds; not where a person has answered a question so."""

    name: str
    rule: Lead | OneOf | Channels | ValidDays | DaysAfterDue | Approvals
    accesses: frozenset[Access]
    basis: str
    kinds: frozenset[Kind] = frozenset(Kind)
    unless: tuple[str, str] | None = None
    hard: bool = False


def stage_breaches(floors: Sequence[StageFloor], rungs: Sequence[Rung], answers: Mapping[str, str]) -> Iterable[Breach]:
    """Where the stages are looser than the floors that hold under these answers."""
    for rung in rungs:
        for floor in floors:
            if rung.kind not in floor.kinds or rung.stage.access not in floor.accesses or _lifted(floor, answers):
                continue
            found = floor.rule.found(rung.stage)
            if found:
                key = f"{rung.key}.{floor.rule.key}"
                yield Breach(key, found, str(floor.rule), floor.basis, rung.stage.name, floor.hard, floor.name)


def _lifted(floor: StageFloor, answers: Mapping[str, str]) -> bool:
    return floor.unless is not None and answers.get(floor.unless[0]) == floor.unless[1]


def _told(asked: Mapping[str, int]) -> str:
    """One number alone; of several, which is which."""
    if len(asked) == 1:
        return str(next(iter(asked.values())))
    return " or ".join(f"{name} {number}" for name, number in asked.items())
