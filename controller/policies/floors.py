"""Below which a policy may not go: the floors of a country's law, and what prudence refuses everywhere.

Data, with the sources; `breaches` finds where a policy is looser. Such a policy is used only with a written override at
that very key (`overrides.py`); a hard floor takes none. Stricter than a floor is always free.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from controller.core.calendar import DayUnit
from controller.core.policy import Stage
from controller.policies.stages import Rung
from enforcement.access import Access, Kind

_RANK = {DayUnit.HOURS: 0, DayUnit.DAYS: 1, DayUnit.WORKING_DAYS: 2}


@dataclass(frozen=True, slots=True)
class Breach:
    """A value that is looser than a floor. `stage` is empty where it is no stage's; a hard one takes no override."""

    key: str
    value: str
    floor: str
    basis: str
    stage: str = ""
    hard: bool = False


@dataclass(frozen=True, slots=True)
class Lead:
    """The least notice. So many working days are at least as long as so many days, and days as hours."""

    lead: int
    unit: DayUnit
    key: str = "notice.lead"

    def __str__(self) -> str:
        return f"{self.lead} {self.unit.value.replace('_', ' ')}"

    def found(self, stage: Stage) -> str:
        """The stage's own, in words; empty where it is long enough."""
        own = stage.notice
        enough = _RANK[own.unit] >= _RANK[self.unit] and own.lead >= self.lead
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
        """The loosest alternative, in words; empty where all ask for enough."""
        loose = [one for one in stage.conditions if not any(getattr(one, name) >= n for name, n in self.least.items())]
        return _told({name: getattr(loose[0], name) for name in self.least}) if loose else ""


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

    rule: Lead | OneOf | Channels | Approvals
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
                yield Breach(key, found, str(floor.rule), floor.basis, rung.stage.name, floor.hard)


def _lifted(floor: StageFloor, answers: Mapping[str, str]) -> bool:
    return floor.unless is not None and answers.get(floor.unless[0]) == floor.unless[1]


def _told(asked: Mapping[str, int]) -> str:
    """One number alone; of several, which is which."""
    if len(asked) == 1:
        return str(next(iter(asked.values())))
    return " or ".join(f"{name} {number}" for name, number in asked.items())
