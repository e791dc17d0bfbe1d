"""The NAS's own RADIUS client: asks a server for logins and sends it accounting.

A few sockets, each with some identifiers; a request waits for a free one, is sent again unchanged when no answer comes,
and is given up after three.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import cast

from lab.nas.codec import Attributes, Code, Malformed, Packet, decode, encode_request, reply_is_authentic

IDENTIFIERS = 64
"""Of each socket: what is under way at once fits the server's buffer, or some of it would be seconds late."""
TRIES = 3
PATIENCE_S = 3.0


class NoAnswer(Exception):
    """The RADIUS server did not answer."""


@dataclass(slots=True)
class _Waiting:
    authenticator: bytes
    reply: "asyncio.Future[Packet]"


@dataclass(slots=True)
class _Socket(asyncio.DatagramProtocol):
    secret: bytes
    free: "asyncio.Queue[tuple[_Socket, int]]"
    transport: asyncio.DatagramTransport | None = None
    waiting: dict[int, _Waiting] = field(default_factory=dict)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)
        for identifier in range(IDENTIFIERS):
            self.free.put_nowait((self, identifier))

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        with suppress(Malformed):
            reply = decode(data)
            waiting = self.waiting.get(reply.identifier)
            if waiting and not waiting.reply.done() and reply_is_authentic(reply, waiting.authenticator, self.secret):
                waiting.reply.set_result(reply)

    def error_received(self, exc: Exception) -> None:
        """A closed port answers by ICMP; the request is sent again like any that had no answer."""


class RadiusClient:
    """Talks to one port of one server."""

    def __init__(self, server: tuple[str, int], secret: bytes, sockets: int = 2) -> None:
        self._server = server
        self._secret = secret
        self._count = sockets
        self._free: asyncio.Queue[tuple[_Socket, int]] = asyncio.Queue()
        self._sockets: list[_Socket] = []

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(self._count):
            _, protocol = await loop.create_datagram_endpoint(
                lambda: _Socket(self._secret, self._free), remote_addr=self._server
            )
            self._sockets.append(protocol)

    async def ask(self, code: Code, attributes: Attributes) -> Packet:
        """Send a request and return its verified reply. Raises NoAnswer."""
        socket, identifier = await self._free.get()
        try:
            return await self._send(socket, identifier, encode_request(code, identifier, attributes, self._secret))
        finally:
            self._free.put_nowait((socket, identifier))

    async def _send(self, socket: _Socket, identifier: int, request: bytes) -> Packet:
        assert socket.transport is not None
        reply: asyncio.Future[Packet] = asyncio.get_running_loop().create_future()
        socket.waiting[identifier] = _Waiting(request[4:20], reply)
        try:
            for _ in range(TRIES):
                socket.transport.sendto(request)
                with suppress(TimeoutError):
                    return await asyncio.wait_for(asyncio.shield(reply), PATIENCE_S)
            raise NoAnswer(f"the RADIUS server at {self._server[0]}:{self._server[1]} does not answer")
        finally:
            del socket.waiting[identifier]

    def close(self) -> None:
        for socket in self._sockets:
            if socket.transport is not None:
                socket.transport.close()
