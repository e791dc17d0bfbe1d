"""Local days and hours: months and years end, clocks change, holidays lie beside weekends."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.core.calendar import (
    Calendar,
    Days,
    DayUnit,
    Window,
    add_months,
    add_working_days,
    days_after,
    end_of_lead,
    is_eve,
    is_working_day,
    local_date,
    next_opening,
    opening_on,
    start_of,
    within,
)
from controller.core.policy import Policy
from tests.core.histories import MADRID, SPAIN, at
from tests.core.rulebooks import policies

SPANISH = SPAIN.days_of("")
HOLIDAYS = SPANISH.holidays
ZONES = st.sampled_from(["Europe/Madrid", "America/Sao_Paulo", "America/Havana", "Pacific/Auckland", "Asia/Kathmandu"])
DAYS = st.dates(date(2015, 1, 1), date(2034, 12, 31))


def windowed(zone: str, opens: time, closes: time, weekdays: frozenset[int] = frozenset(range(1, 7))) -> Policy:
    """Spain's policy with another zone and window, and no holidays."""
    values = {name: getattr(SPAIN, name) for name in Policy.__dataclass_fields__}
    window = Window(weekdays, opens, closes, on_eves=True)
    return Policy(**{**values, "timezone": zone, "calendar": Calendar(frozenset()), "window": window})


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2028, 1, 31), 1, date(2028, 2, 29)),
        (date(2026, 10, 1), 1, date(2026, 11, 1)),
        (date(2026, 12, 31), 2, date(2027, 2, 28)),
        (date(2026, 11, 30), 3, date(2027, 2, 28)),
        (date(2026, 3, 31), 12, date(2027, 3, 31)),
        (date(9999, 12, 31), 1, date.max),
    ],
)
def test_a_month_ends_on_the_same_day_of_the_next_or_on_its_last(day: date, months: int, later: date) -> None:
    assert add_months(day, months) == later


def test_the_day_after_never_is_never() -> None:
    assert days_after(date(9999, 12, 31), 1) == date.max
    assert days_after(date(2026, 12, 31), 1) == date(2027, 1, 1)


@pytest.mark.parametrize(
    ("day", "working", "eve"),
    [
        (date(2026, 11, 7), True, True),  # a Saturday counts as working, and is the eve of a Sunday
        (date(2026, 11, 8), False, False),  # a Sunday
        (date(2026, 10, 12), False, False),  # National Day, a Monday
        (date(2026, 12, 7), True, True),  # a Monday before the Immaculate Conception
        (date(2026, 12, 24), True, True),
        (date(2026, 12, 26), True, True),  # Saturday between Christmas and Sunday
        (date(2026, 12, 31), True, True),
        (date(2027, 1, 4), True, False),
    ],
)
def test_holidays_and_their_eves(day: date, working: bool, eve: bool) -> None:
    assert (is_working_day(day, SPANISH), is_eve(day, SPANISH)) == (working, eve)


@pytest.mark.parametrize(
    ("day", "count", "later"),
    [
        (date(2026, 10, 17), 15, date(2026, 11, 4)),  # from a Saturday; three Sundays; All Saints' falls on one of them
        (date(2026, 10, 9), 1, date(2026, 10, 10)),  # Friday to Saturday
        (date(2026, 10, 10), 1, date(2026, 10, 13)),  # Saturday, Sunday, National Day, Tuesday
        (date(2026, 12, 23), 3, date(2026, 12, 28)),  # over Christmas and a Sunday
        (date(2026, 12, 30), 3, date(2027, 1, 4)),  # over the year's end
        (date(2026, 11, 1), 0, date(2026, 11, 1)),
    ],
)
def test_working_days_are_counted_from_the_day_after(day: date, count: int, later: date) -> None:
    assert add_working_days(day, count, SPANISH) == later


@given(DAYS, st.integers(1, 40))
def test_so_many_working_days_lie_between(day: date, count: int) -> None:
    last = add_working_days(day, count, SPANISH)
    between = [day + timedelta(days=ahead) for ahead in range(1, (last - day).days + 1)]
    assert sum(one.weekday() != 6 and one not in HOLIDAYS for one in between) == count
    assert is_working_day(last, SPANISH)


@pytest.mark.parametrize(
    ("unit", "lead", "ends"),
    [
        (DayUnit.HOURS, 24, datetime(2026, 10, 25, 21, 30, tzinfo=UTC)),
        (DayUnit.DAYS, 1, datetime(2026, 10, 25, 23, 0, tzinfo=UTC)),  # the 25th is over at 24:00 CET, clocks went back
        (DayUnit.WORKING_DAYS, 1, datetime(2026, 10, 26, 23, 0, tzinfo=UTC)),
    ],
)
def test_a_lead_runs_in_full_over_a_change_of_clocks(unit: DayUnit, lead: int, ends: datetime) -> None:
    proven_at = datetime(2026, 10, 24, 21, 30, tzinfo=UTC)
    assert end_of_lead(SPANISH, proven_at, lead, unit) == ends


