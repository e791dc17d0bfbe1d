"""Many CoA and Disconnect requests at once, over UDP, from one thread (RFC 5176).

An identifier may not come again from one source port within the NAS's window (300 s by default), or a strict NAS drops
it without a word: so each source port gives its 256 identifiers once and is then left for a new one. A request is
repeated unchanged, its Event-Timestamp with it, because the NAS knows repeats by being the same.
"""

import secrets
import selectors
import socket
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pyrad.packet import CoAPacket, PacketError

from drivers.radius.attributes import DICTIONARY, Value
from drivers.radius.settings import Nas

WINDOW_S = 300.0
GIVE_UP_AFTER = 8
"""Requests unanswered in a row, and none answered, after which a NAS is taken to be silent for this slice."""
FRESH_PORTS_TRIED = 50


@dataclass(frozen=True, slots=True)
class Ask:
    """One request to one NAS; `code` is 40 or 43."""

    nas: Nas
    code: int
    attributes: tuple[tuple[str, Value], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """A verified reply; `code` None is silence: lost, late, a wrong secret or clock, a NAS that is down. Unknown."""

    code: int | None
    error_cause: int | None = None


SILENCE = Answer(None)


@dataclass(slots=True)
class _Flight:
    """A request on its way."""

    place: int
    packet: CoAPacket
    raw: bytes
    deadline: float
    sent: int = 1


@dataclass(slots=True)
class _Port:
    """One source port; its identifiers are given out once."""

    socket: socket.socket
    identifiers: Iterator[int]
    flying: dict[int, _Flight] = field(default_factory=dict)


@dataclass(slots=True)
class _Lane:
    """What goes to one NAS."""

    nas: Nas
    queue: deque[tuple[int, Ask]] = field(default_factory=deque)
    port: _Port | None = None
    ports: list[_Port] = field(default_factory=list)
    answered: int = 0
    unanswered: int = 0

    @property
    def flying(self) -> int:
        return sum(len(port.flying) for port in self.ports)

    @property
    def is_silent(self) -> bool:
        return not self.answered and self.unanswered >= GIVE_UP_AFTER


class Sender:
    """Owned by one thread, that of its driver. Sockets stay open between slices while they have identifiers left."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._lanes: dict[str, _Lane] = {}
        self._used: dict[tuple[str, int], float] = {}

    def send(self, asks: Sequence[Ask]) -> list[Answer]:
        """Send all, to each NAS no more at once than it may have in flight; returns one answer for each, in order."""
        answers = [SILENCE] * len(asks)
        lanes = self._queue(asks)
        while any(lane.queue or lane.flying for lane in lanes):
            for lane in lanes:
                self._fill(lane)
            self._receive(lanes, answers)
            for lane in lanes:
                _repeat_or_give_up(lane, time.monotonic())
        for lane in lanes:
            self._retire(lane)
        return answers

    def close(self) -> None:
        for lane in self._lanes.values():
            for port in lane.ports:
                port.socket.close()
        self._lanes.clear()
        self._selector.close()

    def _queue(self, asks: Sequence[Ask]) -> list[_Lane]:
        lanes = {}
        for place, ask in enumerate(asks):
            lane = self._lanes.setdefault(ask.nas.nas_ip, _Lane(ask.nas))
            if ask.nas.nas_ip not in lanes:
                lanes[ask.nas.nas_ip] = lane
                lane.answered = lane.unanswered = 0
            lane.queue.append((place, ask))
        return list(lanes.values())

    def _fill(self, lane: _Lane) -> None:
        if lane.is_silent:
            lane.queue.clear()
        while lane.queue and lane.flying < lane.nas.in_flight:
            place, ask = lane.queue.popleft()
            port, identifier = self._identifier(lane)
            packet, raw = _encode(ask, identifier)
            port.flying[identifier] = _Flight(place, packet, raw, time.monotonic() + lane.nas.timeout_s)
            _transmit(port, raw)

    def _identifier(self, lane: _Lane) -> tuple[_Port, int]:
        if lane.port is not None:
            identifier = next(lane.port.identifiers, None)
            if identifier is not None:
                return lane.port, identifier
        lane.port = self._open(lane.nas)
        lane.ports.append(lane.port)
        return lane.port, next(lane.port.identifiers)

    def _open(self, nas: Nas) -> _Port:
        """A socket on a source port that this NAS has not heard from within the window."""
        now = time.monotonic()
        self._used = {key: at for key, at in self._used.items() if now - at < WINDOW_S}
        passed = []
        for _ in range(FRESH_PORTS_TRIED):
            opened = _connect(nas)
            key = (nas.nas_ip, opened.getsockname()[1])
            if key not in self._used:
                break
            passed.append(opened)
        for one in passed:
            if one is not opened:
                one.close()
        self._used[key] = now
        self._selector.register(opened, selectors.EVENT_READ, port := _Port(opened, _identifiers()))
        return port

    def _receive(self, lanes: list[_Lane], answers: list[Answer]) -> None:
        for key, _ in self._selector.select(_patience(lanes)):
            port: _Port = key.data
            lane = next(one for one in self._lanes.values() if port in one.ports)
            while (data := _read(port)) is not None:
                flight = _matching(port, data)
                if flight is not None:
                    place, answer = flight
                    answers[place] = answer
                    lane.answered += 1

    def _retire(self, lane: _Lane) -> None:
        """Close the ports whose identifiers are used up; keep the one in use."""
        for port in [one for one in lane.ports if one is not lane.port]:
            self._used[lane.nas.nas_ip, port.socket.getsockname()[1]] = time.monotonic()
            self._selector.unregister(port.socket)
            port.socket.close()
            lane.ports.remove(port)


def _identifiers() -> Iterator[int]:
    """All 256 once, from a random one on: another process may have had the port a moment ago."""
    first = secrets.randbelow(256)
    return iter([(first + step) % 256 for step in range(256)])


def _connect(nas: Nas) -> socket.socket:
    family = socket.AF_INET6 if ":" in nas.address else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_DGRAM)
    opened.setblocking(False)
    opened.connect((nas.address, nas.port))
    return opened


def _encode(ask: Ask, identifier: int) -> tuple[CoAPacket, bytes]:
    """The packet with its Event-Timestamp of this moment: the NAS drops what is older than its window (6.3)."""
    packet = CoAPacket(
        code=ask.code,
        id=identifier,
        secret=ask.nas.secret.reveal().encode(),
        dict=DICTIONARY,
        message_authenticator=True,
    )
    for name, value in ask.attributes:
        packet.AddAttribute(name, value)
    packet.AddAttribute("Event-Timestamp", int(time.time()))  # noqa: TID251 - protocols keep the real clock
    return packet, packet.RequestPacket()


def _transmit(port: _Port, raw: bytes) -> None:
    try:
        port.socket.send(raw)
    except OSError:
        """A full buffer or an ICMP error of before: as lost as any datagram, and repeated like one."""


def _read(port: _Port) -> bytes | None:
    try:
        return port.socket.recv(4096)
    except OSError:
        return None


def _matching(port: _Port, data: bytes) -> tuple[int, Answer] | None:
    """The request that `data` answers, if it truly does: identifier, authenticator and Message-Authenticator fit."""
    flight = port.flying.get(data[1]) if len(data) >= 20 else None
    if flight is None:
        return None
    try:
        reply = flight.packet.CreateReply(packet=data)
        if not flight.packet.VerifyReply(reply, data):
            return None
        causes = reply.get("Error-Cause", [])
    except (PacketError, ValueError):
        return None
    del port.flying[data[1]]
    return flight.place, Answer(int(reply.code), int(causes[0]) if causes else None)


def _patience(lanes: list[_Lane]) -> float:
    deadlines = [flight.deadline for lane in lanes for port in lane.ports for flight in port.flying.values()]
    return max(0.0, min(deadlines, default=0.0) - time.monotonic())


def _repeat_or_give_up(lane: _Lane, now: float) -> None:
    for port in lane.ports:
        for identifier, flight in list(port.flying.items()):
            if flight.deadline > now:
                continue
            if flight.sent >= lane.nas.tries or lane.is_silent:
                del port.flying[identifier]
                lane.unanswered += 1
                continue
            flight.sent += 1
            flight.deadline = now + lane.nas.timeout_s
            _transmit(port, flight.raw)
