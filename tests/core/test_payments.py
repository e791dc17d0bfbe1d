"""When a payment is money: by its instrument, and less whatever its bank takes back."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given

from controller.core.facts import AccountId, Collection, Facts, Instrument, Invoice, Payment, Return
from controller.core.horizon import Horizon
from controller.core.ledger import unpaid_after
from controller.core.payments import Standing, cleared, pays_all, taken_back, under_way
from controller.core.policy import ClearingRules, Policy
from tests.core.money_histories import INSTANTS, NOW, RULES, SERVICES, accounts, at, policies

TUESDAY = date(2026, 11, 3)
CARD = Payment("P-1", 2990, "EUR", "card", at(TUESDAY))
TRANSFER = replace(CARD, instrument="transfer", pending=True)
DEBIT = replace(CARD, instrument="direct_debit", collection="R-1")
SECOND = timedelta(microseconds=1)
PROVISIONAL = replace(RULES, clearing=ClearingRules(provisional=True))


def account(*payments: Payment, returns: tuple[Return, ...] = ()) -> Facts:
    collections = (Collection("R-1", "F-1", 2990, TUESDAY),)
    return Facts(
        AccountId("A-1"),
        services=SERVICES,
        payments=payments,
        collections=collections if returns else (),
        returns=returns,
    )


def money(facts: Facts, now: datetime = NOW, policy: Policy = RULES) -> dict[str, int]:
    return {one.payment.id: one.amount for one in cleared(facts, policy, now, Horizon(now))}


def waiting(facts: Facts, now: datetime, policy: Policy = RULES) -> list[Standing]:
    return under_way(facts, policy, now, Horizon(now))


@pytest.mark.parametrize("instrument", ["card", "bizum", "pix", "instant_transfer", "cash"])
def test_what_cannot_come_back_without_a_reason_counts_at_once(instrument: str) -> None:
    paid = account(replace(CARD, instrument=instrument))
    assert money(paid, at(TUESDAY)) == {"P-1": 2990}
    assert waiting(paid, at(TUESDAY)) == []


def test_a_payment_that_needs_no_clearing_counts_although_billings_clock_is_ahead() -> None:
    assert money(account(CARD), at(TUESDAY) - timedelta(minutes=4)) == {"P-1": 2990}


def test_a_transfer_counts_once_it_is_booked() -> None:
    assert money(account(TRANSFER)) == {}
    assert money(account(replace(TRANSFER, pending=False))) == {"P-1": 2990}


def test_an_instrument_that_nobody_knows_is_treated_as_other() -> None:
    cheque = replace(TRANSFER, instrument="cheque")
    assert money(account(cheque)) == {}
    assert money(account(replace(cheque, pending=False))) == {"P-1": 2990}


def test_a_debit_counts_when_the_bank_days_for_its_return_have_passed() -> None:
    """From Tuesday the 3rd, without the 4th on which banks rest, the weekend between: the fifth day is the 11th."""
    counts = at(date(2026, 11, 12), 0)
    assert money(account(DEBIT), counts - SECOND) == {}
    assert money(account(DEBIT), counts) == {"P-1": 2990}
    (standing,) = waiting(account(DEBIT), counts - SECOND)
    assert (standing.counts_at, standing.waits_until) == (counts, counts)
    assert waiting(account(DEBIT), counts) == []


def test_a_debit_counts_at_once_where_the_policy_takes_it_provisionally() -> None:
    assert money(account(DEBIT), at(TUESDAY), PROVISIONAL) == {"P-1": 2990}
    assert money(account(replace(DEBIT, pending=True)), at(TUESDAY), PROVISIONAL) == {}


def test_a_policy_may_say_that_an_instrument_counts_at_once() -> None:
    at_once = replace(RULES, clearing=ClearingRules(by_instrument={}))
    for instrument in Instrument:
        assert money(account(replace(TRANSFER, instrument=instrument)), policy=at_once) == {"P-1": 2990}


def test_what_billing_says_of_clearing_wins_over_the_instrument() -> None:
    clears = at(date(2026, 11, 6))
    for payment in (CARD, TRANSFER, DEBIT):
        told = account(replace(payment, clears_at=clears))
        assert money(told, clears - SECOND) == {}
        assert [one.waits_until for one in waiting(told, clears - SECOND)] == [clears]
        assert money(told, clears) == {"P-1": 2990}


def test_a_payment_that_stays_pending_keeps_nobody_from_anything_after_the_policys_working_days() -> None:
    """From Tuesday the 3rd, Saturday the 7th counted, Monday the 9th a holiday: the fifth working day is the 10th."""
    ends = at(date(2026, 11, 11), 0)
    (standing,) = waiting(account(TRANSFER), ends - timedelta(days=1))
    assert (standing.counts_at, standing.waits_until) == (None, ends)
    assert waiting(account(TRANSFER), ends) == []
    assert money(account(TRANSFER), ends) == {}


def test_a_reversed_payment_is_gone_from_then_on() -> None:
    back = at(date(2026, 11, 6))
    gone = account(replace(CARD, reversed_at=back))
    assert money(gone, back - SECOND) == {"P-1": 2990}
    assert money(gone, back) == {}
    assert waiting(gone, back) == []


@pytest.mark.parametrize(("amount", "left"), [(2990, {}), (1000, {"P-1": 1990}), (9999, {}), (0, {"P-1": 2990})])
def test_a_return_takes_from_its_payment_what_it_says_and_no_more(amount: int, left: dict[str, int]) -> None:
    back = Return("R-1", "MD06", date(2026, 11, 20), amount)
    assert money(account(DEBIT, returns=(back,)), at(date(2026, 11, 25))) == left


def test_no_more_comes_back_of_a_collection_than_was_collected() -> None:
    told = (Return("R-1", "MD06", date(2026, 11, 20), 2000), Return("R-1", "MD06", date(2026, 11, 21), 1500))
    two_debits_as_one = account(replace(DEBIT, amount=5000), returns=told)
    assert money(two_debits_as_one, at(date(2026, 11, 25))) == {"P-1": 2010}


def test_one_return_that_is_told_in_two_files_takes_its_amount_once() -> None:
    told = (Return("R-1", "MS03", date(2026, 11, 5), 1000), Return("R-1", "MD06", date(2026, 11, 6), 1000))
    assert money(account(DEBIT, returns=told), at(date(2026, 11, 25))) == {"P-1": 1990}
    parts = (*told, Return("R-1", "MD06", date(2026, 11, 7), 500))
    assert money(account(DEBIT, returns=parts), at(date(2026, 11, 25))) == {"P-1": 1490}


def test_money_that_came_back_before_it_counted_was_never_taken_back() -> None:
    returned = account(DEBIT, returns=(Return("R-1", "AM04", date(2026, 11, 5), 2990),))
    assert taken_back(returned, RULES, NOW) == []
    (lost,) = taken_back(returned, PROVISIONAL, NOW)
    assert (lost.amount, lost.at) == (2990, at(date(2026, 11, 5), 0))
    assert taken_back(account(replace(TRANSFER, reversed_at=at(TUESDAY, 12))), RULES, NOW) == []
    assert taken_back(account(replace(DEBIT, reversed_at=at(TUESDAY, 12))), RULES, NOW) == []
    (chargeback,) = taken_back(account(replace(CARD, reversed_at=at(TUESDAY, 12))), RULES, NOW)
    assert chargeback.at == at(TUESDAY, 12)


@given(accounts, policies, INSTANTS)
def test_a_payment_is_money_or_under_way_or_neither_and_never_more_than_came(
    facts: Facts, policy: Policy, now: datetime
) -> None:
    counted, waits = cleared(facts, policy, now, Horizon(now)), under_way(facts, policy, now, Horizon(now))
    assert not {one.payment.id for one in counted} & {one.payment.id for one in waits}
    assert all(0 < one.amount <= one.payment.amount for one in (*counted, *waits))
    assert all(now < one.waits_until for one in waits)


@given(accounts, policies, INSTANTS)
def test_an_account_that_is_plainly_paid_owes_nothing(facts: Facts, policy: Policy, now: datetime) -> None:
    if pays_all(facts, policy, now):
        horizon = Horizon(now)
        assert unpaid_after(facts, cleared(facts, policy, now, horizon)) == ()
        assert under_way(facts, policy, now, horizon) == []
        assert horizon.at is None


@pytest.mark.parametrize("instrument", Instrument)
def test_a_common_account_is_plainly_paid_by_any_instrument(instrument: str) -> None:
    bills = tuple(Invoice(f"F-{n}", 2990, "EUR", date(2026, n, 1), date(2026, n, 6)) for n in (8, 9, 10))
    paid = tuple(replace(CARD, id=one.id, instrument=instrument, received_at=at(one.due_on)) for one in bills)
    facts = replace(account(*paid), invoices=bills)
    assert pays_all(facts, RULES, NOW)
    assert not pays_all(replace(facts, payments=paid[:2]), RULES, NOW)
    assert not pays_all(replace(facts, payments=(*paid[:2], replace(paid[2], currency="USD"))), RULES, NOW)
    dollars = replace(bills[0], id="F-usd", currency="USD", amount=1)
    assert not pays_all(replace(facts, invoices=(dollars,)), RULES, NOW)


def test_a_debit_that_may_yet_come_back_is_no_plain_case() -> None:
    counts = at(date(2026, 11, 12), 0)
    facts = replace(account(DEBIT), invoices=(Invoice("F-1", 2990, "EUR", TUESDAY, TUESDAY),))
    assert not pays_all(facts, RULES, counts - SECOND)
    assert pays_all(facts, RULES, counts)
    last_in_time = replace(DEBIT, received_at=at(date(2026, 11, 5), 0) - SECOND)
    assert pays_all(replace(facts, payments=(last_in_time,)), RULES, counts)
    assert not pays_all(replace(facts, payments=(replace(DEBIT, received_at=at(date(2026, 11, 5), 0)),)), RULES, counts)


def test_what_clears_later_or_may_be_taken_back_is_no_plain_case() -> None:
    facts = replace(account(CARD), invoices=(Invoice("F-1", 2990, "EUR", TUESDAY, TUESDAY),))
    assert pays_all(facts, RULES, NOW)
    for payment in (replace(CARD, clears_at=NOW + SECOND), replace(CARD, reversed_at=NOW + SECOND)):
        assert not pays_all(replace(facts, payments=(payment,)), RULES, NOW)
    assert not pays_all(replace(facts, returns=(Return("R-1", "AM04", TUESDAY, 2990),)), RULES, NOW)