@given(ZONES, DAYS)
def test_a_day_starts_with_its_first_instant(zone_name: str, day: date) -> None:
    zone = ZoneInfo(zone_name)
    start = start_of(zone, day)
    assert local_date(zone, start) == day
    assert local_date(zone, start - timedelta(microseconds=1)) == day - timedelta(days=1)


def test_a_midnight_that_a_change_of_clocks_skips_is_its_instant() -> None:
    havana = ZoneInfo("America/Havana")
    assert start_of(havana, date(2026, 3, 8)) == datetime(2026, 3, 8, 5, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        (at(date(2026, 11, 10), 8, 59), at(date(2026, 11, 10), 9)),
        (at(date(2026, 11, 10), 9), at(date(2026, 11, 10), 9)),
        (at(date(2026, 11, 10), 13, 59), at(date(2026, 11, 10), 9)),
        (at(date(2026, 11, 10), 14), at(date(2026, 11, 11), 9)),
        (at(date(2026, 11, 12), 20), at(date(2026, 11, 16), 9)),  # Thursday evening: Friday to Sunday are left out
        (at(date(2026, 10, 8), 14), at(date(2026, 10, 13), 9)),  # a long weekend
        (at(date(2026, 12, 3), 14), at(date(2026, 12, 9), 9)),  # Monday is an eve, Tuesday the Immaculate Conception
        (at(date(2026, 12, 23), 14), at(date(2026, 12, 28), 9)),
        (at(date(2026, 12, 30), 14), at(date(2027, 1, 4), 9)),  # Tuesday the 5th is the eve of Epiphany
        (at(date(2027, 1, 4), 14), at(date(2027, 1, 7), 9)),
    ],
)
def test_the_next_opening_in_spain(now: datetime, opens: datetime) -> None:
    opening = next_opening(SPAIN.window, SPAIN.days_of(""), now)
    assert opening is not None
    assert opening.start == opens
    assert opening.end - opening.start == timedelta(hours=5)
    assert within(SPAIN.window, SPAIN.days_of(""), now) is (opens <= now)


@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25)])
@given(st.integers(0, 23), st.integers(1, 23), st.integers(0, 30))
def test_an_opening_shows_allowed_hours_only_whatever_the_clocks_do(
    day: date, opens: int, long: int, after: int
) -> None:
    policy = windowed("Europe/Madrid", time(opens), time(min(opens + long, 23), 59), frozenset(range(1, 8)))
    opening = opening_on(policy.window, policy.days_of(""), day)
    if opening is not None:
        instant = opening.start + (opening.end - opening.start) * after / 31
        assert policy.window.opens <= instant.astimezone(MADRID).time() < policy.window.closes


def test_an_hour_that_clocks_skip_opens_no_window() -> None:
    monday_to_saturday = windowed("America/Havana", time(0, 15), time(0, 45), frozenset(range(1, 8)))
    sunday_of_the_change = date(2026, 3, 8)
    kathmandu = windowed("Asia/Kathmandu", time(0, 15), time(0, 45))
    days = monday_to_saturday.days_of("")
    assert opening_on(monday_to_saturday.window, days, sunday_of_the_change) is None
    assert opening_on(kathmandu.window, kathmandu.days_of(""), date(2026, 3, 9)) is not None


@given(policies(), st.integers(0, 40 * 24 * 4))
def test_the_next_opening_is_the_next_instant_within_the_window(policy: Policy, quarters: int) -> None:
    now = at(date(2026, 10, 20), 0) + timedelta(minutes=15 * quarters)
    opening = next_opening(policy.window, policy.days_of(""), now)
    assert opening is not None
    assert within(policy.window, policy.days_of(""), now) is (opening.start <= now)
    assert within(policy.window, policy.days_of(""), max(now, opening.start))
    assert not within(policy.window, policy.days_of(""), opening.end)
    closed = range(int((opening.start - now) / timedelta(minutes=15)))
    assert not any(within(policy.window, policy.days_of(""), now + timedelta(minutes=15 * step)) for step in closed)


def test_a_window_that_never_opens_has_no_opening() -> None:
    days = frozenset(date(2026, 1, 1) + timedelta(days=ahead) for ahead in range(800))
    assert next_opening(SPAIN.window, Days(MADRID, days), at(date(2026, 11, 10))) is None
