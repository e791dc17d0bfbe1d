"""What the agent remembers over restarts: one SQLite file, one connection, one lock for whoever writes.

It holds what the controller last wanted (so that a site without its controller keeps repairing), what is still owed to
live sessions, what the controller has acknowledged, how often something was repaired, the guard's account, and pins.
The commits are synced to disk (synchronous=FULL): an owed effect that is lost is a customer left in the wrong state.

Times in it are monotonic seconds. After a reboot that clock starts anew, which can only make what is remembered look
more recent than it is, once a time from the future is read as the present: the guard and the repairs' count err on the
careful side.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from agents import guard
from agents.guard import Imposed, Limits
from enforcement.keys import Key

REPAIRS_WINDOW_S = 24 * 3600.0
"""For how long a repair counts in a quarrel with another hand."""

_SCHEMA_VERSION = 2
_SCHEMA = """
CREATE TABLE about (only INTEGER PRIMARY KEY CHECK (only = 1), installation TEXT NOT NULL);
CREATE TABLE devices (
    device TEXT PRIMARY KEY, epoch TEXT NOT NULL, revision INTEGER NOT NULL, modes TEXT NOT NULL, halted TEXT NOT NULL,
    ahead INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE entries (
    device TEXT, key TEXT, binding TEXT, service TEXT NOT NULL, kind TEXT NOT NULL, access TEXT NOT NULL,
    reasons TEXT NOT NULL, rate TEXT NOT NULL, changed_revision INTEGER NOT NULL, ended INTEGER NOT NULL,
    first INTEGER NOT NULL, unread TEXT NOT NULL, acknowledged TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (device, key, binding)
) WITHOUT ROWID;
CREATE UNIQUE INDEX entries_by_binding ON entries (device, binding);
CREATE INDEX entries_ended ON entries (device, binding, changed_revision) WHERE ended;
CREATE TABLE imposed (
    device TEXT, binding TEXT, changed_revision INTEGER NOT NULL, PRIMARY KEY (device, binding)
) WITHOUT ROWID;
CREATE TABLE owed (
    device TEXT, binding TEXT, lowers INTEGER NOT NULL, PRIMARY KEY (device, binding)
) WITHOUT ROWID;
CREATE TABLE repairs (device TEXT NOT NULL, binding TEXT NOT NULL, at REAL NOT NULL);
CREATE TABLE firsts (site TEXT NOT NULL, device TEXT NOT NULL, at REAL NOT NULL, number INTEGER NOT NULL);
CREATE TABLE pins (key TEXT PRIMARY KEY, note TEXT NOT NULL, until TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE openings (
    key TEXT, device TEXT, until TEXT NOT NULL, came TEXT NOT NULL, words TEXT NOT NULL, PRIMARY KEY (key, device)
) WITHOUT ROWID;
"""
"""An entry that this version can't read stands in `unread` as it came, under no key. `acknowledged` is the last report
of an entry that the controller has. Of both there is no other copy (agents/entries.py).

A field that is new to entries is a new column, and a new version: the former file does not hold what was said in it.
"""


class MemoryUnusable(ValueError):
    """The memory file can't be used; says which and what to do."""


@dataclass(frozen=True, slots=True)
class Pin:
    """A key that a hand at the site holds open until an instant (aware, UTC)."""

    key: Key
    note: str
    until: datetime

    @property
    def words(self) -> str:
        """Until when and why, as it is reported."""
        return f"until {self.until:%Y-%m-%d %H:%M} UTC: {self.note}"


class Memory:
    """The file. Safe from any thread; each device's own part is `agents.device_memory.DeviceMemory`."""

    def __init__(self, path: Path, monotonic_now: float) -> None:
        """Opens or creates the file. Raises MemoryUnusable."""
        self._lock = threading.RLock()
        try:
            path.touch(mode=0o600)
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=10)
        except (OSError, sqlite3.Error) as wrong:
            raise MemoryUnusable(f"memory {path}: {wrong}") from wrong
        try:
            self._prepare(monotonic_now)
        except (sqlite3.Error, MemoryUnusable) as wrong:
            self._db.close()
            raise MemoryUnusable(f"memory {path}: {wrong}; move the file away to start without memory") from wrong

    def _prepare(self, monotonic_now: float) -> None:
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        with self.writing() as db:
            (version,) = db.execute("PRAGMA user_version").fetchone()
            if version == 0:
                for statement in _SCHEMA.strip().split(";\n"):
                    db.execute(statement.rstrip(";"))
                db.execute(f"PRAGMA user_version={_SCHEMA_VERSION}")
            elif version != _SCHEMA_VERSION:
                raise MemoryUnusable(f"it is of version {version}, this agent writes {_SCHEMA_VERSION}")
            for table in ("repairs", "firsts"):
                db.execute(f"UPDATE {table} SET at = ? WHERE at > ?", (monotonic_now, monotonic_now))  # noqa: S608
            db.execute("DELETE FROM repairs WHERE at <= ?", (monotonic_now - REPAIRS_WINDOW_S,))

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, alone: committed at the end, rolled back when anything is raised."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def rows(self, question: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows that answer a SELECT."""
        with self._lock:
            return self._db.execute(question, values).fetchall()

    @property
    def installation(self) -> str:
        """Whose marks are ours; empty until a controller has said it."""
        found = self.rows("SELECT installation FROM about")
        return str(found[0][0]) if found else ""

    def belong_to(self, installation: str) -> None:
        with self.writing() as db:
            db.execute("INSERT OR REPLACE INTO about VALUES (1, ?)", (installation,))

    def take_room(self, wanted: int, limits: Limits, now: float) -> int:
        """Reserve up to `wanted` first restrictions of the guard's hour. Returns how many were given."""
        with self.writing() as db:
            db.execute("DELETE FROM firsts WHERE at <= ?", (now - guard.HOUR_S,))
            given = min(wanted, guard.room(_imposed(db), now, limits))
            if given:
                db.execute("INSERT INTO firsts VALUES (?, ?, ?, ?)", (limits.site, limits.device, now, given))
            return given

    def room(self, limits: Limits, now: float) -> int:
        """How many first restrictions the guard would still let through."""
        with self._lock:
            return guard.room(_imposed(self._db), now, limits)

    def pin(self, pin: Pin) -> None:
        with self.writing() as db:
            row = (str(pin.key), pin.note, pin.until.isoformat())
            db.execute("DELETE FROM openings WHERE key = ?", row[:1])
            db.execute("INSERT OR REPLACE INTO pins VALUES (?, ?, ?)", row)

    def unpin(self, key: Key) -> bool:
        """Whether there was a pin."""
        with self.writing() as db:
            return db.execute("DELETE FROM pins WHERE key = ?", (str(key),)).rowcount > 0

    def pins(self, now: datetime) -> dict[Key, Pin]:
        """The pins in force, by key."""
        rows = self.rows("SELECT key, note, until FROM pins")
        pins = [Pin(Key.parse(str(key)), str(note), datetime.fromisoformat(str(until))) for key, note, until in rows]
        return {pin.key: pin for pin in pins if pin.until > now}

    def close(self) -> None:
        with self._lock:
            self._db.close()


def _imposed(db: sqlite3.Connection) -> list[Imposed]:
    return [Imposed(*row) for row in db.execute("SELECT site, device, at, number FROM firsts")]
