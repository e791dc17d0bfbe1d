"""Billing systems write the last moment of 9999 for never: it is never in every zone, and stops no decision."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from controller.core.calendar import Days, DayUnit, add_working_days, end_of_lead, in_zone, later, local_date, start_of
from controller.core.decide import decide
from controller.core.facts import (
    AccountId,
    Collection,
    Facts,
    Fresh,
    Hold,
    HoldKind,
    Imposed,
    Instalment,
    Invoice,
    Notice,
    Order,
    Payment,
    Return,
    Service,
)
from controller.core.wording import instant
from enforcement.access import Access, Kind, Reason
from tests.core.histories import NET, at, fresh
from tests.core.small import RULE, stage
from tests.core.small import policy as small

NEVER = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
LAST = date.max
NOW = at(date(2026, 11, 10))
SENT = at(date(2026, 10, 8))
BILL = Invoice("F-1", 2990, "EUR", date(2026, 9, 1), date(2026, 9, 6))
NOTICE = Notice("N", "throttled", "sms", SENT, date(2026, 11, 3), SENT)
PAID = Payment("P", 2990, "EUR", "card", at(date(2026, 11, 9)))
DEBIT = Collection("C", "F-1", 2990, date(2026, 9, 6))
COURT = Hold("H", HoldKind.COURT, at(date(2026, 11, 5)), "ana", "a note", until=NEVER)
BASE = Facts(
    AccountId("A"),
    services=(Service(NET, Kind.INTERNET),),
    invoices=(BILL,),
    notices=(NOTICE,),
    freshness=fresh(NOW),
    imposed=(Imposed(NET, Access.THROTTLED, "throttled", at(date(2026, 11, 4))),),
)
TOLD = {
    "a hold": replace(BASE, holds=(COURT,)),
    "a claimed payment": replace(BASE, holds=(replace(COURT, kind=HoldKind.PROMISE, since=NEVER, until=None),)),
    "a service": replace(BASE, services=(Service(NET, Kind.INTERNET, NEVER),), holds=(COURT,)),
    "a payment that clears": replace(BASE, payments=(replace(PAID, clears_at=NEVER),)),
    "a payment that is taken back": replace(BASE, payments=(replace(PAID, reversed_at=NEVER),)),
    "a payment that comes": replace(BASE, payments=(replace(PAID, instrument="direct_debit", received_at=NEVER),)),
    "an announced payment": replace(BASE, payments=(replace(PAID, received_at=NEVER, pending=True),)),
    "an order": replace(BASE, orders=(Order("O", NET, Reason.COURT, Access.BLOCKED, SENT, "x", "y", NEVER),)),
    "what is told": replace(BASE, freshness=(Fresh("b", NEVER),)),
    "a notice's date": replace(BASE, imposed=(), notices=(replace(NOTICE, names_date=LAST),)),
    "a notice's arrival": replace(BASE, imposed=(), notices=(replace(NOTICE, delivered_at=NEVER),)),
    "a notice's sending": replace(BASE, imposed=(), notices=(replace(NOTICE, sent_at=NEVER, delivered_at=NEVER),)),
    "an instalment": replace(
        BASE,
        holds=(replace(COURT, kind=HoldKind.PLAN, until=None, instalments=(Instalment(LAST, 1),), currency="EUR"),),
    ),
    "another bill": replace(BASE, invoices=(BILL, replace(BILL, id="F-2", due_on=LAST))),
    "a return": replace(BASE, collections=(DEBIT,), returns=(Return("C", "AC04", LAST, 2990),)),
    "a collection": replace(BASE, collections=(replace(DEBIT, collected_on=LAST),)),
}
ZONES = ["Europe/Madrid", "America/Sao_Paulo", "Pacific/Kiritimati"]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("facts", TOLD.values(), ids=list(TOLD))
@pytest.mark.parametrize("unit", list(DayUnit))
def test_never_stops_no_decision(facts: Facts, zone: str, unit: DayUnit) -> None:
    rule = replace(RULE, unit=unit, after_last_hours=24)
    rules = replace(small(stage(Access.THROTTLED, notice=rule)), timezone=zone)
    (decision,) = decide(facts, rules, NOW)
    assert decision.review_at is None or decision.review_at > NOW


def test_a_court_that_protects_for_ever_protects() -> None:
    (decision,) = decide(TOLD["a hold"], small(stage(Access.THROTTLED)), NOW)
    assert decision.access is Access.FULL


@pytest.mark.parametrize("zone", ZONES)
def test_never_is_the_last_moment_everywhere(zone: str) -> None:
    there = ZoneInfo(zone)
    assert local_date(there, NEVER) == LAST
    assert in_zone(NEVER, there).year == in_zone(start_of(there, LAST), UTC).year == 9999
    assert instant(NEVER, there).startswith("Fri 9999-12-31")
    assert later(NEVER, timedelta(days=1)).year == 9999
    days = Days(there, frozenset())
    assert add_working_days(LAST, 3, days) == LAST
    assert {end_of_lead(days, NEVER, 5, unit).year for unit in DayUnit} == {9999}


def test_a_time_before_all_others_is_the_first_moment() -> None:
    assert start_of(ZoneInfo("Europe/Madrid"), date.min).year == 1
    assert local_date(ZoneInfo("America/Sao_Paulo"), datetime.min.replace(tzinfo=UTC)) == date.min
