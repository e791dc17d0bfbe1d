"""Which holds are in force on a service, until when, and which are not, within the bounds that the policy sets.

Between the facts and `decide`. A hold never lowers access; its bounds say how far one person's word may go, and
somebody who may go further says so in the hold (`beyond`). A plan that is broken holds nothing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import NamedTuple

from controller.core.calendar import Days, DayUnit, days_after, end_of_lead, later, local_date, start_of
from controller.core.facts import OPENING_HOLDS, Facts, Hold, HoldKind, Instalment
from controller.core.horizon import Horizon
from controller.core.ledger import debts_of, totals, unpaid_after
from controller.core.payments import Standing, cleared, under_way
from controller.core.policy import HoldBound, Policy, Track
from controller.core.return_codes import ReturnClass, class_of
from controller.core.wording import Money, Said, say
from enforcement.entries import ServiceId

CLAIMED_PAYMENT_HOURS = 48
"""For so long a customer's word that he has paid is taken; by then the bank has told it, or it was not so."""

_YEAR = timedelta(days=365)
_UNBOUND = HoldBound()


@dataclass(frozen=True, slots=True)
class Held:
    """A hold in force, until when (None: until somebody ends it), and whether it opens the service meanwhile."""

    hold: Hold
    until: datetime | None
    opens: bool


@dataclass(frozen=True, slots=True)
class NotHeld:
    """A hold that by its own words is in force now, and is not; `why` in words."""

    hold: Hold
    why: str


class _Asked(NamedTuple):
    """What a hold is judged by."""

    facts: Facts
    policy: Policy
    days: Days
    now: datetime
    horizon: Horizon


def holds_in_force(facts: Facts, service_id: ServiceId, policy: Policy, now: datetime, horizon: Horizon) -> list[Held]:
    """The holds of the service and of its whole account, in their order."""
    return [one for one in _judged(facts, service_id, policy, now, horizon) if isinstance(one, Held)]


def not_in_force(facts: Facts, service_id: ServiceId, policy: Policy, now: datetime) -> list[NotHeld]:
    """The holds that have begun and by their own words not ended, and that the policy's bounds keep from holding."""
    judged = _judged(facts, service_id, policy, now, Horizon(now))
    return [one for one in judged if isinstance(one, NotHeld)]


def overdue_for_review(hold: Hold, policy: Policy, today: date) -> bool:
    """Whether the day on which a person should have looked at the hold has passed."""
    begun = local_date(policy.days_of("").zone, hold.since)
    return (hold.review_on or days_after(begun, policy.holds.review_days)) < today


def over_at(hold: Hold, facts: Facts, policy: Policy, now: datetime, horizon: Horizon) -> datetime | None:
    """When a hold ended or will: by its own words, by its bounds, or with the first instalment that is missing."""
    asked = _Asked(facts, policy, policy.days_of(facts.municipality), now, horizon)
    ends = [end] if (end := _until(hold, _bound(hold, policy), asked)) is not None else []
    due, paid = 0, _paid_since(hold, asked) if hold.instalments else 0
    for one in sorted(hold.instalments, key=lambda one: one.due_on):
        due += one.amount
        missed_at = _missed_at(one, asked)
        horizon.note(missed_at)
        if paid < due and missed_at <= now:
            ends.append(missed_at)
    return min(ends, default=None)


def _judged(
    facts: Facts, service: ServiceId, policy: Policy, now: datetime, horizon: Horizon
) -> Iterator[Held | NotHeld]:
    if not facts.holds and not facts.returns:
        return
    asked = _Asked(facts, policy, policy.days_of(facts.municipality), now, horizon)
    told = [hold for hold in facts.holds if hold.service is None or hold.service == service]
    told += _deceased(facts, told, asked.days)
    mine = sorted(told, key=lambda hold: (hold.since, hold.id))
    too_often = _too_often(mine, policy)
    for hold in mine:
        horizon.note(hold.since)
        horizon.note(hold.until)
        if hold.since <= now and (hold.until is None or now < hold.until):
            yield _measured(hold, service, hold in too_often, asked)


def _measured(hold: Hold, service: ServiceId, too_often: bool, asked: _Asked) -> Held | NotHeld:
    """The hold as far as it goes, asked in the order in which a person would explain it."""
    bound = _bound(hold, asked.policy)
    if too_often:
        why = say(
            "{kind} was given {n} times within 365 days; the policy allows no more.",
            kind=hold.kind,
            n=bound.times_a_year,
        )
        return NotHeld(hold, why)
    over = _over_the_most(hold, service, bound.most_owed, asked)
    if over is not None:
        return NotHeld(hold, over)
    broken = _broken(hold, asked)
    if broken is not None:
        return NotHeld(hold, broken)
    until = _until(hold, bound, asked)
    asked.horizon.note(until)
    if until is not None and until <= asked.now:
        why = say(
            "{kind} has lasted as long as it may, from {begun}.",
            kind=hold.kind,
            begun=local_date(asked.days.zone, hold.since),
        )
        return NotHeld(hold, why)
    return Held(hold, until, hold.kind in OPENING_HOLDS)


