"""Opening the database: SQLite by default, PostgreSQL by URL, and one meaning of a transaction for both.

Everything of the controller goes through `Database.write()` or `Database.read()`; each is one transaction. A write is
READ COMMITTED with row locks on PostgreSQL and BEGIN IMMEDIATE on SQLite (one writer at a time: its lock is every
lock). A read is one consistent snapshot: REPEATABLE READ READ ONLY on PostgreSQL, a WAL snapshot on SQLite.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

BUSY_TIMEOUT_MS = 30_000
"""How long a SQLite writer waits for another one. A review's batch takes milliseconds; a backup may take seconds."""

_WRITES = "grifo_writes"

_IN_UTC = {"options": "-c timezone=UTC"}
"""Instants come from PostgreSQL in the session's zone: in ours, they need no conversion."""

_SUCH_AS = "sqlite:////var/lib/grifo/grifo.db or postgresql://grifo:<password>@db.example/grifo"


@dataclass(frozen=True, slots=True)
class Database:
    """An open database. `close()` when the process ends."""

    engine: Engine

    @property
    def is_postgresql(self) -> bool:
        return self.engine.dialect.name == "postgresql"

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction that may write: committed when the block ends, rolled back whole when it raises."""
        with self.engine.connect().execution_options(**{_WRITES: True}) as tx, tx.begin():
            yield tx

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent snapshot; a write in it is an error."""
        options: dict[str, Any] = {_WRITES: False}
        if self.is_postgresql:
            options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with self.engine.connect().execution_options(**options) as tx, tx.begin():
            yield tx

    def close(self) -> None:
        """Give every connection back. Safe to call twice."""
        self.engine.dispose()


def open_database(url: str) -> Database:
    """Open the database that an SQLAlchemy URL names. Raises ValueError with a sentence where it can't be one of ours.

    Nothing is connected yet, and nothing migrated: see `controller.store.migrations.migrate`.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # The text is not shown: whatever is wrong with it, a password may stand in it.
        raise ValueError(f"database is not a database URL such as {_SUCH_AS}") from None
    match parsed.get_backend_name():
        case "sqlite":
            return Database(_sqlite(parsed))
        case "postgresql":
            driver = parsed.set(drivername="postgresql+psycopg")
            return Database(create_engine(driver, pool_pre_ping=True, json_deserializer=_loaded, connect_args=_IN_UTC))
        case other:
            raise ValueError(f"database {other!r} is not supported: use sqlite or postgresql")


def _loaded(text: bytes) -> Any:
    """JSON as it is stored; most of it by far are empty lists."""
    return [] if len(text) == 2 and bytes(text) == b"[]" else json.loads(bytes(text).decode())


def _sqlite(url: URL) -> Engine:
    if url.database in (None, "", ":memory:"):
        raise ValueError("database needs a file: an in-memory SQLite would forget everything that is imposed")
    engine = create_engine(url)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The sqlite3 module would begin transactions by itself, deferred and too late to be a lock: we begin them.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    # WAL with NORMAL may lose the last commits at a power cut, and a lost payment would cut somebody: FULL.
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = bool(connection.get_execution_options().get(_WRITES, True))
    connection.exec_driver_sql(f"PRAGMA query_only={'OFF' if writes else 'ON'}")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
