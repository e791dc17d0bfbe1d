"""What is refused everywhere unless somebody writes down why: what regulators, courts and bad mornings have taught.

No law of ours says so; each row says why. Looser only by a written override at that key, as with the law's floors.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import time
from math import floor

from controller.core.brake import CANARY
from controller.core.calendar import Window
from controller.core.facts import Instrument
from controller.core.policy import Clears, Policy
from controller.policies.days import WEEKDAYS
from controller.policies.floors import Breach

MOST_PERCENT = 10.0
STALE_HOURS = 72
TRIVIAL = 100
EARLIEST = time(8)
WITHOUT_SATURDAYS = frozenset({"BR", "PT", "DE"})
"""Where a Saturday is no working day, and a lead that counted it would be too short."""

_WHEN_BOOKED = (Instrument.TRANSFER, Instrument.OTHER)
_AT_ONCE = (Instrument.CARD, Instrument.BIZUM, Instrument.PIX, Instrument.INSTANT_TRANSFER, Instrument.CASH)


@dataclass(frozen=True, slots=True)
class Prudence:
    """A floor of one key: `loose` tells the policy's value where it is looser, and is empty where it is not."""

    key: str
    loose: Callable[[Policy], str]
    floor: str
    why: str


def prudent_breaches(policy: Policy) -> Iterable[Breach]:
    """Where the policy is looser than prudence."""
    for row in PRUDENCE:
        found = row.loose(policy)
        if found:
            yield Breach(row.key, found, row.floor, f"prudence: {row.why}")


def _late_weekdays(policy: Policy) -> str:
    late = sorted(day for day in policy.window.weekdays if day > 4)
    return ", ".join(WEEKDAYS[day - 1] for day in late)


def _stalest(policy: Policy) -> str:
    hours = {"": policy.freshness.hours, **policy.freshness.sources}
    return ", ".join(f"{name} {given}".strip() for name, given in hours.items() if given > STALE_HOURS)


def _slow_instruments(policy: Policy) -> str:
    given = policy.clearing.by_instrument
    slow = [one for one in _AT_ONCE if given.get(one, Clears.AT_ONCE) is not Clears.AT_ONCE]
    slow += [one for one in _WHEN_BOOKED if given.get(one) is Clears.RETURN_WINDOW]
    return ", ".join(f"{one.value} {given[one].value}" for one in slow)


def _large_canary(policy: Policy) -> str:
    brake = policy.brake
    return _if(brake.canary > max(CANARY, floor(brake.number * brake.percent / 100)), brake.canary)


def _opens_early(window: Window) -> str:
    return _if(window.opens < EARLIEST, f"{window.opens:%H:%M}")


def _no_tags(policy: Policy) -> str:
    return ", ".join(name for name in ("never", "reseller") if not getattr(policy.tags, name))


def _if(wrong: bool, value: object) -> str:
    return str(value) if wrong else ""


PRUDENCE = (
    Prudence(
        "windows.cut.weekdays", _late_weekdays, "mon to thu", "who is cut on a Friday reaches nobody until Monday"
    ),
    Prudence(
        "windows.cut.opens",
        lambda policy: _opens_early(policy.window),
        "08:00",
        "who is cut at night finds out before anybody can help",
    ),
    Prudence(
        "windows.cut.closes",
        lambda policy: _if(policy.window.closes > time(14), f"{policy.window.closes:%H:%M}"),
        "14:00",
        "who is cut in the afternoon reaches nobody the same day",
    ),
    Prudence(
        "windows.cut.on_eves",
        lambda policy: _if(policy.window.on_eves, "true"),
        "false",
        "who is cut on the eve of a holiday reaches nobody the day after",
    ),
    Prudence(
        "windows.messages.opens",
        lambda policy: _opens_early(policy.messages),
        "08:00",
        "nobody is reminded of debts at night",
    ),
    Prudence(
        "windows.messages.closes",
        lambda policy: _if(policy.messages.closes > time(21), f"{policy.messages.closes:%H:%M}"),
        "21:00",
        "nobody is reminded of debts at night",
    ),
    Prudence(
        "trivial_amount",
        lambda policy: _if(policy.trivial_amount < TRIVIAL, policy.trivial_amount),
        str(TRIVIAL),
        "cents restrict nobody",
    ),
    Prudence("freshness", _stalest, f"{STALE_HOURS} hours", "stale payments cut people who have paid"),
    Prudence(
        "brake.percent",
        lambda policy: _if(policy.brake.percent > MOST_PERCENT, f"{policy.brake.percent:g}"),
        f"{MOST_PERCENT:g}",
        "so many at once are a mistake until somebody has looked",
    ),
    Prudence(
        "brake.canary",
        _large_canary,
        f"{CANARY}, or percent of number",
        "a canary of many is none",
    ),
    Prudence(
        "calendar.saturdays",
        lambda policy: _if(policy.country in WITHOUT_SATURDAYS and policy.calendar.saturdays, "true"),
        "false",
        "a Saturday is no working day there",
    ),
    Prudence(
        "clearing.by_instrument",
        _slow_instruments,
        "at_once, of transfers and others booked",
        "this money is final when it is told, or booked",
    ),
    Prudence(
        "clearing.return_window_days",
        lambda policy: _if(policy.clearing.return_window_days > 5, policy.clearing.return_window_days),
        "5",
        "a debit that banks no longer return is money (EPC016-06) [F2]",
    ),
    Prudence(
        "clearing.pending_days",
        lambda policy: _if(policy.clearing.pending_days < 3, policy.clearing.pending_days),
        "3",
        "a transfer may take its days",
    ),
    Prudence(
        "returns.grace_days",
        lambda policy: _if(policy.returns.grace_days < 5, policy.returns.grace_days),
        "5",
        "a technical return says nothing of the customer",
    ),
    Prudence("tags", _no_tags, "never and reseller are not empty", "who buys from a reseller does not owe us"),
)
