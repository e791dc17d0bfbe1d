"""Who and what holds a stage back: people, tags, money that nobody has attributed, holds."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from controller.core.facts import (
    Approval,
    Collection,
    Hold,
    HoldKind,
    Instalment,
    Payment,
    Return,
    Suspension,
    UnmatchedPayment,
)
from controller.core.policy import (
    Conditions,
    HoldBound,
    HoldRules,
    PartialRule,
)
from enforcement.access import Access
from tests.core.histories import NET, at, fresh
from tests.core.small import (
    BILL,
    FIBRE,
    NOW,
    PORTAL,
    RULES,
    SLOW,
    account,
    codes,
    decided,
    imposed,
    notice,
    policy,
    stage,
)


def test_a_stage_waits_for_people_and_says_who_is_missing() -> None:
    rules = policy(replace(SLOW, approvals=2))
    ana = Approval(NET, "throttled", "ana", NOW - timedelta(days=1), "as agreed")
    facts = account(FIBRE, BILL, approvals=(ana, replace(ana, at=NOW)))
    decision = decided(facts, rules)
    assert codes(decision) == ["approval"]
    assert decision.blocks[0].text == "throttled needs 2 people's approval; given by: ana; missing: 1."
    assert decided(replace(facts, approvals=(ana, replace(ana, by="luis"))), rules).first
    old = replace(ana, by="luis", at=NOW - timedelta(days=30))
    assert codes(decided(replace(facts, approvals=(ana, old)), rules)) == ["approval"]


def test_an_approval_that_runs_out_is_looked_at_again_in_time() -> None:
    ana = Approval(NET, "throttled", "ana", NOW - timedelta(days=29), "as agreed")
    later = (notice("throttled", names_date=date(2026, 11, 20)),)
    facts = account(FIBRE, BILL, approvals=(ana,), notices=later, freshness=fresh(at(date(2026, 11, 20))))
    decision = decided(facts, policy(replace(SLOW, approvals=1)))
    assert codes(decision) == ["notice_date"]
    assert decision.review_at == ana.at + timedelta(days=30)


def test_a_run_that_rests_on_a_late_refund_needs_somebody_although_the_stage_asks_for_nobody() -> None:
    rules = policy(stage(Access.THROTTLED, Conditions(consecutive_returns=1)))
    debit = Payment("P-1", 2990, "EUR", "direct_debit", at(date(2026, 10, 6)), collection="R-1")
    tried = Collection("R-1", "F-1", 2990, date(2026, 10, 6))
    back = Return("R-1", "MD06", date(2026, 10, 26), 2990)
    facts = account(FIBRE, BILL, payments=(debit,), collections=(tried,), returns=(back,))
    assert codes(decided(facts, rules)) == ["approval"]
    ana = Approval(NET, "throttled", "ana", NOW, "looked at it")
    assert decided(replace(facts, approvals=(ana,)), rules).first


def test_a_debt_that_only_a_late_refund_reopened_needs_somebody_whatever_the_stage_asks_for() -> None:
    """Its age reaches at once: six months are over on the day on which the bank takes the money back."""
    old = replace(BILL, presented_on=date(2026, 4, 1), due_on=date(2026, 4, 6))
    debit = Payment("P-1", 2990, "EUR", "direct_debit", at(date(2026, 4, 6)), collection="R-1")
    tried = Collection("R-1", "F-1", 2990, date(2026, 4, 6))
    back = Return("R-1", "MD06", date(2026, 10, 5), 2990)
    facts = account(FIBRE, old, payments=(debit,), collections=(tried,), returns=(back,))
    assert codes(decided(facts)) == ["approval"]
    ana = Approval(NET, "throttled", "ana", NOW, "looked at it")
    assert decided(replace(facts, approvals=(ana,))).first
    assert decided(replace(facts, invoices=(old, replace(BILL, id="F-2")))).first
    in_time = replace(back, returned_on=date(2026, 4, 10))
    assert decided(replace(facts, returns=(in_time,))).first


def test_a_yes_to_a_further_stage_runs_out_too() -> None:
    rules = policy(SLOW, replace(PORTAL, approvals=1))
    ana = Approval(NET, "portal", "ana", NOW - timedelta(days=30), "as agreed")
    facts = account(FIBRE, BILL, approvals=(ana,), imposed=imposed(SLOW, FIBRE, days=40))
    assert codes(decided(facts, rules)) == ["approval"]
    lasting = decided(replace(facts, approvals=(replace(ana, at=ana.at + timedelta(hours=1)),)), rules)
    assert (lasting.stage, lasting.first) == ("portal", True)


def test_a_refusal_stops_a_stage_that_asks_for_nobody() -> None:
    no = Approval(NET, "throttled", "ana", NOW - timedelta(days=60), "a widow", refused=True)
    assert codes(decided(account(FIBRE, BILL, approvals=(no,)))) == ["refused"]
    assert decided(account(FIBRE, BILL, approvals=(no, replace(no, by="luis", at=NOW, refused=False)))).first


def test_a_person_deals_with_business_customers() -> None:
    decision = decided(account(FIBRE, BILL, tags=frozenset({"business"})))
    assert (decision.access, codes(decision)) == (Access.FULL, ["person"])


def test_a_resellers_customers_are_never_cut_for_its_debt() -> None:
    reseller, customer = frozenset({"reseller"}), replace(FIBRE, user="a shop")
    cut = imposed(PORTAL, FIBRE)
    decision = decided(account(customer, BILL, tags=reseller, imposed=cut))
    assert (decision.access, codes(decision)) == (Access.FULL, ["reseller_user"])
    assert decided(account(customer, BILL, imposed=cut)).access is Access.PORTAL


def test_a_reseller_is_cut_only_where_billing_told_that_the_service_is_its_own() -> None:
    reseller, cut = frozenset({"reseller"}), imposed(PORTAL, FIBRE)
    untold = decided(account(FIBRE, BILL, tags=reseller, imposed=cut))
    assert (untold.access, codes(untold)) == (Access.FULL, ["reseller_user"])
    own = account(replace(FIBRE, user="A-1"), BILL, tags=reseller, imposed=cut)
    assert decided(own).access is Access.PORTAL


def test_wholesale_is_never_cut_and_no_message_is_due() -> None:
    decision = decided(account(FIBRE, BILL, tags=frozenset({"wholesale"}), notices=()))
    assert (decision.access, codes(decision), decision.notice_due) == (Access.FULL, ["never"], None)


def test_money_that_nobody_has_attributed_stops_the_cut_of_who_may_have_paid_it() -> None:
    loose = UnmatchedPayment("U-1", 2990, "EUR", NOW - timedelta(days=1))
    assert codes(decided(account(FIBRE, BILL, unmatched=(loose,)))) == ["unmatched_payment"]


def test_a_promise_opens_until_its_end_and_then_the_stage_comes_again_without_another_notice() -> None:
    since, until = NOW - timedelta(days=20), NOW + timedelta(days=25)
    cut = Suspension(NET, Access.THROTTLED, since, NOW)
    promise = Hold("H-1", HoldKind.PROMISE, NOW - timedelta(minutes=1), "care", "on Friday", until, beyond=True)
    old = notice(
        "throttled", sent_at=since - timedelta(days=9), delivered_at=since - timedelta(days=9), names_date=since.date()
    )
    facts = account(FIBRE, BILL, notices=(old,), holds=(promise,), suspensions=(cut,), freshness=fresh(until))
    early = replace(BILL, presented_on=date(2026, 9, 1), due_on=date(2026, 9, 6))
    facts = replace(facts, invoices=(early,))
    assert decided(replace(facts, imposed=imposed(SLOW, FIBRE, 20))).access is Access.FULL
    again = decided(facts, now=until)
    assert (again.stage, again.first) == ("throttled", True)
    assert codes(decided(replace(facts, holds=(), suspensions=()), now=until)) == ["notice_expired"]


@pytest.mark.parametrize(
    ("kind", "days", "again"),
    [
        pytest.param(HoldKind.PLAN, 42, True, id="time to pay"),
        pytest.param(HoldKind.PLAN, 100, False, id="for longer than anybody remembers a notice"),
        pytest.param(HoldKind.PROTECTED, 42, False, id="protected"),
        pytest.param(HoldKind.COURT, 42, False, id="by a court"),
    ],
)
def test_only_time_to_pay_prolongs_a_notice_and_not_without_end(kind: HoldKind, days: int, again: bool) -> None:
    until = NOW + timedelta(days=days)
    facts = account(FIBRE, BILL, holds=(Hold("H", kind, NOW, "care", "x", until),), freshness=fresh(until))
    decision = decided(facts, now=until)
    assert decision.first is again
    assert again or codes(decision) == ["notice_expired"]


def test_a_hold_that_goes_beyond_its_bounds_holds_nobody() -> None:
    rules = replace(RULES, holds=HoldRules({HoldKind.COURTESY: HoldBound(most_owed=1000)}))
    courtesy = Hold(
        "H-1", HoldKind.COURTESY, NOW - timedelta(hours=1), "care", "a nice person", NOW + timedelta(days=1)
    )
    assert decided(account(FIBRE, BILL, holds=(courtesy,)), rules).first
    assert codes(decided(account(FIBRE, BILL, holds=(replace(courtesy, beyond=True),)), rules))[0] == "hold"


def test_a_plan_keeps_open_until_an_instalment_is_missed() -> None:
    parts = (Instalment(date(2026, 11, 1), 1000), Instalment(date(2026, 12, 1), 1990))
    plan = Hold("H-1", HoldKind.PLAN, at(date(2026, 10, 20)), "care", "two parts", instalments=parts, currency="EUR")
    facts = account(FIBRE, BILL, holds=(plan,), imposed=imposed(PORTAL, FIBRE))
    assert decided(facts).stage == "portal"
    paid = Payment("P-1", 1000, "EUR", "card", at(date(2026, 10, 30)))
    assert decided(replace(facts, payments=(paid,))).access is Access.FULL


def test_a_fault_or_an_outage_only_keeps_things_as_they_are() -> None:
    for kind in (HoldKind.FAULT, HoldKind.OUTAGE, HoldKind.DISPUTE, HoldKind.DECEASED):
        hold = Hold("H-1", kind, NOW - timedelta(hours=1), "noc", "told by the NOC")
        decision = decided(account(FIBRE, BILL, holds=(hold,), imposed=imposed(SLOW, FIBRE)))
        assert (decision.stage, codes(decision)[0]) == ("throttled", "hold")


def test_a_part_payment_opens_for_a_while() -> None:
    rules = replace(RULES, partial=PartialRule(50, 5))
    half = Payment("P-1", 1500, "EUR", "card", NOW - timedelta(days=1))
    decision = decided(account(FIBRE, BILL, payments=(half,), imposed=imposed(PORTAL, FIBRE)), rules)
    assert (decision.access, codes(decision)[0]) == (Access.FULL, "part_payment")
    assert decided(account(FIBRE, BILL, payments=(half,), imposed=imposed(PORTAL, FIBRE))).stage == "portal"
