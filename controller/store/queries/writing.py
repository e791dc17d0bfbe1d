"""How rows are written on both databases: insert what is new, and let only the newer of two events win."""

import zlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import Connection, Table, func, select, text, tuple_
from sqlalchemy.dialects import postgresql, sqlite

Value = TypeVar("Value")

CHANNEL = "grifo"
"""PostgreSQL's channel on which every transaction that changes what agents should know says so at its commit."""

TOLD_BY = ("event_time", "event_sequence", "event_source", "event_id")


_INSERTS: Mapping[str, Callable[[Table], Any]] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}

CHUNK = 500
"""Rows or values in one statement: SQLite takes 32,766 parameters, PostgreSQL 65,535, and a row has some ten."""


def chunks(values: Sequence[Value]) -> list[Sequence[Value]]:
    """The values in their order, cut into parts that one statement can take."""
    return [values[start : start + CHUNK] for start in range(0, len(values), CHUNK)]


def insert_into(tx: Connection, table: Table) -> Any:
    """An INSERT that knows ON CONFLICT, in the database's own dialect."""
    return _INSERTS[tx.dialect.name](table)


def insert_missing(tx: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert the rows whose primary key or unique constraint is not there yet; the others stay as they are.

    Rows are inserted in the order given: sorted by their key, two transactions can't block each other.
    """
    if rows:
        tx.execute(insert_into(tx, table).on_conflict_do_nothing(), list(rows))


def upsert(tx: Connection, table: Table, row: Mapping[str, Any]) -> None:
    """Insert the row, or overwrite the one with the same primary key."""
    keys, rest = _split(table, row)
    statement = insert_into(tx, table).values(dict(row))
    tx.execute(statement.on_conflict_do_update(index_elements=keys, set_={name: row[name] for name in rest}))


def tell(tx: Connection, table: Table, row: Mapping[str, Any]) -> bool:
    """Write a row of facts unless a newer event has written it already. Whether it was written.

    Newer is (time, sequence, source, id): the same events in any order leave the same row.
    """
    # Not rowcount: SQLAlchemy keeps it for UPDATE and DELETE only.
    return tx.execute(_telling(table, tx.dialect.name, tuple(row)), dict(row)).first() is not None


@cache
def _telling(table: Table, dialect: str, names: tuple[str, ...]) -> Any:
    """The statement of `tell` for rows of these columns; thousands of events share one."""
    keys, rest = _split(table, names)
    statement = _INSERTS[dialect](table)
    told = tuple_(*(table.c[name] for name in TOLD_BY))
    telling = tuple_(*(statement.excluded[name] for name in TOLD_BY))
    newer = statement.on_conflict_do_update(
        index_elements=keys, set_={name: statement.excluded[name] for name in rest}, where=told < telling
    )
    return newer.returning(table.c[keys[0]])


def _split(table: Table, row: Iterable[str]) -> tuple[list[str], list[str]]:
    keys = [column.name for column in table.primary_key]
    return keys, [name for name in row if name not in keys]


def lock_names(tx: Connection, names: Collection[str]) -> None:
    """Hold these names until the transaction ends, for things that have no row to lock yet.

    Two events that concern each other (a return and its collection, two bindings with one key) must not both miss
    the other. SQLite has one writer at a time anyway.
    """
    if tx.dialect.name != "postgresql" or not names:
        return
    numbers = sorted({zlib.crc32(name.encode()) for name in names})
    # unnest yields in the array's order, so that everyone takes them in the same one.
    tx.execute(text("SELECT pg_advisory_xact_lock(n) FROM unnest(CAST(:all AS bigint[])) AS n"), {"all": numbers})


def announce(tx: Connection, what: str) -> None:
    """Let the feed's poller of every process know at commit that something changed for agents.

    SQLite needs no word: its `PRAGMA data_version` tells.
    """
    if tx.dialect.name == "postgresql":
        tx.execute(select(func.pg_notify(CHANNEL, what)))
