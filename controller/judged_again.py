"""Stages that were decided and that no device was read to give yet: are they still to be imposed? Pure.

Between the facts and `decide`, in reviews, permits and simulations. What was decided while an agent was away has cut
nobody. Until it does, it is judged on what is known by now and without itself, as if it were to be decided only now.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from controller.core.blocks import Code
from controller.core.decide import Also, decide
from controller.core.decision import Block, Decision
from controller.core.facts import Facts
from controller.core.policy import Policy
from controller.store.queries.unproven import Unproven
from enforcement.entries import ServiceId

NO_GROUND: frozenset[str] = frozenset({Code.WINDOW, Code.CANARY, Code.BRAKE})
"""What only delays a stage: the permit asks for the hours itself, and its place in the brake is taken already."""

_NOTHING: Also = {}


@dataclass(frozen=True, slots=True)
class Judged:
    """`facts` are without the stages that have `lapsed`; these are told with what stands in their way now.

    `standing` are services whose unproven stage would be imposed again; `review_at` is when the clock alone may change
    any of it.
    """

    facts: Facts
    standing: frozenset[ServiceId]
    lapsed: Mapping[ServiceId, tuple[Block, ...]]
    review_at: datetime | None


def judged_again(
    facts: Facts, unproven: Mapping[str, Unproven], policy: Policy, now: datetime, also: Also = _NOTHING
) -> Judged:
    """Judge the unproven stages of an account."""
    mine = {one.service: unproven[one.service] for one in facts.imposed if one.service in unproven}
    if not mine:
        return Judged(facts, frozenset(), {}, None)
    again = [one for one in decide(_as_before(facts, mine), policy, now, also) if one.service in mine]
    lapsed = {one.service: one.blocks for one in again if not _imposes(one, mine[one.service].stage)}
    asked = [one.review_at for one in again if one.review_at is not None]
    known = _as_before(facts, {service: mine[service] for service in lapsed})
    return Judged(known, frozenset(mine) - set(lapsed), lapsed, min(asked, default=None))


def _imposes(decision: Decision, stage: str) -> bool:
    if decision.first:
        return decision.stage == stage
    return decision.next_stage == stage and {str(block.code) for block in decision.blocks} <= NO_GROUND


def _as_before(facts: Facts, over: Mapping[ServiceId, Unproven]) -> Facts:
    """The facts without these stages: in their place is what stood before them."""
    if not over:
        return facts
    left = [one for one in facts.imposed if one.service not in over]
    former = [one.former for one in over.values() if one.former is not None]
    return replace(facts, imposed=(*left, *former))
