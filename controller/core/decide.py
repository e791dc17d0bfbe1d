"""decide(): what access each service of an account shall have now, why, and what would have to happen for less.

The heart of a review, between the account's facts and the entries of its devices. Pure: the same facts, policy and
instant give the same decisions, and by the clock alone nothing changes before `review_at`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from controller.core.blocks import Code, blocks_before
from controller.core.calendar import local_date
from controller.core.case import Case, cases, holds_in_force, orders_in_force
from controller.core.decision import Block, Decision, Evidence, ReasonFor
from controller.core.evidence import of_debt, of_holds, of_order, of_payment, of_stage
from controller.core.facts import OPENING_HOLDS, Facts, Imposed, Order
from controller.core.ledger import totals
from controller.core.policy import Policy, Stage
from controller.core.wording import day, instant, sums
from enforcement.access import LADDERS, Access, Kind, Reason, least, lowers
from enforcement.entries import ServiceId

Also = Mapping[ServiceId, Sequence[Block]]

_NOTHING: Also = {}


def decide(facts: Facts, policy: Policy, now: datetime, also: Also = _NOTHING) -> tuple[Decision, ...]:
    """One decision for each service of the account, in the order of the facts.

    `also` adds blocks that only the caller can know, such as the brake: deciding again with them gives the decision
    for a service whose first imposition was refused.
    """
    return tuple(_decision(case, also.get(case.service.id, ())) for case in cases(facts, policy, now))


def _decision(case: Case, also: Sequence[Block]) -> Decision:
    """Orders act at once beside whatever non-payment gives; the service has the least that any of them leaves."""
    orders = orders_in_force(case)
    billing = _billing(case, also)
    reasons = (*(_reason_for(case, order) for order in orders), *billing.reasons)
    return replace(
        billing,
        access=least(case.service.kind, (reason.access for reason in reasons)),
        reasons=reasons,
        evidence=(*(of_order(case, order) for order in orders), *billing.evidence),
        review_at=case.horizon.at,
    )


def _billing(case: Case, also: Sequence[Block]) -> Decision:
    """What non-payment gives, asked as an operator asks: paid? promised? the last step? what is missing? then now."""
    if not case.owes:
        return _restored(case)
    if any(hold.kind in OPENING_HOLDS for hold in holds_in_force(case)):
        case.imposed = None
    stage = _next_stage(case)
    if stage is None:
        return _kept(case, "", _no_further(case))
    blocks = blocks_before(case, stage, also)
    if blocks:
        return _kept(case, stage.name, blocks)
    return _imposed(case, stage)


def _restored(case: Case) -> Decision:
    """Nothing past due, or next to nothing: billing restricts nothing, at any hour and whatever else is the matter."""
    lifted = of_payment(case) if case.imposed is not None else ()
    return Decision(case.service.id, Access.FULL, evidence=tuple(lifted))


def _kept(case: Case, next_stage: str, blocks: tuple[Block, ...]) -> Decision:
    """What is imposed stays as it is; under an opening hold that is nothing."""
    evidence = [*of_debt(case), *of_holds(case)]
    if case.imposed is None:
        return Decision(case.service.id, Access.FULL, evidence=tuple(evidence), next_stage=next_stage, blocks=blocks)
    imposed = case.imposed
    evidence += [one for stage in _ladder(case) if stage.name == imposed.stage for one in of_stage(case, stage)]
    return _restricted(case, imposed, evidence, next_stage, blocks)


def _imposed(case: Case, stage: Stage) -> Decision:
    """One stage forward. What comes after it is looked at as from here, so that its review is in time."""
    evidence = [*of_debt(case), *of_stage(case, stage)]
    case.imposed = Imposed(case.service.id, stage.access, stage.name, case.now)
    after = _next_stage(case)
    blocks = blocks_before(case, after) if after else _no_further(case)
    return replace(_restricted(case, case.imposed, evidence, after.name if after else "", blocks), first=True)


def _restricted(
    case: Case, imposed: Imposed, evidence: Iterable[Evidence], next_stage: str, blocks: tuple[Block, ...]
) -> Decision:
    since = day(local_date(case.zone, imposed.since))
    oldest = day(case.debts[0].invoice.due_on)
    owed = f"{sums(totals(case.debts))} past due, the oldest since {oldest}"
    text = f"{imposed.stage} for non-payment since {since}: {owed}."
    return Decision(
        case.service.id,
        imposed.access,
        stage=imposed.stage,
        reasons=(ReasonFor(Reason.BILLING, imposed.access, text, imposed.stage),),
        evidence=tuple(evidence),
        next_stage=next_stage,
        blocks=blocks,
    )


def _ladder(case: Case) -> tuple[Stage, ...]:
    return case.policy.ladders.get(case.service.kind, ())


def _next_stage(case: Case) -> Stage | None:
    """The stage after the imposed one that lowers access further. A number is never released by a ladder.

    A stage that the policy does not know was adopted from another system, or the policy changed: it is never escalated.
    """
    ladder, access = list(_ladder(case)), Access.FULL
    if case.imposed is not None:
        names = [stage.name for stage in ladder]
        if case.imposed.stage not in names:
            return None
        ladder, access = ladder[names.index(case.imposed.stage) + 1 :], case.imposed.access
    lower = (stage for stage in ladder if lowers(case.service.kind, access, stage.access))
    return next((stage for stage in lower if stage.access is not Access.RELEASED), None)


def _no_further(case: Case) -> tuple[Block, ...]:
    """Why there is no next stage, where that needs a word: an imposed stage which is none of the policy's."""
    imposed = case.imposed
    if imposed is None or any(stage.name == imposed.stage for stage in _ladder(case)):
        return ()
    text = f"{imposed.stage} is no stage of policy {case.policy.name}: kept as it is, never lowered, lifted on payment."
    return (Block(Code.NOT_IN_POLICY, text),)


def _reason_for(case: Case, order: Order) -> ReasonFor:
    """What an order gives. It can't release a number; an access that the kind does not have restricts nothing."""
    access = _enforceable(case.service.kind, order.access)
    until = f"until {instant(order.until, case.zone)}" if order.until else "until it is ended"
    text = f"{order.reason} order {order.id} by {order.author}, {until}: {order.note}"
    if access is not order.access:
        text += f" (it asks for {order.access}, which an order for {case.service.kind} cannot give)"
    return ReasonFor(order.reason, access, text, order.id)


def _enforceable(kind: Kind, access: Access) -> Access:
    if access is Access.RELEASED:
        return LADDERS[kind][-2] if access in LADDERS[kind] else Access.FULL
    return access if access in LADDERS[kind] else Access.FULL
