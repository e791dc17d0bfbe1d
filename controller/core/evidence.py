"""What a decision stands on, in words: invoices, returned collections, notices and their delivery, people, the rule."""

from collections.abc import Iterable

from controller.core.approvals import given_in_this_restriction
from controller.core.calendar import local_date
from controller.core.case import Case
from controller.core.decision import Evidence
from controller.core.facts import Notice, Order
from controller.core.ledger import Debt
from controller.core.notices import bindings_of
from controller.core.payments import cleared
from controller.core.policy import Stage, Track
from controller.core.rule_words import rule_in_words
from controller.core.wording import At, Money, say


def of_debt(case: Case, track: Track) -> Iterable[Evidence]:
    """The service's past-due invoices of a track, and the collections of them that came back."""
    debts = case.debts[track]
    for debt in debts:
        yield Evidence("invoice", debt.invoice.id, _unpaid(debt, track))
    invoices = {debt.invoice.id for debt in debts}
    collected = {one.id: one.invoice for one in case.facts.collections if one.invoice in invoices}
    for back in sorted(case.facts.returns, key=lambda back: (back.returned_on, back.collection, back.code)):
        if back.collection in collected:
            text = say(
                "Collection of {invoice} came back on {day}: {code}.",
                invoice=collected[back.collection],
                day=back.returned_on,
                code=back.code,
            )
            yield Evidence("return", back.collection, text)


def of_stage(case: Case, stage: Stage) -> Iterable[Evidence]:
    """The notice that carried the stage, with its proof of delivery; who approved it; what it counted; the rule."""
    yield from _of_notice(case, stage)
    for one in given_in_this_restriction(case, stage).approvals:
        text = say(
            "{by} approved {stage} on {at}: {note}",
            by=one.by,
            stage=stage.name,
            at=At(one.at, case.zone),
            note=one.note,
        )
        yield Evidence("approval", stage.name, text)
    if any(one.earlier_suspensions for one in stage.conditions):
        yield from _of_suspensions(case)
    yield Evidence("rule", stage.name, rule_in_words(stage, case.policy.draft))


def of_holds(case: Case) -> Iterable[Evidence]:
    """The holds in force."""
    for held in case.held:
        hold = held.hold
        until = say("until {at}", at=At(held.until, case.zone)) if held.until else say("without an end")
        text = say(
            "{kind} by {author}, {until}: {note}", kind=hold.kind, author=hold.author, until=until, note=hold.note
        )
        yield Evidence("hold", hold.id, text)


def of_order(case: Case, order: Order) -> Evidence:
    """An order in force."""
    until = say("until {at}", at=At(order.until, case.zone)) if order.until else say("without an end")
    text = say(
        "{reason} by {author}, {until}: {note}", reason=order.reason, author=order.author, until=until, note=order.note
    )
    return Evidence("order", order.id, text)


def of_payment(case: Case) -> Iterable[Evidence]:
    """The payment that cleared last."""
    found = cleared(case.facts, case.policy, case.now, case.horizon)
    if found:
        last, since = found[-1].payment, found[-1].counts_at or case.now
        text = say(
            "{amount} by {instrument}, {at}.",
            amount=Money(last.amount, last.currency),
            instrument=last.instrument,
            at=At(since, case.zone),
        )
        yield Evidence("payment", last.id, text)


def _unpaid(debt: Debt, track: Track) -> str:
    invoice = debt.invoice
    values = {"owed": Money(debt.amount, invoice.currency), "amount": Money(invoice.amount, invoice.currency)}
    if track is Track.PREMIUM:
        return say(
            "{owed} of {amount} unpaid for premium-rate or others' sales, presented on {presented}, due on {due}.",
            **values,
            presented=invoice.presented_on,
            due=invoice.due_on,
        )
    return say(
        "{owed} of {amount} unpaid, presented on {presented}, due on {due}.",
        **values,
        presented=invoice.presented_on,
        due=invoice.due_on,
    )


def _of_notice(case: Case, stage: Stage) -> Iterable[Evidence]:
    notice = _notice_of(case, stage)
    if notice is not None and notice.delivered_at is not None:
        text = say(
            "{channel} of {stage}, delivered {at}, names {day}.",
            channel=notice.channel,
            stage=stage.name,
            at=At(notice.delivered_at, case.zone),
            day=notice.names_date,
        )
        yield Evidence("notice", notice.id, text)


def _notice_of(case: Case, stage: Stage) -> Notice | None:
    """The notice that carried the stage when it was imposed: the latest that could, since it was about most debts."""
    imposed = case.imposed
    at = imposed.since if imposed is not None and imposed.stage == stage.name else case.now
    for one in bindings_of(case, stage):
        if one.proven and not one.named_too_early and max(one.lead_ends, one.named) <= at < one.until:
            return one.notice
    return None


def _of_suspensions(case: Case) -> Iterable[Evidence]:
    mine = [one for one in case.facts.suspensions if one.service == case.service.id and one.until <= case.now]
    for one in sorted(mine, key=lambda one: (one.since, one.until)):
        since, until = local_date(case.zone, one.since), local_date(case.zone, one.until)
        text = say("{access} for non-payment from {since} to {until}.", access=one.access, since=since, until=until)
        yield Evidence("suspension", since.isoformat(), text)
