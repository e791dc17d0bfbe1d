"""The barring rows in the switch's database: what a node has in memory after its next start.

Written before the nodes' memory, so that a node that restarts in between comes back as wanted. A row is deleted only
by name *and* the value that was read as ours: what somebody else wrote meanwhile stays.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import sqlalchemy as sa

from drivers.base import DriverError, Refused, Unreachable
from drivers.deadline import Deadline
from drivers.sip.fragments import ALLOWED

_BATCH = 500
"""Names in one query: below the fewest parameters that a supported database takes."""


class Rows:
    """One table, shaped as Kamailio's `htable` (version 2). Construction opens nothing."""

    def __init__(self, url: sa.URL, table: str, timeout_s: float, allowed: Mapping[str, str] | None = None) -> None:
        """`timeout_s` is for a statement; a whole transaction may take twice as long, whatever the server does.

        `allowed` are the rows that grifo_allow is to have, number to value: only `prepare` writes them.
        """
        self.name = table
        self.dialect = url.get_backend_name()
        self.allowed = dict(allowed or {})
        arguments = _arguments(url, timeout_s)
        self._engine = sa.create_engine(url, pool_pre_ping=True, pool_size=1, max_overflow=0, connect_args=arguments)
        self._deadline = Deadline(self._engine, "the switch's database", 2 * timeout_s)
        self._table = _shaped(table)
        self._allow = _shaped(ALLOWED)

    def read(self, names: Collection[str] | None) -> dict[str, tuple[str, ...]]:
        """The values by name, of all rows or of those with one of `names`. Raises Unreachable or Refused."""
        found: dict[str, tuple[str, ...]] = {}
        query = sa.select(self._table.c.key_name, self._table.c.key_value).order_by(self._table.c.key_name)
        with self._transaction() as connection:
            for condition in self._conditions(names):
                for name, value in connection.execute(query.where(condition)):
                    found[name] = (*found.get(name, ()), value)
        return found

    def replace(self, old: Iterable[tuple[str, str]], new: Mapping[str, str]) -> None:
        """Delete the rows `old` (name and value) and insert `new`, in one transaction. Raises as `read` does."""
        gone = [{"name": name, "value": value} for name, value in old]
        added = [_row(name, value) for name, value in new.items()]
        if not gone and not added:
            return
        columns = self._table.c
        delete = sa.delete(self._table).where(
            columns.key_name == sa.bindparam("name"), columns.key_value == sa.bindparam("value")
        )
        with self._transaction() as connection:
            if gone:
                connection.execute(delete, gone)
            if added:
                connection.execute(sa.insert(self._table), added)

    def has(self, table: str) -> bool:
        """Whether the database has a table of that name. Raises as `read` does."""
        with self._transaction() as connection:
            return sa.inspect(connection).has_table(table)

    def run(self, statements: Iterable[str]) -> None:
        """Carry out statements of ours, in one transaction. Raises as `read` does."""
        with self._transaction() as connection:
            for statement in statements:
                connection.execute(sa.text(statement))

    def not_allowed(self) -> dict[str, str]:
        """Those of `allowed` without a row; all of them where the table is not there yet. Raises as `read` does."""
        if not self.has(ALLOWED):
            return dict(self.allowed)
        with self._transaction() as connection:
            there = set(connection.execute(sa.select(self._allow.c.key_name)).scalars())
        return {number: value for number, value in self.allowed.items() if number not in there}

    def allow(self, numbers: Mapping[str, str]) -> None:
        """Add rows to grifo_allow. Raises as `read` does."""
        with self._transaction() as connection:
            connection.execute(sa.insert(self._allow), [_row(number, value) for number, value in numbers.items()])

    def close(self) -> None:
        """Ends the wait of whatever thread is in a call, too."""
        self._deadline.close()

    def _conditions(self, names: Collection[str] | None) -> Iterator[sa.ColumnElement[bool]]:
        """Rows of key_type 1 are arrays, which Kamailio holds under other names: none of ours."""
        single = self._table.c.key_type == 0
        if names is None:
            yield single
            return
        wanted = sorted(names)
        for start in range(0, len(wanted), _BATCH):
            yield single & self._table.c.key_name.in_(wanted[start : start + _BATCH])

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        with self._deadline.within(), self._translated(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.SQLAlchemyError as wrong:
            self._engine.dispose()
            raise _translated(wrong) from wrong


def _shaped(name: str) -> sa.TableClause:
    return sa.table(
        name,
        sa.column("key_name", sa.String),
        sa.column("key_type", sa.Integer),
        sa.column("value_type", sa.Integer),
        sa.column("key_value", sa.String),
        sa.column("expires", sa.Integer),
    )


def _row(name: str, value: str) -> dict[str, str | int]:
    return {"key_name": name, "key_type": 0, "value_type": 0, "key_value": value, "expires": 0}


def _arguments(url: sa.URL, timeout_s: float) -> dict[str, str | int | float]:
    """The server's own ways of ending what takes too long, and the library's of not connecting for ever."""
    if url.get_backend_name() == "sqlite":
        return {"timeout": timeout_s}
    milliseconds = int(timeout_s * 1000)
    options = f"-c statement_timeout={milliseconds} -c lock_timeout={milliseconds}"
    return {"connect_timeout": max(2, round(timeout_s)), "options": options, "tcp_user_timeout": milliseconds}


def _translated(wrong: sa.exc.SQLAlchemyError) -> DriverError:
    """The one table from the database's errors to ours. SQLAlchemy's own text may hold parameters: not shown."""
    words = _first_line(wrong.orig.args) if isinstance(wrong, sa.exc.DBAPIError) and wrong.orig else str(wrong)
    message = f"the switch's database: {words}"
    refused = isinstance(wrong, sa.exc.ProgrammingError | sa.exc.IntegrityError | sa.exc.DataError)
    if refused or "no such table" in words or "readonly database" in words:
        return Refused(message)
    return Unreachable(message)


def _first_line(arguments: Sequence[object]) -> str:
    return str(arguments[0]).strip().splitlines()[0] if arguments else "no reason given"
