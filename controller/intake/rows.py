"""From typed facts to rows of facts: which table, which columns. The other way is `controller.store.queries.facts`."""

from typing import Any, assert_never

from sqlalchemy import Table

from controller.core.facts import (
    Collection,
    Hold,
    Invoice,
    InvoiceLine,
    Notice,
    Payment,
    Port,
    Return,
    Service,
    UnmatchedPayment,
)
from controller.intake.events import Event
from controller.intake.facts import AccountTold, FreshnessTold, Money, ServiceTold, UnmatchedTold
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
        case Payment(id=id) | UnmatchedTold(payment=UnmatchedPayment(id=id)):
            return {f"payment {id}"}
        case Invoice(id=id) | Notice(id=id) | Hold(id=id) | Port(id=id):
            return {f"{event.type} {id}"}
        case AccountTold() | FreshnessTold():
            return set()
        case unknown:
            assert_never(unknown)


def _fact_row(event: Event) -> Row:
    match event.told.fact:
        case AccountTold() as told:
            return tables.accounts, _account(str(event.told.account), told)
        case ServiceTold(service=told):
            return tables.services, _service(told)
        case Notice() as told:
            return tables.notices, _notice(told)
        case Hold() as told:
            return tables.holds, hold_row(told)
        case Port() as told:
            return tables.ports, _port(told)
        case money:
            return _money_row(money, event.source)


def _money_row(fact: Money, source: str) -> Row:
    match fact:
        case Invoice() as told:
            return tables.invoices, _invoice(told)
        case Collection() as told:
            return tables.collections, _collection(told)
        case Return() as told:
            return tables.returns, _return(told)
        case Payment() as told:
            return tables.payments, _payment(told)
        case UnmatchedTold() as told:
            return tables.unmatched_payments, _unmatched(told)
        case FreshnessTold() as told:
            return tables.freshness, _freshness(source, told)
        case unknown:
            assert_never(unknown)


def _account(id: str, told: AccountTold) -> dict[str, Any]:
    return {"id": id, "tags": list(told.tags), "policy": told.policy, "municipality": told.municipality}


def _service(told: Service) -> dict[str, Any]:
    return {"id": told.id, "kind": told.kind.value, "ended_at": told.ended_at, "user": told.user}


def _collection(told: Collection) -> dict[str, Any]:
    invoice = {"invoice_id": told.invoice, "amount": told.amount}
    return {"id": told.id, "collected_on": told.collected_on, **invoice}


def _return(told: Return) -> dict[str, Any]:
    back = {"code": told.code, "returned_on": told.returned_on, "amount": told.amount}
    return {"collection_id": told.collection, **back}


def _freshness(source: str, told: FreshnessTold) -> dict[str, Any]:
    known = {"payments_known_until": told.payments_known_until, "returns_known_until": told.returns_known_until}
    return {"source": source, **known}


def _invoice(told: Invoice) -> dict[str, Any]:
    return {
        "id": told.id,
        "amount": told.amount,
        "currency": told.currency,
        "presented_on": told.presented_on,
        "due_on": told.due_on,
        "lines": [_line(line) for line in told.lines],
        "cancelled": told.cancelled,
    }


def _line(line: InvoiceLine) -> dict[str, Any]:
    return {"amount": line.amount, "service": line.service, "charge": line.charge.value}


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
        "pending": told.pending,
        "collection": told.collection,
    }


def _unmatched(told: UnmatchedTold) -> dict[str, Any]:
    payment = told.payment
    return {
        "id": payment.id,
        "amount": payment.amount,
        "currency": payment.currency,
        "received_at": payment.received_at,
        "closed": told.closed,
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
        "template": told.template,
        "bounced_at": told.bounced_at,
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
        "review_on": told.review_on,
        "beyond": told.beyond,
        "instalments": [{"due_on": part.due_on.isoformat(), "amount": part.amount} for part in told.instalments],
        "currency": told.currency,
    }


def _port(told: Port) -> dict[str, Any]:
    return {
        "id": told.id,
        "service_id": told.service,
        "direction": told.direction.value,
        "state": told.state.value,
        "at": told.at,
        "range_holder": told.range_holder,
    }
