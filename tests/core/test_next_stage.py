"""Which stage comes next: two tracks of money, alternatives, laws that begin and end, rungs for some customers."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from controller.core.facts import (
    Charge,
    Collection,
    Imposed,
    InvoiceLine,
    Payment,
    Return,
    Suspension,
)
from controller.core.policy import (
    Conditions,
    Loosened,
    Source,
)
from enforcement.access import Access, Rate
from tests.core.histories import NET, TEL, at, fresh
from tests.core.rulebooks import SOURCE
from tests.core.small import (
    BARRED,
    BILL,
    CALLS,
    FIBRE,
    LINE,
    NO_PREMIUM,
    NOTICES,
    NOW,
    PORTAL,
    RULES,
    SENT,
    SLOW,
    account,
    codes,
    decided,
    imposed,
    notice,
    policy,
    stage,
)


def test_unpaid_premium_calls_bar_premium_calls_and_nothing_else() -> None:
    decision = decided(account(LINE, CALLS))
    assert (decision.access, decision.next_stage) == (Access.NO_PREMIUM, "")
    assert decided(account(FIBRE, replace(CALLS, lines=(InvoiceLine(2990, NET, Charge.THIRD_PARTY),)))).stage == ""


def test_the_services_own_debt_comes_first() -> None:
    assert decided(account(LINE, BILL, CALLS)).stage == "incoming_only"


def test_premium_calls_are_barred_while_the_services_own_debt_lacks_something() -> None:
    facts = account(LINE, BILL, CALLS, notices=(notice("no_premium"),))
    first = decided(facts)
    assert (first.stage, first.first, first.next_stage) == ("no_premium", True, "incoming_only")
    assert decided(replace(facts, notices=NOTICES, imposed=imposed(NO_PREMIUM, days=0))).stage == "incoming_only"


def test_a_stage_is_lifted_when_its_own_track_is_paid() -> None:
    paid = Payment("P-1", 2990, "EUR", "card", NOW, allocations=(("F-2", 2990),))
    only_service = account(LINE, BILL, CALLS, payments=(paid,), imposed=imposed(NO_PREMIUM), notices=())
    assert decided(only_service).access is Access.FULL
    paid_for_service = replace(paid, allocations=(("F-1", 2990),))
    only_premium = account(LINE, BILL, CALLS, payments=(paid_for_service,), imposed=imposed(BARRED))
    after = decided(only_premium)
    assert (after.access, after.first) == (Access.NO_PREMIUM, True)
    assert decided(replace(only_premium, notices=())).access is Access.FULL


def test_an_adopted_bar_of_premium_calls_stands_while_anything_is_owed() -> None:
    old = (Imposed(TEL, Access.NO_PREMIUM, "old-system", NOW - timedelta(days=3)),)
    decision = decided(account(LINE, BILL, imposed=old))
    assert (decision.stage, codes(decision)) == ("old-system", ["not_in_policy"])
    assert decided(account(LINE, CALLS, imposed=old)).stage == "old-system"
    assert decided(account(LINE, imposed=old)).access is Access.FULL


TWO_WAYS = stage(Access.PORTAL, Conditions(months_since_due=3), Conditions(earlier_suspensions=2))
EARLIER = Suspension(NET, Access.PORTAL, NOW - timedelta(days=90), NOW - timedelta(days=80))


def test_one_of_the_alternatives_is_enough_and_the_nearest_is_told() -> None:
    rules = policy(TWO_WAYS)
    assert codes(decided(account(FIBRE, BILL), rules))[0] == "too_young"
    again = replace(EARLIER, since=EARLIER.since + timedelta(days=20), until=NOW - timedelta(days=40))
    assert decided(account(FIBRE, BILL, suspensions=(EARLIER, again)), rules).first
    slowed = replace(again, access=Access.THROTTLED)
    assert not decided(account(FIBRE, BILL, suspensions=(EARLIER, slowed)), rules).first


def test_returned_collections_in_a_row_are_asked_of_the_debts_that_the_notice_was_about() -> None:
    rules = policy(stage(Access.PORTAL, Conditions(consecutive_returns=2)))
    other = replace(BILL, id="F-2", presented_on=date(2026, 10, 30), due_on=date(2026, 11, 3))
    tried = tuple(Collection(f"R-{one.id}", one.id, 2990, one.due_on) for one in (BILL, other))
    back = tuple(Return(one.id, "AM04", one.collected_on + timedelta(days=2), 2990) for one in tried)
    facts = account(FIBRE, BILL, other, collections=tried, returns=back)
    assert codes(decided(facts, rules)) == ["notice_of_other_debt"]
    assert decided(replace(facts, notices=(notice("portal", sent_at=SENT + timedelta(days=1)),)), rules).first
    assert codes(decided(replace(facts, returns=back[:1]), rules)) == ["too_few_returns"]


def test_a_debt_that_is_being_collected_again_leads_to_nothing_until_the_bank_has_answered() -> None:
    tried = Collection("R-1", "F-1", 2990, date(2026, 11, 9))
    pending = decided(account(FIBRE, BILL, collections=(tried,)))
    assert codes(pending)[0] == "collection_pending"
    technical = Return("R-1", "AC01", date(2026, 11, 10), 2990)
    assert codes(decided(account(FIBRE, BILL, collections=(tried,), returns=(technical,))))[0] == "return_grace"
    assert decided(account(FIBRE, BILL, collections=(tried,), returns=(replace(technical, code="AM04"),))).first
    kept = decided(account(FIBRE, BILL, collections=(tried,), imposed=imposed(SLOW, FIBRE)))
    assert kept.stage == "throttled"


def test_a_rung_for_other_customers_or_of_a_law_that_is_over_is_passed_over() -> None:
    for_business = replace(SLOW, conditions=(Conditions(tags_with=frozenset({"vip"})),))
    assert decided(account(FIBRE, BILL), policy(for_business, PORTAL)).stage == "portal"
    assert decided(account(FIBRE, BILL, tags=frozenset({"vip"})), policy(for_business, PORTAL)).stage == "throttled"
    over = replace(SLOW, source=replace(SOURCE, valid_to=date(2026, 11, 9)))
    assert decided(account(FIBRE, BILL), policy(over, PORTAL)).stage == "portal"
    assert codes(decided(account(FIBRE, BILL), policy(over))) == ["not_for_customer"]


def test_a_rule_that_is_not_in_force_yet_imposes_nothing_yet() -> None:
    coming = replace(SLOW, source=Source("a law", "F", date(2026, 11, 1), valid_from=date(2026, 11, 12)))
    decision = decided(account(FIBRE, BILL, freshness=fresh(at(date(2026, 11, 20)))), policy(coming))
    assert codes(decision) == ["rule_not_in_force"]
    assert decision.review_at == at(date(2026, 11, 12), 0)


@pytest.mark.parametrize(("stage_name", "blocked"), [("", True), ("throttled", True), ("portal", False)])
def test_nothing_new_is_imposed_under_an_override_that_has_run_out(stage_name: str, blocked: bool) -> None:
    loosened = Loosened("notice.lead", "a test", "ana", date(2026, 11, 9), stage_name)
    decision = decided(account(FIBRE, BILL), replace(RULES, loosened=(loosened,)))
    assert decision.first is not blocked
    assert (codes(decision) == ["override_expired"]) is blocked
    last_day = replace(loosened, expires_on=NOW.date())
    assert decided(account(FIBRE, BILL), replace(RULES, loosened=(last_day,))).first


def test_a_throttled_service_has_the_rate_of_its_stage() -> None:
    assert decided(account(FIBRE, BILL)).rate == Rate(2000, 500)
    assert decided(account(FIBRE, BILL, imposed=imposed(PORTAL, FIBRE))).rate is None


def test_the_rule_is_said_in_words_beside_its_source() -> None:
    rules = policy(stage(Access.PORTAL, Conditions(months_since_presented=1, unpaid_invoices=1)))
    (rule,) = (one.text for one in decided(account(FIBRE, BILL), rules).evidence if one.kind == "rule")
    assert rule.startswith("portal: more than 1 month(s) since the bill was presented; notice at least 2 days before.")
    assert rule.endswith(" a test [D, looked at on Sun 2026-11-22]")
