"""What is imposed outlives neither its debt nor what it asks of it: who pays a part is taken back as far."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from controller.core.facts import Collection, Facts, Hold, HoldKind, Imposed, Payment, Return
from controller.core.policy import Conditions, Policy
from enforcement.access import Access
from tests.core.histories import NET, fresh
from tests.core.rulebooks import SOURCE
from tests.core.small import BILL, FIBRE, NOW, PORTAL, SLOW, account, codes, decided, imposed, policy

OTHER = replace(BILL, id="F-2")
MUCH, REPEATED = Conditions(minimum_amount=5000), Conditions(unpaid_invoices=2)
CUT = account(FIBRE, BILL, OTHER, imposed=imposed(PORTAL, FIBRE))


def after_paying(amount: int, rules: Policy, facts: Facts = CUT) -> tuple[str, Access]:
    payment = Payment("P-1", amount, "EUR", "card", NOW - timedelta(hours=1))
    decision = decided(replace(facts, payments=(payment,)), rules)
    assert not decision.first
    assert not decision.stage or decision.reasons[0].access is decision.access
    return decision.stage, decision.access


@pytest.mark.parametrize("asks", [MUCH, REPEATED])
def test_a_part_that_leaves_too_little_for_the_stage_brings_back_the_rung_before_it(asks: Conditions) -> None:
    rules = policy(SLOW, replace(PORTAL, conditions=(asks,)))
    assert after_paying(900, rules) == ("portal", Access.PORTAL)
    assert after_paying(2990, rules) == ("throttled", Access.THROTTLED)


def test_a_part_that_leaves_too_little_for_any_rung_opens_the_service() -> None:
    rules = policy(replace(SLOW, conditions=(MUCH,)), replace(PORTAL, conditions=(MUCH,)))
    assert after_paying(900, rules) == ("portal", Access.PORTAL)
    assert after_paying(2990, rules) == ("", Access.FULL)


def test_a_rung_that_was_passed_needs_no_new_notice_and_the_stage_after_it_waits_for_its_conditions() -> None:
    rules = policy(SLOW, replace(PORTAL, conditions=(MUCH,)))
    paid = Payment("P-1", 2990, "EUR", "card", NOW - timedelta(hours=1))
    decision = decided(replace(CUT, payments=(paid,), notices=()), rules)
    assert (decision.stage, decision.first, decision.next_stage) == ("throttled", False, "portal")
    assert "too_little" in codes(decision)
    assert decision.rate == SLOW.rate


def test_next_to_nothing_is_no_second_unpaid_bill_but_many_small_ones_together_are_one() -> None:
    rules = policy(replace(SLOW, conditions=(REPEATED,)), trivial_amount=500)
    assert decided(account(FIBRE, BILL, replace(OTHER, amount=500)), rules).first
    one_cent = decided(account(FIBRE, BILL, replace(OTHER, amount=1)), rules)
    assert codes(one_cent)[0] == "too_few_invoices"
    small = tuple(replace(BILL, id=f"F-{n}", amount=400) for n in range(3))
    assert decided(account(FIBRE, *small), policy(SLOW, trivial_amount=500)).first
    assert not decided(account(FIBRE, *small), rules).first


TRIED = tuple(Collection(f"R-{one.id}", one.id, 2990, one.due_on) for one in (BILL, OTHER))
BACK = tuple(Return(one.id, "AM04", one.collected_on + timedelta(days=2), 2990) for one in TRIED)
RUN = policy(SLOW, replace(PORTAL, conditions=(Conditions(consecutive_returns=2),)))
RETURNED = replace(CUT, collections=TRIED, returns=BACK)


def test_a_stage_for_returned_receipts_stands_while_they_are_owed() -> None:
    assert decided(RETURNED, RUN).stage == "portal"
    assert after_paying(2990, RUN, RETURNED) == ("throttled", Access.THROTTLED)


def test_what_is_disputed_or_collected_again_is_still_owed() -> None:
    dispute = Hold("H-1", HoldKind.DISPUTE, NOW - timedelta(days=1), "care", "says so")
    assert decided(replace(RETURNED, holds=(dispute,)), RUN).stage == "portal"
    again = Collection("R-3", "F-1", 2990, NOW.date() - timedelta(days=1))
    assert decided(replace(RETURNED, collections=(*TRIED, again)), RUN).stage == "portal"


def test_age_that_was_enough_remains_enough() -> None:
    rules = policy(replace(SLOW, conditions=(Conditions(months_since_due=9),)))
    assert decided(account(FIBRE, BILL, imposed=imposed(SLOW, FIBRE)), rules).stage == "throttled"


def test_a_rung_that_was_never_one_of_this_customers_is_not_fallen_back_to() -> None:
    for other in (
        replace(SLOW, conditions=(Conditions(tags_with=frozenset({"vip"})),)),
        replace(SLOW, source=replace(SOURCE, valid_to=date(2026, 11, 9))),
        replace(SLOW, source=replace(SOURCE, valid_from=date(2026, 11, 12))),
    ):
        assert after_paying(2990, policy(other, replace(PORTAL, conditions=(MUCH,)))) == ("", Access.FULL)


def test_the_day_on_which_a_second_bill_falls_due_is_looked_at_in_time() -> None:
    """It is enough again only for what is kept in the books: a service that has been taken back needs its notice."""
    rules = policy(SLOW, replace(PORTAL, conditions=(REPEATED,)))
    coming = replace(OTHER, due_on=date(2026, 11, 12))
    facts = account(FIBRE, BILL, coming, imposed=imposed(PORTAL, FIBRE), freshness=fresh(NOW + timedelta(days=9)))
    before = decided(facts, rules)
    assert before.stage == "throttled"
    assert before.review_at is not None
    taken_back = (Imposed(NET, Access.THROTTLED, "throttled", NOW),)
    due = NOW + timedelta(days=3)
    assert before.review_at <= due
    after = decided(replace(facts, imposed=taken_back), rules, due)
    assert (after.stage, after.next_stage) == ("throttled", "portal")
    assert "notice_of_other_debt" in codes(after)
