"""From typed facts to rows of facts: which table, which columns. The other way is `controller.store.queries.facts`."""

from typing import Any, assert_never

from sqlalchemy import Table

from controller.core.facts import Collection, Hold, Invoice, Notice, Payment, Return
from controller.intake.events import Event
from controller.intake.facts import AccountTold, FreshnessTold, ServiceTold
from controller.store import tables

Row = tuple[Table, dict[str, Any]]


def row_of(event: Event) -> Row:
    """The row that an event tells, with the event's order."""
    table, values = _fact_row(event)
    owner = {"account_id": event.told.account} if "account_id" in table.c else {}
    return table, {**values, **owner, **event.order}


def names_of(event: Event) -> set[str]:
    """What two events may both concern without a row that they could both lock: its object, and keys of bindings."""
    match event.told.fact:
        case ServiceTold() as told:
            return {f"service {told.service.id}", *(f"key {device} {key}" for device, key in told.bindings)}
        case Collection(id=id) | Return(collection=id):
            return {f"collection {id}"}
        case Invoice(id=id) | Payment(id=id) | Notice(id=id) | Hold(id=id):
            return {f"{event.type} {id}"}
        case AccountTold() | FreshnessTold():
            return set()
        case unknown:
            assert_never(unknown)


def _fact_row(event: Event) -> Row:
    match event.told.fact:
        case AccountTold(tags=tags, policy=policy):
            return tables.accounts, {"id": event.told.account, "tags": list(tags), "policy": policy}
        case ServiceTold(service=told):
            return tables.services, {"id": told.id, "kind": told.kind.value, "ended_at": told.ended_at}
        case Invoice() as told:
            return tables.invoices, _invoice(told)
        case Collection() as told:
            return tables.collections, {
                "id": told.id,
                "invoice_id": told.invoice,
                "amount": told.amount,
                "collected_on": told.collected_on,
            }
        case Return() as told:
            return tables.returns, {
                "collection_id": told.collection,
                "code": told.code,
                "returned_on": told.returned_on,
                "amount": told.amount,
            }
        case Payment() as told:
            return tables.payments, _payment(told)
        case Notice() as told:
            return tables.notices, _notice(told)
        case Hold() as told:
            return tables.holds, hold_row(told)
        case FreshnessTold(payments_known_until=until):
            return tables.freshness, {"source": event.source, "payments_known_until": until}
        case unknown:
            assert_never(unknown)


def _invoice(told: Invoice) -> dict[str, Any]:
    return {
        "id": told.id,
        "amount": told.amount,
        "currency": told.currency,
        "presented_on": told.presented_on,
        "due_on": told.due_on,
        "lines": [{"amount": line.amount, "service": line.service} for line in told.lines],
        "cancelled": told.cancelled,
    }


def _payment(told: Payment) -> dict[str, Any]:
    return {
        "id": told.id,
        "amount": told.amount,
        "currency": told.currency,
        "instrument": told.instrument,
        "received_at": told.received_at,
        "clears_at": told.clears_at,
        "reversed_at": told.reversed_at,
        "allocations": [{"invoice": invoice, "amount": amount} for invoice, amount in told.allocations],
    }


def _notice(told: Notice) -> dict[str, Any]:
    return {
        "id": told.id,
        "service_id": told.service,
        "stage": told.stage,
        "channel": told.channel,
        "sent_at": told.sent_at,
        "names_date": told.names_date,
        "delivered_at": told.delivered_at,
    }


def hold_row(told: Hold) -> dict[str, Any]:
    """The columns of a hold, without its account and order."""
    return {
        "id": told.id,
        "service_id": told.service,
        "kind": told.kind.value,
        "since": told.since,
        "until": told.until,
        "author": told.author,
        "note": told.note,
    }
