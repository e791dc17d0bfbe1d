"""What a stage asks of the debt: which of its conditions are lacking, how long the rest takes, and how they are said.

Between the case's debts and the blocks before a stage. A stage's conditions are alternatives: one must hold wholly, and
where none does, what the nearest one lacks is told.
"""

from collections.abc import Iterable, Sequence
from datetime import date

from controller.core.blocks import Code, nearness
from controller.core.calendar import add_months, days_after, local_date, start_of
from controller.core.case import Case
from controller.core.decision import Block
from controller.core.ledger import Debt, totals
from controller.core.policy import Conditions, Stage
from controller.core.returns import refunded_late
from controller.core.stages import is_for, position
from controller.core.wording import owed, say
from enforcement.access import Access

_SUSPENDING = frozenset({Access.PORTAL, Access.BLOCKED, Access.INCOMING_ONLY, Access.EMERGENCY_ONLY})
"""A slower service, or one without premium-rate calls, has not been suspended."""


def lacking(case: Case, stage: Stage) -> list[Block]:
    """What the nearest of a stage's conditions lacks now; where debts that lead to nothing yet are nearer, those."""
    every, live = case.debts[stage.track], case.live(stage.track)
    found = unmet(case, stage, live)
    if not found or len(live) == len(every):
        return found
    idle = [_idle(case, debt) for debt in every if case.idle(debt)]
    return min(found, [*unmet(case, stage, every), *idle], key=nearness)


def unmet(case: Case, stage: Stage, debts: Sequence[Debt], sure: bool = False) -> list[Block]:
    """What the conditions lack if `debts` are all that is past due; the fewer debts, the more is lacking.

    `sure` leaves out of the run what only a refund after the bank's return window has put into it.
    """
    ways = [
        [*_too_soon(case, stage, one), *_of_debt(case, stage, one, debts, sure)] for one in _alternatives(case, stage)
    ]
    return min(ways, key=nearness)


def unmet_by_debt(case: Case, stage: Stage, debts: Sequence[Debt]) -> list[Block]:
    """As `unmet`, for a stage that is imposed already: how long the one before it lasted is past."""
    ways = [list(_of_debt(case, stage, one, debts, sure=False)) for one in _alternatives(case, stage)]
    none = [Block(Code.NOT_FOR_CUSTOMER, say("{stage} is not for this customer any more.", stage=stage.name))]
    return min(ways, key=nearness, default=none)


def has_ground(case: Case, stage: Stage) -> bool:
    """Whether what is owed is still enough for a stage that is imposed, or was passed on the way to one that was.

    The number of invoices, the amount and the receipts that came back are asked, of the conditions that are for this
    customer. Age and earlier suspensions, once they were enough, remain so; and what is disputed or being collected is
    still owed.
    """
    debts = case.debts[stage.track]
    return any(_is_enough(case, one, debts) for one in _alternatives(case, stage))


def stands_on_late_refunds(case: Case, stage: Stage) -> bool:
    """Whether the conditions hold only because money was taken back after the bank's return window.

    Neither the run nor the number, the age or the amount of the debts may rest on that alone.
    """
    if not case.facts.returns:
        return False
    live, late = case.live(stage.track), refunded_late(case.facts, case.policy)
    sure = [debt for debt in live if debt.invoice.id not in late]
    return not unmet(case, stage, live) and bool(unmet(case, stage, sure, sure=True))


def ripe_on(debt: Debt, conditions: Conditions) -> date:
    """The first day on which one debt is old enough: more than the months, at least the days.

    A bill that is presented after its day is due when it is presented: so old since due is so old since presented.
    """
    invoice, first = debt.invoice, debt.late_from
    for since, months, days in (
        (invoice.presented_on, conditions.months_since_presented, conditions.days_since_presented),
        (max(invoice.due_on, invoice.presented_on), conditions.months_since_due, conditions.days_since_due),
    ):
        if months:
            first = max(first, days_after(add_months(since, months), 1))
        if days:
            first = max(first, days_after(since, days))
    return first


def _alternatives(case: Case, stage: Stage) -> list[Conditions]:
    return [one for one in stage.conditions if is_for(case, one)]


def _is_enough(case: Case, conditions: Conditions, debts: Sequence[Debt]) -> bool:
    about = {debt.invoice.id for debt in debts}
    return (
        _unpaid_invoices(case, debts) >= conditions.unpaid_invoices
        and any(amount >= _floor(case, conditions) for amount in totals(debts).values())
        and (
            not conditions.consecutive_returns
            or sum(invoice in about for invoice in case.run.owed) >= conditions.consecutive_returns
        )
    )


