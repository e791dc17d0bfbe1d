"""What keeps a stage from being imposed: every thing that is missing, in words, and until when by the clock alone.

`decide` imposes a stage only where nothing is found here. Nothing here can be turned off by a policy: without a proven
notice, under a hold or beside a conflict nobody is cut.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum

from controller.core.calendar import add_months, local_date, next_opening, start_of
from controller.core.case import Case, holds_in_force
from controller.core.decision import Block
from controller.core.facts import OPENING_HOLDS
from controller.core.ledger import Debt, totals
from controller.core.notices import Binding, bindings_of
from controller.core.payments import under_way
from controller.core.policy import Conditions, Stage
from controller.core.wording import At, day, instant, money, say, sums


class Code(StrEnum):
    """All that may stand in the way; `Block.code` is one of these."""

    SERVICE_ENDED = "service_ended"
    NOT_IN_POLICY = "not_in_policy"
    CONFLICT = "conflict"
    HOLD = "hold"
    PAYMENT_CLEARING = "payment_clearing"
    PAYMENTS_STALE = "payments_stale"
    TOO_FEW_INVOICES = "too_few_invoices"
    TOO_LITTLE = "too_little"
    TOO_YOUNG = "too_young"
    STAGE_TOO_YOUNG = "stage_too_young"
    NOTICE_MISSING = "notice_missing"
    NOTICE_UNPROVEN = "notice_unproven"
    NOTICE_EXPIRED = "notice_expired"
    NOTICE_OF_OTHER_DEBT = "notice_of_other_debt"
    NOTICE_LEAD = "notice_lead"
    NOTICE_DATE = "notice_date"
    WINDOW = "window"
    CANARY = "canary"
    BRAKE = "brake"
    """These two are put by the review, never found here: `decide` is told of them in `also`."""


def blocks_before(case: Case, stage: Stage, also: Sequence[Block] = ()) -> tuple[Block, ...]:
    """All that keeps `stage` from being imposed on the service now; empty where nothing does."""
    found = [
        *_by_service(case),
        *_by_conflict(case),
        *_by_hold(case),
        *_by_payment(case),
        *_by_freshness(case),
        *_by_stage(case, stage),
        *_by_debt_and_notice(case, stage),
        *also,
    ]
    found += _by_window(case, found)
    for block in found:
        case.horizon.note(block.until)
    return tuple(found)


def _by_service(case: Case) -> Iterable[Block]:
    if case.ended:
        yield Block(Code.SERVICE_ENDED, "The service is no longer sold: it is kept as it is until its binding ends.")


def _by_conflict(case: Case) -> Iterable[Block]:
    if case.facts.conflicts:
        told = ", ".join(sorted(case.facts.conflicts))
        yield Block(Code.CONFLICT, f"Billing told one event in two ways ({told}): settle the conflict first.")


def _by_hold(case: Case) -> Iterable[Block]:
    for hold in holds_in_force(case):
        opens = " and keeps the service open" if hold.kind in OPENING_HOLDS else ""
        until = f"until {instant(hold.until, case.zone)}" if hold.until else "until somebody ends it"
        text = f"Hold {hold.id} ({hold.kind}, by {hold.author}: {hold.note}) is in force {until}{opens}."
        yield Block(Code.HOLD, text, hold.until)


def _by_payment(case: Case) -> Iterable[Block]:
    for one in under_way(case.facts, case.policy, case.now, case.horizon):
        amount = money(one.amount, one.payment.currency)
        text = f"Payment {one.payment.id} of {amount} is under way; it clears on {instant(one.waits_until, case.zone)}."
        yield Block(Code.PAYMENT_CLEARING, text, one.waits_until)


def _by_freshness(case: Case) -> Iterable[Block]:
    """Every source of payments must have spoken lately: those that the policy expects, and those that ever spoke."""
    rules = case.policy.freshness
    spoken = {one.source: one.payments_known_until for one in case.facts.freshness}
    if not spoken:
        yield Block(Code.PAYMENTS_STALE, say("Billing has never said up to when all payments are told."))
    for source in sorted(rules.sources.keys() - spoken.keys() if spoken else ()):
        text = say(
            "{source}, which the policy expects, has never said up to when its payments are told.", source=source
        )
        yield Block(Code.PAYMENTS_STALE, text)
    for source, known in spoken.items():
        hours = rules.sources.get(source, rules.hours)
        stale_at = known + timedelta(hours=hours)
        case.horizon.note(stale_at)
        if case.now >= stale_at:
            told = At(known, case.zone)
            text = say(
                "Payments of {source} are told only up to {known}; the policy allows {hours} h.",
                source=source,
                known=told,
                hours=hours,
            )
            yield Block(Code.PAYMENTS_STALE, text)


def _by_stage(case: Case, stage: Stage) -> Iterable[Block]:
    """One step at a time: a stage lasts at least to the end of its day."""
    if case.imposed is None:
        return
    days = max(stage.conditions[0].days_in_previous_stage, 1)
    since = local_date(case.zone, case.imposed.since)
    due = start_of(case.zone, since + timedelta(days=days))
    if case.now < due:
        text = f"{case.imposed.stage} is in force since {day(since)}; days before {stage.name} may follow: {days}."
        yield Block(Code.STAGE_TOO_YOUNG, text, due)


def _by_debt_and_notice(case: Case, stage: Stage) -> Iterable[Block]:
    """What the debt lacks, and what the nearest notice lacks: it carries only debts that it was about."""
    unmet = _unmet(case, stage, case.debts)
    bindings = bindings_of(case, stage)
    if not bindings:
        missing = f"No notice of {stage.name} has been sent; it needs {_lead_of(stage)}, and proof of delivery."
        return [*unmet, Block(Code.NOTICE_MISSING, missing)]
    return [*unmet, *min((_by_notice(case, stage, one, unmet) for one in bindings), key=_nearness)]


def _nearness(blocks: Sequence[Block]) -> tuple[bool, float]:
    """Smallest for the notice that lets the stage through soonest; the later notice wins where they are alike."""
    waits = [block.until.timestamp() if block.until else float("inf") for block in blocks]
    return bool(blocks), max(waits, default=0.0)


def _by_notice(case: Case, stage: Stage, binding: Binding, unmet: Sequence[Block]) -> list[Block]:
    """What one notice lacks to carry the stage."""
    notice, name = binding.notice, f"Notice {binding.notice.id} ({binding.notice.channel})"
    sent = day(local_date(case.zone, notice.sent_at))
    if not binding.proven:
        text = f"{name} of {stage.name}, sent on {sent}, has no proof of delivery."
        return [Block(Code.NOTICE_UNPROVEN, text, notice.delivered_at)]
    if max(case.now, binding.lead_ends) >= binding.until:
        text = f"{name} named {day(notice.names_date)} and bound for {stage.notice.valid_days} days: send another."
        return [Block(Code.NOTICE_EXPIRED, text)]
    found = []
    if not unmet and (other := _unmet(case, stage, binding.about)):
        waits = [block.until for block in other]
        until = None if None in waits else max(at for at in waits if at is not None)
        text = f"{name} was sent on {sent}: what was past due by then is not enough now."
        found.append(Block(Code.NOTICE_OF_OTHER_DEBT, text, until))
    if case.now < binding.lead_ends:
        text = f"{name} gives {_lead_of(stage)}, which have run at {instant(binding.lead_ends, case.zone)}."
        found.append(Block(Code.NOTICE_LEAD, text, binding.lead_ends))
    if case.now < binding.named:
        found.append(Block(Code.NOTICE_DATE, f"{name} names {day(notice.names_date)}.", binding.named))
    return found


def _lead_of(stage: Stage) -> str:
    return f"{stage.notice.lead} {stage.notice.unit.replace('_', ' ')}"


def _unmet(case: Case, stage: Stage, debts: Sequence[Debt]) -> list[Block]:
    """What the stage's conditions lack if `debts` are all that is past due. The fewer debts, the more is lacking."""
    conditions = stage.conditions[0]
    found = []
    if len(debts) < conditions.unpaid_invoices:
        text = f"Unpaid invoices past due: {len(debts)}; {stage.name} needs {conditions.unpaid_invoices}."
        found.append(Block(Code.TOO_FEW_INVOICES, text))
    floor = max(conditions.minimum_amount, case.policy.trivial_amount, 1)
    ripe = _ripe_from(debts, conditions, floor)
    if ripe is None:
        owed = totals(debts)
        text = f"{sums(owed)} past due; {stage.name} needs {sums(dict.fromkeys(owed, floor))}."
        found.append(Block(Code.TOO_LITTLE, text))
    elif ripe > case.today:
        text = f"{sums(totals(debts))} past due; old enough for {stage.name} on {day(ripe)}."
        found.append(Block(Code.TOO_YOUNG, text, start_of(case.zone, ripe)))
    for debt in debts:
        case.horizon.note(start_of(case.zone, ripe_on(debt, conditions)))
    return found


