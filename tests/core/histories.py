"""Accounts as billing may tell them: near enough to a real unpaid month that all of the core's paths are walked.

Rare things are rare here too: most histories lead to a restriction, or nothing that keeps one away would be tried.
"""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from controller.core.facts import (
    AccountId,
    Approval,
    Charge,
    Collection,
    Facts,
    Fresh,
    Hold,
    HoldKind,
    Imposed,
    Instalment,
    Invoice,
    InvoiceLine,
    Notice,
    Order,
    Payment,
    Port,
    PortDirection,
    PortState,
    Return,
    Service,
    Suspension,
    UnmatchedPayment,
)
from enforcement.access import Access, Kind, Reason
from enforcement.entries import ServiceId
from tests.core.policies import policy

MADRID = ZoneInfo("Europe/Madrid")
SPAIN = policy("es")
NET, TEL = ServiceId("net"), ServiceId("tel")
TUESDAY = date(2026, 11, 10)
STAGES = ("throttled", "portal", "no_premium", "incoming_only", "emergency_only", "released")


def at(day: date, hour: int = 10, minute: int = 0) -> datetime:
    """An instant of a day in Madrid."""
    return datetime.combine(day, time(hour, minute), MADRID).astimezone(UTC)


def fresh(until: datetime) -> tuple[Fresh, ...]:
    """What the one source of payments says."""
    return (Fresh("billing", until),)


def days_from(day: date, most: int) -> st.SearchStrategy[date]:
    """A day of the `most` days after `day`, or that day."""
    return st.integers(0, most).map(lambda ahead: day + timedelta(days=ahead))


def few(what: st.SearchStrategy[Any], most: int = 2) -> st.SearchStrategy[tuple[Any, ...]]:
    """At most so many, or none."""
    return st.lists(what, max_size=most).map(tuple)


INSTANTS = st.one_of(
    st.builds(at, st.sampled_from([TUESDAY, TUESDAY + timedelta(days=7)]), st.sampled_from([10, 9, 13])),
    st.builds(at, days_from(date(2026, 10, 23), 30), st.sampled_from([9, 10, 13])),
    st.builds(at, st.just(TUESDAY), st.sampled_from([8, 9, 10, 13, 14, 23]), st.sampled_from([0, 59])),
    st.integers(0, 36 * 24 * 60).map(lambda minutes: at(date(2026, 10, 20), 0) + timedelta(minutes=minutes)),
)
"""When a review may happen: in the window more often than not, but at any hour too, and over a change of clocks."""

AMOUNTS = st.sampled_from([2990, 1500, 499, 500, 1, 10000])
MAYBE_SERVICE = st.sampled_from([None, None, NET, TEL])
LATER = st.one_of(st.none(), INSTANTS)
CHARGES = st.sampled_from([Charge.SERVICE, Charge.SERVICE, Charge.SERVICE, Charge.PREMIUM, Charge.EQUIPMENT])

lines = st.lists(
    st.builds(InvoiceLine, st.sampled_from([2990, 1500, 1, -300]), MAYBE_SERVICE, CHARGES), max_size=3
).map(tuple)


@st.composite
def invoices(draw: st.DrawFn) -> tuple[Invoice, ...]:
    found = []
    for number in range(draw(st.integers(1, 3))):
        presented = draw(st.one_of(st.just(date(2026, 10, 1)), days_from(date(2026, 8, 30), 70)))
        due = presented + timedelta(days=draw(st.sampled_from([5, 5, 0, 20, -1])))
        amount, currency = draw(AMOUNTS), draw(st.sampled_from(["EUR", "EUR", "EUR", "USD"]))
        cancelled = draw(st.sampled_from([False, False, False, True]))
        parts = draw(st.one_of(st.just(()), lines))
        found.append(Invoice(f"F-{number}", amount, currency, presented, due, parts, cancelled))
    return tuple(found)


