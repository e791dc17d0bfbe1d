"""What a notice proves: which stage it announced, of which debts, and from when until when it carries that stage."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from controller.core.calendar import days_after, end_of_lead, local_date, start_of
from controller.core.case import Case
from controller.core.facts import Notice
from controller.core.ledger import Debt
from controller.core.policy import Stage


@dataclass(frozen=True, slots=True)
class Binding:
    """One notice of a stage, measured. Without proof of delivery it binds nothing, whatever it says.

    `about` are the debts that were past due when it was sent: a notice warns of no later ones. It carries its stage
    from the later of `lead_ends` and `named` until just before `until`.
    """

    notice: Notice
    about: Sequence[Debt]
    proven: bool
    lead_ends: datetime
    named: datetime
    until: datetime


def bindings_of(case: Case, stage: Stage) -> list[Binding]:
    """All notices of this very stage, for the service or the whole account, the latest first."""
    found = [
        _measured(case, stage, notice)
        for notice in case.facts.notices
        if notice.stage == stage.name and notice.service in (None, case.service.id)
    ]
    return sorted(found, key=lambda one: (one.notice.sent_at, one.notice.id), reverse=True)


def _measured(case: Case, stage: Stage, notice: Notice) -> Binding:
    rule, zone = stage.notice, case.zone
    proven_at = notice.delivered_at
    proven = proven_at is not None and proven_at <= case.now
    named = start_of(zone, notice.names_date)
    until = start_of(zone, days_after(notice.names_date, rule.valid_days))
    lead_ends = named
    if proven_at is not None:
        lead_ends = end_of_lead(case.days, proven_at, rule.lead, rule.unit)
    for at in (proven_at, lead_ends, named, until):
        case.horizon.note(at)
    sent_on = local_date(zone, notice.sent_at)
    about = [debt for debt in case.debts if debt.late_from <= sent_on]
    return Binding(notice, about, proven, lead_ends, named, until)
