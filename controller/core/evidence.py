"""What a decision stands on, in words: invoices, returned collections, the notice and its delivery, the rule."""

from collections.abc import Iterable

from controller.core.case import Case, holds_in_force
from controller.core.decision import Evidence
from controller.core.facts import Notice, Order
from controller.core.notices import bindings_of
from controller.core.payments import cleared as cleared_payments
from controller.core.policy import Stage
from controller.core.wording import day, instant, money


def of_debt(case: Case) -> Iterable[Evidence]:
    """The service's past-due invoices, and the collections of them that came back."""
    for debt in case.debts:
        invoice = debt.invoice
        owed = money(debt.amount, invoice.currency)
        dates = f"presented on {day(invoice.presented_on)}, due on {day(invoice.due_on)}"
        yield Evidence("invoice", invoice.id, f"{owed} of {money(invoice.amount, invoice.currency)} unpaid, {dates}.")
    invoices = {debt.invoice.id for debt in case.debts}
    collected = {one.id: one.invoice for one in case.facts.collections if one.invoice in invoices}
    for back in sorted(case.facts.returns, key=lambda back: (back.returned_on, back.collection, back.code)):
        if back.collection in collected:
            text = f"Collection of {collected[back.collection]} came back on {day(back.returned_on)}: {back.code}."
            yield Evidence("return", back.collection, text)


def of_stage(case: Case, stage: Stage) -> Iterable[Evidence]:
    """The notice that carried the stage, with its proof of delivery, and the rule."""
    notice = _notice_of(case, stage)
    if notice is not None and notice.delivered_at is not None:
        delivered = f"{notice.channel} of {stage.name}, delivered {instant(notice.delivered_at, case.zone)}"
        yield Evidence("notice", notice.id, f"{delivered}, names {day(notice.names_date)}.")
    source = stage.source
    yield Evidence("rule", stage.name, f"{source.text} [{source.mark}, verified on {source.verified_on.isoformat()}]")


def of_holds(case: Case) -> Iterable[Evidence]:
    """The holds in force."""
    for hold in holds_in_force(case):
        until = f"until {instant(hold.until, case.zone)}" if hold.until else "without an end"
        yield Evidence("hold", hold.id, f"{hold.kind} by {hold.author}, {until}: {hold.note}")


def of_order(case: Case, order: Order) -> Evidence:
    """An order in force."""
    until = f"until {instant(order.until, case.zone)}" if order.until else "without an end"
    return Evidence("order", order.id, f"{order.reason} by {order.author}, {until}: {order.note}")


def of_payment(case: Case) -> Iterable[Evidence]:
    """The payment that cleared last."""
    found = cleared_payments(case.facts, case.policy, case.now, case.horizon)
    if found:
        last, since = found[-1].payment, found[-1].counts_at or case.now
        text = f"{money(last.amount, last.currency)} by {last.instrument}, {instant(since, case.zone)}."
        yield Evidence("payment", last.id, text)


def _notice_of(case: Case, stage: Stage) -> Notice | None:
    """The notice that carried the stage when it was imposed: the latest that could, since it was about most debts."""
    imposed = case.imposed
    at = imposed.since if imposed is not None and imposed.stage == stage.name else case.now
    for one in bindings_of(case, stage):
        if one.proven and max(one.lead_ends, one.named) <= at < one.until:
            return one.notice
    return None
