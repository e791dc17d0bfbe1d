"""What is owed: cleared money pays, by its allocations and else the oldest; currencies keep to themselves."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from controller.core import ledger
from controller.core.facts import AccountId, Facts, Invoice, InvoiceLine, Payment, Service
from controller.core.horizon import Horizon
from controller.core.ledger import Unpaid, totals
from controller.core.policy import Track
from enforcement.access import Kind
from enforcement.entries import ServiceId
from tests.core.histories import INSTANTS, NET, SPAIN, TEL, at, facts, payments

NOW = at(date(2026, 11, 10))
OLD = Invoice("F-old", 2990, "EUR", date(2026, 9, 1), date(2026, 9, 6))
NEW = Invoice("F-new", 4490, "EUR", date(2026, 10, 1), date(2026, 10, 6))
ITEMISED = replace(NEW, lines=(InvoiceLine(2990, NET), InvoiceLine(1500, TEL)))


def account(*invoices: Invoice, payments: tuple[Payment, ...] = ()) -> Facts:
    services = (Service(NET, Kind.INTERNET), Service(TEL, Kind.FIXED_VOICE))
    return Facts(AccountId("A-1"), services=services, invoices=invoices, payments=payments)


def paid(amount: int, *allocations: tuple[str, int], currency: str = "EUR", at: datetime = NOW) -> Payment:
    return Payment(f"P-{amount}", amount, currency, "card", at, allocations=allocations)


def unpaid_invoices(facts: Facts, now: datetime) -> tuple[Unpaid, ...]:
    return ledger.unpaid_invoices(facts, SPAIN, now, Horizon(now))


def debts_of(service: ServiceId, unpaid: Iterable[Unpaid]) -> list[ledger.Debt]:
    return ledger.debts_of(service, unpaid, Track.SERVICE)


def owed(facts: Facts, now: datetime = NOW) -> dict[str, dict[str, int]]:
    """What each service owes on each invoice."""
    unpaid = unpaid_invoices(facts, now)
    by_service = {
        service: {debt.invoice.id: debt.amount for debt in debts_of(service, unpaid)} for service in (NET, TEL)
    }
    return {service: debts for service, debts in by_service.items() if debts}


def test_an_invoice_that_is_not_itemised_is_owed_for_every_service() -> None:
    assert owed(account(NEW)) == {NET: {"F-new": 4490}, TEL: {"F-new": 4490}}


def test_an_itemised_invoice_is_owed_by_the_services_that_it_names() -> None:
    assert owed(account(ITEMISED)) == {NET: {"F-new": 2990}, TEL: {"F-new": 1500}}


def test_a_part_payment_leaves_the_fewest_services_unpaid() -> None:
    assert owed(account(ITEMISED, payments=(paid(1500),))) == {NET: {"F-new": 2990}}
    assert owed(account(ITEMISED, payments=(paid(2000),))) == {NET: {"F-new": 2490}}


def test_what_lines_leave_of_an_amount_is_owed_for_all_and_a_discount_counts_as_paid() -> None:
    with_tax = replace(NEW, amount=5000, lines=(InvoiceLine(2990, NET), InvoiceLine(1500, TEL)))
    assert owed(account(with_tax)) == {NET: {"F-new": 3500}, TEL: {"F-new": 2010}}
    with_discount = replace(NEW, amount=3990, lines=(*ITEMISED.lines, InvoiceLine(-500)))
    assert owed(account(with_discount)) == {NET: {"F-new": 2990}, TEL: {"F-new": 1000}}


def test_a_line_for_something_that_is_no_service_of_ours_restricts_none() -> None:
    handset = replace(NEW, amount=900, lines=(InvoiceLine(900, ServiceId("handset")),))
    assert owed(account(handset)) == {}


def test_allocations_come_first_and_the_rest_pays_the_oldest() -> None:
    both = account(OLD, NEW, payments=(paid(5000, ("F-new", 4490)),))
    assert owed(both)[NET] == {"F-old": 2480}
    assert owed(account(OLD, NEW, payments=(paid(5000),)))[NET] == {"F-new": 2480}


def test_money_for_an_unknown_a_cancelled_or_an_already_paid_invoice_pays_the_oldest() -> None:
    gone = replace(NEW, cancelled=True)
    for payment in (paid(2990, ("F-???", 2990)), paid(2990, ("F-new", 2990))):
        assert owed(account(OLD, gone, payments=(payment,))) == {}
    twice = (paid(4490, ("F-new", 4490)), replace(paid(4490, ("F-new", 4490)), id="P-again"))
    assert owed(account(OLD, NEW, payments=twice)) == {}


def test_a_credit_note_is_money() -> None:
    credit = replace(NEW, id="F-credit", amount=-2990)
    assert owed(account(OLD, credit)) == {}


def test_currencies_never_pay_one_another() -> None:
    dollars = replace(NEW, id="F-usd", currency="USD")
    both = account(OLD, dollars, payments=(paid(100_000, currency="USD"),))
    assert owed(both)[NET] == {"F-old": 2990}
    unpaid = unpaid_invoices(account(OLD, dollars), NOW)
    assert totals(debts_of(NET, unpaid)) == {"EUR": 2990, "USD": 4490}


def test_a_payment_counts_from_when_it_clears_until_it_is_reversed() -> None:
    clears, back = NOW + timedelta(days=2), NOW + timedelta(days=9)
    history = account(OLD, payments=(replace(paid(2990), clears_at=clears, reversed_at=back),))
    assert owed(history, clears - timedelta(microseconds=1))[NET] == {"F-old": 2990}
    assert owed(history, clears) == {}
    assert owed(history, back)[NET] == {"F-old": 2990}


def test_a_payment_that_needs_no_clearing_pays_at_once_although_billings_clock_is_ahead() -> None:
    early = account(OLD, payments=(paid(2990, at=NOW + timedelta(minutes=4)),))
    assert owed(early, NOW) == {}


def test_an_invoice_is_late_from_the_day_after_it_was_due_and_not_before_it_was_presented() -> None:
    (unpaid,) = unpaid_invoices(account(OLD), NOW)
    assert unpaid.late_from == date(2026, 9, 7)
    (backdated,) = unpaid_invoices(account(replace(OLD, due_on=date(2026, 8, 1))), NOW)
    assert backdated.late_from == date(2026, 9, 2)
    (never,) = unpaid_invoices(account(replace(OLD, due_on=date.max)), NOW)
    assert never.late_from == date.max


@given(facts, INSTANTS, payments())
def test_more_money_never_makes_any_debt_larger(facts: Facts, now: datetime, payment: Payment) -> None:
    payment = replace(payment, id="P-new", reversed_at=None)
    before = {one.invoice.id: one.shares for one in unpaid_invoices(facts, now)}
    for one in unpaid_invoices(replace(facts, payments=(*facts.payments, payment)), now):
        assert all(share <= before[one.invoice.id].get(service, 0) for service, share in one.shares.items())


@given(facts, INSTANTS)
def test_debts_are_what_was_billed_less_what_was_paid(facts: Facts, now: datetime) -> None:
    billed = sum(one.amount for one in facts.invoices if one.currency == "EUR" and not one.cancelled)
    cleared = sum(
        one.amount
        for one in facts.payments
        if one.currency == "EUR"
        and (one.clears_at is None or one.clears_at <= now)
        and not (one.reversed_at and one.reversed_at <= now)
    )
    unpaid = (one for one in unpaid_invoices(facts, now) if one.invoice.currency == "EUR")
    assert sum(sum(one.shares.values()) for one in unpaid) == max(billed - cleared, 0)


@given(facts, INSTANTS, st.sampled_from([NET, TEL]))
def test_debts_are_positive_and_the_oldest_first(facts: Facts, now: datetime, service: ServiceId) -> None:
    debts = debts_of(service, unpaid_invoices(facts, now))
    assert all(debt.amount > 0 for debt in debts)
    assert [debt.invoice.due_on for debt in debts] == sorted(debt.invoice.due_on for debt in debts)
