"""What is owed, recomputed from invoices and payments at each review: no balance is stored, so none can be wrong.

Between the facts and `decide`. Money of one currency never pays, and is never added to, that of another. A returned
collection makes no debt by itself: an invoice is unpaid until it is paid; returns are evidence of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from controller.core.calendar import days_after
from controller.core.collecting import Idle, idle_invoices
from controller.core.facts import Charge, Facts, Invoice, Payment
from controller.core.horizon import Horizon
from controller.core.payments import Standing, TakenBack, cleared, pays_all, taken_back
from controller.core.policy import Policy, Track
from enforcement.entries import ServiceId

Share = tuple[ServiceId | None, Track | None]
"""A part of a bill: of which service (None: the bill does not say) and on which track (None: it bars nothing)."""

Shares = Mapping[Share, int]

_TRACK_OF = {
    Charge.SERVICE: Track.SERVICE,
    Charge.PREMIUM: Track.PREMIUM,
    Charge.THIRD_PARTY: Track.PREMIUM,
    Charge.EQUIPMENT: None,
}
_PAID_FIRST = (Track.SERVICE, Track.PREMIUM, None)
"""Money that does not say its line pays communications first, which bars suspension (RD 899/2009 art. 23.1)."""


@dataclass(frozen=True, slots=True)
class Unpaid:
    """An invoice that is not wholly paid. `shares` is what is open of each of its parts.

    `reopened_at` is when money that had paid of it was last taken back. Until `idle.until` it leads to nothing.
    """

    invoice: Invoice
    shares: Shares
    reopened_at: datetime | None = None
    idle: Idle | None = None

    @property
    def late_from(self) -> date:
        """The first local day on which it is past due."""
        return late_from(self.invoice)

    def owed_for(self, service: ServiceId, track: Track) -> int:
        """What is open of it for a service. What the bill does not itemise is owed for every service."""
        return self.shares.get((service, track), 0) + self.shares.get((None, track), 0)


@dataclass(frozen=True, slots=True)
class Debt:
    """What one service owes on one invoice on one track.

    A notice that was sent before `reopened_at` does not announce it. Until `idle_until` it leads to nothing, because
    of `idle_why`.
    """

    invoice: Invoice
    amount: int
    late_from: date
    reopened_at: datetime | None = None
    idle_until: datetime | None = None
    idle_why: str = ""


def unpaid_invoices(facts: Facts, policy: Policy, now: datetime, horizon: Horizon) -> tuple[Unpaid, ...]:
    """All invoices that cleared payments leave open at `now`, past due or not, the oldest due first."""
    if pays_all(facts, policy, now):
        return ()
    standings = cleared(facts, policy, now, horizon)
    unpaid = unpaid_after(facts, standings)
    if not unpaid:
        return ()
    idle = idle_invoices(facts, policy, {one.invoice.id for one in unpaid}, now, horizon)
    reopened = _reopened(facts, standings, taken_back(facts, policy, now))
    if not idle and not reopened:
        return unpaid
    return tuple(
        replace(one, reopened_at=reopened.get(one.invoice.id), idle=idle.get(one.invoice.id)) for one in unpaid
    )


def unpaid_after(facts: Facts, standings: Sequence[Standing]) -> tuple[Unpaid, ...]:
    """What these payments leave open of the account's invoices, and no more than that."""
    if _all_paid(facts, standings):
        return ()
    invoices = _invoices(facts)
    paid = _paid(facts, invoices, _money(standings))
    return tuple(
        Unpaid(invoice, _open_shares(invoice, paid[invoice.id]))
        for invoice in invoices
        if paid[invoice.id] < invoice.amount
    )


def late_from(invoice: Invoice) -> date:
    """The first local day on which a bill is past due: the day after it was due, and not before it was presented."""
    return days_after(max(invoice.due_on, invoice.presented_on), 1)


def concerns(invoice: Invoice, service: ServiceId) -> bool:
    """Whether an invoice bills a service for itself, or does not say which one it bills."""
    return not invoice.lines or any(
        amount > 0 and track is Track.SERVICE and of in (None, service)
        for (of, track), amount in _parts(invoice).items()
    )


def debts_of(service: ServiceId, unpaid: Iterable[Unpaid], track: Track) -> list[Debt]:
    """What is open for one service on one track, in the order of `unpaid`."""
    found = []
    for one in unpaid:
        amount = one.owed_for(service, track)
        if amount > 0:
            until, why = (one.idle.until, one.idle.why) if one.idle is not None else (None, "")
            found.append(Debt(one.invoice, amount, one.late_from, one.reopened_at, until, why))
    return found


def totals(debts: Iterable[Debt]) -> dict[str, int]:
    """The sum of the debts in each currency."""
    sums: dict[str, int] = {}
    for debt in debts:
        sums[debt.invoice.currency] = sums.get(debt.invoice.currency, 0) + debt.amount
    return sums


def _all_paid(facts: Facts, standings: Iterable[Standing]) -> bool:
    """Whether the money of each currency reaches for all its bills: then it pays them, whatever it was allocated to."""
    left: dict[str, int] = {}
    for one in standings:
        currency = one.payment.currency
        left[currency] = left.get(currency, 0) + one.amount
    for invoice in facts.invoices:
        if not invoice.cancelled:
            left[invoice.currency] = left.get(invoice.currency, 0) - invoice.amount
    return all(amount >= 0 for amount in left.values())


