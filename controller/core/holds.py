"""Which holds are in force on a service, until when, and which are not, within the bounds that the policy sets.

Between the facts and `decide`. A hold never lowers access; its bounds say how far one person's word may go.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from controller.core.calendar import local_date
from controller.core.facts import OPENING_HOLDS, Facts, Hold
from controller.core.horizon import Horizon
from controller.core.policy import Policy
from enforcement.entries import ServiceId


@dataclass(frozen=True, slots=True)
class Held:
    """A hold in force, until when (None: until somebody ends it), and whether it opens the service meanwhile."""

    hold: Hold
    until: datetime | None
    opens: bool


@dataclass(frozen=True, slots=True)
class NotHeld:
    """A hold that would be in force by its own words and is not, and why."""

    hold: Hold
    why: str


def holds_in_force(
    facts: Facts, service_id: ServiceId, policy: Policy, owed: Mapping[str, int], now: datetime, horizon: Horizon
) -> list[Held]:
    """The holds of the service and of its whole account, in their order. `owed` is what is past due, by currency."""
    found = []
    for hold in sorted(facts.holds, key=lambda hold: (hold.since, hold.id)):
        if hold.service not in (None, service_id):
            continue
        horizon.note(hold.since)
        horizon.note(hold.until)
        if hold.since <= now and (hold.until is None or now < hold.until):
            found.append(Held(hold, hold.until, hold.kind in OPENING_HOLDS))
    return found


def not_in_force(
    facts: Facts, service_id: ServiceId, policy: Policy, owed: Mapping[str, int], now: datetime
) -> list[NotHeld]:
    """The holds that have begun and not ended, and are not in force all the same."""
    return []


def overdue_for_review(hold: Hold, policy: Policy, today: date) -> bool:
    """Whether the day on which a person should have looked at the hold has passed."""
    by = hold.review_on
    if by is None:
        by = local_date(ZoneInfo(policy.timezone), hold.since) + timedelta(days=policy.holds.review_days)
    return by < today
