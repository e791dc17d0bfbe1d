"""What a notice proves, and which message is due before the next stage, when, naming which date."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from controller.core.calendar import DayUnit
from controller.core.decision import NoticeDue
from controller.core.facts import (
    Approval,
    Collection,
    Facts,
    Hold,
    HoldKind,
    Notice,
    Payment,
    UnmatchedPayment,
)
from controller.core.policy import (
    Conditions,
    NoticeRule,
    Stage,
)
from tests.core.histories import NET, at, fresh
from tests.core.small import (
    BILL,
    CALLS,
    FIBRE,
    LINE,
    NOTICES,
    NOW,
    RULE,
    SLOW,
    account,
    codes,
    decided,
    notice,
    policy,
)

LONG_AGO = at(date(2026, 9, 1))


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        pytest.param(notice("throttled", bounced_at=NOW - timedelta(hours=1)), "notice_bounced", id="bounced"),
        pytest.param(notice("throttled", delivered_at=None), "notice_unproven", id="not proven"),
        pytest.param(notice("throttled", channel="letter"), "notice_missing", id="another way"),
        pytest.param(notice("throttled", template="greeting"), "notice_missing", id="another message"),
        pytest.param(notice("portal"), "notice_missing", id="another stage"),
        pytest.param(notice("throttled", names_date=date(2026, 11, 5)), "notice_date_too_early", id="too early a day"),
        pytest.param(
            notice("throttled", sent_at=LONG_AGO, delivered_at=LONG_AGO, names_date=date(2026, 10, 1)),
            "notice_expired",
            id="long ago",
        ),
    ],
)
def test_a_notice_that_proves_nothing_carries_nothing(sent: Notice, code: str) -> None:
    rule = replace(RULE, template="cut", channels=frozenset({"sms"}))
    rules = policy(replace(SLOW, notice=rule))
    good = notice("throttled", template="cut")
    assert decided(account(FIBRE, BILL, notices=(good,)), rules).first
    told = sent if sent.template else replace(sent, template="cut")
    assert codes(decided(account(FIBRE, BILL, notices=(told,)), rules))[0] == code


def test_the_last_message_is_given_its_hours_whatever_it_named() -> None:
    rules = policy(replace(SLOW, notice=replace(RULE, after_last_hours=48)))
    arrived = NOW - timedelta(hours=47)
    second = notice("throttled", id="N-2", names_date=date(2026, 11, 20), sent_at=arrived, delivered_at=arrived)
    decision = decided(account(FIBRE, BILL, notices=(*NOTICES, second)), rules)
    assert codes(decision) == ["notice_recent"]
    assert decision.review_at == arrived + timedelta(hours=48)
    assert decided(account(FIBRE, BILL), rules).first


def test_a_debt_that_was_paid_and_came_back_after_the_notice_needs_another() -> None:
    back = Payment("P-1", 2990, "EUR", "card", at(date(2026, 10, 20)), reversed_at=at(date(2026, 11, 5)))
    assert codes(decided(account(FIBRE, BILL, payments=(back,)))) == ["notice_of_other_debt"]
    before = replace(back, reversed_at=at(date(2026, 10, 25)))
    assert decided(account(FIBRE, BILL, payments=(before,))).first


# --- the message that is due


DAYS_15 = replace(SLOW, notice=NoticeRule(15, DayUnit.WORKING_DAYS, 30, template="cut"))
MONTH = replace(DAYS_15, conditions=(Conditions(months_since_presented=1),))
NEW_BILL = replace(BILL, presented_on=date(2026, 11, 1), due_on=date(2026, 11, 6))


def due(facts: Facts, *stages: Stage, now: datetime = NOW, **other: Any) -> NoticeDue | None:
    """The message that is due on a Tuesday, within the hours for messages, to who has been sent nothing yet."""
    told = {"notices": (), **other}
    return decided(replace(facts, freshness=fresh(now), **told), policy(*stages), now).notice_due


def test_a_debt_that_is_old_enough_is_announced_at_once_for_the_first_day_after_the_lead() -> None:
    message = due(account(FIBRE, BILL), MONTH)
    assert message == NoticeDue("throttled", "cut", at(date(2026, 11, 10), 8, 30), date(2026, 11, 28))


def test_a_young_debt_is_announced_just_in_time() -> None:
    """Old enough on 2 December; the last Tuesday to Thursday with 15 working days before it is Thursday the 12th."""
    message = due(account(FIBRE, NEW_BILL), MONTH)
    assert message == NoticeDue("throttled", "cut", at(date(2026, 11, 12), 8, 30), date(2026, 12, 2))


def test_no_message_is_sent_outside_the_hours_for_messages() -> None:
    evening = at(date(2026, 11, 12), 20)
    message = due(account(FIBRE, BILL), MONTH, now=evening)
    assert message == NoticeDue("throttled", "cut", at(date(2026, 11, 17), 8, 30), date(2026, 12, 5))


def test_what_a_message_names_can_be_carried_out_when_the_day_comes() -> None:
    for unit, lead in ((DayUnit.WORKING_DAYS, 15), (DayUnit.DAYS, 10), (DayUnit.HOURS, 48)):
        rung = replace(MONTH, notice=NoticeRule(lead, unit, 30))
        message = due(account(FIBRE, NEW_BILL), rung)
        assert message is not None
        sent = message.send_at + timedelta(hours=9)
        told = Notice("N", "throttled", "sms", sent, message.names_date, sent)
        noon = at(message.names_date, 22)
        assert decided(account(FIBRE, NEW_BILL, notices=(told,), freshness=fresh(noon)), policy(rung), noon).first
        early = at(message.names_date - timedelta(days=1), 22)
        assert not decided(account(FIBRE, NEW_BILL, notices=(told,), freshness=fresh(early)), policy(rung), early).first


PENDING = Payment("P-1", 2990, "EUR", "transfer", NOW - timedelta(hours=1), pending=True)


@pytest.mark.parametrize(
    "matter",
    [
        pytest.param({"holds": (Hold("H", HoldKind.DISPUTE, NOW, "care", "x"),)}, id="a dispute"),
        pytest.param({"payments": (PENDING,)}, id="a payment under way"),
        pytest.param({"unmatched": (UnmatchedPayment("U", 2990, "EUR", NOW),)}, id="money that may be his"),
        pytest.param({"tags": frozenset({"business"})}, id="a person deals with him"),
        pytest.param({"collections": (Collection("R", "F-1", 2990, date(2026, 11, 9)),)}, id="it is being collected"),
        pytest.param({"conflicts": ("e-1",)}, id="a conflict"),
        pytest.param(
            {"approvals": (Approval(NET, "throttled", "ana", NOW, "no", refused=True),)}, id="somebody refused"
        ),
        pytest.param(
            {"notices": (notice("throttled", template="cut", names_date=date(2026, 12, 5)),)}, id="on its way"
        ),
    ],
)
def test_who_should_not_be_warned_is_sent_nothing(matter: dict[str, Any]) -> None:
    assert due(account(FIBRE, BILL), MONTH) is not None
    assert due(account(FIBRE, BILL), MONTH, **matter) is None


def test_a_day_that_was_named_too_early_is_named_anew() -> None:
    early = notice("throttled", template="cut", names_date=date(2026, 11, 20))
    assert codes(decided(account(FIBRE, BILL, notices=(early,)), policy(MONTH))) == ["notice_date_too_early"]
    message = due(account(FIBRE, BILL), MONTH, notices=(early,))
    assert message is not None
    assert message.names_date == date(2026, 11, 28)


def test_hours_that_end_within_the_day_that_was_named_are_early_enough() -> None:
    rung = replace(SLOW, notice=NoticeRule(7 * 24 + 1, DayUnit.HOURS, 30))
    decision = decided(account(FIBRE, BILL), policy(rung))
    assert codes(decision) == ["notice_lead"]
    assert decided(account(FIBRE, BILL), policy(rung), NOW + timedelta(hours=1)).first


def test_what_never_arrived_is_sent_again_once_its_day_has_come_or_it_bounced() -> None:
    lost = notice("throttled", template="cut", delivered_at=None, names_date=date(2026, 11, 20))
    assert due(account(FIBRE, BILL), MONTH, notices=(lost,)) is None
    assert due(account(FIBRE, BILL), MONTH, notices=(replace(lost, names_date=NOW.date()),)) is not None
    bounced = replace(lost, bounced_at=NOW - timedelta(days=1))
    assert due(account(FIBRE, BILL), MONTH, notices=(bounced,)) is not None


def test_missing_approvals_keep_nobody_from_being_warned() -> None:
    assert due(account(FIBRE, BILL), replace(MONTH, approvals=2)) is not None


def test_who_owes_too_little_to_be_cut_is_not_warned_of_it() -> None:
    assert due(account(FIBRE, BILL), replace(MONTH, conditions=(Conditions(minimum_amount=5000),))) is None


def test_a_message_for_the_service_is_due_although_premium_calls_are_nearer() -> None:
    warned = (notice("no_premium", names_date=date(2026, 11, 20)),)
    decision = decided(account(LINE, BILL, CALLS, notices=warned))
    assert decision.next_stage == "no_premium"
    assert decision.notice_due is not None
    assert decision.notice_due.stage == "incoming_only"
