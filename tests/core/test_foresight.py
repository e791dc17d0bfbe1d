"""What would happen if nobody told of anything new: walked in one go, and compared with a decision a minute."""

from dataclasses import replace
from datetime import date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from controller.core.decide import decide
from controller.core.facts import AccountId, Facts, Hold, HoldKind, Imposed, Invoice, Notice, Payment, Service
from controller.core.foresight import Assume, Foreseen, What, foresee
from enforcement.access import Access, Kind
from tests.core.histories import NET, SPAIN, at, facts, fresh

ALL = Assume(notices=True, fresh=True)
NO_NOTICES = Assume(notices=False, fresh=True)
START = at(date(2026, 11, 10))
UNPAID = Invoice("F-1", 2990, "EUR", date(2026, 10, 1), date(2026, 10, 6))
OWING = Facts(AccountId("A-1"), services=(Service(NET, Kind.INTERNET),), invoices=(UNPAID,), freshness=fresh(START))


def _kinds(found: tuple[Foreseen, ...]) -> list[tuple[What, str]]:
    return [(one.what, one.stage) for one in found]


def test_who_has_not_been_warned_is_warned_then_slowed_then_shown_the_portal() -> None:
    found = foresee(OWING, SPAIN, START, START + timedelta(days=90), ALL)
    assert _kinds(found)[:4] == [
        (What.WARN, "throttled"),
        (What.CUT, "throttled"),
        (What.WARN, "portal"),
        (What.CUT, "portal"),
    ]
    assert [one.at for one in found] == sorted(one.at for one in found)


def test_without_notices_nobody_is_ever_cut() -> None:
    found = foresee(OWING, SPAIN, START, START + timedelta(days=90), NO_NOTICES)
    assert What.CUT not in {one.what for one in found}
    assert What.WARN in {one.what for one in found}
    waits = found[-1]
    assert (waits.what, waits.stage) == (What.WAIT, "throttled")
    assert "notice_missing" in {block.code for block in waits.blocks}


def test_at_one_instant_it_says_what_a_decision_of_that_instant_says() -> None:
    sent = at(date(2026, 10, 17))
    notice = Notice("N-1", "throttled", "sms", sent, date(2026, 11, 10), sent)
    found = foresee(replace(OWING, notices=(notice,)), SPAIN, START, START, ALL)
    assert _kinds(found)[0] == (What.CUT, "throttled")
    assert (found[0].at, found[0].access) == (START, Access.THROTTLED)


def test_a_payment_that_clears_on_the_way_restores() -> None:
    soon = START + timedelta(hours=3)
    money = Payment("P-1", 2990, "EUR", "transfer", START, clears_at=soon)
    cut = replace(OWING, imposed=(Imposed(NET, Access.PORTAL, "portal", START - timedelta(days=9)),))
    found = foresee(replace(cut, payments=(money,)), SPAIN, START, START + timedelta(days=1), ALL)
    assert [(one.what, one.at) for one in found] == [(What.RESTORE, soon)]


def test_a_courtesy_opens_now_and_the_stage_comes_back_when_it_ends() -> None:
    until = START + timedelta(days=2)
    courtesy = Hold("H-1", HoldKind.COURTESY, START, "noc", "a call", until)
    sent = at(date(2026, 10, 17))
    notice = Notice("N-1", "throttled", "sms", sent, date(2026, 11, 10), sent)
    cut = replace(
        OWING, notices=(notice,), imposed=(Imposed(NET, Access.THROTTLED, "throttled", START - timedelta(1)),)
    )
    found = foresee(replace(cut, holds=(courtesy,)), SPAIN, START, START + timedelta(days=5), NO_NOTICES)
    happened = [(one.what, one.at) for one in found if one.what in (What.RESTORE, What.CUT)]
    assert happened[0] == (What.RESTORE, START)
    assert happened[1][0] is What.CUT
    assert until <= happened[1][1] < until + timedelta(days=4)


@given(facts, st.integers(0, 60))
def test_a_walk_imposes_what_a_decision_at_every_hour_would_impose(known: Facts, hours: int) -> None:
    """The brute force: decide at each whole hour and at each instant of the walk, carrying out what is decided."""
    until = START + timedelta(hours=hours)
    found = foresee(known, SPAIN, START, until, NO_NOTICES)
    walked = {(one.service, one.stage, one.at) for one in found if one.what is What.CUT}
    instants = {START + timedelta(hours=hour) for hour in range(hours + 1)} | {one.at for one in found}
    assert _by_force(known, sorted(at for at in instants if at <= until)) == walked


def _by_force(known: Facts, instants: list[datetime]) -> set[tuple[str, str, datetime]]:
    done: set[tuple[str, str, datetime]] = set()
    for now in instants:
        known = replace(
            known,
            freshness=tuple(
                replace(one, payments_known_until=max(one.payments_known_until, now)) for one in known.freshness
            ),
        )
        decisions = decide(known, SPAIN, now)
        while any(one.first for one in decisions) or _over(known, decisions):
            for one in decisions:
                others = tuple(imposed for imposed in known.imposed if imposed.service != one.service)
                if one.first:
                    done.add((one.service, one.stage, now))
                    access = next(reason.access for reason in one.reasons if reason.ref == one.stage)
                    known = replace(known, imposed=(*others, Imposed(one.service, access, one.stage, now)))
                elif not one.stage:
                    known = replace(known, imposed=others)
            decisions = decide(known, SPAIN, now)
    return done


def _over(known: Facts, decisions: tuple[object, ...]) -> bool:
    stages = {one.service for one in decisions if one.stage}  # type: ignore[attr-defined]
    return any(one.service not in stages for one in known.imposed)
