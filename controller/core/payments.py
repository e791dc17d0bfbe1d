"""Which payments are money, since when, and how much of each is left: by instrument, returns and reversals.

Between the facts and the ledger. A payment counts when its instrument can no longer take it back without a reason
(or provisionally, where the policy says so); what a bank takes back later is gone from it, and no more than that.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from controller.core.calendar import Days, DayUnit, add_bank_days, days_after, end_of_lead, local_date, start_of
from controller.core.facts import Facts, Instrument, Payment
from controller.core.horizon import Horizon
from controller.core.policy import ClearingRules, Clears, Policy
from controller.core.refunds import CameBack, came_back

_KNOWN = {one.value: one for one in Instrument}


@dataclass(frozen=True, slots=True)
class Standing:
    """A payment as it stands: `amount` is what is left of it after what came back of its collection.

    `counts_at` is when it is money, None while it is pending. `waits_until` is until when nobody is cut for its sake
    while it is under way: when it counts, or when a pending one has been pending for too long.
    """

    payment: Payment
    amount: int
    counts_at: datetime | None
    waits_until: datetime


@dataclass(frozen=True, slots=True)
class TakenBack:
    """Money that counted from `counted_at` and was taken back: a debt was paid until `at`."""

    payment: Payment
    amount: int
    counted_at: datetime
    at: datetime


def cleared(facts: Facts, policy: Policy, now: datetime, horizon: Horizon) -> list[Standing]:
    """The payments that pay debts at `now`, in the order in which they counted."""
    found = [one for one in _standings(facts, policy, now, horizon) if _counts(one, now)]
    return sorted(found, key=lambda one: (one.counts_at or one.waits_until, one.payment.id))


def pays_all(facts: Facts, policy: Policy, now: datetime) -> bool:
    """Whether the account is plainly paid: all its money counts, in one currency, and reaches for all its bills.

    Nearly all accounts are, and a review of all accounts must be quick. What may come back or is not yet money is no
    plain case, and is looked at in full: an answer of False says nothing. Nothing here changes by the clock.
    """
    if facts.returns:
        return False
    left, currency = 0, ""
    for payment in facts.payments:
        if payment.reversed_at is not None or not _counts_plainly(payment, policy, now):
            return False
        currency = currency or payment.currency
        if payment.currency != currency:
            return False
        left += payment.amount
    for invoice in facts.invoices:
        if not invoice.cancelled:
            left -= invoice.amount
            if invoice.currency != currency:
                return False
    return left >= 0


def _counts_plainly(payment: Payment, policy: Policy, now: datetime) -> bool:
    if payment.clears_at is not None:
        return payment.clears_at <= now
    clears = _clears(policy.clearing, payment.instrument)
    if clears is Clears.AT_ONCE:
        return True
    if payment.pending:
        return False
    if clears is Clears.BOOKED or policy.clearing.provisional:
        return True
    window = policy.clearing.return_window_days
    return payment.received_at < _counted_before(policy.timezone, now, window, policy.calendar.bank)


def under_way(facts: Facts, policy: Policy, now: datetime, horizon: Horizon) -> list[Standing]:
    """The payments that pay nothing yet and keep everybody from being cut meanwhile, the nearest first."""
    standings = _standings(facts, policy, now, horizon)
    found = [one for one in standings if not _counts(one, now) and now < one.waits_until]
    return sorted(found, key=lambda one: (one.waits_until, one.payment.id))


def taken_back(facts: Facts, policy: Policy, now: datetime) -> list[TakenBack]:
    """Money that had counted as paid and no longer does, the latest first.

    What came back before it ever counted is none of these: the debt was open all the time.
    """
    back = came_back(facts)
    if not back and all(one.reversed_at is None for one in facts.payments):
        return []
    days = policy.days_of(facts.municipality)
    found = [lost for one in facts.payments if (lost := _lost(one, policy, days, back, now)) is not None]
    return sorted(found, key=lambda lost: (lost.at, lost.payment.id), reverse=True)


def _lost(
    payment: Payment, policy: Policy, days: Days, back: Mapping[str, CameBack], now: datetime
) -> TakenBack | None:
    event = back.get(payment.collection) if payment.collection else None
    if event is None and payment.reversed_at is None:
        return None
    counts_at = _counts_at(payment, policy, days)
    if counts_at is None:
        return None
    if payment.reversed_at is not None and counts_at <= payment.reversed_at <= now:
        return TakenBack(payment, payment.amount, counts_at, payment.reversed_at)
    if event is not None and event.amount > 0 and local_date(days.zone, counts_at) <= event.on:
        return TakenBack(payment, min(event.amount, payment.amount), counts_at, start_of(days.zone, event.on))
    return None


def _standings(facts: Facts, policy: Policy, now: datetime, horizon: Horizon) -> list[Standing]:
    """All payments that are not taken back wholly."""
    if not facts.payments:
        return []
    back = came_back(facts)
    days = policy.days_of(facts.municipality)
    found = []
    for payment in facts.payments:
        if _is_reversed(payment, now):
            continue
        horizon.note(payment.reversed_at)
        amount = _left(payment, back)
        if amount > 0:
            found.append(_standing(payment, amount, policy, days))
            horizon.note(found[-1].waits_until if not _counts(found[-1], now) else None)
    return found


def _counts(one: Standing, now: datetime) -> bool:
    """Whether it is money. What needs no clearing pays as soon as it is told: billing's clock may be ahead of ours."""
    return one.counts_at is not None and (one.counts_at <= now or one.counts_at == one.payment.received_at)


