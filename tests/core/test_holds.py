"""Holds: in force as long as their words and the policy's bounds say, and a broken plan holds nothing."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.core.facts import (
    OPENING_HOLDS,
    AccountId,
    Collection,
    Facts,
    Hold,
    HoldKind,
    Instalment,
    Invoice,
    Payment,
    Return,
)
from controller.core.holds import Held, holds_in_force, not_in_force, overdue_for_review
from controller.core.horizon import Horizon
from controller.core.policy import HoldBound, HoldRules, Policy
from enforcement.entries import ServiceId
from tests.core.money_histories import INSTANTS, NET, NOW, RULES, SERVICES, TEL, accounts, at, payments, policies

DAY = timedelta(days=1)
SECOND = timedelta(microseconds=1)
PROMISE = Hold("H-1", HoldKind.PROMISE, NOW, "care", "says so")
NOBODY = Facts(AccountId("A-1"), services=SERVICES)
OWING = replace(NOBODY, invoices=(Invoice("F-1", 2990, "EUR", date(2026, 10, 1), date(2026, 10, 6)),))


def bounded(kind: HoldKind = HoldKind.PROMISE, **bound: int) -> Policy:
    return replace(RULES, holds=HoldRules({kind: HoldBound(**bound)}))


def held(
    *holds: Hold, now: datetime = NOW, policy: Policy = RULES, facts: Facts = NOBODY, service: ServiceId = NET
) -> list[Held]:
    return holds_in_force(replace(facts, holds=holds), service, policy, now, Horizon(now))


def refused(*holds: Hold, now: datetime = NOW, policy: Policy = RULES, facts: Facts = NOBODY) -> dict[str, str]:
    found = not_in_force(replace(facts, holds=holds), NET, policy, now)
    return {one.hold.id: one.why for one in found}


def test_a_hold_is_in_force_from_its_beginning_until_its_end() -> None:
    hold = replace(PROMISE, until=NOW + DAY)
    assert held(hold, now=NOW - SECOND) == []
    assert held(hold) == [Held(hold, NOW + DAY, opens=True)]
    assert held(hold, now=NOW + DAY) == []
    assert refused(hold, now=NOW + DAY) == {}


def test_a_hold_of_another_service_is_none_of_this_one() -> None:
    assert held(replace(PROMISE, service=TEL)) == []
    assert len(held(replace(PROMISE, service=TEL), service=TEL)) == len(held(replace(PROMISE, service=NET))) == 1


@pytest.mark.parametrize("kind", HoldKind)
def test_only_some_kinds_open_the_service(kind: HoldKind) -> None:
    (one,) = held(replace(PROMISE, kind=kind))
    assert one.opens is (kind in OPENING_HOLDS)


def test_a_promise_lasts_no_longer_than_the_policy_says_unless_given_beyond_it() -> None:
    policy, ends = bounded(days=3), at(date(2026, 11, 14), 0)
    (one,) = held(replace(PROMISE, until=NOW + 20 * DAY), policy=policy)
    assert one.until == ends
    assert held(PROMISE, now=ends, policy=policy) == []
    assert "as long as it may" in refused(PROMISE, now=ends, policy=policy)["H-1"]
    (beyond,) = held(replace(PROMISE, beyond=True), now=ends, policy=policy)
    assert beyond.until is None


def test_a_claimed_payment_is_believed_for_48_hours_whatever_the_policy_says() -> None:
    claimed = replace(PROMISE, kind=HoldKind.CLAIMED_PAYMENT, until=NOW + 20 * DAY)
    for policy in (RULES, bounded(HoldKind.CLAIMED_PAYMENT, days=9)):
        (one,) = held(claimed, policy=policy)
        assert one.until == NOW + 2 * DAY
    (shorter,) = held(claimed, policy=bounded(HoldKind.CLAIMED_PAYMENT, days=1))
    assert shorter.until == at(date(2026, 11, 12), 0)
    assert held(claimed, now=NOW + 2 * DAY) == []
    assert len(held(replace(claimed, beyond=True), now=NOW + 2 * DAY)) == 1


def test_only_so_many_holds_of_a_kind_are_given_within_a_year() -> None:
    policy = bounded(times_a_year=2)
    ended = [replace(PROMISE, id=f"H-{n}", since=NOW - n * 100 * DAY, until=NOW - n * 100 * DAY + DAY) for n in (1, 2)]
    third = replace(PROMISE, id="H-third")
    assert held(*ended, third, policy=policy) == []
    assert "2 times within 365 days" in refused(*ended, third, policy=policy)["H-third"]
    assert [one.hold.id for one in held(*ended, replace(third, beyond=True), policy=policy)] == ["H-third"]
    long_ago = replace(ended[1], since=NOW - 365 * DAY, until=NOW - 364 * DAY)
    assert [one.hold.id for one in held(ended[0], long_ago, third, policy=policy)] == ["H-third"]
    of_another_kind = replace(ended[0], kind=HoldKind.COURTESY)
    assert [one.hold.id for one in held(of_another_kind, ended[1], third, policy=policy)] == ["H-third"]


def test_a_hold_that_was_refused_does_not_use_up_the_next_one() -> None:
    policy = bounded(times_a_year=1)
    first = replace(PROMISE, id="H-a", since=NOW - 400 * DAY, until=NOW - 399 * DAY)
    second = replace(first, id="H-b", since=NOW - 300 * DAY, until=NOW - 299 * DAY)
    assert [one.hold.id for one in held(first, second, PROMISE, policy=policy)] == ["H-1"]


def test_above_the_most_that_may_be_owed_a_hold_holds_nothing() -> None:
    assert held(PROMISE, policy=bounded(most_owed=2989), facts=OWING) == []
    assert refused(PROMISE, policy=bounded(most_owed=2989), facts=OWING) == {
        "H-1": "29.90 EUR past due; the policy allows promise up to 29.89 EUR."
    }
    assert len(held(PROMISE, policy=bounded(most_owed=2990), facts=OWING)) == 1


def test_what_falls_due_or_comes_back_after_a_promise_does_not_break_it() -> None:
    policy, later = bounded(most_owed=2990), NOW + 5 * DAY
    next_bill = replace(OWING.invoices[0], id="F-2", due_on=date(2026, 11, 12))
    assert (
        len(held(PROMISE, now=later, policy=policy, facts=replace(OWING, invoices=(*OWING.invoices, next_bill)))) == 1
    )
    debited = Payment("P-1", 2990, "EUR", "direct_debit", at(date(2026, 10, 6)), collection="R-1")
    paid = replace(
        OWING,
        invoices=(OWING.invoices[0], replace(OWING.invoices[0], id="F-2")),
        collections=(Collection("R-1", "F-1", 2990, date(2026, 10, 6)),),
        payments=(debited,),
        returns=(Return("R-1", "MD06", date(2026, 11, 12), 2990),),
    )
    assert len(held(PROMISE, now=later, policy=policy, facts=paid)) == 1
    before = replace(paid, returns=(replace(paid.returns[0], returned_on=date(2026, 11, 9)),))
    assert held(PROMISE, now=later, policy=policy, facts=before) == []


PLAN = replace(
    PROMISE,
    kind=HoldKind.PLAN,
    since=at(date(2026, 10, 20)),
    instalments=(Instalment(date(2026, 11, 2), 1000), Instalment(date(2026, 12, 2), 1000)),
    currency="EUR",
)
MISSED = at(date(2026, 11, 6), 0)
FIRST = Payment("P-1", 1000, "EUR", "card", at(date(2026, 11, 1)))


def paying(*payments: Payment) -> Facts:
    return replace(NOBODY, payments=payments)


def test_a_plan_is_in_force_until_the_days_of_grace_of_a_missed_instalment_are_over() -> None:
    assert len(held(PLAN, now=MISSED - SECOND)) == 1
    assert held(PLAN, now=MISSED) == []
    assert refused(PLAN, now=MISSED) == {"H-1": "The plan is broken: 0.00 EUR of 10.00 EUR came."}


@pytest.mark.parametrize(
    ("payment", "kept"),
    [
        (FIRST, True),
        (replace(FIRST, amount=999), False),
        (replace(FIRST, currency="USD"), False),
        (replace(FIRST, received_at=at(date(2026, 10, 19))), False),
        (replace(FIRST, received_at=at(date(2026, 10, 20), 0)), True),
        (replace(FIRST, reversed_at=MISSED), False),
        (replace(FIRST, instrument="direct_debit"), True),
    ],
    ids=["paid", "too little", "other money", "before the plan", "on its first day", "taken back", "under way"],
)
def test_a_plan_is_kept_by_what_came_since_it_began(payment: Payment, kept: bool) -> None:
    assert bool(held(PLAN, now=MISSED, facts=paying(payment))) is kept


def test_a_late_instalment_mends_a_plan() -> None:
    late = replace(FIRST, received_at=MISSED + DAY)
    assert len(held(PLAN, now=MISSED + DAY, facts=paying(late))) == 1


def test_a_plan_ends_with_its_last_instalment() -> None:
    over = at(date(2026, 12, 6), 0)
    all_paid = paying(FIRST, replace(FIRST, id="P-2", received_at=at(date(2026, 12, 1))))
    assert [one.until for one in held(PLAN, now=over - SECOND, facts=all_paid)] == [over]
    assert held(PLAN, now=over, facts=all_paid) == []


def test_a_return_that_says_that_the_payer_died_stops_everything_until_a_person_answers_it() -> None:
    told = Return("R-1", "MD07", date(2026, 11, 5), 2990)
    dead = replace(NOBODY, returns=(told, replace(told, returned_on=date(2026, 11, 6))))
    for service in (NET, TEL):
        (one,) = held(facts=dead, service=service)
        assert (one.hold.kind, one.until, one.opens) == (HoldKind.DECEASED, None, False)
        assert overdue_for_review(one.hold, RULES, date(2026, 11, 7))
    answer = Hold("H-dead", HoldKind.DECEASED, at(date(2026, 11, 7)), "care", "the bank was wrong", NOW)
    assert held(answer, facts=dead, now=NOW) == []
    assert [one.hold.id for one in held(answer, facts=dead, now=NOW - SECOND)] == ["H-dead"]
    of_the_other = replace(answer, service=TEL)
    assert [one.hold.author for one in held(of_the_other, facts=dead, now=NOW)] == ["the bank"]


def test_a_hold_is_overdue_for_review_the_day_after_its_review_date() -> None:
    told = replace(PROMISE, review_on=date(2026, 11, 20))
    assert not overdue_for_review(told, RULES, date(2026, 11, 20))
    assert overdue_for_review(told, RULES, date(2026, 11, 21))
    assert not overdue_for_review(PROMISE, RULES, date(2026, 11, 10) + 180 * DAY)
    assert overdue_for_review(PROMISE, RULES, date(2026, 11, 10) + 181 * DAY)


@given(accounts, policies, INSTANTS, st.sampled_from([NET, TEL]))
def test_a_hold_that_has_begun_and_not_ended_is_in_force_or_says_why_not(
    facts: Facts, policy: Policy, now: datetime, service: ServiceId
) -> None:
    begun = [
        hold
        for hold in facts.holds
        if hold.service in (None, service) and hold.since <= now and (hold.until is None or now < hold.until)
    ]
    in_force = holds_in_force(facts, service, policy, now, Horizon(now))
    refused = not_in_force(facts, service, policy, now)
    told = [one.hold for one in in_force] + [one.hold for one in refused]
    told = [hold for hold in told if hold.author == "care"]
    assert sorted(map(repr, told)) == sorted(map(repr, begun))
    assert all(one.until is None or now < one.until for one in in_force)
    assert all(one.why for one in refused)


@given(accounts, policies, INSTANTS, st.sampled_from([NET, TEL]), payments)
def test_paying_never_ends_a_hold(
    facts: Facts, policy: Policy, now: datetime, service: ServiceId, payment: Payment
) -> None:
    paid = replace(facts, payments=(*facts.payments, replace(payment, id="P-new", reversed_at=None)))
    before = holds_in_force(facts, service, policy, now, Horizon(now))
    after = holds_in_force(paid, service, policy, now, Horizon(now))
    assert all(one in after for one in before)
