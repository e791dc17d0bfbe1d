"""An event in words for a person: its line in the timeline."""

from typing import assert_never

from controller.core.facts import Collection, Hold, Invoice, Notice, Payment, Return
from controller.core.wording import money
from controller.intake.facts import AccountTold, Fact, FreshnessTold, ServiceTold


def in_words(fact: Fact) -> str:
    """What billing told, in one line."""
    match fact:
        case AccountTold(policy=policy):
            return f"the account, under {'policy ' + policy if policy else 'the default policy'}"
        case ServiceTold(service=service, bindings=bindings):
            where = ", ".join(f"{key} on {device}" for device, key in sorted(bindings)) or "nowhere"
            return f"service {service.id} ({service.kind}), bound to {where}"
        case Invoice() as told:
            ending = ", cancelled" if told.cancelled else f", due on {told.due_on}"
            return f"invoice {told.id} of {money(told.amount, told.currency)}{ending}"
        case Collection() as told:
            return f"collection {told.id} of invoice {told.invoice} on {told.collected_on}"
        case Return() as told:
            return f"collection {told.collection} came back on {told.returned_on} with {told.code}"
        case Payment() as told:
            reversal = ", reversed" if told.reversed_at else ""
            return f"payment {told.id} of {money(told.amount, told.currency)} by {told.instrument}{reversal}"
        case Notice() as told:
            delivery = "delivered" if told.delivered_at else "not proven to be delivered"
            return f"notice {told.id} for stage {told.stage} on {told.names_date} by {told.channel}, {delivery}"
        case Hold() as told:
            return f"hold {told.id} ({told.kind}) by {told.author}: {told.note}"
        case FreshnessTold(payments_known_until=until):
            return f"every payment until {until.isoformat()} has been told"
        case unknown:
            assert_never(unknown)
