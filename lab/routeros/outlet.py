"""The way out of one connection: replies in order, late or cut off where the device is told to misbehave."""

import asyncio
from collections import deque
from collections.abc import Callable

from lab.routeros.faults import Faults
from lab.routeros.words import encode


class Outlet:
    """Gathers reply sentences and sends them at `flush`, so that many small replies share a packet.

    A delay is latency: every batch leaves `delay_ms` after it was ready, whatever else is on its way.
    """

    def __init__(self, transport: asyncio.Transport, faults: Callable[[], Faults], strike: Callable[[], bool]) -> None:
        self._transport = transport
        self._faults = faults
        self._strike = strike
        self._gathered: list[bytes] = []
        self._late: deque[bytes] = deque()
        self.silent = False
        self.armed = False

    def sentence(self, *words: str) -> None:
        """One reply sentence; with `armed` (a logged-in session) it is the one that a fault may strike."""
        self.encoded(encode(words))

    def encoded(self, data: bytes) -> None:
        """A reply sentence that is already bytes."""
        if self.silent:
            return
        faults = self._faults()
        if self.armed and faults.breaks_replies and self._strike():
            self._break(data, faults)
        else:
            self._gathered.append(data)

    def flush(self) -> None:
        """Send what was gathered."""
        if not self._gathered:
            return
        data = b"".join(self._gathered)
        self._gathered.clear()
        delay = self._faults().delay_ms / 1000
        if delay or self._late:
            self._late.append(data)
            asyncio.get_running_loop().call_later(delay, self._send_next)
        elif not self._transport.is_closing():
            self._transport.write(data)

    def close(self) -> None:
        """Send the rest and close."""
        self.flush()
        self._transport.close()

    def _send_next(self) -> None:
        """The oldest batch: timers of equal length may come in any order, replies must not."""
        data = self._late.popleft()
        if not self._transport.is_closing():
            self._transport.write(data)

    def _break(self, data: bytes, faults: Faults) -> None:
        self._gathered.append(b"\xff" if faults.garble else data[: len(data) // 2])
        self.flush()
        self.silent = True
        if faults.drop:
            self._transport.abort()
