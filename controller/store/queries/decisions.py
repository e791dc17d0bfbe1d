"""Decisions: the present one of each service, and every billing stage that was ever imposed."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from controller.store.queries.writing import insert_into
from controller.store.tables import decisions, impositions
from enforcement.access import Access


@dataclass(frozen=True, slots=True)
class Imposition:
    """A billing stage that begins for a service."""

    service: str
    policy: str
    stage: str
    access: Access
    observed: bool


def decisions_of(tx: Connection, services: Collection[str]) -> dict[str, Row[Any]]:
    """The present decision of each of these services that has one, by service."""
    question = select(decisions).where(decisions.c.service_id.in_(sorted(services)))
    return {row.service_id: row for row in tx.execute(question)}


def only_observed(tx: Connection, services: Collection[str]) -> dict[str, Access]:
    """The services on which billing imposes an access that was decided while no device of theirs enforced it."""
    shown = impositions.c.observed & impositions.c.ended_at.is_(None)
    columns = (impositions.c.service_id, impositions.c.access)
    question = select(*columns).where(shown, impositions.c.service_id.in_(sorted(services)))
    return {row.service_id: Access(row.access) for row in tx.execute(question)}


def save_decisions(tx: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Replace the decisions of these services."""
    if not rows:
        return
    statement = insert_into(tx, decisions)
    rest = {name: statement.excluded[name] for name in rows[0] if name != "service_id"}
    tx.execute(statement.on_conflict_do_update(index_elements=["service_id"], set_=rest), list(rows))


def end_impositions(tx: Connection, services: Collection[str], owing: Collection[str], now: datetime) -> None:
    """Whatever billing imposed on these services is over; those that are `owing` still owe what it was imposed for."""
    for owed, some in ((True, set(services) & set(owing)), (False, set(services) - set(owing))):
        if some:
            in_force = impositions.c.service_id.in_(sorted(some)) & impositions.c.ended_at.is_(None)
            tx.execute(update(impositions).where(in_force).values(ended_at=now, owed_at_end=owed))


def begin_impositions(tx: Connection, begun: Collection[Imposition], now: datetime) -> None:
    """Billing imposes these stages from now on."""
    rows = [
        {
            "service_id": one.service,
            "policy": one.policy,
            "stage": one.stage,
            "access": one.access.value,
            "at": now,
            "observed": one.observed,
        }
        for one in begun
    ]
    if rows:
        tx.execute(insert(impositions), rows)