def _invoices(facts: Facts) -> list[Invoice]:
    """The bills that are to be paid, in the order in which money pays them."""
    return sorted(
        (invoice for invoice in facts.invoices if not invoice.cancelled and invoice.amount > 0),
        key=lambda invoice: (invoice.due_on, invoice.presented_on, invoice.id),
    )


Money = Sequence[tuple[Payment, int]]
"""Payments in their order, and what is left of each."""


def _money(standings: Iterable[Standing]) -> Money:
    return [(one.payment, one.amount) for one in standings]


def _paid(facts: Facts, invoices: Sequence[Invoice], money: Money) -> dict[str, int]:
    """How much of each invoice is paid: first what allocations name it for, then the oldest from the rest."""
    allocated = _allocated({invoice.id: invoice for invoice in invoices}, money)
    loose = _loose_money(facts, money, invoices, allocated)
    return {invoice.id: _take(loose, invoice, allocated.get(invoice.id, 0)) for invoice in invoices}


def _allocated(invoices: Mapping[str, Invoice], money: Money) -> dict[str, int]:
    """What payments name each invoice for, at most its amount and theirs."""
    paid: dict[str, int] = {}
    for payment, amount_left in money:
        rest = amount_left
        for id, amount in payment.allocations:
            invoice = invoices.get(id)
            if invoice is None or invoice.currency != payment.currency:
                continue
            taken = min(amount, rest, invoice.amount - paid.get(id, 0))
            if taken > 0:
                paid[id] = paid.get(id, 0) + taken
                rest -= taken
    return paid


def _loose_money(
    facts: Facts, money: Money, invoices: Iterable[Invoice], allocated: Mapping[str, int]
) -> dict[str, int]:
    """Money by currency that no allocation has used: it pays the oldest. A credit note is money like any other."""
    loose: dict[str, int] = {}
    for payment, amount in money:
        loose[payment.currency] = loose.get(payment.currency, 0) + amount
    for note in facts.invoices:
        if note.amount < 0 and not note.cancelled:
            loose[note.currency] = loose.get(note.currency, 0) - note.amount
    for invoice in invoices:
        if invoice.id in allocated:
            loose[invoice.currency] -= allocated[invoice.id]
    return loose


def _take(loose: dict[str, int], invoice: Invoice, paid: int) -> int:
    """What is paid of the invoice once loose money has gone to it; `loose` is left with the rest."""
    taken = max(min(loose.get(invoice.currency, 0), invoice.amount - paid), 0)
    if taken:
        loose[invoice.currency] -= taken
    return paid + taken


def _reopened(facts: Facts, standings: Sequence[Standing], lost: Sequence[TakenBack]) -> dict[str, datetime]:
    """When money that had paid of an invoice was last taken back: just before, more of it was paid than now is.

    All that counts now is taken to have counted then, so that paying a debt never makes it look as if it was open.
    """
    found: dict[str, datetime] = {}
    if not lost:
        return found
    invoices, money = _invoices(facts), _money(standings)
    paid = _paid(facts, invoices, money)
    for one in lost:
        held = [
            (other.payment, other.amount) for other in lost if other is one or other.counted_at < one.at <= other.at
        ]
        before = _paid(facts, invoices, [*money, *held])
        for id, amount in paid.items():
            if before[id] > amount:
                found.setdefault(id, one.at)
    return found


def _open_shares(invoice: Invoice, paid: int) -> Shares:
    """What is still open of each part of a bill.

    A payment says the invoice, not the line. It goes to the parts in one fixed order, so that paying more never makes
    one unpaid again: communications before all else, and of those the smallest first, which leaves the fewest services
    unpaid. Discounts count as paid.
    """
    shares = _parts(invoice)
    rest = paid - sum(share for share in shares.values() if share < 0)
    still_open: dict[Share, int] = {}
    for part in sorted((part for part, share in shares.items() if share > 0), key=lambda part: _place(part, shares)):
        taken = min(shares[part], rest)
        rest -= taken
        if taken < shares[part]:
            still_open[part] = shares[part] - taken
    return still_open


def _place(part: Share, shares: Shares) -> tuple[int, int, str]:
    service, track = part
    return _PAID_FIRST.index(track), shares[part], service or ""


def _parts(invoice: Invoice) -> dict[Share, int]:
    """The lines of a bill by service and track, and what they leave of its amount.

    That rest is for the services, unless the bill also collects what is not communications: then nobody can tell which
    of the two it is, and what is not itemised bars nothing (RD 899/2009 art. 23.1).
    """
    shares: dict[Share, int] = {}
    for line in invoice.lines:
        part = line.service, _TRACK_OF[line.charge]
        shares[part] = shares.get(part, 0) + line.amount
    foreign = any(line.charge in (Charge.EQUIPMENT, Charge.THIRD_PARTY) and line.amount > 0 for line in invoice.lines)
    rest: Share = None, None if foreign else Track.SERVICE
    shares[rest] = shares.get(rest, 0) + invoice.amount - sum(shares.values())
    return shares
