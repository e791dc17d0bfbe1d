"""A deadline for a driver's calls to a database: whatever hangs there, the call ends in `Unreachable`, and in time.

A server that is told to end long statements ends them only while it lives. One that was power-cycled, or stands behind
a firewall that went dark, answers nothing; its library would wait for hours. So the socket itself is shut down under
the wait: after the deadline, or at once by `close`, from whatever thread.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock, Timer
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import SQLAlchemyError

from drivers.base import DriverError, Unreachable

_KEEPALIVE = ((socket.TCP_KEEPIDLE, 10), (socket.TCP_KEEPINTVL, 5), (socket.TCP_KEEPCNT, 3))
"""A dead peer is known after 25 s of silence, between two calls too (tcp(7))."""


class Deadline:
    """Guards the one connection that an engine has open at a time (pool_size=1, max_overflow=0), used by one thread.

    `name` is the database in a person's words; `seconds` is how long all that happens within one `within` may take,
    connecting included; one attempt to connect is bounded by the library's own `connect_timeout` (PyMySQL: and
    `read_timeout`). SQLite has no socket: its waits are for locks, and bounded by its own `timeout`.
    """

    def __init__(self, engine: Engine, name: str, seconds: float) -> None:
        self._engine = engine
        self._name = name
        self._seconds = seconds
        self._lock = Lock()
        self._wire: socket.socket | None = None
        self._at_work = False
        self._over = ""
        event.listen(engine, "do_connect", self._connect)
        event.listen(engine, "close", self._forget)

    @contextmanager
    def within(self) -> Iterator[None]:
        """Around everything that uses the engine. Raises Unreachable where the deadline, or `close`, ended it."""
        with self._lock:
            self._at_work, self._over = True, ""
        timer = Timer(self._seconds, self._cut, [f"{self._name} did not answer within {self._seconds:g} s"])
        timer.daemon = True
        timer.start()
        try:
            yield
        except (DriverError, SQLAlchemyError) as wrong:
            if self._over:
                raise Unreachable(self._over) from wrong
            raise
        finally:
            timer.cancel()
            with self._lock:
                self._at_work = False

    def close(self) -> None:
        """End the wait that another thread is in, if any, and drop the connection. Safe to call twice."""
        self._cut(f"{self._name}: the connection was closed while waiting for its answer")
        self._engine.dispose()

    def _cut(self, words: str) -> None:
        with self._lock:
            if self._at_work:
                self._over = self._over or words
                _shut(self._wire)

    def _connect(self, dialect: Dialect, record: Any, arguments: Any, options: Any) -> Any:
        """Whatever is opened is known before anything waits on it; what is opened too late is shut down at once."""
        self._refuse_when_over()
        made = dialect.connect(*arguments, **options)
        wire = _wire_of(made)
        with self._lock:
            last, self._wire = self._wire, wire
            if self._over:
                _shut(wire)
        if last is not None:
            last.close()
        return made

    def _refuse_when_over(self) -> None:
        if self._over:
            raise Unreachable(self._over)

    def _forget(self, connection: Any, record: Any) -> None:
        with self._lock:
            wire, self._wire = self._wire, None
        if wire is not None:
            wire.close()


def _wire_of(connection: Any) -> socket.socket | None:
    """A descriptor of our own of the connection's socket: the library's may be closed, and its number be another's."""
    if hasattr(connection, "pgconn"):
        number = connection.pgconn.socket
    elif hasattr(connection, "_sock"):
        number = connection._sock.fileno()  # noqa: SLF001 - PyMySQL tells it nowhere else
    else:
        return None
    wire = socket.socket(fileno=os.dup(number))
    if wire.family in {socket.AF_INET, socket.AF_INET6}:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, amount in _KEEPALIVE:
            wire.setsockopt(socket.IPPROTO_TCP, option, amount)
    return wire


def _shut(wire: socket.socket | None) -> None:
    if wire is None:
        return
    try:
        wire.shutdown(socket.SHUT_RDWR)
    except OSError:
        # The other side was quicker: then nothing waits any more.
        return
