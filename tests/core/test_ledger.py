"""What is owed: cleared money pays, by its allocations and else the oldest; currencies keep to themselves."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.core import ledger
from controller.core.facts import (
    AccountId,
    Charge,
    Collection,
    Facts,
    Invoice,
    InvoiceLine,
    Payment,
    Return,
    Service,
)
from controller.core.horizon import Horizon
from controller.core.ledger import Unpaid, totals
from controller.core.payments import cleared
from controller.core.policy import Policy, Track
from enforcement.access import Kind
from enforcement.entries import ServiceId
from tests.core.money_histories import INSTANTS, NET, RULES, TEL, accounts, at, payments, policies

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
    return ledger.unpaid_invoices(facts, RULES, now, Horizon(now))


def debts_of(service: ServiceId, unpaid: Iterable[Unpaid], track: Track = Track.SERVICE) -> list[ledger.Debt]:
    return ledger.debts_of(service, unpaid, track)


def owed(facts: Facts, now: datetime = NOW, track: Track = Track.SERVICE) -> dict[str, dict[str, int]]:
    """What each service owes on each invoice."""
    unpaid = unpaid_invoices(facts, now)
    by_service = {
        service: {debt.invoice.id: debt.amount for debt in debts_of(service, unpaid, track)} for service in (NET, TEL)
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


def test_premium_and_third_party_charges_are_a_debt_of_their_own_and_equipment_bars_nothing() -> None:
    lines = (
        InvoiceLine(2000, TEL),
        InvoiceLine(500, TEL, Charge.PREMIUM),
        InvoiceLine(490, TEL, Charge.THIRD_PARTY),
        InvoiceLine(1500, TEL, Charge.EQUIPMENT),
    )
    bill = account(replace(NEW, lines=lines))
    assert owed(bill) == {TEL: {"F-new": 2000}}
    assert owed(bill, track=Track.PREMIUM) == {TEL: {"F-new": 990}}


def test_paying_the_communications_part_leaves_no_debt_that_suspends() -> None:
    lines = (InvoiceLine(2990, TEL), InvoiceLine(10, TEL, Charge.PREMIUM), InvoiceLine(1490, None, Charge.EQUIPMENT))
    part = account(replace(NEW, lines=lines), payments=(paid(2990),))
    assert owed(part) == {}
    assert owed(part, track=Track.PREMIUM) == {TEL: {"F-new": 10}}


def test_beside_charges_that_are_not_communications_what_is_not_itemised_suspends_nothing() -> None:
    """Nobody can tell which of the two it is."""
    lines = (InvoiceLine(2000, TEL), InvoiceLine(1000, None, Charge.EQUIPMENT))
    assert owed(account(replace(NEW, lines=lines))) == {TEL: {"F-new": 2000}}
    assert owed(account(replace(NEW, lines=lines[1:]))) == {}
    with_tax = replace(NEW, lines=(InvoiceLine(2000, TEL), InvoiceLine(1000, TEL, Charge.PREMIUM)))
    assert owed(account(with_tax)) == {NET: {"F-new": 1490}, TEL: {"F-new": 3490}}


DEBIT = Payment("P-debit", 2990, "EUR", "direct_debit", at(date(2026, 9, 6)), collection="R-1")
DEBITED = replace(account(OLD, payments=(DEBIT,)), collections=(Collection("R-1", "F-old", 2990, date(2026, 9, 6)),))


def test_a_partial_refund_is_never_a_whole_debt() -> None:
    refunded = replace(DEBITED, returns=(Return("R-1", "MD06", date(2026, 10, 20), 700),))
    assert owed(refunded) == {NET: {"F-old": 700}, TEL: {"F-old": 700}}


def test_a_payment_that_is_taken_back_opens_its_debt_anew() -> None:
    refunded_on = date(2026, 10, 20)
    refunded = replace(DEBITED, returns=(Return("R-1", "MD06", refunded_on, 2990),))
    (unpaid,) = unpaid_invoices(refunded, NOW)
    assert unpaid.reopened_at == at(refunded_on, 0)
    back = at(date(2026, 9, 20))
    reversed_card = account(OLD, NEW, payments=(replace(paid(2990, at=at(date(2026, 9, 10))), reversed_at=back),))
    assert [one.reopened_at for one in unpaid_invoices(reversed_card, back)] == [back, None]
    assert [one.reopened_at for one in unpaid_invoices(reversed_card, back - timedelta(microseconds=1))] == [None]
    (debt,) = debts_of(NET, unpaid_invoices(replace(reversed_card, invoices=(OLD,)), back))
    assert debt.reopened_at == back


def test_a_debt_is_open_anew_from_when_the_last_of_its_money_was_taken_back() -> None:
    first, last = at(date(2026, 9, 20)), at(date(2026, 9, 25))
    half = paid(1495, at=at(date(2026, 9, 10)))
    halves = (replace(half, reversed_at=first), replace(half, id="P-half", reversed_at=last))
    assert [one.reopened_at for one in unpaid_invoices(account(OLD, payments=halves), NOW)] == [last]
    both = account(OLD, NEW, payments=(replace(halves[0], amount=2990), replace(halves[1], amount=2990)))
    assert [one.reopened_at for one in unpaid_invoices(both, NOW)] == [last, first]


def test_money_that_came_after_the_rest_was_taken_back_had_not_paid_the_next_bill() -> None:
    first, again, last = (at(date(2026, 9, day)) for day in (20, 22, 25))
    one = replace(paid(2990, at=at(date(2026, 9, 10))), reversed_at=first)
    two = replace(one, id="P-again", received_at=again, reversed_at=last)
    unpaid = unpaid_invoices(account(OLD, NEW, payments=(one, two)), NOW)
    assert [one.reopened_at for one in unpaid] == [last, None]


def test_a_debit_that_came_back_before_it_counted_opens_nothing_anew() -> None:
    returned = replace(DEBITED, returns=(Return("R-1", "AM04", date(2026, 9, 8), 2990),))
    assert [one.reopened_at for one in unpaid_invoices(returned, NOW)] == [None]


def test_a_debt_that_was_paid_again_is_not_open_anew() -> None:
    back = replace(paid(2990, at=at(date(2026, 9, 10))), reversed_at=at(date(2026, 9, 20)))
    assert owed(account(OLD, payments=(back, replace(paid(2990), id="P-again")))) == {}


COLLECTED = date(2026, 11, 3)
BEING_COLLECTED = replace(account(OLD), collections=(Collection("R-2", "F-old", 2990, COLLECTED),))


def test_while_its_collection_is_under_way_a_debt_leads_to_nothing() -> None:
    """The bank's five days from Tuesday the 3rd end with the 11th."""
    (debt,) = debts_of(NET, unpaid_invoices(BEING_COLLECTED, at(COLLECTED)))
    assert debt.idle_until == at(date(2026, 11, 12), 0)
    assert "being collected" in debt.idle_why
    (after,) = debts_of(NET, unpaid_invoices(BEING_COLLECTED, at(date(2026, 11, 12), 0)))
    assert after.idle_until is None


