"""From a row to a fact, one function a kind of fact. Nothing is judged here."""

from datetime import date
from typing import Any

from sqlalchemy import Row

from controller.core.facts import (
    Approval,
    Charge,
    Collection,
    Hold,
    HoldKind,
    Instalment,
    Invoice,
    InvoiceLine,
    Notice,
    Order,
    Payment,
    Port,
    PortDirection,
    PortState,
    Return,
    Service,
    UnmatchedPayment,
)
from enforcement.access import Access, Kind, Reason
from enforcement.entries import ServiceId


def service(row: Row[Any]) -> Service:
    """A row of `services`."""
    return Service(ServiceId(row.id), Kind(row.kind), row.ended_at, row.user)


def invoice(row: Row[Any]) -> Invoice:
    """A row of `invoices`."""
    lines = tuple(InvoiceLine(line["amount"], line["service"], Charge(line["charge"])) for line in row.lines)
    return Invoice(row.id, row.amount, row.currency, row.presented_on, row.due_on, lines, row.cancelled)


def collection(row: Row[Any]) -> Collection:
    """A row of `collections`."""
    return Collection(row.id, row.invoice_id, row.amount, row.collected_on)


def returned(row: Row[Any]) -> Return:
    """A row of `returns`."""
    return Return(row.collection_id, row.code, row.returned_on, row.amount)


def payment(row: Row[Any]) -> Payment:
    """A row of `payments`."""
    return Payment(
        id=row.id,
        amount=row.amount,
        currency=row.currency,
        instrument=row.instrument,
        received_at=row.received_at,
        clears_at=row.clears_at,
        reversed_at=row.reversed_at,
        allocations=tuple((part["invoice"], part["amount"]) for part in row.allocations),
        pending=row.pending,
        collection=row.collection,
    )


def unmatched(row: Row[Any]) -> UnmatchedPayment:
    """A row of `unmatched_payments`."""
    return UnmatchedPayment(row.id, row.amount, row.currency, row.received_at)


def notice(row: Row[Any]) -> Notice:
    """A row of `notices`."""
    return Notice(
        id=row.id,
        stage=row.stage,
        channel=row.channel,
        sent_at=row.sent_at,
        names_date=row.names_date,
        delivered_at=row.delivered_at,
        service=row.service_id,
        template=row.template,
        bounced_at=row.bounced_at,
    )


def hold(row: Row[Any]) -> Hold:
    """A row of `holds`."""
    instalments = (Instalment(date.fromisoformat(part["due_on"]), part["amount"]) for part in row.instalments)
    return Hold(
        id=row.id,
        kind=HoldKind(row.kind),
        since=row.since,
        author=row.author,
        note=row.note,
        until=row.until,
        service=row.service_id,
        review_on=row.review_on,
        beyond=row.beyond,
        instalments=tuple(instalments),
        currency=row.currency,
    )


def order(row: Row[Any]) -> Order:
    """A row of `orders`. One that a person ended is in force until then at most."""
    ends = [instant for instant in (row.until, row.ended_at) if instant is not None]
    return Order(
        id=row.id,
        service=ServiceId(row.service_id),
        reason=Reason(row.reason),
        access=Access(row.access),
        since=row.since,
        author=row.author,
        note=row.note,
        until=min(ends, default=None),
    )


def approval(row: Row[Any]) -> Approval:
    """A row of `approvals`."""
    return Approval(ServiceId(row.service_id), row.stage, row.by, row.at, row.note, row.refused)


def port(row: Row[Any]) -> Port:
    """A row of `ports`."""
    direction, state = PortDirection(row.direction), PortState(row.state)
    return Port(row.id, ServiceId(row.service_id), direction, state, row.at, row.range_holder)


def conflict(row: Row[Any]) -> str:
    """A row of `conflicts`."""
    return f"{row.source} {row.event_id}"
