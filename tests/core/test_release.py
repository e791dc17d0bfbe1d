"""Giving a number back: never but at the end of a long road, whatever the policy says; and what is said after it."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from controller.core.decide import decide
from controller.core.decision import Decision
from controller.core.facts import (
    AccountId,
    Approval,
    Charge,
    Collection,
    Facts,
    Hold,
    HoldKind,
    Imposed,
    Invoice,
    InvoiceLine,
    Notice,
    Payment,
    Port,
    PortDirection,
    PortState,
    Return,
    Service,
    Suspension,
)
from controller.core.policy import Conditions, Policy, Track
from enforcement.access import Access, Kind
from tests.core.histories import SPAIN, TEL, at, fresh
from tests.core.rulebooks import small_policies

NOW = at(date(2026, 11, 10))
MONTHS = (date(2026, 7, 1), date(2026, 8, 1), date(2026, 9, 1))
"""Three bills, all of them returned; the oldest was due four months ago."""

BARRED = Imposed(TEL, Access.INCOMING_ONLY, "incoming_only", at(date(2026, 9, 15)))
RESTING = Imposed(TEL, Access.EMERGENCY_ONLY, "emergency_only", at(date(2026, 10, 20)))
ANA = Approval(TEL, "emergency_only", "ana", at(date(2026, 10, 12)), "as the lawyer said")
LUIS = replace(ANA, by="luis", at=at(date(2026, 10, 13)))
LEAVING = Port("T-1", TEL, PortDirection.OUT, PortState.REQUESTED, at(date(2026, 11, 9)))
PAID = Payment("P-1", 3 * 2990, "EUR", "card", NOW - timedelta(hours=1))


def _notice(stage: str) -> Notice:
    sent = at(date(2026, 10, 10))
    return Notice(f"N-{stage}", stage, "letter", sent, date(2026, 11, 10), sent)


OWING = Facts(
    account=AccountId("A-1"),
    services=(Service(TEL, Kind.FIXED_VOICE),),
    invoices=tuple(Invoice(f"F-{day.month}", 2990, "EUR", day, day + timedelta(days=5)) for day in MONTHS),
    collections=tuple(Collection(f"R-{day.month}", f"F-{day.month}", 2990, day + timedelta(days=5)) for day in MONTHS),
    returns=tuple(Return(f"R-{day.month}", "AM04", day + timedelta(days=8), 2990) for day in MONTHS),
    notices=(_notice("emergency_only"), _notice("released")),
    imposed=(BARRED,),
    approvals=(ANA, LUIS),
    freshness=fresh(NOW),
)
"""Ready for the quarantine."""

RESTED = replace(OWING, imposed=(RESTING,))
"""Ready to be given back, by rules that ask for a week of rest."""


def _released_after_a_week(policy: Policy) -> Policy:
    """Spain's, with a quarantine of a week and no more than the code itself asks for before a number is given back."""
    ladder = policy.ladders[Kind.FIXED_VOICE]
    last = replace(ladder[-1], conditions=(Conditions(days_in_previous_stage=7),))
    assert last.access is Access.RELEASED
    return replace(policy, ladders={Kind.FIXED_VOICE: (*ladder[:-1], last)})


RULES = _released_after_a_week(SPAIN)


def decided(facts: Facts, policy: Policy = RULES, now: datetime = NOW) -> Decision:
    (decision,) = decide(facts, policy, now)
    return decision


def codes(decision: Decision) -> set[str]:
    return {block.code for block in decision.blocks}


def test_a_number_goes_into_quarantine_and_is_given_back_when_all_of_it_is_there() -> None:
    resting, gone = decided(OWING), decided(RESTED)
    assert (resting.access, resting.stage, resting.first) == (Access.EMERGENCY_ONLY, "emergency_only", True)
    assert (gone.access, gone.stage, gone.first) == (Access.RELEASED, "released", True)
    assert {"invoice", "return", "notice", "approval", "rule"} <= {one.kind for one in resting.evidence}
    assert {"ana", "luis"} <= {one.text.split()[0] for one in resting.evidence if one.kind == "approval"}


