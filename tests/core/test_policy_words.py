"""A policy's rules in words: what is settled law says so, and what is not does not."""

from dataclasses import replace
from datetime import date

import pytest

from controller.core.policy import Conditions, Draft, Loosened
from controller.core.rule_words import rule_in_words
from controller.policies.telling import told
from enforcement.access import Access, Kind
from tests.core.policies import policy
from tests.core.small import BILL, FIBRE, RULES, SLOW, account, codes, decided, stage

SHIPPED = ("es", "br", "pt", "de", "operator")


@pytest.mark.parametrize("name", SHIPPED)
def test_what_is_partly_the_operators_own_is_not_told_as_settled_law(name: str) -> None:
    stages = [stage for ladder in policy(name).ladders.values() for stage in ladder]
    assert {stage.source.mark for stage in stages if "operator" in stage.source.text.lower()} <= {"D"}


def test_only_what_was_read_in_the_law_is_said_to_be_verified() -> None:
    for name in SHIPPED:
        rules = policy(name)
        shown = [one for stages in told(rules)["ladders"].values() for one in stages]
        for one in shown:
            assert ("verified on" in one["rule"]) == (one["mark"] == "F") == one["settled"]
            assert ("looked at on Sun 2026-11-22" in one["rule"]) == (one["mark"] != "F")


def test_least_numbers_are_said_to_be_the_least_and_amounts_are_money() -> None:
    germany, spain = policy("de"), policy("es", internet_month="contract")
    words = str(rule_in_words(germany.ladders[Kind.INTERNET][0]))
    assert words.startswith(
        "throttled: at least 2 unpaid invoices and at least 100.00 past due; notice at least 14 days"
    )
    words = str(rule_in_words(spain.ladders[Kind.INTERNET][1]))
    assert "at least 15 day(s) since it was due and at least 7 day(s) in the stage before" in words


def test_a_draft_is_told_in_the_evidence_of_each_decision() -> None:
    draft = Draft("Ana López", date(2026, 11, 2), "read with our lawyer")
    (rule,) = [
        one.text for one in decided(account(FIBRE, BILL), replace(RULES, draft=draft)).evidence if one.kind == "rule"
    ]
    assert rule.endswith("there are no floors of law; accepted by Ana López on Mon 2026-11-02: read with our lawyer")
    (rule,) = [one.text for one in decided(account(FIBRE, BILL)).evidence if one.kind == "rule"]
    assert "draft" not in rule


def test_a_bill_that_is_presented_after_it_was_due_is_due_from_then_on() -> None:
    month = stage(Access.THROTTLED, Conditions(months_since_due=1))
    rules = replace(RULES, ladders={Kind.INTERNET: (month,)})
    late = replace(BILL, due_on=date(2026, 9, 1), presented_on=date(2026, 10, 20))
    assert decided(account(FIBRE, BILL), rules).access is Access.THROTTLED
    assert codes(decided(account(FIBRE, late), rules)) == ["too_young"]


@pytest.mark.parametrize(("kind", "free"), [(Kind.INTERNET, False), (Kind.MOBILE_VOICE, True), (None, False)])
def test_an_override_that_has_ended_keeps_back_the_stage_of_its_own_kind_alone(kind: Kind | None, free: bool) -> None:
    over = Loosened("ladders.x", "a test's reason", "ana", date(2026, 11, 9), SLOW.name, kind)
    found = decided(account(FIBRE, BILL), replace(RULES, loosened=(over,)))
    assert (found.access is Access.THROTTLED) == free
    assert ("override_expired" in codes(found)) != free
