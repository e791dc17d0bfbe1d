"""What a part payment does: by the policy's part of what was past due, services are open for its days."""

from dataclasses import replace
from datetime import date, datetime, timedelta

from hypothesis import given

from controller.core.facts import AccountId, Charge, Facts, Invoice, InvoiceLine, Payment
from controller.core.horizon import Horizon
from controller.core.part_payments import opened_by_part
from controller.core.policy import PartialRule, Policy
from tests.core.money_histories import INSTANTS, NET, NOW, RULES, SERVICES, accounts, at, payments, policies

HALF = replace(RULES, partial=PartialRule(50, 5))
OLD = Invoice("F-1", 3000, "EUR", date(2026, 9, 1), date(2026, 9, 6))
NOT_YET_DUE = Invoice("F-2", 9000, "EUR", date(2026, 11, 1), date(2026, 11, 20))
PART = Payment("P-1", 1500, "EUR", "card", NOW)
ENDS = at(date(2026, 11, 16), 0)


def until(*payments: Payment, now: datetime = NOW, policy: Policy = HALF, bill: Invoice = OLD) -> datetime | None:
    facts = Facts(AccountId("A-1"), services=SERVICES, invoices=(bill, NOT_YET_DUE), payments=payments)
    return opened_by_part(facts, policy, now, Horizon(now))


def test_half_of_what_was_past_due_opens_for_the_policys_days() -> None:
    assert until(PART) == ENDS
    assert until(PART, now=ENDS - timedelta(microseconds=1)) == ENDS
    assert until(PART, now=ENDS) is None


def test_less_than_the_part_opens_nothing_and_so_does_a_policy_without_the_rule() -> None:
    assert until(replace(PART, amount=1499)) is None
    assert until(PART, policy=RULES) is None
    assert until() is None


def test_each_payment_is_measured_against_what_earlier_ones_had_left() -> None:
    second = replace(PART, id="P-2", amount=750, received_at=NOW + timedelta(days=3))
    assert until(PART, second, now=NOW + timedelta(days=3)) == at(date(2026, 11, 19), 0)
    too_little = replace(second, amount=749)
    assert until(PART, too_little, now=NOW + timedelta(days=3)) == ENDS


def test_money_that_does_not_count_and_money_of_another_currency_open_nothing() -> None:
    assert until(replace(PART, instrument="direct_debit")) is None
    assert until(replace(PART, reversed_at=NOW)) is None
    assert until(replace(PART, currency="USD")) is None


def test_only_what_may_close_a_service_is_asked_for() -> None:
    with_handset = replace(OLD, lines=(InvoiceLine(1000, NET), InvoiceLine(2000, NET, Charge.EQUIPMENT)))
    assert until(replace(PART, amount=500), bill=with_handset) == ENDS


def test_who_pays_more_than_a_part_is_not_worse_off_than_who_paid_a_part() -> None:
    all_of_it = replace(PART, id="P-0", amount=3000, received_at=NOW - timedelta(days=1))
    assert until(all_of_it, PART) == until(PART) == ENDS


@given(accounts, policies, INSTANTS, payments)
def test_paying_more_never_closes_earlier(facts: Facts, policy: Policy, now: datetime, payment: Payment) -> None:
    before = opened_by_part(facts, policy, now, Horizon(now))
    paid = replace(facts, payments=(*facts.payments, replace(payment, id="P-new", reversed_at=None)))
    after = opened_by_part(paid, policy, now, Horizon(now))
    assert before is None or (after is not None and before <= after)