ON_THE_WAY = [pytest.param(OWING, id="before the quarantine"), pytest.param(RESTED, id="before it is given back")]


@pytest.mark.parametrize("facts", ON_THE_WAY)
def test_a_number_is_not_given_back_while_it_is_moving(facts: Facts) -> None:
    decision = decided(replace(facts, ports=(LEAVING,)))
    assert not decision.first
    assert "port_pending" in codes(decision)
    rejected = decided(replace(facts, ports=(replace(LEAVING, state=PortState.REJECTED),)))
    assert rejected.first


@pytest.mark.parametrize("facts", ON_THE_WAY)
def test_a_number_that_has_moved_away_is_not_there_to_be_given_back(facts: Facts) -> None:
    away = replace(LEAVING, state=PortState.DONE)
    assert codes(decided(replace(facts, ports=(away,)))) == {"ported_out"}
    back = replace(away, id="T-2", direction=PortDirection.IN, at=away.at + timedelta(hours=1))
    assert decided(replace(facts, ports=(away, back))).first


@pytest.mark.parametrize("facts", ON_THE_WAY)
@pytest.mark.parametrize(
    "approvals",
    [
        pytest.param((), id="nobody"),
        pytest.param((ANA,), id="one person"),
        pytest.param((ANA, replace(ANA, at=LUIS.at)), id="one person twice"),
        pytest.param((ANA, replace(LUIS, stage="released")), id="for another stage"),
        pytest.param((ANA, replace(LUIS, at=NOW + timedelta(hours=1))), id="not said yet"),
    ],
)
def test_two_people_have_to_approve(facts: Facts, approvals: tuple[Approval, ...]) -> None:
    decision = decided(replace(facts, approvals=approvals))
    assert not decision.first
    assert codes(decision) == {"approval"}


@pytest.mark.parametrize("facts", ON_THE_WAY)
def test_a_refusal_stops_it_until_enough_people_approve_anew(facts: Facts) -> None:
    no = replace(ANA, by="eva", at=at(date(2026, 10, 15)), refused=True)
    again = (replace(ANA, at=at(date(2026, 10, 16))), replace(LUIS, at=at(date(2026, 10, 17))))
    assert codes(decided(replace(facts, approvals=(ANA, LUIS, no)))) == {"refused"}
    assert codes(decided(replace(facts, approvals=(ANA, LUIS, no, again[0])))) == {"approval"}
    assert decided(replace(facts, approvals=(ANA, LUIS, no, *again))).first


def test_approvals_of_an_earlier_restriction_do_not_count() -> None:
    restored = Suspension(TEL, Access.INCOMING_ONLY, at(date(2026, 8, 1)), at(date(2026, 10, 14)))
    assert codes(decided(replace(RESTED, suspensions=(restored,)))) == {"approval"}
    early = tuple(replace(one, at=BARRED.since - timedelta(hours=1)) for one in (ANA, LUIS))
    assert codes(decided(replace(OWING, approvals=early))) == {"approval"}


def test_a_number_is_not_given_back_while_what_the_quarantine_stood_on_is_collected_again() -> None:
    again = Collection("R-again", "F-9", 2990, date(2026, 11, 9))
    decision = decided(replace(RESTED, collections=(*RESTED.collections, again)))
    assert decision.stage == "emergency_only"
    assert "release_unfounded" in codes(decision)


def test_a_number_leaves_quarantine_once_what_it_stood_on_is_paid() -> None:
    """Two of the three returned bills are left: enough for calls to stay barred, and for no more."""
    decision = decided(replace(RESTED, payments=(replace(PAID, amount=2990),)))
    assert (decision.access, decision.stage, decision.first) == (Access.INCOMING_ONLY, "incoming_only", False)
    assert decision.next_stage == "emergency_only"
    assert "too_few_returns" in codes(decision)


@pytest.mark.parametrize("facts", ON_THE_WAY)
def test_a_payment_in_quarantine_brings_all_back(facts: Facts) -> None:
    decision = decided(replace(facts, payments=(PAID,)))
    assert (decision.access, decision.stage, decision.blocks) == (Access.FULL, "", ())


