"""What is owed, recomputed from invoices and payments at each review: no balance is stored, so none can be wrong.

Between the facts and `decide`. Money of one currency never pays, and is never added to, that of another. A returned
collection makes no debt by itself: an invoice is unpaid until it is paid; returns are evidence of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from controller.core.calendar import days_after
from controller.core.facts import Facts, Invoice, Payment
from enforcement.entries import ServiceId

Shares = Mapping[ServiceId | None, int]


@dataclass(frozen=True, slots=True)
class Unpaid:
    """An invoice that is not wholly paid. `shares` is what is open by service, None what the bill does not itemise."""

    invoice: Invoice
    shares: Shares

    @property
    def late_from(self) -> date:
        """The first local day on which it is past due: the day after its due date, and not before it was presented."""
        return days_after(max(self.invoice.due_on, self.invoice.presented_on), 1)


@dataclass(frozen=True, slots=True)
class Debt:
    """What one service owes on one invoice. What a bill does not itemise is owed for every service of the account."""

    invoice: Invoice
    amount: int
    late_from: date


def counts_from(payment: Payment) -> datetime:
    """When the payment is money, for people and for its place among others: when it clears, or when it came."""
    return payment.clears_at or payment.received_at


def is_reversed(payment: Payment, now: datetime) -> bool:
    """Whether the payment has been taken back."""
    return payment.reversed_at is not None and payment.reversed_at <= now


def has_cleared(payment: Payment, now: datetime) -> bool:
    """Whether the payment pays debts at `now`.

    One that clears at no later instant pays as soon as it is told: billing's clock may be ahead of ours.
    """
    return not _is_under_way(payment, now) and not is_reversed(payment, now)


def is_clearing(payment: Payment, now: datetime) -> bool:
    """Whether the payment is under way: it pays nothing yet, and nobody is cut while it is."""
    return _is_under_way(payment, now) and not is_reversed(payment, now)


def _is_under_way(payment: Payment, now: datetime) -> bool:
    return payment.clears_at is not None and now < payment.clears_at


def unpaid_invoices(facts: Facts, now: datetime) -> tuple[Unpaid, ...]:
    """All invoices that cleared payments leave open at `now`, past due or not, the oldest due first."""
    invoices = sorted(
        (invoice for invoice in facts.invoices if not invoice.cancelled and invoice.amount > 0),
        key=lambda invoice: (invoice.due_on, invoice.presented_on, invoice.id),
    )
    cleared = [payment for payment in facts.payments if has_cleared(payment, now)]
    paid = _allocated({invoice.id: invoice for invoice in invoices}, cleared)
    loose = _loose_money(facts, cleared, invoices, paid)
    found = []
    for invoice in invoices:
        amount = _take(loose, invoice, paid.get(invoice.id, 0))
        if amount < invoice.amount:
            found.append(Unpaid(invoice, _open_shares(invoice, amount)))
    return tuple(found)


def debts_of(service: ServiceId, unpaid: Iterable[Unpaid]) -> list[Debt]:
    """What is open for one service, in the order of `unpaid`; services whose share is paid owe nothing there."""
    return [Debt(one.invoice, amount, one.late_from) for one in unpaid if (amount := _share(one.shares, service)) > 0]


def totals(debts: Iterable[Debt]) -> dict[str, int]:
    """The sum of the debts in each currency."""
    sums: dict[str, int] = {}
    for debt in debts:
        sums[debt.invoice.currency] = sums.get(debt.invoice.currency, 0) + debt.amount
    return sums


def _allocated(invoices: Mapping[str, Invoice], payments: Sequence[Payment]) -> dict[str, int]:
    """What payments name each invoice for, at most its amount and theirs."""
    paid: dict[str, int] = {}
    for payment in payments:
        rest = payment.amount
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
    facts: Facts, cleared: Iterable[Payment], invoices: Iterable[Invoice], paid: Mapping[str, int]
) -> dict[str, int]:
    """Money by currency that no allocation has used: it pays the oldest. A credit note is money like any other."""
    loose: dict[str, int] = {}
    for payment in cleared:
        loose[payment.currency] = loose.get(payment.currency, 0) + payment.amount
    for note in facts.invoices:
        if note.amount < 0 and not note.cancelled:
            loose[note.currency] = loose.get(note.currency, 0) - note.amount
    for invoice in invoices:
        if invoice.id in paid:
            loose[invoice.currency] -= paid[invoice.id]
    return loose


def _take(loose: dict[str, int], invoice: Invoice, paid: int) -> int:
    """What is paid of the invoice once loose money has gone to it; `loose` is left with the rest."""
    taken = max(min(loose.get(invoice.currency, 0), invoice.amount - paid), 0)
    if taken:
        loose[invoice.currency] -= taken
    return paid + taken


def _open_shares(invoice: Invoice, paid: int) -> Shares:
    """What is still open of each service's part.

    A payment says the invoice, not the line. It goes to the smallest part first, which leaves the fewest services
    unpaid, and never makes one unpaid again by paying more. Discounts count as paid.
    """
    shares: dict[ServiceId | None, int] = {}
    for line in invoice.lines:
        shares[line.service] = shares.get(line.service, 0) + line.amount
    shares[None] = shares.get(None, 0) + invoice.amount - sum(shares.values())
    rest = paid - sum(share for share in shares.values() if share < 0)
    due = [(share, service or "", service) for service, share in shares.items() if share > 0]
    still_open: dict[ServiceId | None, int] = {}
    for share, _, service in sorted(due):
        taken = min(share, rest)
        rest -= taken
        if taken < share:
            still_open[service] = share - taken
    return still_open


def _share(shares: Shares, service: ServiceId) -> int:
    return shares.get(service, 0) + shares.get(None, 0)
