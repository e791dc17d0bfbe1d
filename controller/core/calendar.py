"""Local days and hours of a policy: what "one month", "fifteen working days" and "Monday to Thursday, 9 to 14" mean.

Between the policy's words, which are local and in days, and `decide`, which is handed one instant. Every boundary is
an instant in UTC, found once from the local calendar, so that a change of clocks moves none of them by accident.
"""

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

_SATURDAY, _SUNDAY = 6, 7
_DAY = timedelta(days=1)
_LOOK_AHEAD_DAYS = 400
"""A window that does not open within this time never does: every weekday and every month has passed."""


class DayUnit(StrEnum):
    """What a lead time counts."""

    HOURS = "hours"
    DAYS = "days"
    WORKING_DAYS = "working_days"


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days on which nobody works: `holidays` where a customer's town is not told, `towns` where it is.

    `towns` hold whole calendars (national, regional and their own days). `bank` are the days on which banks do not
    settle (TARGET), Saturdays and Sundays left out. `saturdays` says whether a Saturday is a working day: it is in
    Spain (Orden PRE/361/2002, art. 26), and not in Brazil, Portugal and Germany.
    """

    holidays: frozenset[date]
    towns: Mapping[str, frozenset[date]] = field(default_factory=dict)
    bank: frozenset[date] = frozenset()
    saturdays: bool = True

    def holidays_of(self, town: str) -> frozenset[date]:
        """The holidays of a town; of one that is told and not known, those of all towns: the strictest reading."""
        if not town:
            return self.holidays
        return self.towns[town] if town in self.towns else self.holidays.union(*self.towns.values())


@dataclass(frozen=True, slots=True)
class Days:
    """One customer's days: a zone, and the days on which nobody works there."""

    zone: ZoneInfo
    holidays: frozenset[date]
    saturdays: bool = True


@dataclass(frozen=True, slots=True)
class Window:
    """When something may happen: ISO weekdays (1 = Monday), local hours, eves of holidays or not."""

    weekdays: frozenset[int]
    opens: time
    closes: time
    on_eves: bool = False


@dataclass(frozen=True, slots=True)
class Opening:
    """One stretch of time in which the window is open: from `start` until just before `end`, in UTC."""

    start: datetime
    end: datetime


_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


def in_zone(at: datetime, zone: tzinfo) -> datetime:
    """An aware instant as `zone` shows it. Never is never: beyond the calendar's ends it is the first or last moment.

    Billing systems write 9999-12-31T23:59:59Z, which is the year 10000 east of Greenwich.
    """
    try:
        return at.astimezone(zone)
    except OverflowError:
        return (_LAST if at.year == _LAST.year else _FIRST).replace(tzinfo=zone)


def later(at: datetime, by: timedelta) -> datetime:
    """`at` plus `by`, both of which may be somebody's word for never."""
    return at + by if at <= _LAST - by else _LAST


def local_date(zone: ZoneInfo, at: datetime) -> date:
    """The day that it is in `zone` at the instant `at`."""
    return in_zone(at, zone).date()


@lru_cache(maxsize=4096)
def start_of(zone: ZoneInfo, day: date) -> datetime:
    """The first instant of a local day, in UTC; where midnight is skipped by a change of clocks, the instant of it."""
    return in_zone(datetime.combine(day, time.min, zone), UTC)


def days_after(day: date, days: int) -> date:
    """`day` plus `days`; billing systems write 9999-12-31 for never, and the day after never is never."""
    return day + timedelta(days=days) if day <= date.max - timedelta(days=days) else date.max


def add_months(day: date, months: int) -> date:
    """The same day of a later month, or that month's last (Spanish Civil Code, art. 5.1: from date to date)."""
    years, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if years > date.max.year:
        return date.max
    return date(years, month + 1, min(day.day, monthrange(years, month + 1)[1]))


def is_working_day(day: date, days: Days) -> bool:
    """Every day but Sundays and holidays, and Saturdays where they are none."""
    weekday = day.isoweekday()
    return weekday != _SUNDAY and (days.saturdays or weekday != _SATURDAY) and day not in days.holidays


def is_eve(day: date, days: Days) -> bool:
    """Whether the next day is a Sunday or a holiday: whoever is cut then can't reach anybody the day after."""
    return not is_working_day(days_after(day, 1), days)


def add_working_days(day: date, count: int, days: Days) -> date:
    """The `count`-th working day after `day`, which itself is not counted."""
    while count > 0 and day < date.max:
        day += _DAY
        count -= is_working_day(day, days)
    return day


def add_bank_days(day: date, count: int, bank: frozenset[date]) -> date:
    """The `count`-th day after `day` on which banks settle: Monday to Friday but for `bank`."""
    while count > 0 and day < date.max:
        day += _DAY
        count -= day.isoweekday() < _SATURDAY and day not in bank
    return day


def end_of_lead(days: Days, since: datetime, lead: int, unit: DayUnit) -> datetime:
    """When a lead has fully run: hours from the instant itself; days from the day after, to the end of the last one."""
    if unit is DayUnit.HOURS:
        return later(since, timedelta(hours=lead))
    day = local_date(days.zone, since)
    last = days_after(day, lead) if unit is DayUnit.DAYS else add_working_days(day, lead, days)
    return start_of(days.zone, days_after(last, 1))


def opening_on(window: Window, days: Days, day: date) -> Opening | None:
    """The window on one local day; None where it stays closed. Never on a day on which nobody works."""
    if day.isoweekday() not in window.weekdays or not is_working_day(day, days):
        return None
    if not window.on_eves and is_eve(day, days):
        return None
    opening = Opening(max(_readings(days.zone, day, window.opens)), min(_readings(days.zone, day, window.closes)))
    return opening if opening.start < opening.end else None


def within(window: Window, days: Days, now: datetime) -> bool:
    """Whether the window is open at this instant."""
    opening = opening_on(window, days, local_date(days.zone, now))
    return opening is not None and opening.start <= now < opening.end


def next_opening(window: Window, days: Days, now: datetime) -> Opening | None:
    """The opening that `now` lies in, else the next one; None where the window never opens."""
    day = local_date(days.zone, now)
    for ahead in range(_LOOK_AHEAD_DAYS):
        opening = opening_on(window, days, days_after(day, ahead))
        if opening is not None and now < opening.end:
            return opening
    return None


@lru_cache(maxsize=4096)
def _readings(zone: ZoneInfo, day: date, hour: time) -> tuple[datetime, datetime]:
    """Both instants that a wall clock's hour may mean: they differ only where clocks change.

    The later one opens and the earlier one closes, so that every instant in between shows an allowed hour.
    """
    first, second = (in_zone(datetime.combine(day, hour.replace(fold=fold), zone), UTC) for fold in (0, 1))
    return first, second