@pytest.mark.parametrize("facts", ON_THE_WAY)
def test_who_has_died_is_left_to_people(facts: Facts) -> None:
    told = replace(facts.returns[2], code="MD07")
    decision = decided(replace(facts, returns=(*facts.returns[:2], told)))
    assert not decision.first
    assert "hold" in codes(decision)


def test_a_number_never_goes_into_quarantine_from_an_open_line() -> None:
    ladder = RULES.ladders[Kind.FIXED_VOICE]
    short = replace(RULES, ladders={Kind.FIXED_VOICE: tuple(one for one in ladder if one.name != "incoming_only")})
    decision = decided(replace(OWING, imposed=()), short)
    assert (decision.access, decision.next_stage) == (Access.FULL, "")
    assert codes(decision) == {"not_for_customer"}


def test_a_quarantine_without_a_ground_in_the_policy_is_none() -> None:
    ladder = RULES.ladders[Kind.FIXED_VOICE]
    loose = tuple(replace(one, conditions=(Conditions(),)) if one.name == "emergency_only" else one for one in ladder)
    assert codes(decided(OWING, replace(RULES, ladders={Kind.FIXED_VOICE: loose}))) == {"release_unfounded"}


def test_a_run_that_rests_on_a_late_refund_needs_a_third_person() -> None:
    late = replace(OWING.returns[2], code="MD06", returned_on=date(2026, 10, 2))
    first = Payment("P-9", 2990, "EUR", "direct_debit", at(MONTHS[2] + timedelta(days=5)), collection=late.collection)
    refunded = replace(OWING, returns=(*OWING.returns[:2], late), payments=(first,))
    assert codes(decided(refunded)) == {"approval"}
    assert decided(replace(refunded, approvals=(ANA, LUIS, replace(ANA, by="eva")))).first


GONE = replace(OWING, imposed=(Imposed(TEL, Access.RELEASED, "released", at(date(2026, 11, 3))),))


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(GONE, id="still owing"),
        pytest.param(replace(GONE, payments=(PAID,)), id="paid"),
        pytest.param(replace(GONE, holds=(Hold("H", HoldKind.PROMISE, NOW, "care", "x"),)), id="promised"),
        pytest.param(replace(GONE, tags=frozenset({"wholesale"})), id="exempt"),
        pytest.param(replace(GONE, invoices=()), id="nothing billed"),
    ],
)
def test_what_is_given_back_stays_so_and_that_is_said(facts: Facts) -> None:
    decision = decided(facts)
    assert (decision.access, decision.stage, decision.first) == (Access.RELEASED, "released", False)
    (reason,) = decision.reasons
    assert "no payment brings it back" in reason.text
    assert "A new contract can have another number" in reason.text


def test_what_can_still_be_done_depends_on_what_is_owed_and_on_whose_number_it_was() -> None:
    theirs = Port("T-0", TEL, PortDirection.IN, PortState.DONE, at(date(2024, 1, 9)), "Otra Telefonía")
    owing, paid = decided(replace(GONE, ports=(theirs,))), decided(replace(GONE, ports=(theirs,), payments=(PAID,)))
    assert "What is owed is still owed: 89.70 EUR." in owing.reasons[0].text
    assert "Nothing is owed any more." in paid.reasons[0].text
    assert "went back to its range holder, Otra Telefonía" in paid.reasons[0].text
    assert [one.kind for one in paid.evidence] == ["port"]


def test_premium_calls_alone_never_lead_to_the_quarantine() -> None:
    bills = tuple(replace(one, lines=(InvoiceLine(2990, TEL, Charge.PREMIUM),)) for one in OWING.invoices)
    decision = decided(replace(OWING, invoices=bills))
    assert decision.access in (Access.FULL, Access.NO_PREMIUM)


