"""decide(): what access each service of an account shall have now, why, and what would have to happen for less.

The heart of a review, between the account's facts and the entries of its devices. Pure: the same facts, policy and
instant give the same decisions, and by the clock alone nothing changes before `review_at`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from controller.core.account import exemption, opens
from controller.core.blocks import nearness
from controller.core.calendar import local_date
from controller.core.case import Case, cases, orders_in_force
from controller.core.decision import Block, Decision, Evidence, NoticeDue, ReasonFor
from controller.core.evidence import of_debt, of_holds, of_order, of_payment, of_stage
from controller.core.facts import Facts, Imposed
from controller.core.ground import standing
from controller.core.ledger import totals
from controller.core.missing import blocks_before
from controller.core.notice_due import notice_due
from controller.core.ordered import reason_for
from controller.core.policy import Policy, Stage, Track
from controller.core.release import released
from controller.core.stages import next_stage, no_further, stage_named
from controller.core.wording import Said, Value, owed, say
from enforcement.access import Access, Rate, Reason, least
from enforcement.entries import ServiceId

Also = Mapping[ServiceId, Sequence[Block]]

_NOTHING: Also = {}


@dataclass(frozen=True, slots=True)
class Next:
    """The stage that is next, what stands in its way, and the message that it, or the other track's, lacks."""

    stage: Stage | None
    blocks: tuple[Block, ...]
    notice: NoticeDue | None = None


def decide(facts: Facts, policy: Policy, now: datetime, also: Also = _NOTHING) -> tuple[Decision, ...]:
    """One decision for each service of the account, in the order of the facts.

    `also` adds blocks that only the caller can know, such as the brake: deciding again with them gives the decision
    for a service whose first imposition was refused.
    """
    return tuple(_decision(case, also.get(case.service.id, ())) for case in cases(facts, policy, now))


def _decision(case: Case, also: Sequence[Block]) -> Decision:
    """Orders act at once beside whatever non-payment gives; the service has the least that any of them leaves."""
    orders = orders_in_force(case) if case.facts.orders else ()
    billing = _billing(case, also)
    if not orders:
        return billing if case.horizon.at is None else replace(billing, review_at=case.horizon.at)
    reasons = (*(reason_for(case, order) for order in orders), *billing.reasons)
    access = least(case.service.kind, (reason.access for reason in reasons))
    return replace(
        billing,
        access=access,
        reasons=reasons,
        evidence=(*(of_order(case, order) for order in orders), *billing.evidence),
        review_at=case.horizon.at,
        rate=billing.rate if access is billing.access else None,
    )


def _billing(case: Case, also: Sequence[Block]) -> Decision:
    """What non-payment gives, asked as an operator asks: gone? paid? exempt? promised? what is missing? then now."""
    if case.imposed is not None and case.imposed.access is Access.RELEASED:
        return released(case, case.imposed)
    if not case.unpaid or not any(case.owes(track) for track in Track):
        return _restored(case)
    exempt = exemption(case)
    if exempt is not None:
        return Decision(case.service.id, Access.FULL, evidence=tuple(_of_all_debt(case)), blocks=(exempt,))
    case = replace(case, imposed=None if opens(case) else standing(case))
    ahead = _next(case, also)
    if ahead.stage is None or ahead.blocks:
        return _kept(case, ahead)
    return _imposed(case, ahead.stage)


def _restored(case: Case) -> Decision:
    """Nothing past due, or next to nothing: billing restricts nothing, at any hour and whatever else is the matter."""
    lifted = of_payment(case) if case.imposed is not None else ()
    return Decision(case.service.id, Access.FULL, evidence=tuple(lifted))


def _next(case: Case, also: Sequence[Block] = ()) -> Next:
    """The next stage of the service's own debt; of premium-rate debt, where that is all or what can be taken first."""
    ways = []
    for track in Track:
        stage = next_stage(case, track)
        if stage is not None:
            blocks = blocks_before(case, stage, also)
            ways.append(Next(stage, blocks, notice_due(case, stage, blocks) if blocks else None))
            if not blocks:
                break
    if not ways:
        return Next(None, no_further(case))
    nearest = min(ways, key=lambda way: nearness(way.blocks)[:2])
    message = nearest.notice or next((way.notice for way in ways if way.notice is not None), None)
    return replace(nearest, notice=message)


def _kept(case: Case, ahead: Next) -> Decision:
    """What is imposed stays as it is; under an opening hold that is nothing."""
    if case.imposed is None:
        evidence = (*_of_all_debt(case), *of_holds(case))
        open_ = Decision(case.service.id, Access.FULL, evidence=evidence)
        return _looking_ahead(open_, ahead)
    return _looking_ahead(_restricted(case, case.imposed, of_holds(case)), ahead)


def _imposed(case: Case, stage: Stage) -> Decision:
    """One stage forward. What comes after it is looked at as from here, so that its review is in time."""
    imposed = Imposed(case.service.id, stage.access, stage.name, case.now)
    case = replace(case, imposed=imposed)
    if stage.access is Access.RELEASED:
        given_back = released(case, imposed)
        return replace(given_back, evidence=(*given_back.evidence, *_grounds(case, imposed)), first=True)
    return replace(_looking_ahead(_restricted(case, imposed), _next(case)), first=True)


def _restricted(case: Case, imposed: Imposed, beside: Iterable[Evidence] = ()) -> Decision:
    return Decision(
        case.service.id,
        imposed.access,
        stage=imposed.stage,
        reasons=(ReasonFor(Reason.BILLING, imposed.access, _why(case, imposed), imposed.stage),),
        evidence=(*_grounds(case, imposed), *beside),
        rate=_rate(stage_named(case, imposed.stage), imposed),
    )


def _looking_ahead(decision: Decision, ahead: Next) -> Decision:
    name = ahead.stage.name if ahead.stage is not None else ""
    return replace(decision, next_stage=name, blocks=ahead.blocks, notice_due=ahead.notice)


def _grounds(case: Case, imposed: Imposed) -> Iterable[Evidence]:
    """What an imposed stage stands on; one that the policy does not know stands on what is owed."""
    stage = stage_named(case, imposed.stage)
    if stage is None:
        yield from _of_all_debt(case)
    else:
        yield from of_debt(case, stage.track)
        yield from of_stage(case, stage)


def _of_all_debt(case: Case) -> Iterable[Evidence]:
    for track in Track:
        yield from of_debt(case, track)


def _why(case: Case, imposed: Imposed) -> Said:
    stage = stage_named(case, imposed.stage)
    debts = case.debts[stage.track] if stage is not None else [debt for track in Track for debt in case.debts[track]]
    words: dict[str, Value] = {
        "stage": imposed.stage,
        "since": local_date(case.zone, imposed.since),
        "owed": owed(totals(debts)),
        "oldest": min(debt.invoice.due_on for debt in debts),
    }
    rate = _rate(stage, imposed)
    if rate is not None:
        return say(
            "{stage} to {rate} kbit/s for non-payment since {since}: {owed} past due, the oldest since {oldest}.",
            rate=str(rate),
            **words,
        )
    return say("{stage} for non-payment since {since}: {owed} past due, the oldest since {oldest}.", **words)


def _rate(stage: Stage | None, imposed: Imposed) -> Rate | None:
    """What an imposed stage leaves; none where the policy has since given its name to another access."""
    return stage.rate if stage is not None and stage.access is imposed.access else None
