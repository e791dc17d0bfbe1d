"""The trailing run of returned receipts of a service, recomputed from the ledger each time: nothing is counted up.

Between the ledger and `decide`: so many in a row are what a release may be proposed on. A receipt is an invoice:
however often it is presented again, it counts once. The reading of "three in a row" is the product's own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import takewhile
from typing import NamedTuple

from controller.core.calendar import Days, local_date, start_of
from controller.core.facts import Collection, Facts, HoldKind, Invoice
from controller.core.holds import holds_in_force
from controller.core.horizon import Horizon
from controller.core.ledger import Unpaid, concerns
from controller.core.payments import last_return_day
from controller.core.policy import Policy, Track
from controller.core.refunds import CameBack, came_back
from controller.core.return_codes import ReturnClass
from enforcement.entries import ServiceId


@dataclass(frozen=True, slots=True)
class Run:
    """`length` is how many returned receipts in a row are unpaid; `certain` is that number without late refunds.

    A late refund comes after the days in which the bank may return a debit by itself: without it the receipt would be
    settled. `invoices` are those of `length`, the oldest first; `owed` are these and those that a hold or another
    attempt to collect keeps from counting for now: what was imposed for the run still stands on them.
    """

    length: int
    certain: int
    invoices: tuple[str, ...]
    owed: tuple[str, ...]


_NONE = Run(0, 0, (), ())


class _Says(NamedTuple):
    """What one receipt does to the run, and what it would do had nothing been refunded late."""

    counts: bool = False
    breaks: bool = False
    counts_surely: bool = False
    would_break: bool = False
    is_owed: bool = False


@dataclass(frozen=True, slots=True)
class _Returned:
    """The latest collection of a receipt that came back whole and counts.

    `late` where that was after the days in which the bank returns by itself; `before` where an earlier one came back.
    """

    late: bool
    before: bool


def run_of(
    facts: Facts,
    policy: Policy,
    service_id: ServiceId,
    unpaid: Sequence[Unpaid],
    now: datetime,
    horizon: Horizon,
) -> Run:
    """The trailing run of a service's returned receipts that are unpaid now; `unpaid` is the account's ledger."""
    if not unpaid or not facts.returns:
        return _NONE
    returned = _returned(facts, policy, now, horizon)
    excused = _excused(facts, policy, service_id, now, horizon)
    still_open = {one.invoice.id: one for one in unpaid}
    latest_first = sorted(
        (one for one in facts.invoices if not one.cancelled and one.amount > 0 and concerns(one, service_id)),
        key=lambda one: (one.due_on, one.presented_on, one.id),
        reverse=True,
    )
    said = [
        (one.id, _says(one, still_open.get(one.id), service_id, returned.get(one.id), policy, excused))
        for one in latest_first
    ]
    trailing = list(takewhile(lambda one: not one[1].breaks, said))
    run = [id for id, says in reversed(trailing) if says.counts]
    sure = takewhile(lambda one: not one[1].would_break, said)
    owed = [id for id, says in reversed(trailing) if says.is_owed]
    return Run(len(run), sum(says.counts_surely for _, says in sure), tuple(run), tuple(owed))


def _says(
    invoice: Invoice,
    unpaid: Unpaid | None,
    service: ServiceId,
    returned: _Returned | None,
    policy: Policy,
    excused: Callable[[Invoice], bool],
) -> _Says:
    """Paid by any means, a receipt leaves the run; it breaks the run where its debit had been settled in its days."""
    was_settled = returned is None or (returned.late and not returned.before)
    still_owed = 0 if unpaid is None else unpaid.owed_for(service, Track.SERVICE)
    if _is_paid(invoice, unpaid, still_owed, policy):
        return _Says(breaks=was_settled, would_break=was_settled)
    would_break = returned is not None and was_settled
    is_idle = unpaid is not None and unpaid.idle is not None
    if returned is None or still_owed < policy.trivial_amount:
        return _Says(would_break=would_break)
    if is_idle or excused(invoice):
        return _Says(would_break=would_break, is_owed=True)
    return _Says(counts=True, counts_surely=not returned.late, would_break=would_break, is_owed=True)


def _is_paid(invoice: Invoice, unpaid: Unpaid | None, still_owed: int, policy: Policy) -> bool:
    """Whether nothing of it is open for the service, or next to nothing of a bill that was paid but for that."""
    if unpaid is None or still_owed == 0:
        return True
    return still_owed < policy.trivial_amount and sum(unpaid.shares.values()) < invoice.amount


def _returned(facts: Facts, policy: Policy, now: datetime, horizon: Horizon) -> Mapping[str, _Returned]:
    """The receipts that came back whole for a reason that counts, by invoice. A part of one is never the whole."""
    back, days = came_back(facts), policy.days_of(facts.municipality)
    found: dict[str, _Returned] = {}
    for one in sorted(facts.collections, key=lambda one: (one.collected_on, one.id)):
        event = back.get(one.id)
        if event is not None and event.amount >= one.amount and _counts(event, facts, days, now, horizon):
            found[one.invoice] = _Returned(_is_late(one, event.on, policy), before=one.invoice in found)
    return found


def refunded_late(facts: Facts, policy: Policy) -> frozenset[str]:
    """The invoices of which a debit came back, wholly or in part, after the days in which the bank returns by itself.

    Without that they would be settled, whatever else has been collected of them since.
    """
    back = came_back(facts)
    return frozenset(
        one.invoice for one in facts.collections if one.id in back and _is_late(one, back[one.id].on, policy)
    )


def _is_late(collection: Collection, on: date, policy: Policy) -> bool:
    return on > last_return_day(collection.collected_on, policy.clearing.return_window_days, policy.calendar.bank)


def _counts(event: CameBack, facts: Facts, days: Days, now: datetime, horizon: Horizon) -> bool:
    """Whether it is the payer's: what the payer's bank was told to refuse counts once the customer was reached."""
    if event.kind is not ReturnClass.PAYER:
        return event.kind is ReturnClass.COUNTS
    since = start_of(days.zone, event.on)
    reached = [
        one.delivered_at
        for one in facts.notices
        if one.delivered_at is not None and one.bounced_at is None and one.delivered_at >= since
    ]
    for at in reached:
        horizon.note(at)
    return any(at <= now for at in reached)


def _excused(
    facts: Facts, policy: Policy, service: ServiceId, now: datetime, horizon: Horizon
) -> Callable[[Invoice], bool]:
    """Which receipts are disputed or in a plan: those that had been presented when it began."""
    if not facts.holds:
        return lambda _: False
    zone = policy.days_of(facts.municipality).zone
    held = holds_in_force(facts, service, policy, now, horizon)
    began = [local_date(zone, one.hold.since) for one in held if one.hold.kind in (HoldKind.DISPUTE, HoldKind.PLAN)]
    last = max(began, default=date.min)
    return lambda invoice: invoice.presented_on <= last
