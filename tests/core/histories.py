"""Accounts as billing may tell them: near enough to a real unpaid month that all of the core's paths are walked."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from controller.core.calendar import Calendar, DayUnit, Window
from controller.core.facts import (
    AccountId,
    Collection,
    Facts,
    Fresh,
    Hold,
    HoldKind,
    Imposed,
    Invoice,
    InvoiceLine,
    Notice,
    Order,
    Payment,
    Return,
    Service,
)
from controller.core.policy import BrakeRule, Conditions, FreshnessRules, NoticeRule, Policy, Source, Stage
from enforcement.access import Access, Kind, Reason
from enforcement.entries import ServiceId
from tests.core.policies import policy

MADRID = ZoneInfo("Europe/Madrid")
SPAIN = policy("es")
NET, TEL = ServiceId("net"), ServiceId("tel")
TUESDAY = date(2026, 11, 10)
STAGES = ("throttled", "portal", "incoming_only")


def at(day: date, hour: int = 10, minute: int = 0) -> datetime:
    """An instant of a day in Madrid."""
    return datetime.combine(day, time(hour, minute), MADRID).astimezone(UTC)


def fresh(until: datetime) -> tuple[Fresh, ...]:
    """What the one source of payments says."""
    return (Fresh("billing", until),)


def _days_from(day: date, most: int) -> st.SearchStrategy[date]:
    return st.integers(0, most).map(lambda ahead: day + timedelta(days=ahead))


INSTANTS = st.one_of(
    st.builds(at, _days_from(date(2026, 10, 23), 30), st.sampled_from([9, 10, 13])),
    st.builds(at, st.just(TUESDAY), st.sampled_from([8, 9, 10, 13, 14, 23]), st.sampled_from([0, 59])),
    st.integers(0, 36 * 24 * 60).map(lambda minutes: at(date(2026, 10, 20), 0) + timedelta(minutes=minutes)),
)
"""When a review may happen: in the window more often than not, but at any hour too, and over a change of clocks."""

AMOUNTS = st.sampled_from([2990, 1500, 499, 500, 1, 10000])
MAYBE_SERVICE = st.sampled_from([None, None, NET, TEL])
LATER = st.one_of(st.none(), INSTANTS)

lines = st.lists(st.builds(InvoiceLine, st.sampled_from([2990, 1500, 1, -300]), MAYBE_SERVICE), max_size=3).map(tuple)


@st.composite
def invoices(draw: st.DrawFn) -> tuple[Invoice, ...]:
    found = []
    for number in range(draw(st.integers(1, 3))):
        presented = draw(st.one_of(st.just(date(2026, 10, 1)), _days_from(date(2026, 8, 30), 70)))
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
        instrument="card",
        received_at=draw(INSTANTS),
        clears_at=draw(LATER),
        reversed_at=draw(LATER),
        allocations=tuple(allocated),
    )


@st.composite
def notices(draw: st.DrawFn) -> Notice:
    sent = draw(st.one_of(st.just(at(date(2026, 10, 17))), INSTANTS))
    proven = draw(st.sampled_from([True, True, True, False]))
    return Notice(
        id=f"N-{draw(st.integers(0, 99))}",
        stage=draw(st.sampled_from(STAGES)),
        channel="sms",
        sent_at=sent,
        names_date=draw(st.one_of(st.just(TUESDAY), _days_from(date(2026, 10, 20), 40))),
        delivered_at=sent + draw(st.sampled_from([timedelta(seconds=8), timedelta(days=3)])) if proven else None,
        service=draw(MAYBE_SERVICE),
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

services = st.tuples(
    st.builds(Service, st.just(NET), st.just(Kind.INTERNET), st.one_of(st.none(), st.none(), st.none(), INSTANTS)),
    st.builds(Service, st.just(TEL), st.sampled_from([Kind.FIXED_VOICE, Kind.MOBILE_VOICE]), st.none()),
)

IMPOSED = st.lists(
    st.one_of(
        st.builds(Imposed, st.just(NET), st.just(Access.THROTTLED), st.just("throttled"), INSTANTS),
        st.builds(Imposed, st.just(NET), st.just(Access.PORTAL), st.sampled_from(["portal", "old-system"]), INSTANTS),
        st.builds(Imposed, st.just(TEL), st.just(Access.INCOMING_ONLY), st.just("incoming_only"), INSTANTS),
    ),
    max_size=2,
    unique_by=lambda imposed: imposed.service,
).map(tuple)


@st.composite
def proper_notices(draw: st.DrawFn) -> tuple[Notice, ...]:
    """Those that a careful operator would have sent, and some that he should not have."""
    sent = at(date(2026, 10, 17))
    proper = [Notice(f"N-{stage}", stage, "sms", sent, TUESDAY, sent + timedelta(seconds=8)) for stage in STAGES]
    return (*draw(st.sampled_from([proper, proper, proper[1:], []])), *draw(st.lists(notices(), max_size=2)))


def _few(what: st.SearchStrategy[object]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.one_of(st.just(()), st.just(()), st.lists(what, max_size=2).map(tuple))


facts = st.builds(
    Facts,
    account=st.just(AccountId("A-1")),
    services=services,
    invoices=invoices(),
    collections=st.just((Collection("R-1", "F-0", 2990, date(2026, 10, 6)),)),
    returns=st.just((Return("R-1", "AM04", date(2026, 10, 8), 2990),)),
    payments=st.one_of(st.just(()), st.lists(payments(), max_size=3, unique_by=lambda one: one.id).map(tuple)),
    notices=proper_notices(),
    holds=_few(holds),
    orders=_few(orders),
    imposed=st.one_of(st.just(()), IMPOSED),
    freshness=st.one_of(st.just(fresh(at(date(2026, 11, 25)))), st.just(()), INSTANTS.map(lambda until: fresh(until))),
    conflicts=st.sampled_from([(), (), (), (), ("e-1",)]),
)


def _stage(name: str, access: Access, conditions: Conditions, notice: NoticeRule) -> Stage:
    return Stage(name, access, (conditions,), notice, Source("a test", "D", date(2026, 11, 22)))


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Spain's, or one with other numbers, all of them small so that something happens."""
    if draw(st.booleans()):
        return SPAIN
    conditions = st.builds(
        Conditions,
        months_since_presented=st.integers(0, 2),
        days_since_due=st.integers(0, 9),
        unpaid_invoices=st.sampled_from([1, 1, 2]),
        minimum_amount=st.sampled_from([0, 0, 3000]),
        days_in_previous_stage=st.integers(0, 3),
    )
    notice = st.builds(NoticeRule, st.integers(1, 4), st.sampled_from(DayUnit), st.integers(1, 30))
    rungs = [
        (Kind.INTERNET, "throttled", Access.THROTTLED),
        (Kind.INTERNET, "portal", Access.PORTAL),
        (Kind.FIXED_VOICE, "incoming_only", Access.INCOMING_ONLY),
    ]
    stages = [(kind, _stage(name, access, draw(conditions), draw(notice))) for kind, name, access in rungs]
    return Policy(
        name="small",
        version="1",
        timezone=draw(st.sampled_from(["Europe/Madrid", "America/Sao_Paulo", "Pacific/Auckland"])),
        calendar=Calendar(draw(st.frozensets(_days_from(date(2026, 10, 20), 40), max_size=4))),
        messages=SPAIN.messages,
        window=draw(st.sampled_from([SPAIN.window, Window(frozenset(range(1, 7)), time(0), time(23), on_eves=True)])),
        ladders={
            kind: tuple(stage for of, stage in stages if of is kind) for kind in (Kind.INTERNET, Kind.FIXED_VOICE)
        },
        freshness=FreshnessRules(draw(st.sampled_from([24, 100]))),
        trivial_amount=draw(st.sampled_from([0, 500])),
        courtesy_days=3,
        brake=BrakeRule(100, 5, 5),
    )
