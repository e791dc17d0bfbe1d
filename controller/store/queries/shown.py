"""What is known of a service, an account, a key? Reads for people, shaped as the API answers them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, func, or_, select

from controller.store.queries.standing import OBSERVE, modes_of_devices
from controller.store.tables import (
    accounts,
    bindings,
    conflicts,
    decisions,
    devices,
    entries,
    holds,
    invoices,
    orders,
    payments,
    services,
    timeline,
)

Shown = dict[str, Any]


def service_row(tx: Connection, service: str) -> Any:
    """The service with its account's mark, or None where nobody has told of it."""
    columns = (services.c.id, services.c.account_id, services.c.kind, services.c.ended_at, accounts.c.review_at)
    query = select(*columns, accounts.c.policy).join_from(services, accounts, accounts.c.id == services.c.account_id)
    return tx.execute(query.where(services.c.id == service)).one_or_none()


def decision_row(tx: Connection, service: str) -> Row[Any] | None:
    """The present decision of a service, or None before its first review."""
    return tx.execute(select(decisions).where(decisions.c.service_id == service)).one_or_none()


def entries_of_service(tx: Connection, service: str) -> list[Shown]:
    """What every device shall enforce for it and was read to enforce; a tombstone is shown until it is verified."""
    kept = or_(~entries.c.ended, entries.c.state != "verified")
    query = (
        select(entries, devices.c.full_read_at)
        .join_from(entries, devices, devices.c.name == entries.c.device)
        .where(entries.c.service_id == service, kept)
        .order_by(entries.c.device, entries.c.binding)
    )
    modes = modes_of_devices(tx)
    return [
        {
            "binding": row.binding,
            "device": row.device,
            "key": row.key,
            "access": row.access,
            "seen": row.seen,
            "state": row.state,
            "detail": row.detail,
            "why": row.why,
            "obstructions": row.obstructions,
            "mode": modes.get(row.device, OBSERVE)[row.kind],
            "changed_at": row.changed_at,
            "state_at": row.state_at,
            "verified_at": row.verified_at,
            "last_seen": row.last_seen,
            "last_seen_at": row.last_seen_at,
            "full_read_at": row.full_read_at,
            "ended": row.ended,
        }
        for row in tx.execute(query)
    ]


def orders_in_force(tx: Connection, service: str, now: datetime) -> list[Shown]:
    """The orders that restrict a service now."""
    query = select(orders).where(
        orders.c.service_id == service,
        orders.c.ended_at.is_(None),
        or_(orders.c.until.is_(None), orders.c.until > now),
    )
    fields = ("reason", "access", "since", "until", "author", "note")
    return [
        {"order": row.id, **{name: getattr(row, name) for name in fields}}
        for row in tx.execute(query.order_by(orders.c.since, orders.c.id))
    ]


def holds_of_account(tx: Connection, account: str, now: datetime, service: str | None = None) -> list[Shown]:
    """The holds that are not over, of the whole account and of `service`, or of all its services where None."""
    query = select(holds).where(holds.c.account_id == account, or_(holds.c.until.is_(None), holds.c.until > now))
    if service is not None:
        query = query.where(or_(holds.c.service_id.is_(None), holds.c.service_id == service))
    fields = ("kind", "since", "until", "author", "note", "review_on", "beyond")
    return [
        {"hold": row.id, "service": row.service_id, **{name: getattr(row, name) for name in fields}}
        for row in tx.execute(query.order_by(holds.c.since, holds.c.id))
    ]


def timeline_of(tx: Connection, account: str, service: str, limit: int) -> list[Shown]:
    """What happened to a service and to its account as a whole, newest first."""
    mine = and_(
        timeline.c.account_id == account, or_(timeline.c.service_id.is_(None), timeline.c.service_id == service)
    )
    return _lines(tx, select(timeline).where(mine), limit)


def timeline_of_everything(tx: Connection, device: str | None, limit: int) -> list[Shown]:
    """What happened, to one device or at all, newest first: switches, modes, brakes and epochs belong to no account."""
    query = select(timeline)
    return _lines(tx, query if device is None else query.where(timeline.c.device == device), limit)


def _lines(tx: Connection, query: Select[Any], limit: int) -> list[Shown]:
    return [
        {
            "at": row.at,
            "account": row.account_id,
            "kind": row.kind,
            "actor": row.actor,
            "text": row.text,
            "service": row.service_id,
            "device": row.device,
            "detail": row.detail,
        }
        for row in tx.execute(query.order_by(timeline.c.id.desc()).limit(limit))
    ]


def account_row(tx: Connection, account: str) -> Row[Any] | None:
    """The account, or None."""
    return tx.execute(select(accounts).where(accounts.c.id == account)).one_or_none()


def invoices_of(tx: Connection, account: str) -> list[Shown]:
    """The account's invoices, newest first."""
    query = select(invoices).where(invoices.c.account_id == account).order_by(invoices.c.due_on.desc(), invoices.c.id)
    return [
        {
            "invoice": row.id,
            "amount": row.amount,
            "currency": row.currency,
            "presented_on": row.presented_on.isoformat(),
            "due_on": row.due_on.isoformat(),
            "cancelled": row.cancelled,
        }
        for row in tx.execute(query)
    ]


def payments_of(tx: Connection, account: str) -> list[Shown]:
    """The account's payments, newest first."""
    fields = ("amount", "currency", "instrument", "received_at", "clears_at", "reversed_at")
    query = select(payments).where(payments.c.account_id == account)
    return [
        {"payment": row.id, **{name: getattr(row, name) for name in fields}}
        for row in tx.execute(query.order_by(payments.c.received_at.desc(), payments.c.id))
    ]


def unsettled_conflicts_of(tx: Connection, account: str) -> int:
    """How many conflicts stop new cuts of the account."""
    query = select(func.count()).where(conflicts.c.account_id == account, conflicts.c.settled_at.is_(None))
    return tx.execute(query.select_from(conflicts)).scalar_one()


def services_of_account(tx: Connection, account: str) -> list[Shown]:
    """The account's services in short."""
    query = select(services.c.id).where(services.c.account_id == account)
    return services_in_short(tx, tx.execute(query).scalars())


def services_in_short(tx: Connection, ids: Iterable[str]) -> list[Shown]:
    """Services by id, each with its access and its keys."""
    wanted = sorted(set(ids))
    keys = _live_keys(tx, wanted)
    query = select(services, decisions.c.access).join_from(
        services, decisions, decisions.c.service_id == services.c.id, isouter=True
    )
    return [
        {
            "service": row.id,
            "account": row.account_id,
            "kind": row.kind,
            "access": row.access or "full",
            "ended_at": row.ended_at,
            "keys": keys.get(row.id, []),
        }
        for row in tx.execute(query.where(services.c.id.in_(wanted)).order_by(services.c.id))
    ]


def _live_keys(tx: Connection, ids: Sequence[str]) -> dict[str, list[str]]:
    query = select(bindings).where(bindings.c.service_id.in_(ids), bindings.c.ended_at.is_(None))
    found: dict[str, list[str]] = {}
    for row in tx.execute(query.order_by(bindings.c.number)):
        found.setdefault(row.service_id, []).append(f"{row.key}@{row.device}")
    return found
