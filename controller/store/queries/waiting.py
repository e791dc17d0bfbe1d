"""What waits for people, and which messages billing must send: read from the present decisions."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, distinct, func, select

from controller.store.tables import bindings, decisions, freshness

Shown = dict[str, Any]

SHOWN_AT_MOST = 200


def waiting_for(tx: Connection, what: str, limit: int = SHOWN_AT_MOST) -> list[Shown]:
    """Services whose next stage waits for `approval` or a `person`, those that wait longest first."""
    mine = select(decisions).where(decisions.c.waits_for == what)
    rows = tx.execute(mine.order_by(decisions.c.decided_at, decisions.c.service_id).limit(limit))
    return [
        {
            "service": row.service_id,
            "account": row.account_id,
            "stage": row.body["next_stage"],
            "since": row.decided_at,
            "blocks": [block for block in row.body["blocks"] if block["code"] == what],
        }
        for row in rows
    ]


def waiting_counted(tx: Connection) -> dict[str, int]:
    """How many services wait for each of the words of `waits_for`."""
    query = select(decisions.c.waits_for, func.count().label("services")).where(decisions.c.waits_for != "")
    return {row.waits_for: row.services for row in tx.execute(query.group_by(decisions.c.waits_for))}


def waiting_for_brakes(tx: Connection) -> dict[tuple[str, str], int]:
    """How many services each brake holds back, by (policy, device)."""
    query = (
        select(decisions.c.policy, bindings.c.device, func.count(distinct(decisions.c.service_id)).label("services"))
        .join_from(decisions, bindings, bindings.c.service_id == decisions.c.service_id)
        .where(decisions.c.waits_for == "brake", bindings.c.ended_at.is_(None))
        .group_by(decisions.c.policy, bindings.c.device)
    )
    return {(row.policy, row.device): row.services for row in tx.execute(query)}


def notices_due(tx: Connection, until: datetime, after: str, limit: int) -> list[Shown]:
    """The messages to send until an instant, of services after one by their ids."""
    due = (decisions.c.notice_at <= until) & (decisions.c.service_id > after)
    rows: Sequence[Row[Any]] = tx.execute(
        select(decisions).where(due).order_by(decisions.c.service_id).limit(limit)
    ).all()
    return [{"account": row.account_id, "service": row.service_id, **row.body["notice_due"]} for row in rows]


def sources(tx: Connection) -> list[Shown]:
    """What each source of payments said of its own completeness."""
    columns = (freshness.c.source, freshness.c.payments_known_until, freshness.c.returns_known_until)
    return [dict(row) for row in tx.execute(select(*columns).order_by(freshness.c.source)).mappings()]
