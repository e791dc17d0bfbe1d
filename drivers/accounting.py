"""FreeRADIUS's accounting, read as it grows: whose sessions have come, gone or changed since the last reading.

radacct is read by its primary key alone, which every schema of FreeRADIUS has and which grows with each session. It has
no index by the time of a row's last word, so that a row is seen to change only while it is among the newest `LATE`, or
is asked for by its id: some newest rows are read again each time. So are rows that were committed late, with a number
below one that was already read.

A reading takes two statements of a few milliseconds, however large the table is.
"""

from collections.abc import Collection, Iterator, Sequence, Set
from contextlib import contextmanager
from typing import Any, NamedTuple

from sqlalchemy import Connection, RowMapping, column, false, func, inspect, select, table, text
from sqlalchemy.engine import URL

from drivers.deadline import Deadline
from drivers.radius_sql import engine_for, shown, translated

LATE = 500
"""The newest ids that are read again each time: seconds of logins after the worst of power cuts."""
MOST = 5000
"""More new ids than this between two readings are no news but a device to be read in full."""
READING_S = 30.0
"""How long a reading may take, connecting included."""
AT_ONCE = 5000
"""Ids in one statement: under the 32,766 parameters that SQLite takes."""

_COLUMNS = ("radacctid", "username", "callingstationid", "framedipaddress", "acctstoptime")


class Word(NamedTuple):
    """What a row said when it was read. `more` are the further columns that were asked for, as text."""

    username: str
    calling: str
    address: str
    ended: bool
    more: tuple[str, ...] = ()


class Changed(NamedTuple):
    """A row that is new or says something else than before; `before` is None where it is new, or was not read."""

    id: int
    before: Word | None
    now: Word


class Accounting:
    """One database's table, read by one thread; the first reading opens the connection.

    The first reading tells of the newest rows as of new ones: who looked at his device before it misses nothing.
    """

    def __init__(self, database: URL, radacct: str, more: Sequence[str] = ()) -> None:
        self.name = shown(database)
        """For a person, without its secret."""
        self._engine = engine_for(database)
        self._deadline = Deadline(self._engine, "the RADIUS database", READING_S)
        self._columns = (*_COLUMNS, *more)
        self._table = table(radacct, *(column(one) for one in self._columns))
        self._highest: int | None = None
        self._said: dict[int, Word] = {}

    def changes(self, also: Collection[int] = ()) -> list[Changed] | None:
        """The rows that have changed, of the newest ones and of those with the ids `also`; None where that is more than
        can be told, or another table than before: then everything may have. Raises Unreachable, Refused, Garbled."""
        with self._reading() as connection:
            if self._highest is None:
                self._highest = self._last(connection)
            newest = self._newest(connection, self._highest)
            if newest is None:
                self._highest, self._said = self._last(connection), {}
                return None
            words = self._of(connection, set(also) - newest.keys()) | newest
        self._highest = max(newest, default=self._highest)
        before, self._said = self._said, words
        return [Changed(id, before.get(id), word) for id, word in words.items() if before.get(id) != word]

    def check(self) -> list[str]:
        """What the table lacks, in words; empty when all is well. Raises as `changes` does."""
        name = self._table.name
        with self._reading() as connection:
            if not inspect(connection).has_table(name):
                return [f"{self.name} has no table {name}, or grifo may not see it"]
            none_of_it = connection.execute(select(text("*")).select_from(self._table).where(false()))
            known = {str(one).lower() for one in none_of_it.keys()}  # noqa: SIM118 - a view, not rows
            missing = [one for one in self._columns if one not in known]
            if missing:
                return [f"{self.name}: {name} has no column {', '.join(missing)}"]
            self._newest(connection, self._last(connection))
        return []

    def close(self) -> None:
        """End a reading that another thread is in, if any. Safe to call twice."""
        self._deadline.close()

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with translated(), self._deadline.within(), self._engine.connect() as connection:
            yield connection

    def _last(self, connection: Connection) -> int:
        return int(connection.execute(select(func.max(self._table.c.radacctid))).scalar() or 0)

    def _newest(self, connection: Connection, since: int) -> dict[int, Word] | None:
        """The rows from a little before `since` on; None where there are too many, or `since` is long gone: the table
        was emptied, or put back to a former day. That the very last row is gone is a hand's tidying, and no matter."""
        id = self._table.c.radacctid
        asked = select(self._table).where(id > since - LATE).order_by(id).limit(LATE + MOST + 1)
        found = dict(_words(connection.execute(asked).mappings(), self._columns))
        if len(found) > LATE + MOST or (since and not found):
            return None
        return found

    def _of(self, connection: Connection, ids: Set[int]) -> dict[int, Word]:
        ordered = sorted(ids)
        found: dict[int, Word] = {}
        for start in range(0, len(ordered), AT_ONCE):
            asked = select(self._table).where(self._table.c.radacctid.in_(ordered[start : start + AT_ONCE]))
            found |= _words(connection.execute(asked).mappings(), self._columns)
        return found


def _words(rows: Any, columns: Sequence[str]) -> Iterator[tuple[int, Word]]:
    for row in rows:
        yield int(row["radacctid"]), _word(row, columns[len(_COLUMNS) :])


def _word(row: RowMapping, more: Sequence[str]) -> Word:
    return Word(
        username=row["username"] or "",
        calling=row["callingstationid"] or "",
        address=_address(row["framedipaddress"]),
        ended=row["acctstoptime"] is not None,
        more=tuple(_text(row[one]) for one in more),
    )


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _address(value: object) -> str:
    """PostgreSQL's inet comes as an address, or as an interface with its mask; MariaDB's may be empty."""
    return _text(value).split("/")[0]
