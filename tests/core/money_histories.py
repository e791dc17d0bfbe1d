"""Accounts' money as billing, the bank and the care desk may tell it: debits that come back, parts, plans, holds."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from controller.core.calendar import Calendar, Window
from controller.core.facts import (
    AccountId,
    Charge,
    Collection,
    Facts,
    Hold,
    HoldKind,
    Instalment,
    Instrument,
    Invoice,
    InvoiceLine,
    Notice,
    Payment,
    Return,
    Service,
)
from controller.core.policy import (
    BrakeRule,
    ClearingRules,
    HoldBound,
    HoldRules,
    PartialRule,
    Policy,
    ReturnRules,
)
from enforcement.access import Kind
from enforcement.entries import ServiceId

MADRID = ZoneInfo("Europe/Madrid")
NET, TEL = ServiceId("net"), ServiceId("tel")
SERVICES = (Service(NET, Kind.INTERNET), Service(TEL, Kind.FIXED_VOICE))
NOW = datetime(2026, 11, 10, 10, tzinfo=MADRID).astimezone(UTC)
"""A Tuesday."""

HOURS = Window(frozenset(range(1, 6)), time(9), time(14))
RULES = Policy(
    name="small",
    version="1",
    timezone="Europe/Madrid",
    calendar=Calendar(frozenset({date(2026, 11, 9)}), bank=frozenset({date(2026, 11, 4)})),
    window=HOURS,
    messages=HOURS,
    ladders={},
    trivial_amount=500,
    courtesy_days=3,
    brake=BrakeRule(100, 5, 5),
)
"""One holiday, one day on which banks rest, and what a policy says where it says nothing."""


def at(day: date, hour: int = 10, minute: int = 0) -> datetime:
    """An instant of a day in Madrid."""
    return datetime.combine(day, time(hour, minute), MADRID).astimezone(UTC)


def _days(first: date, most: int) -> st.SearchStrategy[date]:
    return st.sampled_from([first + timedelta(days=ahead) for ahead in range(most)])


DAYS = st.sampled_from([*(date(2026, 10, 20) + timedelta(days=ahead) for ahead in range(40)), date.max])
INSTANTS = st.sampled_from(
    [
        at(date(2026, 10, 20) + timedelta(days=ahead), hour, minute)
        for ahead in range(40)
        for hour, minute in ((10, 0), (0, 0), (23, 59))
    ]
)
AMOUNTS = st.sampled_from([2990, 2990, 2990, 1000, 499, 1, 10000])
CURRENCIES = st.sampled_from(["EUR", "EUR", "EUR", "USD"])
MAYBE = st.one_of(st.none(), INSTANTS)
COLLECTIONS = st.sampled_from(["R-0", "R-1", "R-2", "R-3", "R-none"])

_EACH = [InvoiceLine(2990, NET), InvoiceLine(1500, TEL), InvoiceLine(1), InvoiceLine(-300, NET)]
LINES = st.sampled_from(
    [
        (),
        (),
        *((one,) for one in _EACH),
        *(tuple(replace(one, charge=charge) for one in _EACH) for charge in Charge),
        *((*_EACH[:2], InvoiceLine(500, of, charge)) for of in (None, NET, TEL) for charge in Charge),
    ]
)


@st.composite
def invoices(draw: st.DrawFn) -> tuple[Invoice, ...]:
    found = []
    for number in range(draw(st.integers(0, 4))):
        presented = draw(_days(date(2026, 7, 1), 130))
        found.append(
            Invoice(
                f"F-{number}",
                draw(st.sampled_from([2990, 2990, 2990, 5000, 400, -1000])),
                draw(CURRENCIES),
                presented,
                presented + timedelta(days=draw(st.sampled_from([5, 0, 30]))),
                draw(LINES),
                draw(st.sampled_from([False, False, False, True])),
            )
        )
    return tuple(found)


@st.composite
def collections(draw: st.DrawFn) -> tuple[Collection, ...]:
    """One of each bill or more: the later ones present it again."""
    invoices = draw(st.lists(st.sampled_from(["F-0", "F-1", "F-2", "F-none"]), max_size=4))
    return tuple(
        Collection(f"R-{number}", invoice, draw(st.sampled_from([2990, 2990, 1000])), draw(DAYS))
        for number, invoice in enumerate(invoices)
    )


returns = st.builds(
    Return,
    COLLECTIONS,
    st.sampled_from(["AM04", "AM04", "MD06", "MS03", "AC04", "AC01", "SL01", "AM05", "MD07", "XX99"]),
    DAYS,
    st.sampled_from([2990, 2990, 1000, 1, 0]),
)

payments = st.builds(
    Payment,
    id=st.integers(0, 99).map("P-{}".format),
    amount=AMOUNTS,
    currency=CURRENCIES,
    instrument=st.one_of(st.sampled_from(Instrument).map(str), st.just("cheque")),
    received_at=INSTANTS,
    clears_at=st.one_of(st.none(), MAYBE),
    reversed_at=st.one_of(st.none(), MAYBE),
    allocations=st.sampled_from(
        [(), (), (("F-0", 2990),), (("F-1", 1000), ("F-0", 499)), (("F-9", 2990), ("F-2", 2990)), (("F-1", 10000),)]
    ),
    pending=st.sampled_from([False, False, True]),
    collection=st.one_of(st.none(), COLLECTIONS),
)

_FIRST, _SECOND = Instalment(date(2026, 10, 28), 1000), Instalment(date(2026, 11, 12), 2990)
INSTALMENTS = st.sampled_from([(), (), (_FIRST,), (_FIRST, _SECOND), (_SECOND, _SECOND)])

holds = st.builds(
    Hold,
    id=st.sampled_from(["H-1", "H-2", "H-3"]),
    kind=st.sampled_from(HoldKind),
    since=INSTANTS,
    author=st.just("care"),
    note=st.just("says so"),
    until=MAYBE,
    service=st.sampled_from([None, NET, TEL]),
    review_on=st.none(),
    beyond=st.sampled_from([False, False, True]),
    instalments=INSTALMENTS,
    currency=CURRENCIES,
)


@st.composite
def notices(draw: st.DrawFn) -> Notice:
    sent = draw(INSTANTS)
    delivered = draw(st.sampled_from([None, sent + timedelta(hours=1), sent + timedelta(days=3)]))
    bounced = draw(st.sampled_from([None, None, sent + timedelta(days=4)]))
    return Notice("N-1", "portal", "sms", sent, date(2026, 11, 20), delivered, bounced_at=bounced)


def _few(what: st.SearchStrategy[object], most: int = 3) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(what, max_size=most).map(tuple)


accounts = st.builds(
    Facts,
    account=st.just(AccountId("A-1")),
    services=st.just(SERVICES),
    invoices=invoices(),
    collections=collections(),
    returns=st.one_of(st.just(()), _few(returns, 4)),
    payments=st.lists(payments, max_size=4, unique_by=lambda one: one.id).map(tuple),
    notices=_few(notices(), 1),
    holds=st.one_of(st.just(()), _few(holds)),
)

policies = st.builds(
    Policy,
    name=st.just("small"),
    version=st.just("1"),
    timezone=st.sampled_from(["Europe/Madrid", "America/Sao_Paulo", "Pacific/Auckland"]),
    calendar=st.just(RULES.calendar),
    window=st.just(HOURS),
    messages=st.just(HOURS),
    ladders=st.just({}),
    trivial_amount=st.sampled_from([0, 500]),
    courtesy_days=st.just(3),
    brake=st.just(RULES.brake),
    clearing=st.builds(
        ClearingRules,
        return_window_days=st.sampled_from([5, 0]),
        provisional=st.booleans(),
        pending_days=st.sampled_from([5, 1]),
    ),
    partial=st.sampled_from([PartialRule(), PartialRule(50, 5), PartialRule(1, 30)]),
    returns=st.builds(ReturnRules, st.sampled_from([15, 0])),
    holds=st.builds(
        HoldRules,
        st.dictionaries(
            st.sampled_from(HoldKind),
            st.builds(HoldBound, st.sampled_from([0, 3]), st.sampled_from([0, 1]), st.sampled_from([0, 2990])),
            max_size=6,
        ),
        plan_grace_days=st.sampled_from([3, 0]),
    ),
)
