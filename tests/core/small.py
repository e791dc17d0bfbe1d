"""The smallest rules and accounts: open all day, warned of everything: one thing at a time can be the matter."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

from controller.core.calendar import Calendar, DayUnit, Window
from controller.core.decide import decide
from controller.core.decision import Decision
from controller.core.facts import (
    AccountId,
    Charge,
    Facts,
    Imposed,
    Invoice,
    InvoiceLine,
    Notice,
    Service,
)
from controller.core.policy import (
    BrakeRule,
    Conditions,
    NoticeRule,
    Policy,
    Stage,
    TagRules,
    Track,
)
from enforcement.access import Access, Kind, Rate
from tests.core.histories import NET, TEL, at, fresh
from tests.core.rulebooks import ALL_WEEK, SOURCE

NOW = at(date(2026, 11, 10))
RULE = NoticeRule(2, DayUnit.DAYS, 30)


def stage(access: Access, *ways: Conditions, track: Track = Track.SERVICE, **other: Any) -> Stage:
    """A rung that is named after its access and asks for nothing but a notice of two days."""
    made = Stage(access.value, access, ways or (Conditions(),), RULE, SOURCE, track)
    return replace(made, **other)


SLOW = stage(Access.THROTTLED, rate=Rate(2000, 500))
PORTAL = stage(Access.PORTAL)
NO_PREMIUM = stage(Access.NO_PREMIUM, track=Track.PREMIUM)
BARRED = stage(Access.INCOMING_ONLY)


def policy(*stages: Stage, **other: Any) -> Policy:
    """A policy of these rungs, open all day but on Sundays."""
    by_kind = {
        Kind.INTERNET: (Access.THROTTLED, Access.PORTAL),
        Kind.FIXED_VOICE: (Access.NO_PREMIUM, Access.INCOMING_ONLY),
    }
    made = Policy(
        name="small",
        version="1",
        timezone="Europe/Madrid",
        calendar=Calendar(frozenset()),
        window=ALL_WEEK,
        messages=Window(frozenset({2, 3, 4}), time(8, 30), time(18)),
        ladders={kind: tuple(one for one in stages if one.access in rungs) for kind, rungs in by_kind.items()},
        trivial_amount=0,
        courtesy_days=3,
        brake=BrakeRule(100, 5, 5),
        tags=TagRules(person=frozenset({"business"})),
    )
    return replace(made, **other)


RULES = policy(SLOW, PORTAL, NO_PREMIUM, BARRED)
BILL = Invoice("F-1", 2990, "EUR", date(2026, 10, 1), date(2026, 10, 6))
CALLS = replace(BILL, id="F-2", lines=(InvoiceLine(2990, TEL, Charge.PREMIUM),))
SENT = at(date(2026, 11, 3))


def notice(name: str, **other: Any) -> Notice:
    """Proof that the stage was announced for this very day."""
    return replace(Notice(f"N-{name}", name, "sms", SENT, NOW.date(), SENT), **other)


NOTICES = tuple(notice(one.name) for one in (SLOW, PORTAL, NO_PREMIUM, BARRED))
LINE = Service(TEL, Kind.FIXED_VOICE)
FIBRE = Service(NET, Kind.INTERNET)


def account(service: Service, *invoices: Invoice, **other: Any) -> Facts:
    """An account with one service, warned of everything, with fresh payments."""
    made = Facts(AccountId("A-1"), services=(service,), invoices=invoices, notices=NOTICES, freshness=fresh(NOW))
    return replace(made, **other)


def decided(facts: Facts, policy: Policy = RULES, now: datetime = NOW) -> Decision:
    (decision,) = decide(facts, policy, now)
    return decision


def codes(decision: Decision) -> list[str]:
    return [block.code for block in decision.blocks]


def imposed(one: Stage, service: Service = LINE, days: int = 3) -> tuple[Imposed, ...]:
    return (Imposed(service.id, one.access, one.name, NOW - timedelta(days=days)),)
