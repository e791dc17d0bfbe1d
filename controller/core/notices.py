"""What a notice proves: which stage it announced, of which debts, and from when until when it carries that stage.

Between the messages that the customer was sent and the blocks before a stage: `bindings_of` measures them,
`by_notice` tells what the nearest one lacks.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from controller.core.blocks import Code, ends_at, nearness
from controller.core.calendar import days_after, end_of_lead, local_date, start_of
from controller.core.case import Case
from controller.core.conditions import unmet
from controller.core.decision import Block
from controller.core.facts import Notice
from controller.core.interruptions import prolonged
from controller.core.ledger import Debt
from controller.core.policy import NoticeRule, Stage
from controller.core.rule_words import lead_in_words
from controller.core.wording import At, Said, say


@dataclass(frozen=True, slots=True)
class Binding:
    """One notice of a stage, measured. Without proof of delivery it binds nothing, whatever it says.

    `about` are the debts that it announced. It carries its stage from the later of `lead_ends` and `named` until just
    before `until`. One that was `named_too_early` carries nothing: on the day that it named nobody could be cut.
    """

    notice: Notice
    about: Sequence[Debt]
    proven: bool
    bounced: bool
    lead_ends: datetime
    named: datetime
    until: datetime
    named_too_early: bool


def bindings_of(case: Case, stage: Stage) -> list[Binding]:
    """The notices of this very stage that the policy lets count, for the service or the whole account, latest first."""
    rule = stage.notice
    found = [_measured(case, stage, notice) for notice in _messages(case, stage) if _counts(notice, rule)]
    return sorted(found, key=lambda one: (one.notice.sent_at, one.notice.id), reverse=True)


def by_notice(case: Case, stage: Stage, lacking: Sequence[Block]) -> list[Block]:
    """What the nearest notice lacks. `lacking` is what the conditions lack with all that is past due."""
    recent = list(_by_last_message(case, stage))
    bindings = bindings_of(case, stage)
    if not bindings:
        return [_missing(stage), *recent]
    return [*min((_lacks(case, stage, one, lacking) for one in bindings), key=nearness), *recent]


def _messages(case: Case, stage: Stage) -> list[Notice]:
    return [
        notice
        for notice in case.facts.notices
        if notice.stage == stage.name and notice.service in (None, case.service.id)
    ]


def _counts(notice: Notice, rule: NoticeRule) -> bool:
    return (not rule.template or notice.template == rule.template) and (
        not rule.channels or notice.channel in rule.channels
    )


def _measured(case: Case, stage: Stage, notice: Notice) -> Binding:
    rule, zone = stage.notice, case.zone
    bounced = notice.bounced_at is not None and notice.bounced_at <= case.now
    proven = notice.delivered_at is not None and notice.delivered_at <= case.now and not bounced
    named = start_of(zone, notice.names_date)
    lead_ends = named
    if notice.delivered_at is not None:
        lead_ends = end_of_lead(case.days, notice.delivered_at, rule.lead, rule.unit)
    until = start_of(zone, days_after(notice.names_date, rule.valid_days))
    until = prolonged(case, max(named, lead_ends), until, rule.valid_days)
    for at in (notice.delivered_at, notice.bounced_at, lead_ends, named, until):
        case.horizon.note(at)
    about = [debt for debt in case.live(stage.track) if _announces(case, stage.notice, notice, debt)]
    too_early = local_date(zone, lead_ends) > notice.names_date
    return Binding(notice, about, proven, bounced, lead_ends, named, until, too_early)


def announced_from(rule: NoticeRule, debt: Debt) -> date:
    """The first day on which a notice can be about a debt: past due, and for as long as the rule says."""
    due = max(debt.invoice.due_on, debt.invoice.presented_on)
    return max(debt.late_from, days_after(due, rule.days_after_due))


def _announces(case: Case, rule: NoticeRule, notice: Notice, debt: Debt) -> bool:
    """A notice warns of what was past due when it was sent; a debt that was paid since, and came back, is a new one."""
    reopened = debt.reopened_at is not None and notice.sent_at < debt.reopened_at
    return announced_from(rule, debt) <= local_date(case.zone, notice.sent_at) and not reopened


def _missing(stage: Stage) -> Block:
    rule = stage.notice
    text = say(
        "No notice of {stage} has been sent; it needs {lead}, and proof of delivery.",
        stage=stage.name,
        lead=lead_in_words(rule),
    )
    if rule.template or rule.channels:
        text = say(
            "No notice of {stage} has been sent ({message}, by {channels}); it needs {lead}, and proof of delivery.",
            stage=stage.name,
            message=rule.template or say("any message"),
            channels=", ".join(sorted(rule.channels)) or say("any channel"),
            lead=lead_in_words(rule),
        )
    return Block(Code.NOTICE_MISSING, text)


def _lacks(case: Case, stage: Stage, binding: Binding, lacking: Sequence[Block]) -> list[Block]:
    """What one notice lacks to carry the stage."""
    if not binding.proven:
        return [_unproven(case, stage, binding)]
    if binding.named_too_early:
        text = say(
            "{notice} named {day}, before its {lead} had run at {ends}: send another.",
            notice=_name(binding.notice),
            day=binding.notice.names_date,
            lead=lead_in_words(stage.notice),
            ends=At(binding.lead_ends, case.zone),
        )
        return [Block(Code.NOTICE_DATE_TOO_EARLY, text)]
    soonest = max(case.now, binding.lead_ends, ends_at(lacking, case.now) or case.now)
    if soonest >= binding.until:
        text = say(
            "{notice} named {day} and bound for {n} days: send another.",
            notice=_name(binding.notice),
            day=binding.notice.names_date,
            n=stage.notice.valid_days,
        )
        return [Block(Code.NOTICE_EXPIRED, text)]
    return [*_by_other_debt(case, stage, binding, lacking), *_by_time(case, stage, binding)]


def _unproven(case: Case, stage: Stage, binding: Binding) -> Block:
    notice, sent = binding.notice, local_date(case.zone, binding.notice.sent_at)
    name = _name(notice)
    if binding.bounced:
        text = say(
            "{notice} of {stage}, sent on {day}, came back undelivered.", notice=name, stage=stage.name, day=sent
        )
        return Block(Code.NOTICE_BOUNCED, text)
    text = say("{notice} of {stage}, sent on {day}, has no proof of delivery.", notice=name, stage=stage.name, day=sent)
    return Block(Code.NOTICE_UNPROVEN, text, notice.delivered_at)


def _by_other_debt(case: Case, stage: Stage, binding: Binding, lacking: Sequence[Block]) -> Iterable[Block]:
    same = lacking or len(binding.about) == len(case.live(stage.track))
    other = [] if same else unmet(case, stage, binding.about)
    if other:
        text = say(
            "{notice} was sent on {day}: what it announced is not enough now.",
            notice=_name(binding.notice),
            day=local_date(case.zone, binding.notice.sent_at),
        )
        yield Block(Code.NOTICE_OF_OTHER_DEBT, text, ends_at(other, case.now))


def _by_time(case: Case, stage: Stage, binding: Binding) -> Iterable[Block]:
    name = _name(binding.notice)
    if case.now < binding.lead_ends:
        text = say(
            "{notice} gives {lead}, which have run at {ends}.",
            notice=name,
            lead=lead_in_words(stage.notice),
            ends=At(binding.lead_ends, case.zone),
        )
        yield Block(Code.NOTICE_LEAD, text, binding.lead_ends)
    if case.now < binding.named:
        text = say("{notice} names {day}.", notice=name, day=binding.notice.names_date)
        yield Block(Code.NOTICE_DATE, text, binding.named)


def _by_last_message(case: Case, stage: Stage) -> Iterable[Block]:
    """So many hours after the last message of the stage that arrived, whatever it named."""
    hours = stage.notice.after_last_hours
    arrived = [one.delivered_at for one in _messages(case, stage) if one.delivered_at] if hours else []
    for at in arrived:
        case.horizon.note(at)
    last = max((at for at in arrived if at <= case.now), default=None)
    if last is None:
        return
    ready = last + timedelta(hours=hours)
    case.horizon.note(ready)
    if case.now < ready:
        text = say(
            "The last message of {stage} arrived on {at}; the policy waits {n} h after it.",
            stage=stage.name,
            at=At(last, case.zone),
            n=hours,
        )
        yield Block(Code.NOTICE_RECENT, text, ready)


def _name(notice: Notice) -> Said:
    return say("Notice {id} ({channel})", id=notice.id, channel=notice.channel)