@pytest.mark.parametrize(
    ("code", "until"),
    [
        ("AC01", at(date(2026, 11, 21), 0)),
        ("AM05", at(date(2026, 11, 21), 0)),
        ("AC04", at(date(2026, 11, 21), 0)),
        ("what is this", at(date(2026, 11, 21), 0)),
        ("AM04", None),
        ("MD06", None),
        ("SL01", None),
    ],
)
def test_after_a_return_that_is_not_the_payers_fault_a_debt_is_left_alone_for_the_grace(
    code: str, until: datetime | None
) -> None:
    returned = replace(BEING_COLLECTED, returns=(Return("R-2", code, date(2026, 11, 5), 2990),))
    (debt,) = debts_of(NET, unpaid_invoices(returned, NOW))
    assert debt.idle_until == until
    (after,) = debts_of(NET, unpaid_invoices(returned, at(date(2026, 11, 21), 0)))
    assert after.idle_until is None


def test_a_collection_that_is_never_to_be_made_breaks_nothing() -> None:
    never = replace(BEING_COLLECTED, collections=(Collection("R-2", "F-old", 2990, date.max),))
    (debt,) = debts_of(NET, unpaid_invoices(never, NOW))
    assert debt.idle_until == at(date.max, 0)


@given(accounts, policies, INSTANTS, payments)
def test_more_money_never_makes_any_debt_larger_or_older_or_less_open_anew(
    facts: Facts, policy: Policy, now: datetime, payment: Payment
) -> None:
    payment = replace(payment, id="P-new", reversed_at=None)
    before = {one.invoice.id: one for one in ledger.unpaid_invoices(facts, policy, now, Horizon(now))}
    paid = replace(facts, payments=(*facts.payments, payment))
    for one in ledger.unpaid_invoices(paid, policy, now, Horizon(now)):
        was = before[one.invoice.id]
        assert all(share <= was.shares.get(part, 0) for part, share in one.shares.items())
        assert one.idle == was.idle
        assert was.reopened_at is None or (one.reopened_at is not None and one.reopened_at >= was.reopened_at)


