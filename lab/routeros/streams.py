"""Commands that take a while: a `print` of many items, a `listen`."""

from lab.routeros.outlet import Outlet
from lab.routeros.queries import Query
from lab.routeros.tables import Row, Table
from lab.routeros.words import encode, encode_word

PART = 500
"""Items sent at a stretch before other commands have their turn."""


class _Rows:
    """How a row is sent: chosen properties, never a password."""

    def __init__(self, table: Table, listed: frozenset[str] | None, tag: tuple[str, ...], out: Outlet) -> None:
        self._table, self._listed, self._out = table, listed, out
        self.tag = tag
        self._tail = b"".join(encode_word(word) for word in tag) + b"\0"

    def _emit(self, row: Row) -> None:
        listed, hidden = self._listed, self._table.schema.hidden
        words = [
            f"={name}={value}"
            for name, value in row.items()
            if (listed is None or name in listed) and name not in hidden
        ]
        self._out.encoded(_RE + b"".join(map(encode_word, words)) + self._tail)


_RE = encode_word("!re")


class Print(_Rows):
    """The items as they are when their turn comes; one that is removed meanwhile is left out."""

    def __init__(
        self,
        table: Table,
        query: Query | None,
        listed: frozenset[str] | None,
        tag: tuple[str, ...],
        out: Outlet,
        says_empty: bool,
    ) -> None:
        super().__init__(table, listed, tag, out)
        self._query = query
        self._ids = iter(list(table.rows))
        self._says_empty = says_empty
        self._sent = False

    def count(self) -> int:
        """How many items pass, without sending them."""
        rows = [row for row in map(self._table.shown, self._ids) if row is not None]
        return sum(1 for row in rows if self._query is None or self._query(row))

    def step(self) -> bool | None:
        """Send a part; None when all is said."""
        for _ in range(PART):
            id = next(self._ids, None)
            if id is None:
                self._end()
                return None
            row = self._table.shown(id)
            if row is not None and (self._query is None or self._query(row)):
                self._sent = True
                self._emit(row)
        return True

    def stop(self) -> None:
        """Nothing to undo."""

    def _end(self) -> None:
        if self._says_empty and not self._sent:
            self._out.sentence("!empty", *self.tag)
        self._out.sentence("!done", *self.tag)


class Listen(_Rows):
    """Each change of an item, until cancelled; one that goes is sent with `.dead`."""

    def __init__(
        self, table: Table, query: Query | None, listed: frozenset[str] | None, tag: tuple[str, ...], out: Outlet
    ) -> None:
        super().__init__(table, listed, tag, out)
        self._query = query
        table.watchers.append(self._changed)

    def step(self) -> bool:
        """Has nothing of its own to send."""
        return False

    def stop(self) -> None:
        if self._changed in self._table.watchers:
            self._table.watchers.remove(self._changed)

    def _changed(self, row: Row, dead: bool) -> None:
        if dead:
            self._out.encoded(encode(("!re", f"=.id={row['.id']}", "=.dead=yes", *self.tag)))
        elif self._query is None or self._query(row):
            self._emit(row)
        self._out.flush()
