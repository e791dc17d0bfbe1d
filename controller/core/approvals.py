"""Who has said yes or no to a stage of a service, and whether that is enough.

Between the approvals that people gave and the blocks before a stage. Two approvals are two people's; a no stops the
stage until somebody says yes anew, and what was said before the no counts no more.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from controller.core.blocks import Code
from controller.core.case import Case
from controller.core.conditions import stands_on_late_refunds
from controller.core.decision import Block
from controller.core.facts import Approval
from controller.core.policy import Stage
from controller.core.stages import ladder, position
from controller.core.wording import say
from enforcement.access import Access

TWO_PEOPLE = 2
"""What no policy can loosen: the way to giving a number back is opened by two people."""


@dataclass(frozen=True, slots=True)
class Given:
    """The approvals that count, one a person, and the refusal that stands, if one does."""

    approvals: tuple[Approval, ...]
    refusal: Approval | None

    @property
    def people(self) -> tuple[str, ...]:
        """Who has approved."""
        return tuple(one.by for one in self.approvals)


def given(case: Case, stage: Stage) -> Given:
    """What was said since the present stage began, or the service was last open; a yes counts for the policy's days."""
    here = position(case, stage.track)
    said = _counted(case, stage, here.since if here is not None else restored_last(case))
    days = timedelta(days=case.policy.approval_days)
    for one in said.approvals:
        case.horizon.note(one.at + days)
    return Given(tuple(one for one in said.approvals if case.now < one.at + days), said.refusal)


def given_in_this_restriction(case: Case, stage: Stage) -> Given:
    """What was said of a stage since the service was last open: for one that is imposed already."""
    return _counted(case, stage, restored_last(case))


def approvals_needed(case: Case, stage: Stage) -> int:
    """How many people must have approved: one more where the stage's conditions hold by a late refund alone."""
    needed = stage.approvals + stands_on_late_refunds(case, stage)
    if stage.access is Access.EMERGENCY_ONLY and any(one.access is Access.RELEASED for one in ladder(case)):
        return max(needed, TWO_PEOPLE + stands_on_late_refunds(case, stage))
    return needed


def by_approvals(case: Case, stage: Stage) -> Iterable[Block]:
    """What the stage lacks of people's yes."""
    yield from lacking_people(stage, given(case, stage), approvals_needed(case, stage))


def lacking_people(stage: Stage, said: Given, needed: int) -> Iterable[Block]:
    """The blocks of a refusal that stands, or of approvals that are missing."""
    if said.refusal is not None:
        text = say(
            "{by} refused {stage}: {note}. Somebody must approve it anew.",
            by=said.refusal.by,
            stage=stage.name,
            note=said.refusal.note,
        )
        yield Block(Code.REFUSED, text)
    elif len(said.approvals) < needed:
        text = say(
            "{stage} needs {needed} people's approval; given by: {people}; missing: {missing}.",
            stage=stage.name,
            needed=needed,
            people=said.people or say("nobody"),
            missing=needed - len(said.approvals),
        )
        yield Block(Code.APPROVAL, text)


def restored_last(case: Case) -> datetime | None:
    """When billing last restricted the service no more."""
    return max((one.until for one in case.facts.suspensions if one.service == case.service.id), default=None)


def _counted(case: Case, stage: Stage, since: datetime | None) -> Given:
    """The last word in time; where a yes and a no were said at one instant, the no is the last."""
    said = [one for one in case.facts.approvals if one.service == case.service.id and one.stage == stage.name]
    for one in said:
        case.horizon.note(one.at)
    heard = [one for one in said if one.at <= case.now and (since is None or one.at >= since)]
    heard.sort(key=lambda one: (one.at, one.refused, one.by, one.note))
    people: dict[str, Approval] = {}
    refusal = None
    for one in heard:
        if one.refused:
            people, refusal = {}, one
        else:
            people[one.by], refusal = one, None
    return Given(tuple(people.values()), refusal)
