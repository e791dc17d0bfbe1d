"""Policies as operators may write them: Spain's, or ones whose numbers are all so small that something happens."""

from datetime import date, time

from hypothesis import strategies as st

from controller.core.calendar import Calendar, DayUnit, Window
from controller.core.facts import HoldKind
from controller.core.policy import (
    BrakeRule,
    ClearingRules,
    Conditions,
    FreshnessRules,
    HoldBound,
    HoldRules,
    Loosened,
    NoticeRule,
    PartialRule,
    Policy,
    Source,
    Stage,
    TagRules,
    Track,
)
from enforcement.access import Access, Kind, Rate
from tests.core.histories import SPAIN, days_from

SOURCE = Source("a test", "D", date(2026, 11, 22))
ALL_WEEK = Window(frozenset(range(1, 7)), time(0), time(23), on_eves=True)

_SOURCES = st.one_of(
    st.just(SOURCE),
    st.just(SOURCE),
    st.builds(Source, st.just("a test"), st.just("D"), st.just(date(2026, 11, 22)), days_from(date(2026, 10, 25), 20)),
    st.builds(
        Source,
        st.just("a test"),
        st.just("D"),
        st.just(date(2026, 11, 22)),
        st.none(),
        days_from(date(2026, 11, 5), 20),
    ),
)
_CONDITIONS = st.builds(
    Conditions,
    months_since_presented=st.integers(0, 2),
    days_since_presented=st.sampled_from([0, 0, 20]),
    months_since_due=st.sampled_from([0, 0, 0, 1]),
    days_since_due=st.integers(0, 9),
    unpaid_invoices=st.sampled_from([1, 1, 2]),
    minimum_amount=st.sampled_from([0, 0, 3000]),
    days_in_previous_stage=st.integers(0, 3),
    tags_without=st.sampled_from([frozenset(), frozenset(), frozenset({"vip"})]),
)
_OF_HISTORY = st.builds(
    Conditions,
    days_since_due=st.integers(0, 9),
    consecutive_returns=st.integers(0, 2),
    earlier_suspensions=st.integers(0, 1),
    days_in_previous_stage=st.integers(0, 3),
)
_NOTICES = st.builds(
    NoticeRule,
    st.integers(1, 4),
    st.sampled_from(DayUnit),
    st.integers(1, 30),
    channels=st.sampled_from([frozenset(), frozenset(), frozenset({"sms"})]),
    after_last_hours=st.sampled_from([0, 0, 24]),
)


@st.composite
def stages(draw: st.DrawFn, access: Access) -> Stage:
    """A rung that is named after its access."""
    far = access in (Access.EMERGENCY_ONLY, Access.RELEASED)
    conditions = draw(st.lists(_OF_HISTORY if far else _CONDITIONS, min_size=1, max_size=2).map(tuple))
    return Stage(
        access.value,
        access,
        conditions,
        draw(_NOTICES),
        draw(_SOURCES),
        track=Track.PREMIUM if access is Access.NO_PREMIUM else Track.SERVICE,
        approvals=draw(st.integers(0, 9)) // 9,
        rate=Rate(2000, 500) if access is Access.THROTTLED else None,
    )


_NET = (Access.THROTTLED, Access.PORTAL)
_TEL = (Access.NO_PREMIUM, Access.INCOMING_ONLY, Access.EMERGENCY_ONLY, Access.RELEASED)


@st.composite
def small_policies(draw: st.DrawFn) -> Policy:
    """One with every kind of rule in it."""
    net, tel = (tuple(draw(stages(access)) for access in ladder) for ladder in (_NET, _TEL))
    loosened = Loosened("windows.cut", "a test", "ana", draw(days_from(date(2026, 10, 25), 40)), "portal")
    return Policy(
        name="small",
        version="1",
        timezone=draw(st.sampled_from(["Europe/Madrid", "America/Sao_Paulo", "Pacific/Auckland"])),
        calendar=Calendar(draw(st.frozensets(days_from(date(2026, 10, 20), 40), max_size=4))),
        messages=draw(st.sampled_from([SPAIN.messages, ALL_WEEK])),
        window=draw(st.sampled_from([SPAIN.window, ALL_WEEK, ALL_WEEK])),
        ladders={Kind.INTERNET: net, Kind.FIXED_VOICE: tel},
        freshness=FreshnessRules(draw(st.sampled_from([24, 100]))),
        trivial_amount=draw(st.sampled_from([0, 500])),
        courtesy_days=3,
        brake=BrakeRule(100, 5, 5),
        clearing=ClearingRules(return_window_days=draw(st.sampled_from([5, 1]))),
        partial=draw(st.sampled_from([PartialRule(), PartialRule(), PartialRule(50, 5)])),
        holds=HoldRules(draw(st.sampled_from([{}, {HoldKind.PROMISE: HoldBound(5, 1, 3000)}])), plan_grace_days=1),
        tags=TagRules(person=frozenset({"business"})),
        approval_days=draw(st.sampled_from([30, 5])),
        loosened=draw(st.sampled_from([(), (), (loosened,)])),
    )


def policies() -> st.SearchStrategy[Policy]:
    """Spain's, or a small one."""
    return st.one_of(st.just(SPAIN), small_policies(), small_policies())
