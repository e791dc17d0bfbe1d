"""The dynamic authorisation listener of a NAS: bytes in, verdict, bytes out (RFC 5176).

Whatever is not authentic, is stale, or reuses an identifier is dropped without a word, as the RFC has it; whoever
sends such a packet learns nothing but silence.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic, time  # noqa: TID251 - Event-Timestamp is protocol time and keeps the real clock
from typing import cast

from lab.nas.codec import (
    NO_AUTHENTICATOR,
    Attributes,
    Code,
    Malformed,
    Packet,
    decode,
    encode_reply,
    message_authenticator_fits,
    request_is_authentic,
)
from lab.nas.judge import Verdict
from lab.nas.window import Arrival, Source, Window

WINDOW_S = 300.0
"""Default of both the duplicate and the Event-Timestamp window (RFC 5176, 6.3)."""


@dataclass(frozen=True, slots=True)
class Misbehaviour:
    """What the NAS is told to do wrong. The default is to behave."""

    refuse: int | None = None
    """Answer every valid request with this Error-Cause."""
    silent: bool = False
    """Hang: receive everything, answer nothing."""
    delay_s: float = 0.0
    drop_first: int = 0
    """Lose the next n datagrams, as a full link does."""
    lie: bool = False
    """Acknowledge and do nothing."""
    agree: bool = False
    """The same, whatever is asked, of sessions that it has and of those that it has not."""


@dataclass(frozen=True, slots=True)
class Strictness:
    """Which requests are dropped without a word."""

    window_s: float = WINDOW_S
    identifiers_return: bool = False
    """Take another request under an identifier that has been answered, as servers do that are not strict."""
    require_message_authenticator: bool = False
    require_event_timestamp: bool = False


class DaeListener(asyncio.DatagramProtocol):
    """One port. `judge` gives the verdict, `carry_out` does what an ACK promises; both run on the NAS's loop."""

    def __init__(
        self,
        secret: bytes,
        strictness: Strictness,
        judge: Callable[[Packet], Verdict],
        carry_out: Callable[[Packet, Verdict], None],
    ) -> None:
        self._secret = secret
        self._strictness = strictness
        self._judge = judge
        self._carry_out = carry_out
        self._window = Window(strictness.window_s, strictness.identifiers_return)
        self._transport: asyncio.DatagramTransport | None = None
        self._drops = 0
        self._misbehaviour = Misbehaviour()
        self.received = 0
        self.discarded = 0

    def misbehave(self, how: Misbehaviour) -> None:
        self._misbehaviour = how
        self._drops = how.drop_first

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: Source) -> None:
        self.received += 1
        if self._drops > 0 or self._misbehaviour.silent:
            self._drops -= 1
            return
        try:
            request = decode(data)
        except Malformed:
            self.discarded += 1
            return
        if not self._is_authentic(request):
            self.discarded += 1
            return
        self._handle(request, addr)

    def _is_authentic(self, request: Packet) -> bool:
        if request.code not in (Code.COA_REQUEST, Code.DISCONNECT_REQUEST):
            return False
        if not request_is_authentic(request, self._secret):
            return False
        fits = message_authenticator_fits(request, self._secret, NO_AUTHENTICATOR)
        return fits or (fits is None and not self._strictness.require_message_authenticator)

    def _handle(self, request: Packet, source: Source) -> None:
        arrival, cached = self._window.arrive(source, request.identifier, request.authenticator, monotonic())
        if arrival is Arrival.AGAIN and cached is not None:
            self._send(cached, source)
        elif arrival is not Arrival.NEW or self._is_stale(request):
            self.discarded += 1
        else:
            self._answer(request, source)

    def _is_stale(self, request: Packet) -> bool:
        sent = request.number("Event-Timestamp")
        if sent is None:
            return self._strictness.require_event_timestamp
        return abs(time() - sent) > self._strictness.window_s

    def _answer(self, request: Packet, source: Source) -> None:
        refused = self._misbehaviour.refuse
        agrees = self._misbehaviour.agree
        verdict = Verdict(refused) if refused is not None or agrees else self._judge(request)
        if verdict.cause is None and not agrees and not self._misbehaviour.lie:
            self._carry_out(request, verdict)
        reply = encode_reply(_reply_code(request, verdict), request, _reply_attributes(verdict), self._secret)
        self._window.answered(source, request.identifier, reply)
        if self._misbehaviour.delay_s:
            asyncio.get_running_loop().call_later(self._misbehaviour.delay_s, self._send, reply, source)
        else:
            self._send(reply, source)

    def _send(self, reply: bytes, source: Source) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(reply, source)


def _reply_code(request: Packet, verdict: Verdict) -> Code:
    if request.code == Code.DISCONNECT_REQUEST:
        return Code.DISCONNECT_ACK if verdict.cause is None else Code.DISCONNECT_NAK
    return Code.COA_ACK if verdict.cause is None else Code.COA_NAK


def _reply_attributes(verdict: Verdict) -> Attributes:
    return [] if verdict.cause is None else [("Error-Cause", int(verdict.cause))]
