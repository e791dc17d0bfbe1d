"""Returned receipts in a row: recomputed from the ledger, so that paying any of them shortens the run at once."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.core.facts import (
    AccountId,
    Charge,
    Collection,
    Facts,
    Hold,
    HoldKind,
    Instalment,
    Invoice,
    InvoiceLine,
    Notice,
    Payment,
    Return,
)
from controller.core.horizon import Horizon
from controller.core.ledger import unpaid_invoices
from controller.core.policy import Policy
from controller.core.return_codes import ReturnClass, class_of
from controller.core.returns import Run, run_of
from enforcement.entries import ServiceId
from tests.core.money_histories import INSTANTS, NET, NOW, RULES, SERVICES, TEL, accounts, at, payments, policies

MONTHS = (6, 7, 8, 9)
BILLS = tuple(Invoice(f"F-{n}", 2990, "EUR", date(2026, n, 1), date(2026, n, 6)) for n in MONTHS)
DEBITS = tuple(Collection(f"R-{n}", f"F-{n}", 2990, date(2026, n, 6)) for n in MONTHS)
LATER = Collection("R-again", "F-8", 2990, date(2026, 8, 20))


def back(month: int, code: str = "AM04", days: int = 2, amount: int = 2990) -> Return:
    return Return(f"R-{month}", code, date(2026, month, 6) + timedelta(days=days), amount)


ALL_BACK = tuple(back(n) for n in MONTHS)
EVERY = tuple(one.id for one in BILLS)
OWING = Facts(AccountId("A-1"), services=SERVICES, invoices=BILLS, collections=DEBITS, returns=ALL_BACK)


def paid(month: int, instrument: str = "cash", **more: str) -> Payment:
    received = at(date(2026, month, 6))
    return Payment(f"P-{month}", 2990, "EUR", instrument, received, None, None, ((f"F-{month}", 2990),), False, **more)


def run(facts: Facts, policy: Policy = RULES, service: ServiceId = NET) -> Run:
    horizon = Horizon(NOW)
    return run_of(facts, policy, service, unpaid_invoices(facts, policy, NOW, horizon), NOW, horizon)


def counted(length: int, certain: int, invoices: tuple[str, ...], owed: tuple[str, ...] = ()) -> Run:
    """A run of which no more is owed than what counts, unless that is said."""
    return Run(length, certain, invoices, owed or invoices)


def returning(*returns: Return, payments: tuple[Payment, ...] = ()) -> Facts:
    return replace(OWING, returns=returns, payments=payments)


def test_returned_receipts_that_are_unpaid_are_counted_the_oldest_first() -> None:
    assert run(OWING) == counted(4, 4, ("F-6", "F-7", "F-8", "F-9"))


def test_a_receipt_that_is_presented_again_counts_once() -> None:
    twice = replace(
        OWING, collections=(*DEBITS, LATER), returns=(*ALL_BACK, Return("R-again", "AM04", date(2026, 8, 22), 2990))
    )
    assert run(twice).length == 4


def test_a_return_that_is_told_in_two_files_counts_once() -> None:
    assert run(returning(*ALL_BACK, replace(ALL_BACK[0], code="MS03", returned_on=date(2026, 6, 9)))).length == 4


def test_of_two_codes_for_one_return_the_more_careful_one_is_believed() -> None:
    for careful in (replace(ALL_BACK[0], code="AC04"), replace(ALL_BACK[0], code="AC01", returned_on=date(2026, 6, 9))):
        for told in ((careful, *ALL_BACK), (*ALL_BACK, careful)):
            assert run(returning(*told)).invoices == ("F-7", "F-8", "F-9")


@pytest.mark.parametrize("instrument", ["cash", "card", "direct_debit", "transfer"])
def test_a_returned_receipt_that_is_paid_by_any_means_leaves_the_run(instrument: str) -> None:
    assert run(returning(*ALL_BACK, payments=(paid(8, instrument),))) == counted(3, 3, ("F-6", "F-7", "F-9"))


def test_a_receipt_that_never_came_back_and_is_paid_breaks_the_run() -> None:
    settled = returning(back(6), back(7), back(9), payments=(paid(8, "direct_debit", collection="R-8"),))
    assert run(settled) == counted(1, 1, ("F-9",))


@pytest.mark.parametrize("code", ["AC01", "AM05", "AC04", "MD01", "MD07", "ZZ99"])
def test_a_return_that_is_not_the_payers_neither_counts_nor_breaks(code: str) -> None:
    assert run(returning(back(6), back(7), back(8, code), back(9))) == counted(3, 3, ("F-6", "F-7", "F-9"))


def test_a_receipt_that_did_not_come_back_and_is_not_paid_neither_counts_nor_breaks() -> None:
    assert run(returning(back(6), back(7), back(9))) == counted(3, 3, ("F-6", "F-7", "F-9"))


def test_a_receipt_that_is_being_collected_again_neither_counts_nor_breaks() -> None:
    again = Collection("R-again", "F-8", 2990, date(2026, 11, 9))
    assert run(replace(OWING, collections=(*DEBITS, again))) == counted(3, 3, ("F-6", "F-7", "F-9"), owed=EVERY)


def test_what_the_payer_told_the_bank_counts_once_the_customer_was_reached() -> None:
    refused = returning(*(back(n, "SL01") for n in MONTHS))
    assert run(refused).length == 0
    sent = at(date(2026, 8, 20))
    notice = Notice("N-1", "portal", "sms", sent, date(2026, 9, 20), sent)
    assert run(replace(refused, notices=(notice,))).invoices == ("F-6", "F-7", "F-8")
    for unproven in (replace(notice, delivered_at=None), replace(notice, bounced_at=sent)):
        assert run(replace(refused, notices=(unproven,))).length == 0


def test_a_run_is_looked_at_again_when_the_customer_is_reached() -> None:
    reached = NOW + timedelta(days=1)
    notice = Notice("N-1", "portal", "sms", NOW, date(2026, 11, 20), reached)
    facts = replace(returning(*(back(n, "SL01") for n in MONTHS)), notices=(notice,))
    horizon = Horizon(NOW)
    assert run_of(facts, RULES, NET, unpaid_invoices(facts, RULES, NOW, horizon), NOW, horizon).length == 0
    assert horizon.at == reached
    assert _run(facts, RULES, reached, NET).length == 4


def test_a_partial_refund_is_no_returned_receipt() -> None:
    debited = paid(9, "direct_debit", collection="R-9")
    assert run(returning(back(7), back(8), back(9, "MD06", 40, 700), payments=(debited,))).invoices == ("F-7", "F-8")
    whole = returning(back(7), back(8), back(9, "MD06", 40), payments=(debited,))
    assert run(whole).invoices == ("F-7", "F-8", "F-9")


def test_a_trivial_rest_counts_for_nothing() -> None:
    but_for_a_little = replace(paid(9), amount=2600)
    assert run(returning(*ALL_BACK, payments=(but_for_a_little,))).length == 3
    never_returned = returning(*ALL_BACK[:3], payments=(but_for_a_little,))
    assert run(never_returned).length == 0


def test_a_bill_that_is_trivial_as_a_whole_neither_counts_nor_breaks() -> None:
    small = replace(OWING, invoices=(*BILLS[:3], replace(BILLS[3], amount=499)))
    assert run(small) == counted(3, 3, ("F-6", "F-7", "F-8"))
    assert run(replace(small, returns=ALL_BACK[:3])) == counted(3, 3, ("F-6", "F-7", "F-8"))


def test_a_late_refund_stands_again_where_its_receipt_was_due_and_is_not_certain() -> None:
    debited = paid(8, "direct_debit", collection="R-8")
    late = returning(back(6), back(7), back(8, "MD06", 50), back(9), payments=(debited,))
    assert run(late) == counted(4, 1, ("F-6", "F-7", "F-8", "F-9"))


def test_a_late_refund_of_a_receipt_that_had_come_back_before_only_lacks_itself() -> None:
    debited = paid(8, "direct_debit", collection="R-again")
    again = Return("R-again", "MD06", date(2026, 10, 1), 2990)
    facts = replace(OWING, collections=(*DEBITS, LATER), returns=(*ALL_BACK, again), payments=(debited,))
    assert run(facts) == counted(4, 3, ("F-6", "F-7", "F-8", "F-9"))


def test_a_receipt_that_was_refunded_late_and_then_paid_breaks_the_run() -> None:
    debited = paid(8, "direct_debit", collection="R-8")
    card = replace(paid(8, "card"), id="P-card")
    paid_again = returning(back(6), back(7), back(8, "MD06", 50), back(9), payments=(debited, card))
    assert run(paid_again) == counted(1, 1, ("F-9",))


def test_an_unauthorised_debit_that_comes_back_after_a_year_is_looked_at_and_counts_for_nothing() -> None:
    debited = paid(8, "direct_debit", collection="R-8")
    disowned = returning(back(6), back(7), back(8, "MD01", 90), back(9), payments=(debited,))
    assert run(disowned) == counted(3, 3, ("F-6", "F-7", "F-9"))


@pytest.mark.parametrize(
    "hold",
    [
        Hold("H-1", HoldKind.DISPUTE, at(date(2026, 8, 15)), "care", "says so"),
        Hold("H-1", HoldKind.PLAN, at(date(2026, 8, 15)), "care", "says so"),
    ],
    ids=["disputed", "in a plan"],
)
def test_receipts_that_are_disputed_or_in_a_plan_neither_count_nor_break(hold: Hold) -> None:
    assert run(replace(OWING, holds=(hold,))) == counted(1, 1, ("F-9",), owed=EVERY)
    assert run(replace(OWING, holds=(replace(hold, until=NOW),))).length == 4
    assert run(replace(OWING, holds=(replace(hold, service=TEL),))).length == 4
    broken = replace(hold, instalments=(Instalment(date(2026, 9, 1), 1000),), currency="EUR")
    assert run(replace(OWING, holds=(broken,))).length == 4


def test_each_service_has_its_own_receipts() -> None:
    phone_only = replace(BILLS[2], lines=(InvoiceLine(2990, TEL),))
    facts = replace(OWING, invoices=(*BILLS[:2], phone_only, BILLS[3]))
    assert run(facts, service=NET).invoices == ("F-6", "F-7", "F-9")
    assert run(facts, service=TEL).length == 4


def test_a_bill_of_another_service_breaks_no_run() -> None:
    phone_only = replace(BILLS[2], lines=(InvoiceLine(2990, TEL),))
    paid_phone = replace(
        returning(back(6), back(7), back(9), payments=(paid(8),)), invoices=(*BILLS[:2], phone_only, BILLS[3])
    )
    assert run(paid_phone, service=NET).invoices == ("F-6", "F-7", "F-9")
    assert run(paid_phone, service=TEL).invoices == ("F-9",)


def test_a_receipt_whose_communications_part_is_paid_is_out() -> None:
    with_handset = replace(BILLS[3], lines=(InvoiceLine(1990, NET), InvoiceLine(1000, NET, Charge.EQUIPMENT)))
    part = replace(paid(9), amount=1990)
    assert run(replace(OWING, invoices=(*BILLS[:3], with_handset), payments=(part,))).invoices == ("F-6", "F-7", "F-8")


def test_a_cancelled_or_credited_receipt_is_out() -> None:
    assert run(replace(OWING, invoices=(*BILLS[:3], replace(BILLS[3], cancelled=True)))).length == 3
    credit = replace(BILLS[0], id="F-credit", amount=-2990)
    assert run(replace(OWING, invoices=(*BILLS, credit))).invoices == ("F-7", "F-8", "F-9")


def test_codes_are_known_however_they_are_written_and_an_unknown_one_is_for_a_person() -> None:
    assert class_of(" am04 ") is ReturnClass.COUNTS
    assert class_of("") is class_of("NARR") is ReturnClass.REVIEW


@given(accounts, policies, INSTANTS, payments, st.sampled_from([NET, TEL]))
def test_paying_never_makes_a_run_longer_or_more_certain(
    facts: Facts, policy: Policy, now: datetime, payment: Payment, service: ServiceId
) -> None:
    payment = replace(payment, id="P-new", reversed_at=None)
    before = _run(facts, policy, now, service)
    after = _run(replace(facts, payments=(*facts.payments, payment)), policy, now, service)
    assert after.length <= before.length
    assert after.certain <= before.certain


@given(accounts, policies, INSTANTS, st.sampled_from([NET, TEL]))
def test_a_run_is_of_distinct_unpaid_returned_receipts(
    facts: Facts, policy: Policy, now: datetime, service: ServiceId
) -> None:
    found = _run(facts, policy, now, service)
    assert found.length == len(found.invoices) == len(set(found.invoices)) >= found.certain >= 0
    came_back = {one.collection for one in facts.returns}
    assert set(found.invoices) <= {one.invoice for one in facts.collections if one.id in came_back}


def _run(facts: Facts, policy: Policy, now: datetime, service: ServiceId) -> Run:
    horizon = Horizon(now)
    return run_of(facts, policy, service, unpaid_invoices(facts, policy, now, horizon), now, horizon)
