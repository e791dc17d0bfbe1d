"""Until when a part payment holds a service open: the policy says from which part of a debt on, and for how long.

Between the ledger and `decide`. A payment is measured against what was past due when it came and earlier money had left
open: so no later payment makes an earlier one look smaller, and paying more never closes what paying less had opened.
"""

from collections.abc import Sequence
from datetime import datetime

from controller.core.calendar import DayUnit, end_of_lead, local_date
from controller.core.facts import Facts
from controller.core.horizon import Horizon
from controller.core.ledger import late_from, unpaid_after
from controller.core.payments import Standing, cleared
from controller.core.policy import Policy, Track


def opened_by_part(facts: Facts, policy: Policy, now: datetime, horizon: Horizon) -> datetime | None:
    """Until when the account's part payments hold its services open; None where none does."""
    if policy.partial.percent <= 0:
        return None
    days = policy.days_of(facts.municipality)
    standings = cleared(facts, policy, now, horizon)
    found = []
    for place, one in enumerate(standings):
        until = end_of_lead(days, _came(one), policy.partial.days, DayUnit.DAYS)
        if now < until and _reaches(facts, policy, standings[:place], one):
            horizon.note(until)
            found.append(until)
    return max(found, default=None)


def _came(one: Standing) -> datetime:
    return one.counts_at or one.waits_until


def _reaches(facts: Facts, policy: Policy, earlier: Sequence[Standing], one: Standing) -> bool:
    """Whether it was the policy's part of what was past due. Only what may close a service is asked for.

    Where earlier money had paid all of it, it is more than a part.
    """
    day = local_date(policy.days_of(facts.municipality).zone, _came(one))
    currency = one.payment.currency
    if not any(bill.currency == currency and bill.amount > 0 and late_from(bill) <= day for bill in facts.invoices):
        return False
    due = sum(
        share
        for unpaid in unpaid_after(facts, earlier)
        if unpaid.invoice.currency == currency and unpaid.late_from <= day
        for (_, track), share in unpaid.shares.items()
        if track is Track.SERVICE
    )
    return one.amount * 100 >= due * policy.partial.percent
