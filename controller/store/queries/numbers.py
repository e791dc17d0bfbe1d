"""Numbers: which are in use, in quarantine, or given back, and how they came there."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from controller.store.queries.among import IDS, among
from controller.store.queries.writing import upsert
from controller.store.tables import number_history, numbers

Shown = dict[str, Any]

IN_USE, QUARANTINE, RELEASED, POOL = "in_use", "quarantine", "released", "pool"


@dataclass(frozen=True, slots=True)
class Move:
    """A number that comes to another state: whose it is, and why in words."""

    key: str
    service: str
    account: str
    state: str
    text: str


def numbers_known(tx: Connection, keys: Collection[str]) -> dict[str, Row[Any]]:
    """The rows of these numbers, locked; those that were never on their way back have none."""
    rows = tx.execute(
        select(numbers).where(among(numbers.c.key)).order_by(numbers.c.key).with_for_update(), {IDS: sorted(keys)}
    )
    return {row.key: row for row in rows}


def move_numbers(tx: Connection, moves: Sequence[Move], now: datetime) -> None:
    """Write the present state of each, and add it to its history; in the order of the keys, as all who lock them."""
    for move in sorted(moves, key=lambda move: move.key):
        whose = {"key": move.key, "service_id": move.service, "account_id": move.account, "state": move.state}
        upsert(tx, numbers, whose | {"since": now})
        tx.execute(insert(number_history).values(**whose, at=now, text=move.text))


def numbers_listed(tx: Connection, state: str | None, limit: int) -> list[Shown]:
    """Those that were ever on their way back, in one state or in any, the longest there first."""
    query = select(numbers) if state is None else select(numbers).where(numbers.c.state == state)
    return [_shown(row) for row in tx.execute(query.order_by(numbers.c.since, numbers.c.key).limit(limit))]


def number_shown(tx: Connection, key: str) -> Shown | None:
    """One with its history, newest first; None where it was never on its way back."""
    row = tx.execute(select(numbers).where(numbers.c.key == key)).one_or_none()
    if row is None:
        return None
    told = select(number_history).where(number_history.c.key == key).order_by(number_history.c.id.desc())
    history = [
        {"at": one.at, "state": one.state, "service": one.service_id, "account": one.account_id, "text": one.text}
        for one in tx.execute(told)
    ]
    return _shown(row) | {"history": history}


def _shown(row: Row[Any]) -> Shown:
    whose = {"service": row.service_id, "account": row.account_id}
    return {"number": row.key, "state": row.state, "since": row.since, **whose}
