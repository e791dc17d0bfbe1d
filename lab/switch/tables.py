"""The switch's tables: in memory, as Kamailio's module htable keeps them, and in the database they are loaded from.

As with `dbmode=0`, nothing is written back but by `htable.store`, so what is only in memory is lost with the process.
"""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

Value = str | int

_SCHEMA = """CREATE TABLE IF NOT EXISTS {table} (
    id INTEGER PRIMARY KEY NOT NULL,
    key_name VARCHAR(255) NOT NULL UNIQUE,
    key_type INTEGER DEFAULT 0 NOT NULL,
    value_type INTEGER DEFAULT 0 NOT NULL,
    key_value VARCHAR(255) DEFAULT '' NOT NULL,
    expires INTEGER DEFAULT 0 NOT NULL
)"""


class Tables:
    """Tables of one database file, each loaded from the database table of the same name."""

    def __init__(self, database: Path, names: Sequence[str]) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._live: dict[str, dict[str, Value]] = {name: {} for name in names}
        with self._connected() as connection:
            for name in names:
                connection.execute(_SCHEMA.format(table=name))

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._live)

    def load(self) -> None:
        """What a start does: memory is as the database is, whatever it was before."""
        for name in self._live:
            self.reload(name)

    def get(self, table: str, key: str) -> Value | None:
        with self._lock:
            return self._live[table].get(key)

    def set(self, table: str, key: str, value: Value) -> None:
        with self._lock:
            self._live[table][key] = value

    def delete(self, table: str, key: str) -> bool:
        """Whether the key was there."""
        with self._lock:
            return self._live[table].pop(key, None) is not None

    def items(self, table: str) -> dict[str, Value]:
        with self._lock:
            return dict(self._live[table])

    def flush(self, table: str) -> None:
        with self._lock:
            self._live[table].clear()

    def reload(self, table: str) -> None:
        """Memory from the database."""
        query = f"SELECT key_name, key_value, value_type FROM {table} WHERE key_type = 0"  # noqa: S608 - own name
        with self._connected() as connection:
            rows = connection.execute(query).fetchall()
        with self._lock:
            self._live[table] = {key: int(value) if type == 1 else value for key, value, type in rows}

    def store(self, table: str) -> None:
        """The database from memory, as Kamailio does it: every row deleted, every key inserted."""
        rows = [(key, int(isinstance(value, int)), str(value)) for key, value in self.items(table).items()]
        with self._connected() as connection:
            connection.execute(f"DELETE FROM {table}")  # noqa: S608 - own name
            connection.executemany(
                f"INSERT INTO {table} (key_name, value_type, key_value) VALUES (?, ?, ?)",  # noqa: S608 - own name
                rows,
            )

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._database, timeout=10)) as connection, connection:
            yield connection
