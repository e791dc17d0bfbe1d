"""Where a service stands on its policy's ladder, and which stage would come next.

Between the case and the question of what stands in the next stage's way. Money is on two tracks, and so are stages:
premium-rate debts lead to `no_premium` and to nothing else.
"""

from collections.abc import Iterator

from controller.core.blocks import Code
from controller.core.calendar import days_after, start_of
from controller.core.case import Case
from controller.core.decision import Block
from controller.core.facts import Imposed
from controller.core.policy import Conditions, Stage, Track
from controller.core.wording import say
from enforcement.access import Access, lowers

_FOLLOWS = {Access.EMERGENCY_ONLY: Access.INCOMING_ONLY, Access.RELEASED: Access.EMERGENCY_ONLY}
"""What no policy can skip: incoming calls are kept first, and a number rests before it is given back."""


def ladder(case: Case) -> tuple[Stage, ...]:
    """The policy's stages for this kind of service."""
    return case.policy.ladders.get(case.service.kind, ())


def stage_named(case: Case, name: str) -> Stage | None:
    """The policy's stage of that name; None where it was adopted from another system, or the policy changed."""
    return next((stage for stage in ladder(case) if stage.name == name), None)


def is_adopted(case: Case) -> bool:
    """Whether what is imposed is none of the policy's stages: it is kept, never escalated, and lifted on payment."""
    return case.imposed is not None and stage_named(case, case.imposed.stage) is None


def position(case: Case, track: Track) -> Imposed | None:
    """What is imposed for that track. A stage of the other is no step before, or paying that one could cost more."""
    imposed = case.imposed
    stage = stage_named(case, imposed.stage) if imposed is not None else None
    return imposed if stage is not None and stage.track is track else None


def next_stage(case: Case, track: Track) -> Stage | None:
    """The stage of an owed track after the imposed one that lowers access further."""
    if not case.owes(track) or is_adopted(case):
        return None
    return next((stage for stage in _lower(case, track) if is_rung(case, stage) and _may_follow(case, stage)), None)


def no_further(case: Case) -> tuple[Block, ...]:
    """Why there is no next stage, where that needs a word."""
    if case.imposed is not None and is_adopted(case):
        text = say(
            "{stage} is no stage of policy {policy}: kept as it is, never lowered, lifted on payment.",
            stage=case.imposed.stage,
            policy=case.policy.name,
        )
        return (Block(Code.NOT_IN_POLICY, text),)
    if any(case.owes(track) and next(_lower(case, track), None) for track in Track):
        text = say("No further stage of policy {policy} is in force and for this customer.", policy=case.policy.name)
        return (Block(Code.NOT_FOR_CUSTOMER, text),)
    return ()


def is_for(case: Case, conditions: Conditions) -> bool:
    """Whether the account's tags are those that the conditions ask for."""
    return conditions.tags_with <= case.facts.tags and not conditions.tags_without & case.facts.tags


def _lower(case: Case, track: Track) -> Iterator[Stage]:
    stages, access = ladder(case), Access.FULL
    if case.imposed is not None:
        access = case.imposed.access
    here = position(case, track)
    if here is not None:
        stages = stages[[stage.name for stage in stages].index(here.stage) + 1 :]
    return (stage for stage in stages if stage.track is track and lowers(case.service.kind, access, stage.access))


def is_rung(case: Case, stage: Stage) -> bool:
    """A rung whose law is over, or that is for other customers, is no rung of this one's."""
    if stage.source.valid_to is not None:
        over = start_of(case.zone, days_after(stage.source.valid_to, 1))
        case.horizon.note(over)
        if case.now >= over:
            return False
    return any(is_for(case, one) for one in stage.conditions)


def _may_follow(case: Case, stage: Stage) -> bool:
    before = _FOLLOWS.get(stage.access)
    here = position(case, stage.track)
    return before is None or (here is not None and here.access is before)