def _over_the_most(hold: Hold, service: ServiceId, most: int, asked: _Asked) -> Said | None:
    """What was too much when the hold was given: no bill that fell due and no debit that came back since breaks it."""
    owed = _owed_at_first(hold, service, asked) if most > 0 else {}
    over = [Money(amount, currency) for currency, amount in sorted(owed.items()) if most < amount]
    if not over:
        return None
    return say(
        "{owed} past due; the policy allows {kind} up to {most}.",
        owed=tuple(over),
        kind=hold.kind,
        most=Money(most, over[0].currency),
    )


def _owed_at_first(hold: Hold, service: ServiceId, asked: _Asked) -> Mapping[str, int]:
    """What the service had past due when the hold was given, by currency."""
    first = local_date(asked.days.zone, hold.since)
    known = replace(asked.facts, returns=tuple(one for one in asked.facts.returns if one.returned_on <= first))
    unpaid = unpaid_after(known, cleared(known, asked.policy, hold.since, Horizon(hold.since)))
    return totals(debt for track in Track for debt in debts_of(service, unpaid, track) if debt.late_from <= first)


def _bound(hold: Hold, policy: Policy) -> HoldBound:
    return _UNBOUND if hold.beyond else policy.holds.bounds.get(hold.kind, _UNBOUND)


def _too_often(holds: Sequence[Hold], policy: Policy) -> list[Hold]:
    """Those before which the policy's number of holds of their kind was given within 365 days; these do not count."""
    found: list[Hold] = []
    given: dict[HoldKind, list[Hold]] = {}
    for hold in holds:
        most, before = _bound(hold, policy).times_a_year, given.setdefault(hold.kind, [])
        if 0 < most <= sum(hold.since - one.since < _YEAR for one in before):
            found.append(hold)
        else:
            before.append(hold)
    return found


def _until(hold: Hold, bound: HoldBound, asked: _Asked) -> datetime | None:
    """The earliest of its own end, its bounds', and the end of its plan."""
    ends = [hold.until] if hold.until is not None else []
    if bound.days:
        ends.append(end_of_lead(asked.days, hold.since, bound.days, DayUnit.DAYS))
    if hold.kind is HoldKind.CLAIMED_PAYMENT and not hold.beyond:
        ends.append(later(hold.since, timedelta(hours=CLAIMED_PAYMENT_HOURS)))
    if hold.instalments:
        ends.append(max(_missed_at(one, asked) for one in hold.instalments))
    return min(ends, default=None)


def _missed_at(instalment: Instalment, asked: _Asked) -> datetime:
    """The instant at which an instalment that has not come is missed: the days of grace are over."""
    return start_of(asked.days.zone, days_after(instalment.due_on, asked.policy.holds.plan_grace_days + 1))


def _broken(hold: Hold, asked: _Asked) -> Said | None:
    """What is missing of a plan: all that fell due so far must have come since it began. Late money mends it."""
    if not hold.instalments:
        return None
    due = 0
    for one in hold.instalments:
        missed_at = _missed_at(one, asked)
        asked.horizon.note(missed_at)
        due += one.amount if missed_at <= asked.now else 0
    if due == 0:
        return None
    paid = _paid_since(hold, asked)
    if paid >= due:
        return None
    return say(
        "The plan is broken: {paid} of {due} came.", paid=Money(paid, hold.currency), due=Money(due, hold.currency)
    )


def _paid_since(hold: Hold, asked: _Asked) -> int:
    """What came on the plan's first day or later, and what is under way."""
    first = local_date(asked.days.zone, hold.since)
    money: Iterable[Standing] = (
        *cleared(asked.facts, asked.policy, asked.now, asked.horizon),
        *under_way(asked.facts, asked.policy, asked.now, asked.horizon),
    )
    return sum(
        one.amount
        for one in money
        if hold.currency in ("", one.payment.currency) and local_date(asked.days.zone, one.payment.received_at) >= first
    )


def _deceased(facts: Facts, told: Sequence[Hold], days: Days) -> Iterator[Hold]:
    """A return that says that the payer has died stops everything, until a person has answered it with such a hold."""
    dead = {one.collection: one for one in facts.returns if class_of(one.code) is ReturnClass.DECEASED}
    for one in dead.values():
        since = start_of(days.zone, one.returned_on)
        if any(hold.kind is HoldKind.DECEASED and hold.since >= since for hold in told):
            continue
        note = say("The bank returned {collection} and says that the payer has died.", collection=one.collection)
        id = f"{one.code}:{one.collection}"
        yield Hold(id, HoldKind.DECEASED, since, say("the bank"), note, review_on=one.returned_on)
