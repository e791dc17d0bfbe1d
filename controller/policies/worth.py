"""What an asked time is worth beside another in other units, so that what is stricter is never taken for looser.

Compared for the floors at their worst: a month has 28 days where it is asked for by the policy, and 31 where it is by
the floor; what is one day short in a leap year does not reach.
"""

from controller.core.calendar import DayUnit
from controller.core.policy import Conditions

_SHORT_MONTH, _LONG_MONTH = 28, 31

_HOURS = 24


def lasts(lead: int, unit: DayUnit, least: int, least_unit: DayUnit) -> bool:
    """Whether a lead of so much is at least as long as another, whatever weekends and holidays fall into both."""
    if unit is least_unit:
        return lead >= least
    if unit is DayUnit.WORKING_DAYS and least_unit is DayUnit.DAYS:
        return lead >= least
    return _hours_at_least(lead, unit) >= _hours_at_most(least, least_unit)


def _hours_at_least(lead: int, unit: DayUnit) -> int:
    return lead if unit is DayUnit.HOURS else (lead - 1) * _HOURS


def _hours_at_most(lead: int, unit: DayUnit) -> int:
    """Of a lead in whole days, which ends with the last one's end, and an hour more where clocks are set back.

    Working days take two days each at most in the long run: weekends, and a week of holidays beside.
    """
    if unit is DayUnit.HOURS:
        return lead
    days = lead if unit is DayUnit.DAYS else 2 * lead + 7
    return (days + 1) * _HOURS + 1


def reaches(asks: Conditions, name: str, least: int) -> bool:
    """Whether conditions ask for so much of one of them: of an age, in months or days, or by one that implies it.

    Nothing is past due before it was presented: so old since it was due is so old since it was presented.
    """
    if getattr(asks, name) >= least:
        return True
    match name:
        case "months_since_presented":
            return asks.months_since_due >= least or _days_presented(asks) > _LONG_MONTH * least
        case "days_since_presented":
            return _days_presented(asks) >= least
        case "months_since_due":
            return _days_due(asks) > _LONG_MONTH * least
        case "days_since_due":
            return _days_due(asks) >= least
    return False


def _days_due(asks: Conditions) -> int:
    return max(asks.days_since_due, _SHORT_MONTH * asks.months_since_due)


def _days_presented(asks: Conditions) -> int:
    return max(asks.days_since_presented, _SHORT_MONTH * asks.months_since_presented, _days_due(asks))