days = st.integers(-45, 5).map(lambda ahead: NOW + timedelta(days=ahead))
said = st.builds(
    Approval,
    st.just(TEL),
    st.sampled_from(["emergency_only", "emergency_only", "released"]),
    st.sampled_from(["ana", "luis"]),
    days,
    st.just("looked at it"),
    st.sampled_from([False, False, False, True]),
)
moves = st.builds(Port, st.just("T-1"), st.just(TEL), st.sampled_from(PortDirection), st.sampled_from(PortState), days)


@st.composite
def on_the_way(draw: st.DrawFn) -> Facts:
    """Somewhere between a barred line and a number that is given back, with something else the matter or not."""
    since = draw(st.one_of(st.sampled_from([BARRED.since, RESTING.since]), days))
    matters = draw(st.sets(st.sampled_from(["approvals", "ports", "notices", "returns", "suspensions"]), max_size=2))
    return replace(
        RESTED,
        imposed=(replace(draw(st.sampled_from([RESTING, BARRED])), since=since),),
        approvals=tuple(draw(st.lists(said, max_size=5))) if "approvals" in matters else (ANA, LUIS),
        ports=(draw(moves),) if "ports" in matters else (),
        notices=RESTED.notices[: draw(st.integers(0, 2))] if "notices" in matters else RESTED.notices,
        returns=RESTED.returns[: draw(st.integers(0, 3))] if "returns" in matters else RESTED.returns,
        suspensions=(Suspension(TEL, Access.INCOMING_ONLY, NOW - timedelta(days=60), draw(days)),)
        if "suspensions" in matters
        else (),
    )


@given(on_the_way(), st.one_of(st.just(RULES), small_policies()), st.integers(0, 5))
def test_no_number_is_given_back_but_at_the_end_of_the_road(facts: Facts, policy: Policy, days_on: int) -> None:
    now = NOW + timedelta(days=days_on)
    decision = decided(replace(facts, freshness=fresh(now)), policy, now)
    event(f"{decision.stage} {decision.first}")
    if not decision.first:
        return
    (before,) = facts.imposed
    leaving = [one for one in facts.ports if one.direction is PortDirection.OUT]
    assert not any(one.state in (PortState.REQUESTED, PortState.DONE) for one in leaving)
    assert len(_people(facts, before, decision, now)) >= 2
    assert any(one.stage == decision.stage and one.delivered_at for one in facts.notices)
    if decision.access is Access.RELEASED:
        assert before.access is Access.EMERGENCY_ONLY
        assert before.since + timedelta(days=1) <= now + timedelta(hours=24)
        assert before.since.date() < now.date()
        assert _stands_on_something(policy, facts)
    else:
        assert (before.access, decision.access) == (Access.INCOMING_ONLY, Access.EMERGENCY_ONLY)


def _people(facts: Facts, before: Imposed, decision: Decision, now: datetime) -> set[str]:
    """Who has said yes to the quarantine after the last no: since the bar began, or since the line was last open."""
    opened = max((one.until for one in facts.suspensions), default=NOW - timedelta(days=400))
    since = opened if decision.access is Access.RELEASED else before.since
    heard = [one for one in facts.approvals if one.stage == "emergency_only" and since <= one.at <= now]
    last_no = max((one.at for one in heard if one.refused), default=None)
    return {one.by for one in heard if not one.refused and (last_no is None or one.at > last_no)}


def _stands_on_something(policy: Policy, facts: Facts) -> bool:
    """Returned collections, earlier suspensions or an old debt: whatever the policy's quarantine asks for."""
    (quarantine,) = (one for one in policy.ladders[Kind.FIXED_VOICE] if one.access is Access.EMERGENCY_ONLY)
    assert quarantine.track is Track.SERVICE
    return any(_asks(way) and _holds(way, facts) for way in quarantine.conditions)


def _asks(way: Conditions) -> bool:
    return bool(way.consecutive_returns or way.earlier_suspensions or way.months_since_due or way.days_since_due)


def _holds(way: Conditions, facts: Facts) -> bool:
    return len(facts.returns) >= way.consecutive_returns and len(facts.suspensions) >= way.earlier_suspensions