@st.composite
def payments(draw: st.DrawFn) -> Payment:
    allocated = draw(st.lists(st.tuples(st.sampled_from(["F-0", "F-1", "F-9"]), AMOUNTS), max_size=2))
    return Payment(
        id=f"P-{draw(st.integers(0, 9))}",
        amount=draw(AMOUNTS),
        currency=draw(st.sampled_from(["EUR", "EUR", "USD"])),
        instrument=draw(st.sampled_from(["card", "card", "transfer", "direct_debit"])),
        received_at=draw(INSTANTS),
        clears_at=draw(LATER),
        reversed_at=draw(LATER),
        allocations=tuple(allocated),
        pending=draw(st.sampled_from([False, False, False, True])),
        collection=draw(st.sampled_from([None, None, "R-0", "R-1"])),
    )


@st.composite
def notices(draw: st.DrawFn) -> Notice:
    sent = draw(st.one_of(st.just(at(date(2026, 10, 10))), INSTANTS))
    proven = draw(st.sampled_from([True, True, True, False]))
    return Notice(
        id=f"N-{draw(st.integers(0, 99))}",
        stage=draw(st.sampled_from(STAGES)),
        channel=draw(st.sampled_from(["sms", "sms", "letter"])),
        sent_at=sent,
        names_date=draw(st.one_of(st.just(TUESDAY), days_from(date(2026, 10, 20), 40))),
        delivered_at=sent + draw(st.sampled_from([timedelta(seconds=8), timedelta(days=3)])) if proven else None,
        service=draw(MAYBE_SERVICE),
        bounced_at=draw(st.sampled_from([None, None, None, sent + timedelta(days=4)])),
    )


collections = few(
    st.builds(
        Collection,
        st.sampled_from(["R-0", "R-1", "R-2"]),
        st.sampled_from(["F-0", "F-1", "F-2"]),
        st.just(2990),
        days_from(date(2026, 9, 20), 50),
    ),
    3,
)
returns = few(
    st.builds(
        Return,
        st.sampled_from(["R-0", "R-1", "R-2"]),
        st.sampled_from(["AM04", "AM04", "AM04", "MD06", "AC01", "AC04", "MD07"]),
        days_from(date(2026, 9, 25), 50),
        st.sampled_from([2990, 2990, 1000]),
    ),
    3,
)

holds = st.builds(
    Hold,
    id=st.sampled_from(["H-1", "H-2"]),
    kind=st.sampled_from(HoldKind),
    since=INSTANTS,
    author=st.just("care"),
    note=st.just("says so"),
    until=LATER,
    service=MAYBE_SERVICE,
    beyond=st.booleans(),
    instalments=few(st.builds(Instalment, days_from(date(2026, 10, 20), 30), st.just(1000))),
    currency=st.just("EUR"),
)

orders = st.builds(
    Order,
    id=st.sampled_from(["O-1", "O-2"]),
    service=st.sampled_from([NET, TEL]),
    reason=st.sampled_from(Reason),
    access=st.sampled_from([Access.BLOCKED, Access.INCOMING_ONLY, Access.FULL, Access.RELEASED]),
    since=INSTANTS,
    author=st.just("noc"),
    note=st.just("because"),
    until=LATER,
)

approvals = st.builds(
    Approval,
    service=st.sampled_from([NET, TEL]),
    stage=st.sampled_from(STAGES),
    by=st.sampled_from(["ana", "luis", "eva"]),
    at=INSTANTS,
    note=st.just("looked at it"),
    refused=st.sampled_from([False, False, True]),
)

ports = st.builds(
    Port,
    id=st.sampled_from(["T-1", "T-2"]),
    service=st.just(TEL),
    direction=st.sampled_from(PortDirection),
    state=st.sampled_from(PortState),
    at=INSTANTS,
    range_holder=st.sampled_from(["", "Otra Telefonía"]),
)


@st.composite
def suspensions(draw: st.DrawFn) -> Suspension:
    service, access = draw(
        st.sampled_from([(NET, Access.PORTAL), (NET, Access.THROTTLED), (TEL, Access.INCOMING_ONLY)])
    )
    since = draw(INSTANTS)
    return Suspension(service, access, since, since + timedelta(days=draw(st.integers(0, 9))))


