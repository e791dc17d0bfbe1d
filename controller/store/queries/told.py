"""Whose were these objects, as far as anybody told? Asked before their accounts are locked."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, select, tuple_

from controller.store.queries.accounts import lock_and_mark
from controller.store.tables import bindings, collections, decisions

Told = tuple[Table, Mapping[str, Any]]
"""A row of facts as an event tells it, and its table."""


def present_holders(tx: Connection, told: Iterable[Told]) -> set[str]:
    """The accounts to which these objects belong at present: an event may move one to another account."""
    by_table: dict[str, tuple[Table, list[tuple[Any, ...]]]] = {}
    for table, row in told:
        if "account_id" in table.c:
            names = [column.name for column in table.primary_key]
            by_table.setdefault(table.name, (table, []))[1].append(tuple(row[name] for name in names))
    found: set[str] = set()
    for table, keys in by_table.values():
        question = select(table.c.account_id).where(tuple_(*table.primary_key).in_(keys))
        found.update(account for account in tx.execute(question).scalars() if account is not None)
    return found


def accounts_of_collections(tx: Connection, ids: Collection[str]) -> dict[str, str]:
    """The account of each of these collections that is known."""
    if not ids:
        return {}
    known = select(collections.c.id, collections.c.account_id).where(collections.c.id.in_(sorted(ids)))
    return {row.id: row.account_id for row in tx.execute(known)}


def wake_who_waits(tx: Connection, now: datetime, *waits_for: str, device: str | None = None) -> int:
    """Have every account reviewed that waits for `payments` (fresh ones), the `brake` or its `canary`; how many.

    `device` limits it to those bound there. A review that runs at this very moment may still see the old news. News of
    payments come again soon, a braked account has its own next review, and only cuts wait.
    """
    waiting = select(decisions.c.account_id).where(decisions.c.waits_for.in_(waits_for))
    if device is not None:
        bound = select(bindings.c.service_id).where(bindings.c.device == device, bindings.c.ended_at.is_(None))
        waiting = waiting.where(decisions.c.service_id.in_(bound))
    return lock_and_mark(tx, waiting, now)
