"""The connection to FreeRADIUS's database, and its errors in our words: the driver's one translation table.

cannot connect, connection lost, locked, timed out   Unreachable
no such table, no right, a constraint                Refused
a value that does not fit                            Garbled
"""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, create_engine, inspect
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError, SQLAlchemyError

from drivers.base import Garbled, Refused, Unreachable
from drivers.radius.settings import Settings
from drivers.radius.tables import Tables

_REFUSALS = (
    "no such table",
    "no such column",
    "readonly database",
    "permission denied",
    "denied to user",
    "command denied",
    "Access denied",
)
_PATIENCE_S = 10


class Database:
    """One connection, used by one thread; opened by the first transaction."""

    def __init__(self, settings: Settings) -> None:
        self.tables = Tables(settings.tables)
        self._engine = _engine(settings)
        url = settings.database
        self.name = f"{url.host or 'local'}{f':{url.port}' if url.port else ''}/{url.database or ''}"
        """For a person, without its secret."""
        self._has_marks = False

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that changes nothing."""
        with _translated(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction, committed at its end; on SQLite it holds the write lock from its first statement."""
        with _translated(), self._engine.begin() as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection

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
        self._engine.dispose()


def _engine(settings: Settings) -> Engine:
    url = settings.database
    patience: dict[str, object] = {}
    if url.get_backend_name() == "postgresql":
        patience = {"connect_timeout": _PATIENCE_S, "options": f"-c statement_timeout={_PATIENCE_S * 6000}"}
    elif url.get_backend_name() in ("mysql", "mariadb"):
        patience = {"connect_timeout": _PATIENCE_S, "read_timeout": _PATIENCE_S * 6, "write_timeout": _PATIENCE_S * 6}
    elif url.get_backend_name() == "sqlite":
        patience = {"timeout": _PATIENCE_S}
    engine = create_engine(url, pool_size=1, max_overflow=0, pool_pre_ping=True, connect_args=patience)
    if url.get_backend_name() in ("mysql", "mariadb"):
        # Its usual level locks the gaps between rows that were read, and FreeRADIUS's accounting would wait for us.
        return engine.execution_options(isolation_level="READ COMMITTED")
    return engine


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except DBAPIError as wrong:
        words = f"RADIUS database: {str(wrong.orig).strip().splitlines()[0] if wrong.orig else type(wrong).__name__}"
        if isinstance(wrong, ProgrammingError | IntegrityError) or any(one in words for one in _REFUSALS):
            raise Refused(words) from wrong
        if isinstance(wrong, DataError):
            raise Garbled(words) from wrong
        raise Unreachable(words) from wrong
    except SQLAlchemyError as wrong:
        raise Unreachable(f"RADIUS database: {wrong}") from wrong
