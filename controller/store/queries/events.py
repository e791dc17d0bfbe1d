"""Events as they were told: which are new, which were seen before, and which contradict themselves."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, tuple_, update

from controller.store.queries.writing import insert_into, insert_missing
from controller.store.tables import conflicts, events

EventKey = tuple[str, str]
"""(source, id), by which CloudEvents 1.0 says an event is unique."""


def keep_events(tx: Connection, rows: Sequence[Mapping[str, Any]]) -> set[EventKey]:
    """Store events once. Returns the keys of those that are new; another transaction's are waited for.

    `rows` hold each (source, id) once; they are written in that order, so that two intakes can't block each other.
    """
    if not rows:
        return set()
    ordered = sorted(rows, key=lambda row: (row["source"], row["id"]))
    statement = insert_into(tx, events).on_conflict_do_nothing().returning(events.c.source, events.c.id)
    return {(row.source, row.id) for row in tx.execute(statement, ordered)}


def digests_of(tx: Connection, keys: Iterable[EventKey]) -> dict[EventKey, tuple[str, str | None]]:
    """Of the events that are stored: the digest of their content, and the account that they name."""
    columns = (events.c.source, events.c.id, events.c.digest, events.c.account_id)
    found = tx.execute(select(*columns).where(tuple_(events.c.source, events.c.id).in_(list(keys))))
    return {(row.source, row.id): (row.digest, row.account_id) for row in found}


def body_of(tx: Connection, key: EventKey) -> dict[str, Any]:
    """A stored event as it was told."""
    body: dict[str, Any] = tx.execute(
        select(events.c.body).where(events.c.source == key[0], events.c.id == key[1])
    ).scalar_one()
    return body


def keep_conflicts(tx: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store refused events that contradict an earlier one; the same contradiction again changes nothing."""
    insert_missing(tx, conflicts, rows)


def settle_conflict(tx: Connection, conflict: int, now: datetime) -> str | None:
    """Close a conflict. The account that may be cut again ("" for none), or None where no such conflict is open.

    The caller marks the account for review.
    """
    settled = update(conflicts).where(conflicts.c.id == conflict, conflicts.c.settled_at.is_(None))
    row = tx.execute(settled.values(settled_at=now).returning(conflicts.c.account_id)).one_or_none()
    return None if row is None else str(row.account_id)
