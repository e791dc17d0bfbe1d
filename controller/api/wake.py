"""The feed's bell: one poller a process knows where every device stands, and wakes the agents that wait for news.

A waiting agent costs one coroutine: no thread, no database connection (rule 11). The poller looks again when

- a commit of this process rings `changed()`: an agent hears of it about a millisecond later;
- another process commits: PostgreSQL says so by NOTIFY, SQLite by `PRAGMA data_version`, read ten times a second.

A missed bell is no loss: what counts is where the devices stand when the poller looks, and it looks once a second
anyway.
"""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

import psycopg
from sqlalchemy.exc import SQLAlchemyError

from controller.store.engine import Database
from controller.store.queries.standing import Standing, where_devices_stand
from controller.store.queries.writing import CHANNEL

LOOK_AGAIN_S = 1.0
"""The poller looks this often although nobody rang, for a bell that was lost."""

RETRY_S = 1.0
"""How long after the database went away it is tried again."""

_SQLITE_LOOK_S = 0.1

log = logging.getLogger(__name__)


class Board:
    """Where devices stand, as last looked at, and the waiters for the next change. Lives in one event loop."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._standing: Standing | None = None
        self._closing = False
        self._rung = asyncio.Event()
        self._moved = asyncio.Condition()
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def standing(self) -> Standing | None:
        """What the poller saw last; None before its first look."""
        return self._standing

    def changed(self) -> None:
        """Ring: a commit of this process changed what agents should know. Safe from any thread, at any time."""
        loop = self._loop
        if loop is not None:
            # The loop may close between the two lines while the process ends; then nobody waits any more.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(self._rung.set)

    @asynccontextmanager
    async def polling(self) -> AsyncIterator[None]:
        """Poll while the application runs."""
        self._loop = asyncio.get_running_loop()
        outside = _hear_postgresql if self._database.is_postgresql else _hear_sqlite
        tasks = [
            asyncio.create_task(self._look_for_ever(), name="feed poller"),
            asyncio.create_task(outside(self._database, self._rung.set), name="feed listener"),
        ]
        try:
            yield
        finally:
            self._loop = None
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def wait(self, differs: Callable[[Standing], bool], seconds: float) -> Standing | None:
        """The first standing for which `differs` is true, or None when `seconds` went by without one."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds), self._moved:
                while not self._closing:
                    if self._standing is not None and differs(self._standing):
                        return self._standing
                    await self._moved.wait()
        return None

    async def release(self) -> None:
        """Let every waiter go, now and from now on: the process ends, and must not wait for them."""
        async with self._moved:
            self._closing = True
            self._moved.notify_all()

    async def _look_for_ever(self) -> None:
        while True:
            self._rung.clear()
            try:
                standing = await asyncio.to_thread(self._look)
            except (SQLAlchemyError, OSError) as wrong:
                log.warning("the feed's poller cannot read the database: %s", wrong)
                await asyncio.sleep(RETRY_S)
                continue
            await self._show(standing)
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_AGAIN_S):
                    await self._rung.wait()

    def _look(self) -> Standing:
        with self._database.read() as tx:
            return where_devices_stand(tx)

    async def _show(self, standing: Standing) -> None:
        if standing != self._standing:
            async with self._moved:
                self._standing = standing
                self._moved.notify_all()


async def _hear_sqlite(database: Database, ring: Callable[[], None]) -> None:
    """Ring when any other connection has committed, as SQLite's own counter tells (sqlite.org/pragma.html)."""
    path = database.engine.url.database
    assert path is not None
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)
    try:
        before: object = None
        while True:
            now = _data_version(connection, before)
            if now != before:
                ring()
            before = now
            await asyncio.sleep(_SQLITE_LOOK_S)
    finally:
        connection.close()


def _data_version(connection: sqlite3.Connection, before: object) -> object:
    """Microseconds, and never a wait: a thread for it could outlive the connection at the end."""
    try:
        return connection.execute("PRAGMA data_version").fetchone()[0]
    except sqlite3.Error as wrong:
        log.warning("the feed's listener could not look: %s", wrong)
        return before


async def _hear_postgresql(database: Database, ring: Callable[[], None]) -> None:
    """Ring at each NOTIFY. The one connection that stays open for it is outside of the pool."""
    await _reconnecting(lambda: _listen(database, ring))


async def _listen(database: Database, ring: Callable[[], None]) -> None:
    where = database.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    async with await psycopg.AsyncConnection.connect(where, autocommit=True) as connection:
        await connection.execute(f"LISTEN {CHANNEL}")
        ring()
        async for _ in connection.notifies():
            ring()


async def _reconnecting(listen: Callable[[], Coroutine[Any, Any, None]]) -> None:
    while True:
        try:
            await listen()
        except (psycopg.Error, OSError) as wrong:
            log.warning("the feed's listener lost the database: %s", wrong)
        await asyncio.sleep(RETRY_S)
