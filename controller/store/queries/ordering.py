"""Orders and holds given by name over the API: new rows, and ends; never an overwrite."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, or_, select, update

from controller.store.tables import holds, orders

SOURCE = "grifo:api"
"""The source of the holds that were given here and not by the billing system."""


def give_order(tx: Connection, **values: Any) -> None:
    """A new order: id, account_id, service_id, reason, access, since, until, author, note."""
    tx.execute(insert(orders).values(**values))


def end_orders(tx: Connection, service: str, reason: str, now: datetime, by: str) -> Sequence[str]:
    """End the orders in force of one reason on a service. Their ids; none where there was nothing to end."""
    in_force = (orders.c.ended_at.is_(None), or_(orders.c.until.is_(None), orders.c.until > now))
    mine = update(orders).where(orders.c.service_id == service, orders.c.reason == reason, *in_force)
    return list(tx.execute(mine.values(ended_at=now, ended_by=by).returning(orders.c.id)).scalars())


def give_hold(tx: Connection, now: datetime, **values: Any) -> None:
    """A new hold: id, account_id, service_id, kind, since, until, author, note, and what else the table has."""
    plain: dict[str, Any] = {"review_on": None, "beyond": False, "instalments": [], "currency": ""}
    told = {"event_time": now, "event_sequence": 0, "event_source": SOURCE, "event_id": values["id"]}
    tx.execute(insert(holds).values(**(plain | values), **told))


def hold_row_of(tx: Connection, hold: str) -> Row[Any] | None:
    """The row of one hold."""
    return tx.execute(select(holds).where(holds.c.id == hold)).one_or_none()


def end_hold(tx: Connection, row: Row[Any], now: datetime) -> None:
    """The hold is over. It is told anew, so that nothing that billing told of it before opens it again."""
    later = row.event_time >= now
    told = {"event_time": row.event_time if later else now, "event_source": SOURCE, "event_id": f"end-{row.id}"[:255]}
    sequence = row.event_sequence + 1 if later else 0
    mine = update(holds).where(holds.c.id == row.id)
    tx.execute(mine.values(until=now, event_sequence=sequence, **told))