@given(accounts, policies, INSTANTS)
def test_debts_are_what_was_billed_less_what_was_paid(facts: Facts, policy: Policy, now: datetime) -> None:
    money = cleared(facts, policy, now, Horizon(now))
    for currency in ("EUR", "USD"):
        billed = sum(one.amount for one in facts.invoices if one.currency == currency and not one.cancelled)
        came = sum(one.amount for one in money if one.payment.currency == currency)
        unpaid = ledger.unpaid_invoices(facts, policy, now, Horizon(now))
        still_open = sum(sum(one.shares.values()) for one in unpaid if one.invoice.currency == currency)
        assert still_open == max(billed - came, 0)


@given(accounts, policies, INSTANTS, st.sampled_from([NET, TEL]), st.sampled_from(Track))
def test_debts_are_positive_and_the_oldest_first(
    facts: Facts, policy: Policy, now: datetime, service: ServiceId, track: Track
) -> None:
    debts = ledger.debts_of(service, ledger.unpaid_invoices(facts, policy, now, Horizon(now)), track)
    assert all(debt.amount > 0 for debt in debts)
    assert all(debt.idle_until is None or (now < debt.idle_until and debt.idle_why) for debt in debts)
    assert [debt.invoice.due_on for debt in debts] == sorted(debt.invoice.due_on for debt in debts)


@given(accounts, policies, INSTANTS, st.integers(0, 3))
def test_a_refund_never_makes_more_debt_than_it_took_back(
    facts: Facts, policy: Policy, now: datetime, which: int
) -> None:
    if which >= len(facts.returns):
        return
    back = facts.returns[which]
    without = replace(facts, returns=facts.returns[:which] + facts.returns[which + 1 :])
    before, after = (
        sum(sum(one.shares.values()) for one in ledger.unpaid_invoices(told, policy, now, Horizon(now)))
        for told in (without, facts)
    )
    brought = sum(payment.collection == back.collection for payment in facts.payments)
    assert before <= after <= before + back.amount * brought


@given(accounts, policies, INSTANTS, st.randoms())
def test_the_order_of_the_facts_and_a_return_that_is_told_again_change_nothing(
    facts: Facts, policy: Policy, now: datetime, random: Random
) -> None:
    distinct = replace(facts, collections=tuple({one.id: one for one in facts.collections}.values()))
    again = [*facts.returns, *facts.returns]
    random.shuffle(again)
    turned = replace(
        distinct,
        invoices=facts.invoices[::-1],
        collections=distinct.collections[::-1],
        payments=facts.payments[::-1],
        returns=tuple(again),
    )
    assert ledger.unpaid_invoices(turned, policy, now, Horizon(now)) == ledger.unpaid_invoices(
        distinct, policy, now, Horizon(now)
    )
