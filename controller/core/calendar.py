"""Local days and hours of a policy: what "one month", "fifteen working days" and "Monday to Thursday, 9 to 14" mean.

Between the policy's words, which are local and in days, and `decide`, which is handed one instant. Every boundary is
an instant in UTC, found once from the local calendar, so that a change of clocks moves none of them by accident.
"""

from calendar import monthrange
from collections.abc import Set
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from controller.core.model import DayUnit, Policy

_SUNDAY = 7
_DAY = timedelta(days=1)
_LOOK_AHEAD_DAYS = 400
"""A window that does not open within this time never does: every weekday and every month has passed."""


@dataclass(frozen=True, slots=True)
class Opening:
    """One stretch of time in which restrictions may first be imposed: from `start` until just before `end`, in UTC."""

    start: datetime
    end: datetime


def local_date(zone: ZoneInfo, at: datetime) -> date:
    """The day that it is in `zone` at the instant `at`."""
    return at.astimezone(zone).date()


@lru_cache(maxsize=4096)
def start_of(zone: ZoneInfo, day: date) -> datetime:
    """The first instant of a local day, in UTC; where midnight is skipped by a change of clocks, the instant of it."""
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def days_after(day: date, days: int) -> date:
    """`day` plus `days`; billing systems write 9999-12-31 for never, and the day after never is never."""
    return day + timedelta(days=days) if day <= date.max - timedelta(days=days) else date.max


def add_months(day: date, months: int) -> date:
    """The same day of a later month, or that month's last (Spanish Civil Code, art. 5.1: from date to date)."""
    years, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if years > date.max.year:
        return date.max
    return date(years, month + 1, min(day.day, monthrange(years, month + 1)[1]))


def is_working_day(day: date, holidays: Set[date]) -> bool:
    """Every day but Sundays and holidays; Saturdays count (Orden PRE/361/2002, art. 26)."""
    return day.isoweekday() != _SUNDAY and day not in holidays


def is_eve(day: date, holidays: Set[date]) -> bool:
    """Whether the next day is a Sunday or a holiday: whoever is cut then can't reach anybody the day after."""
    return not is_working_day(day + _DAY, holidays)


def add_working_days(day: date, count: int, holidays: Set[date]) -> date:
    """The `count`-th working day after `day`, which itself is not counted."""
    while count > 0:
        day += _DAY
        count -= is_working_day(day, holidays)
    return day


def end_of_lead(zone: ZoneInfo, holidays: Set[date], since: datetime, lead: int, unit: DayUnit) -> datetime:
    """When a lead has fully run: hours from the instant itself; days from the day after, to the end of the last one."""
    if unit is DayUnit.HOURS:
        return since + timedelta(hours=lead)
    day = local_date(zone, since)
    last = day + timedelta(days=lead) if unit is DayUnit.DAYS else add_working_days(day, lead, holidays)
    return start_of(zone, last + _DAY)


def opening_on(policy: Policy, day: date) -> Opening | None:
    """The policy's window on one local day; None where it stays closed. Never on a Sunday or a holiday."""
    window = policy.window
    if day.isoweekday() not in window.weekdays or not is_working_day(day, policy.holidays):
        return None
    if not window.on_eves and is_eve(day, policy.holidays):
        return None
    zone = ZoneInfo(policy.timezone)
    opening = Opening(max(_readings(zone, day, window.opens)), min(_readings(zone, day, window.closes)))
    return opening if opening.start < opening.end else None


def within_window(policy: Policy, now: datetime) -> bool:
    """Whether a restriction may first be imposed at this instant."""
    opening = opening_on(policy, local_date(ZoneInfo(policy.timezone), now))
    return opening is not None and opening.start <= now < opening.end


def next_opening(policy: Policy, now: datetime) -> Opening | None:
    """The opening that `now` lies in, else the next one; None where the window never opens."""
    day = local_date(ZoneInfo(policy.timezone), now)
    for ahead in range(_LOOK_AHEAD_DAYS):
        opening = opening_on(policy, day + timedelta(days=ahead))
        if opening is not None and now < opening.end:
            return opening
    return None


def _readings(zone: ZoneInfo, day: date, hour: time) -> tuple[datetime, datetime]:
    """Both instants that a wall clock's hour may mean: they differ only where clocks change.

    The later one opens and the earlier one closes, so that every instant in between shows an allowed hour.
    """
    first, second = (datetime.combine(day, hour.replace(fold=fold), zone).astimezone(UTC) for fold in (0, 1))
    return first, second
