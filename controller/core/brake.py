"""The brake: how many services of a policy and device may newly be restricted for billing in a rolling 24 hours.

Between `decide`, which looks at one service, and the review's transaction, which reserves one place with a conditional
UPDATE (`... SET reserved = reserved + 1 WHERE reserved < :limit`). A wrong import makes every single decision look
right; only their number shows it. Restores are never counted and never asked about.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from math import floor

from controller.core.policy import BrakeRule

CANARY = 5
"""So few may always be the first: a share of a small device is less than one service, and would restrict nobody."""

NEIGHBOURS = 3
"""Days around a day of the cycle: what falls on a weekend or a holiday comes with the next working days."""


@dataclass(frozen=True, slots=True)
class Impositions:
    """First impositions of the last 24 h, of one policy on one device.

    `made` are all of them; `verified` were read back from the device at least once; `lifted` ended (paid, held) before
    they were: they prove nothing and wait for nothing.
    """

    made: int
    verified: int = 0
    lifted: int = 0


def cap(rule: BrakeRule, population: int, approved_extra: int = 0, of_cycle: int = 0) -> int:
    """The most that 24 h may see: the rule's number or its share of `population`, the lesser, and what was approved.

    `population` is the number of live services of the policy on the device. The first few (`CANARY`) are always within
    the cap. `of_cycle` is what is approved for this day of the month: it takes the place of a lesser cap, and is not
    added to it.
    """
    usual = min(rule.number, max(_share(rule, population), min(rule.canary, CANARY)))
    return max(usual, of_cycle) + max(approved_extra, 0)


def canary(rule: BrakeRule, population: int) -> int:
    """How many must be verified before the rest may follow: the rule's, and no more than the share, or a few."""
    return min(rule.canary, max(_share(rule, population), CANARY))


def _share(rule: BrakeRule, population: int) -> int:
    return floor(population * rule.percent / 100)


def limit(
    rule: BrakeRule, population: int, impositions: Impositions, approved_extra: int = 0, of_cycle: int = 0
) -> int:
    """What `made` may reach now: the cap once a canary is verified on the device, until then only the canary.

    Approval raises the cap, not the canary: what has not been seen to work is not done a hundred times.
    """
    most, first = cap(rule, population, approved_extra, of_cycle), canary(rule, population)
    if impositions.verified >= min(first, most):
        return most
    return min(most, first + impositions.lifted)


def allowance(
    rule: BrakeRule, population: int, impositions: Impositions, approved_extra: int = 0, of_cycle: int = 0
) -> int:
    """How many more may pass now; never negative."""
    return max(limit(rule, population, impositions, approved_extra, of_cycle) - impositions.made, 0)


def learnt(made: Mapping[date, int]) -> dict[int, int]:
    """The most first impositions that any day of the past saw, by day of the month, its neighbours' included.

    So the monthly day on which debits come back shows as a hill of a week, wherever weekends have moved it.
    """
    found: dict[int, int] = {}
    for on, count in made.items():
        for day in _days_around(on):
            found[day] = max(found.get(day, 0), count)
    return {day: found[day] for day in sorted(found) if found[day]}


def of_cycle(today: date, approved: Mapping[int, int]) -> int:
    """How many are approved for today: those of the day of the month, and of the days around it."""
    return max((approved.get(day, 0) for day in _days_around(today)), default=0)


def _days_around(on: date) -> Iterator[int]:
    """The days of the month of the days around one, itself among them."""
    for shift in range(-NEIGHBOURS, NEIGHBOURS + 1):
        yield (on + timedelta(days=shift)).day
