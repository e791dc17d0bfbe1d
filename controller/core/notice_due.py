"""Which message the customer must get before the next stage, when it can first be sent, and which date it can name.

Beside the blocks before a stage, for whoever sends messages. A notice is due once all else that the stage lacks ends by
itself: it goes out as late as its lead still lets the stage be imposed when the debt is old enough, and no sooner. Who
is held, is paying, or may have paid is sent none.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

from controller.core.blocks import Code, ends_at
from controller.core.calendar import (
    Days,
    DayUnit,
    Opening,
    end_of_lead,
    later,
    local_date,
    next_opening,
    opening_on,
    start_of,
)
from controller.core.case import Case
from controller.core.conditions import unmet
from controller.core.decision import Block, NoticeDue
from controller.core.notices import announced_from, bindings_of
from controller.core.policy import NoticeRule, Stage

_WILL_BE_MET = frozenset({Code.TOO_YOUNG, Code.STAGE_TOO_YOUNG, Code.RULE_NOT_IN_FORCE})
"""What the clock alone brings."""
_OF_NOTICE = frozenset(
    {
        Code.NOTICE_MISSING,
        Code.NOTICE_UNPROVEN,
        Code.NOTICE_BOUNCED,
        Code.NOTICE_EXPIRED,
        Code.NOTICE_OF_OTHER_DEBT,
        Code.NOTICE_LEAD,
        Code.NOTICE_DATE,
        Code.NOTICE_DATE_TOO_EARLY,
        Code.NOTICE_RECENT,
    }
)
_BESIDE = frozenset({Code.APPROVAL, Code.WINDOW})
"""What may be missing while the notice runs: people may still refuse, and the hours come."""

_LOOK_BACK_DAYS = 31
"""A window for messages that has not been open within this time is asked for ahead."""


def notice_due(case: Case, stage: Stage, blocks: Sequence[Block]) -> NoticeDue | None:
    """The message that `stage` lacks, where `blocks` are all that stands in its way; None where it lacks none."""
    if any(block.code not in _WILL_BE_MET | _OF_NOTICE | _BESIDE for block in blocks):
        return None
    ripe = ends_at([block for block in blocks if block.code in _WILL_BE_MET], case.now)
    if ripe is None or not _is_lacking(case, stage, blocks):
        return None
    opening = _first_opening(case, stage.notice, ripe, _earliest(case, stage))
    names = _lawful_date(case, stage.notice, opening.end, ripe) if opening is not None else None
    if opening is None or names is None:
        return None
    case.horizon.note(opening.end)
    return NoticeDue(stage.name, stage.notice.template, opening.start, names)


def _is_lacking(case: Case, stage: Stage, blocks: Sequence[Block]) -> bool:
    """Whether no notice will carry the stage by itself; one that may still be proven is waited for until its date."""
    missing = any(block.code in _OF_NOTICE and block.until is None for block in blocks)
    waited = (one.named for one in bindings_of(case, stage) if not one.proven and not one.bounced)
    return missing and not any(case.now < named for named in waited)


def _earliest(case: Case, stage: Stage) -> date:
    """The first day on which a message can be about debts that are enough for the stage, but for their age."""
    rule, debts = stage.notice, case.live(stage.track)
    days = sorted({announced_from(rule, debt) for debt in debts}) if rule.days_after_due else []
    for day in days:
        about = [debt for debt in debts if announced_from(rule, debt) <= day]
        if all(block.code in _WILL_BE_MET for block in unmet(case, stage, about)):
            return day
    return max(days, default=case.today)


def _first_opening(case: Case, rule: NoticeRule, ripe: datetime, earliest: date) -> Opening | None:
    """The last hours for messages from which the lead has run when the debt is ripe; else the next hours there are."""
    for day in _days_back(case.days, rule, ripe) if ripe > case.now else ():
        if day < earliest:
            break
        opening = opening_on(case.policy.messages, case.days, day)
        if opening is None or end_of_lead(case.days, opening.end, rule.lead, rule.unit) > ripe:
            continue
        if opening.end > case.now:
            return opening
        break
    return next_opening(case.policy.messages, case.days, max(case.now, start_of(case.zone, earliest)))


def _days_back(days: Days, rule: NoticeRule, ripe: datetime) -> Iterator[date]:
    """Days from the last on which a message can have its lead before `ripe`, backwards."""
    lead = timedelta(hours=rule.lead) if rule.unit is DayUnit.HOURS else timedelta(days=rule.lead)
    last = local_date(days.zone, ripe - lead)
    span = _LOOK_BACK_DAYS + (2 * rule.lead if rule.unit is DayUnit.WORKING_DAYS else 0)
    return (last - timedelta(days=back) for back in range(span))


def _lawful_date(case: Case, rule: NoticeRule, sent_by: datetime, ripe: datetime) -> date | None:
    """The first day in the policy's window on which a notice that is delivered by `sent_by` may be carried out."""
    lead_ends = end_of_lead(case.days, sent_by, rule.lead, rule.unit)
    rested = later(sent_by, timedelta(hours=rule.after_last_hours))
    opening = next_opening(case.policy.window, case.days, max(lead_ends, rested, ripe))
    return local_date(case.zone, opening.start) if opening is not None else None
