"""An event in words for a person: its line in the timeline."""

from typing import assert_never

from controller.core.facts import Collection, Hold, Invoice, Notice, Payment, Port, Return
from controller.core.wording import money
from controller.intake.facts import AccountTold, Fact, FreshnessTold, Money, ServiceTold, UnmatchedTold


def in_words(fact: Fact) -> str:
    """What billing told, in one line."""
    match fact:
        case AccountTold(policy=policy):
            return f"the account, under {'policy ' + policy if policy else 'the default policy'}"
        case ServiceTold(service=service, bindings=bindings):
            where = ", ".join(f"{key} on {device}" for device, key in sorted(bindings)) or "nowhere"
            return f"service {service.id} ({service.kind}), bound to {where}"
        case Notice() as told:
            return f"notice {told.id} for stage {told.stage} on {told.names_date} by {told.channel}, {_delivery(told)}"
        case Hold() as told:
            return f"hold {told.id} ({told.kind}) by {told.author}: {told.note}"
        case Port() as told:
            return f"port {told.id} of {told.service}, {told.direction}: {told.state}"
        case money:
            return _money_in_words(money)


def _money_in_words(fact: Money) -> str:
    match fact:
        case Invoice() as told:
            ending = ", cancelled" if told.cancelled else f", due on {told.due_on}"
            return f"invoice {told.id} of {money(told.amount, told.currency)}{ending}"
        case Collection() as told:
            return f"collection {told.id} of invoice {told.invoice} on {told.collected_on}"
        case Return() as told:
            return f"collection {told.collection} came back on {told.returned_on} with {told.code}"
        case Payment() as told:
            return f"payment {told.id} of {money(told.amount, told.currency)} by {told.instrument}{_state(told)}"
        case UnmatchedTold(payment=told, closed=closed):
            state = "is none of theirs" if closed else "is attributed to nobody yet, and may be theirs"
            return f"payment {told.id} of {money(told.amount, told.currency)} {state}"
        case FreshnessTold(payments_known_until=until):
            return f"every payment until {until.isoformat()} has been told"
        case unknown:
            assert_never(unknown)


def _delivery(notice: Notice) -> str:
    if notice.bounced_at is not None:
        return "bounced"
    return "delivered" if notice.delivered_at is not None else "not proven to be delivered"


def _state(payment: Payment) -> str:
    if payment.reversed_at is not None:
        return ", reversed"
    return ", announced and not yet booked" if payment.pending else ""
