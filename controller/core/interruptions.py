"""How long a notice goes on binding where a hold that opens the service came in between.

Beside `notices`: who was promised time, and did not pay in it, has been warned already. When the hold is over the stage
is imposed again at the next lawful window without another notice, as long as the notice carried its stage, or the stage
was in force, when the hold began. Who was not given time to pay, but protected or kept open by a court, is warned anew.
"""

from datetime import datetime

from controller.core.calendar import days_after, local_date, start_of
from controller.core.case import Case
from controller.core.facts import Hold, HoldKind, Suspension
from controller.core.holds import over_at

_TIME_TO_PAY = frozenset({HoldKind.PROMISE, HoldKind.COURTESY, HoldKind.CLAIMED_PAYMENT, HoldKind.PLAN})

LONGEST_PROLONGED_DAYS = 60
"""Beyond its own days a notice binds for no longer than this: nobody must remember it after two months."""


def prolonged(case: Case, ready: datetime, until: datetime, valid_days: int) -> datetime:
    """Until when a notice binds that was `ready` to carry its stage, and by itself binds until just before `until`."""
    longest = start_of(case.zone, days_after(local_date(case.zone, until), LONGEST_PROLONGED_DAYS))
    for hold in _giving_time(case):
        if hold.since > case.now or not _interrupts(case, hold, ready, until):
            continue
        ends = over_at(hold, case.facts, case.policy, case.now, case.horizon)
        if ends is None:
            continue
        case.horizon.note(ends)
        until = max(until, start_of(case.zone, days_after(local_date(case.zone, ends), valid_days)))
    return min(until, longest)


def _giving_time(case: Case) -> list[Hold]:
    mine = [hold for hold in case.facts.holds if hold.kind in _TIME_TO_PAY and hold.service in (None, case.service.id)]
    return sorted(mine, key=lambda hold: (hold.since, hold.id))


def _interrupts(case: Case, hold: Hold, ready: datetime, until: datetime) -> bool:
    return ready <= hold.since < until or any(_was_on(one, hold, ready, until) for one in _restrictions(case))


def _was_on(one: Suspension, hold: Hold, ready: datetime, until: datetime) -> bool:
    """Whether a restriction that the notice carried was in force when the hold began."""
    return ready <= one.since < until and one.since <= hold.since <= one.until


def _restrictions(case: Case) -> list[Suspension]:
    return [one for one in case.facts.suspensions if one.service == case.service.id]
