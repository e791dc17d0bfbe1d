"""The connection to FreeRADIUS's database: its transactions, and the one table that is made there."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, inspect

from drivers.base import Refused
from drivers.deadline import Deadline
from drivers.radius.settings import Settings
from drivers.radius.tables import Tables
from drivers.radius_sql import engine_for, shown, translated

TRANSACTION_S = 120.0
"""How long a transaction may take: twice what a server is told to give one statement."""


class Database:
    """One connection, used by one thread; opened by the first transaction."""

    def __init__(self, settings: Settings) -> None:
        self.tables = Tables(settings.tables)
        self._engine = engine_for(settings.database)
        self.name = shown(settings.database)
        """For a person, without its secret."""
        self._deadline = Deadline(self._engine, "the RADIUS database", TRANSACTION_S)
        self._has_marks = False

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that changes nothing."""
        with self._translated(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction, committed at its end; on SQLite it holds the write lock from its first statement."""
        with self._translated(), self._engine.begin() as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            with translated(), self._deadline.within():
                yield
        except Refused:
            # A table may be gone that was there: the database was put back to a day before grifo came.
            self._has_marks = False
            raise

    def has_marks(self, connection: Connection) -> bool:
        """Whether grifo_marks is there; without it nothing is marked."""
        if not self._has_marks:
            self._has_marks = inspect(connection).has_table(self.tables.marks.name)
        return self._has_marks

    def make_marks(self) -> None:
        """Create grifo_marks where it is missing: the only thing that is ever made in the operator's database."""
        with self.writing() as connection:
            if not self.has_marks(connection):
                self.tables.ours.create_all(connection)
                self._has_marks = True

    def close(self) -> None:
        """Safe to call twice, and from any thread: a call that waits for the database ends."""
        self._deadline.close()