def _is_reversed(payment: Payment, now: datetime) -> bool:
    return payment.reversed_at is not None and payment.reversed_at <= now


def _left(payment: Payment, back: Mapping[str, CameBack]) -> int:
    event = back.get(payment.collection) if payment.collection else None
    return payment.amount if event is None else payment.amount - event.amount


def _standing(payment: Payment, amount: int, policy: Policy, days: Days) -> Standing:
    counts_at = _counts_at(payment, policy, days)
    if counts_at is not None:
        return Standing(payment, amount, counts_at, counts_at)
    pending = policy.clearing.pending_days
    return Standing(payment, amount, None, end_of_lead(days, payment.received_at, pending, DayUnit.WORKING_DAYS))


def _counts_at(payment: Payment, policy: Policy, days: Days) -> datetime | None:
    """When it is money; None while it is only announced and its instrument needs more than that."""
    if payment.clears_at is not None:
        return payment.clears_at
    clears = _clears(policy.clearing, payment.instrument)
    if clears is Clears.AT_ONCE:
        return payment.received_at
    if payment.pending:
        return None
    if clears is Clears.BOOKED or policy.clearing.provisional:
        return payment.received_at
    day = local_date(days.zone, payment.received_at)
    return window_ends(days.zone, day, policy.clearing.return_window_days, policy.calendar.bank)


def _clears(rules: ClearingRules, instrument: str) -> Clears:
    """A word that is none of `Instrument` is `other`; an instrument that the policy does not name counts at once."""
    return rules.by_instrument.get(_KNOWN.get(instrument, Instrument.OTHER), Clears.AT_ONCE)


@lru_cache(maxsize=64)
def _counted_before(timezone: str, now: datetime, bank_days: int, bank: frozenset[date]) -> datetime:
    """Debits that were received before this instant can no longer be returned without a reason."""
    zone = ZoneInfo(timezone)
    day = today = local_date(zone, now)
    while window_ends(zone, day, bank_days, bank) > start_of(zone, today):
        day -= timedelta(days=1)
    return start_of(zone, days_after(day, 1))


@lru_cache(maxsize=4096)
def window_ends(zone: ZoneInfo, collected_on: date, bank_days: int, bank: frozenset[date]) -> datetime:
    """When the payer's bank can no longer return a debit without a reason: after the last of its bank days."""
    return start_of(zone, days_after(last_return_day(collected_on, bank_days, bank), 1))


def last_return_day(collected_on: date, bank_days: int, bank: frozenset[date]) -> date:
    """The last day on which the payer's bank may return a debit by itself; never, of one that is never collected."""
    if collected_on.year == date.max.year:
        return date.max
    return add_bank_days(collected_on, bank_days, bank)
