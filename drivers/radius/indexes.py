"""The indexes that the driver's questions need: without them each slice reads the operator's tables from end to end.

FreeRADIUS's own schemas have them; tables that were made by hand, or moved from another database, may not. They are the
operator's to make, for making one may hold a large table for minutes.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Inspector, inspect

from drivers.radius.tables import Tables

LIVE = "acctstoptime"


@dataclass(frozen=True, slots=True)
class Lack:
    """A table without an index that would find one customer's rows, and the statement that makes one."""

    table: str
    statement: str


def lacking(connection: Connection, tables: Tables) -> Iterator[Lack]:
    """The tables where one customer's rows are found only by reading all; those that are not there are passed over."""
    here = inspect(connection)
    for one in (tables.radusergroup, tables.radcheck, tables.radreply, tables.radacct):
        if not here.has_table(one.name):
            continue
        live_alone = one is tables.radacct
        if not any(_finds(index, live_alone) for index in _indexes(here, one.name)):
            yield Lack(one.name, _statement(connection, one.name, live_alone))


def _indexes(here: Inspector, table: str) -> list[Mapping[str, Any]]:
    """Secondary ones, and those that stand behind a constraint; SQLite's key of rows is their number."""
    found: list[Mapping[str, Any]] = [*here.get_indexes(table), *here.get_unique_constraints(table)]
    if here.dialect.name != "sqlite":
        found.append({"column_names": here.get_pk_constraint(table)["constrained_columns"]})
    return found


def _finds(index: Mapping[str, Any], live_alone: bool) -> bool:
    """Whether it begins with the user name; of radacct also one of live sessions, which are few among many."""
    first = next(iter(index["column_names"]), None) or ""
    only = str(index.get("dialect_options", {}).get("postgresql_where", "")).lower()
    if live_alone and (first.lower() == LIVE or f"{LIVE} is null" in only):
        return True
    return first.lower() == "username" and not only


def _statement(connection: Connection, table: str, live_alone: bool) -> str:
    if not live_alone:
        return f"CREATE INDEX {table}_username ON {table} (username);"
    if connection.dialect.name == "postgresql":
        return f"CREATE INDEX CONCURRENTLY {table}_live ON {table} (username) WHERE {LIVE} IS NULL;"
    return f"CREATE INDEX {table}_live ON {table} (username, {LIVE});"