services = st.tuples(
    st.builds(
        Service,
        st.just(NET),
        st.just(Kind.INTERNET),
        st.one_of(st.none(), st.none(), st.none(), INSTANTS),
        st.sampled_from([None, "A-1", "a neighbour"]),
    ),
    st.builds(Service, st.just(TEL), st.sampled_from([Kind.FIXED_VOICE, Kind.MOBILE_VOICE]), st.none()),
)

VOICE = [Access.NO_PREMIUM, Access.INCOMING_ONLY, Access.INCOMING_ONLY, Access.EMERGENCY_ONLY, Access.RELEASED]
IMPOSED = st.lists(
    st.one_of(
        st.builds(Imposed, st.just(NET), st.just(Access.THROTTLED), st.just("throttled"), INSTANTS),
        st.builds(Imposed, st.just(NET), st.just(Access.PORTAL), st.sampled_from(["portal", "old-system"]), INSTANTS),
        st.tuples(st.sampled_from(VOICE), INSTANTS).map(lambda one: Imposed(TEL, one[0], one[0].value, one[1])),
        st.builds(Imposed, st.just(TEL), st.sampled_from(VOICE[:2]), st.just("old-system"), INSTANTS),
    ),
    max_size=2,
    unique_by=lambda imposed: imposed.service,
).map(tuple)


SENT, NAMED = at(date(2026, 10, 10)), date(2026, 11, 3)
PROPER = tuple(Notice(f"N-{stage}", stage, "sms", SENT, NAMED, SENT + timedelta(seconds=8)) for stage in STAGES)


@st.composite
def proper_notices(draw: st.DrawFn) -> tuple[Notice, ...]:
    """Those that a careful operator would have sent, and some that he should not have."""
    return (*draw(st.sampled_from([PROPER, PROPER, PROPER[1:], ()])), *draw(st.lists(notices(), max_size=2)))


OLD = Invoice("F-0", 2990, "EUR", date(2026, 10, 1), date(2026, 10, 6))
OLDER = Invoice("F-1", 2990, "EUR", date(2026, 8, 20), date(2026, 8, 25))
MIXED = replace(OLD, id="F-2", amount=4490, lines=(InvoiceLine(2990, TEL), InvoiceLine(1500, TEL, Charge.PREMIUM)))
BOTH = (Service(NET, Kind.INTERNET), Service(TEL, Kind.FIXED_VOICE))

_RIPE: dict[str, st.SearchStrategy[Any]] = {
    "services": st.just(BOTH),
    "invoices": st.sampled_from([(OLD,), (OLD, OLDER), (OLD, OLDER), (MIXED, OLDER), (MIXED,)]),
    "notices": st.just(PROPER),
    "freshness": st.just(fresh(at(date(2026, 11, 25)))),
}
"""What leads to a restriction, if nothing else is the matter."""

_MATTERS: dict[str, st.SearchStrategy[Any]] = {
    "tags": st.sampled_from(["reseller", "wholesale", "business", "vip"]).map(lambda tag: frozenset({tag})),
    "municipality": st.just("Madrid"),
    "services": services,
    "invoices": invoices(),
    "collections": collections,
    "returns": returns,
    "payments": st.lists(payments(), max_size=3, unique_by=lambda one: one.id).map(tuple),
    "unmatched": st.just((UnmatchedPayment("U-1", 2990, "EUR", at(date(2026, 10, 30))),)),
    "notices": proper_notices(),
    "holds": few(holds),
    "orders": few(orders),
    "approvals": few(approvals, 4),
    "ports": few(ports),
    "suspensions": few(suspensions()),
    "imposed": IMPOSED,
    "freshness": st.one_of(st.just(()), INSTANTS.map(fresh)),
    "conflicts": st.just(("e-1",)),
}


@st.composite
def histories(draw: st.DrawFn) -> Facts:
    """An account that owes, with some of all that may be the matter."""
    matters = draw(st.sets(st.sampled_from(sorted(_MATTERS)), max_size=4))
    told: dict[str, Any] = {name: draw(strategy) for name, strategy in _RIPE.items() if name not in matters}
    told |= {name: draw(_MATTERS[name]) for name in sorted(matters)}
    return replace(Facts(AccountId("A-1")), **told)


facts = histories()