def _too_soon(case: Case, stage: Stage, conditions: Conditions) -> Iterable[Block]:
    """One step at a time: a stage lasts at least to the end of its day."""
    here = position(case, stage.track)
    if here is None:
        return
    days = max(conditions.days_in_previous_stage, 1)
    since = local_date(case.zone, here.since)
    due = start_of(case.zone, days_after(since, days))
    case.horizon.note(due)
    if case.now < due:
        text = say(
            "{before} is in force since {since}; days before {stage} may follow: {days}.",
            before=here.stage,
            since=since,
            stage=stage.name,
            days=days,
        )
        yield Block(Code.STAGE_TOO_YOUNG, text, due)


def _of_debt(case: Case, stage: Stage, conditions: Conditions, debts: Sequence[Debt], sure: bool) -> Iterable[Block]:
    unpaid = _unpaid_invoices(case, debts)
    if unpaid < conditions.unpaid_invoices:
        text = say(
            "Unpaid invoices past due: {n}; {stage} needs {needed}.",
            n=unpaid,
            stage=stage.name,
            needed=conditions.unpaid_invoices,
        )
        yield Block(Code.TOO_FEW_INVOICES, text)
    yield from _by_returns(case, stage, conditions, debts, sure)
    yield from _by_suspensions(case, stage, conditions)
    yield from _by_age(case, stage, conditions, debts)


def _unpaid_invoices(case: Case, debts: Sequence[Debt]) -> int:
    """How many invoices count as unpaid: not those of which next to nothing is open; all these together are one."""
    return sum(debt.amount >= case.policy.trivial_amount for debt in debts) or min(len(debts), 1)


def _by_returns(case: Case, stage: Stage, conditions: Conditions, debts: Sequence[Debt], sure: bool) -> Iterable[Block]:
    if not conditions.consecutive_returns:
        return
    about = {debt.invoice.id for debt in debts}
    length = sum(invoice in about for invoice in case.run.invoices)
    length = min(length, case.run.certain) if sure else length
    if length < conditions.consecutive_returns:
        text = say(
            "Collections returned in a row and unpaid: {n}; {stage} needs {needed}.",
            n=length,
            stage=stage.name,
            needed=conditions.consecutive_returns,
        )
        yield Block(Code.TOO_FEW_RETURNS, text)


def _by_suspensions(case: Case, stage: Stage, conditions: Conditions) -> Iterable[Block]:
    if not conditions.earlier_suspensions:
        return
    count = 0
    for one in case.facts.suspensions:
        if one.service == case.service.id and one.access in _SUSPENDING:
            case.horizon.note(one.until)
            count += one.until <= case.now
    if count < conditions.earlier_suspensions:
        text = say(
            "Earlier suspensions for non-payment: {n}; {stage} needs {needed}.",
            n=count,
            stage=stage.name,
            needed=conditions.earlier_suspensions,
        )
        yield Block(Code.TOO_FEW_SUSPENSIONS, text)


def _by_age(case: Case, stage: Stage, conditions: Conditions, debts: Sequence[Debt]) -> Iterable[Block]:
    floor = _floor(case, conditions)
    ripe = _ripe_from(case, debts, conditions, floor)
    past_due = totals(debts)
    if ripe is None:
        needed = owed(dict.fromkeys(past_due, floor))
        text = say("{owed} past due; {stage} needs {needed}.", owed=owed(past_due), stage=stage.name, needed=needed)
        yield Block(Code.TOO_LITTLE, text)
    elif ripe > case.today:
        text = say("{owed} past due; old enough for {stage} on {day}.", owed=owed(past_due), stage=stage.name, day=ripe)
        yield Block(Code.TOO_YOUNG, text, start_of(case.zone, ripe))


def _floor(case: Case, conditions: Conditions) -> int:
    return max(conditions.minimum_amount, case.policy.trivial_amount, 1)


def _ripe_from(case: Case, debts: Sequence[Debt], conditions: Conditions, floor: int) -> date | None:
    """The day on which the debts that are old enough reach `floor` in one currency; None where all together do not."""
    grown: dict[str, int] = {}
    for ripe, currency, amount in sorted((ripe_on(d, conditions), d.invoice.currency, d.amount) for d in debts):
        if ripe > case.today:
            case.horizon.note(start_of(case.zone, ripe))
        grown[currency] = grown.get(currency, 0) + amount
        if grown[currency] >= floor:
            return ripe
    return None


def _idle(case: Case, debt: Debt) -> Block:
    """Why a debt leads to nothing yet: the bank is asked, or it came back for no fault of the payer's."""
    idle = next(one.idle for one in case.unpaid if one.invoice.id == debt.invoice.id)
    code = Code.COLLECTION_PENDING if idle is not None and idle.collecting else Code.RETURN_GRACE
    text = say("Invoice {invoice} leads to nothing yet. {why}", invoice=debt.invoice.id, why=debt.idle_why)
    return Block(code, text, debt.idle_until)