def ripe_on(debt: Debt, conditions: Conditions) -> date:
    """The first day on which one debt is old enough: more than the months since presentation, the days since due."""
    first = debt.late_from
    if conditions.months_since_presented:
        presented = add_months(debt.invoice.presented_on, conditions.months_since_presented) + timedelta(days=1)
        first = max(first, presented)
    return max(first, debt.invoice.due_on + timedelta(days=conditions.days_since_due))


def _ripe_from(debts: Sequence[Debt], conditions: Conditions, floor: int) -> date | None:
    """The day on which the debts that are old enough reach `floor` in one currency; None where all together do not."""
    grown: dict[str, int] = {}
    for ripe, currency, amount in sorted((ripe_on(d, conditions), d.invoice.currency, d.amount) for d in debts):
        grown[currency] = grown.get(currency, 0) + amount
        if grown[currency] >= floor:
            return ripe
    return None


def _by_window(case: Case, others: Sequence[Block]) -> list[Block]:
    """The hours in which a restriction may first be imposed: asked of the instant at which nothing else is missing."""
    waits = [block.until for block in others]
    if None in waits:
        return []
    at = max((until for until in waits if until is not None), default=case.now)
    opening = next_opening(case.policy.window, case.days, at)
    if opening is None:
        return [Block(Code.WINDOW, "The policy's window never opens.")]
    if opening.start > at:
        return [Block(Code.WINDOW, _closed(case, opening.start), opening.start)]
    case.horizon.note(opening.end)
    return []


def _closed(case: Case, opens: datetime) -> str:
    return f"Restrictions are first imposed in the policy's hours only; next on {instant(opens, case.zone)}."
