"""A device's entries in the memory's file, which holds the only copy, each with the last report that the controller has
of it: of a hundred thousand, a turn has those at hand that it works on.

They stand there by key, since a device is asked about keys, and a sweep goes through all of them in that order.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Set
from sqlite3 import Connection
from typing import Any

from agents.memory import Memory
from agents.rows import COLUMNS, Row, entry_of, row_of, stored_key, written
from enforcement.access import Access
from enforcement.entries import BindingId, Entry
from enforcement.keys import Key
from enforcement.wire import EntryReport

AT_ONCE = 2000
"""Rows that are read in one go where all of them are."""

_COLUMNS = ", ".join(f"entries.{column}" for column in COLUMNS)
_PUT = f"""
INSERT INTO entries (device, {", ".join(COLUMNS)}, unread) VALUES (?{", ?" * (len(COLUMNS) + 1)})
ON CONFLICT DO UPDATE SET {", ".join(f"{column} = excluded.{column}" for column in (*COLUMNS, "unread"))}
"""  # noqa: S608
_OF_BINDINGS = "FROM json_each(?) AS asked CROSS JOIN entries ON device = ? AND binding = asked.value"
_OF_KEYS = "FROM json_each(?) AS asked CROSS JOIN entries ON device = ? AND entries.key = asked.value"
"""The questions' order is given: by the index for each that is asked, never through the whole table."""

_NO_KEY = ""
"""Where entries stand that this version can't read."""


class Entries:
    """One device's. What changes them is given the transaction that it is part of."""

    def __init__(self, memory: Memory, device: str) -> None:
        self._memory = memory
        self._device = device

    def get(self, binding: BindingId) -> Entry | None:
        """The entry of a binding; None where there is none, or none that can be read."""
        return self.some([binding]).get(binding)

    def some(self, bindings: Iterable[BindingId]) -> dict[BindingId, Entry]:
        """The entries of those bindings that have one."""
        question = f"SELECT {_COLUMNS} {_OF_BINDINGS} WHERE entries.key != ''"
        return {entry.binding: entry for entry in map(entry_of, self._asked(question, bindings))}

    def of_keys(self, keys: Set[Key]) -> list[Entry]:
        """The entries of some keys: what was decided first comes first."""
        entries = map(entry_of, self._asked(f"SELECT {_COLUMNS} {_OF_KEYS}", map(str, keys)))
        return sorted(entries, key=lambda entry: (entry.changed_revision, entry.binding))

    def restricted(self, keys: Iterable[Key]) -> set[Key]:
        """Those of some keys of which an entry takes something away."""
        question = f"SELECT DISTINCT entries.key {_OF_KEYS} WHERE access != ?"
        return {stored_key(key) for (key,) in self._asked(question, map(str, keys), Access.FULL.value)}

    def of(self, key: Key) -> list[BindingId]:
        """The bindings of a key."""
        rows = self._rows("SELECT binding FROM entries WHERE device = ? AND key = ?", str(key))
        return [BindingId(binding) for (binding,) in rows]

    def keys_in_pieces(self) -> Iterator[frozenset[Key]]:
        """All keys, some at a time."""
        question = "SELECT DISTINCT key FROM entries WHERE device = ? AND key > ? ORDER BY key LIMIT ?"
        last = _NO_KEY
        while found := self._rows(question, last, AT_ONCE):
            (last,) = found[-1]
            yield frozenset(stored_key(key) for (key,) in found)

    def unread(self) -> list[Mapping[str, Any]]:
        """What this version could not read, as it came; or the one before this version."""
        rows = self._rows("SELECT unread FROM entries WHERE device = ? AND key = ?", _NO_KEY)
        return [json.loads(body) for (body,) in rows]

    def put(self, db: Connection, entry: Entry) -> None:
        """Take an entry, in place of its binding's former one. Raises Unreadable for what no row can hold."""
        self._put(db, row_of(entry), "")

    def put_unread(self, db: Connection, binding: BindingId, body: Mapping[str, Any]) -> None:
        """Take an entry that can't be read, in place of its binding's former one."""
        self._put(db, (binding, _NO_KEY, "", "", "", "", "", 0, False, False), json.dumps(body))

    def _put(self, db: Connection, row: Row, unread: str) -> None:
        db.execute(_PUT, (self._device, *row, unread))

    # --- what the controller has of them ------------------------------------------------------------------------------

    def acknowledged(self, bindings: Iterable[BindingId]) -> dict[BindingId, str]:
        """The last reports that the controller has of some bindings, as they were written."""
        rows = self._asked(f"SELECT binding, acknowledged {_OF_BINDINGS} WHERE acknowledged != ''", bindings)
        return {BindingId(binding): text for binding, text in rows}

    def every_acknowledged(self) -> Iterator[tuple[BindingId, str]]:
        """All of them, read some at a time."""
        question = """
            SELECT key, binding, acknowledged FROM entries
            WHERE device = ? AND (key, binding) > (?, ?) ORDER BY key, binding LIMIT ?
        """
        last = (_NO_KEY, "")
        while found := self._rows(question, *last, AT_ONCE):
            last = found[-1][:2]
            yield from ((BindingId(binding), text) for _, binding, text in found if text)

    def acknowledge(self, db: Connection, reports: Collection[EntryReport]) -> None:
        rows = ((written(report), self._device, report.binding) for report in reports)
        db.executemany("UPDATE entries SET acknowledged = ? WHERE device = ? AND binding = ?", rows)

    def ended(self) -> dict[BindingId, int]:
        """The bindings that are over, and the revision that ended each."""
        rows = self._rows("SELECT binding, changed_revision FROM entries WHERE device = ? AND ended")
        return {BindingId(binding): int(revision) for binding, revision in rows}

    def _rows(self, question: str, *values: object) -> list[Row]:
        return self._memory.rows(question, self._device, *values)

    def _asked(self, question: str, asked: Iterable[str], *values: object) -> list[Row]:
        return self._memory.rows(question, json.dumps(list(asked)), self._device, *values)
