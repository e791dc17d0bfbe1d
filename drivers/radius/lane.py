"""What goes to one NAS: its queue, its source ports, its pace; and what is done when it is short of breath or silent.

An identifier may not come again from one source port within the NAS's window (300 s by default), or a strict NAS drops
it without a word: so each source port gives its 256 identifiers once and is then left for a new one. A request is
repeated unchanged, its Event-Timestamp with it, because the NAS knows repeats by being the same (RFC 5176, 2.3).

A lane never waits for another, and one that was not heard of keeps nobody waiting through all its tries. A NAS that
says 506 is asked less at once and after a pause. One that said nothing at all is silent: from then on a few requests
try it, nobody waits long for them, and the first reply ends the silence, even one that comes too late for its request.
"""

import secrets
import socket
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from pyrad.packet import CoAPacket

from drivers.radius.packets import SILENCE, Answer, Ask, answer, request
from drivers.radius.settings import Nas

WINDOW_S = 300.0
BUSY = 506
SILENT_AFTER = 16
"""Sends in a row that nothing came back for after which a NAS is taken to be silent, without waiting for the rest."""
LEFT_ALONE_AFTER = 4
"""Answers 506 in a row after which the rest of a slice is not asked."""
PROBES, PROBE_S = 4, 0.3
"""How many requests try a silent NAS in one slice, and how long they are waited for."""
PAUSE_S, LONGEST_PAUSE_S = 0.1, 2.0
BURST_S = 0.02
"""Pacing evens out over so long."""
FRESH_PORTS_TRIED = 50


@dataclass(slots=True)
class Flight:
    """A request on its way; once `landed`, answered or given up, a reply only shows that the NAS is alive."""

    place: int
    packet: CoAPacket
    raw: bytes
    port: "Port"
    deadline: float
    sent: int = 1
    landed: bool = False


@dataclass(slots=True)
class Port:
    """One source port; its identifiers are given out once."""

    lane: "Lane"
    socket: socket.socket
    number: int
    identifiers: Iterator[int]
    flying: dict[int, Flight] = field(default_factory=dict)

    def transmit(self, raw: bytes) -> None:
        try:
            self.socket.send(raw)
        except OSError:
            """A full buffer or an ICMP error of before: as lost as any datagram, and repeated like one."""

    def read(self) -> bytes | None:
        try:
            return self.socket.recv(4096)
        except OSError:
            return None

    def landing(self, data: bytes) -> tuple[Flight, Answer] | None:
        """The request that `data` answers, and how; None for what answers none."""
        flight = self.flying.get(data[1]) if len(data) >= 20 else None
        found = answer(flight.packet, data) if flight is not None else None
        if flight is None or found is None:
            return None
        del self.flying[data[1]]
        return flight, found


class Lane:
    """One NAS's. `begin` starts a slice; `step` sends what may go now and gives up what is overdue."""

    def __init__(self, nas: Nas) -> None:
        self.nas = nas
        self.ports: list[Port] = []
        self._port: Port | None = None
        self._used: dict[int, float] = {}
        self._queue: deque[tuple[int, Ask]] = deque()
        self._timers: deque[Flight] = deque()
        self._flying = 0
        self._silent = False
        self._window = nas.in_flight
        self._due = self._not_before = 0.0
        self._pause_s = PAUSE_S
        self._answered = self._unanswered = self._busy = self._probes = 0
        self._hurried = False

    def begin(self, nas: Nas) -> None:
        """A new slice; the settings may have changed, what is known of the NAS stays."""
        self.nas = nas
        self._answered = self._unanswered = self._busy = self._probes = 0
        self._hurried = False
        self._window = min(self._window, nas.in_flight)

    def add(self, place: int, ask: Ask) -> None:
        self._queue.append((place, ask))

    @property
    def is_done(self) -> bool:
        return not self._queue and not self._flying

    @property
    def is_unheard(self) -> bool:
        """Whether nothing has come back in this slice of what was waited for once."""
        return self._unanswered > 0 and not self._answered

    def hurry(self, now: float) -> None:
        """Everybody else is done: what has just been repeated is waited for no longer than with a silent NAS."""
        if self._hurried:
            return
        self._hurried = True
        for flight in self._timers:
            flight.sent = max(flight.sent, self.nas.tries)
            flight.deadline = min(flight.deadline, now + PROBE_S)

    def step(self, now: float, answers: list[Answer]) -> list[Port]:
        """Give up or repeat what is overdue, then send what may go; returns ports just opened."""
        self._repeat_or_give_up(now)
        if self._has_gone_silent() or self._busy >= LEFT_ALONE_AFTER:
            self._leave(answers)
        opened = []
        while self._queue and self._may_send(now):
            opened += self._send_next(now)
        return opened

    def wake_at(self, now: float) -> float:
        """When there is something to do again, if no reply comes before."""
        while self._timers and self._timers[0].landed:
            self._timers.popleft()
        times = [self._timers[0].deadline] if self._timers else []
        if self._queue and self._flying < self._room():
            times.append(max(self._not_before, self._due, now))
        return min(times, default=now)

    def land(self, flight: Flight, found: Answer, now: float, answers: list[Answer]) -> None:
        """A reply came in."""
        self._silent = False
        self._answered += 1
        if flight.landed:
            return
        flight.landed = True
        self._flying -= 1
        answers[flight.place] = found
        if found.error_cause == BUSY:
            self._slow_down(now)
        else:
            self._busy = 0
            self._pause_s = PAUSE_S
            self._window = min(self.nas.in_flight, self._window + 1)

    def retire(self, now: float, *, everything: bool = False) -> list[Port]:
        """Take out the ports whose identifiers are used up, to be closed; `everything` is the one in use too."""
        if everything:
            self._port = None
        old = [port for port in self.ports if port is not self._port]
        for port in old:
            self._used[port.number] = now
            self.ports.remove(port)
        return old

    def _slow_down(self, now: float) -> None:
        self._busy += 1
        self._window = max(1, self._window // 2)
        self._not_before = now + self._pause_s
        self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)

    def _room(self) -> int:
        """How many may be on their way now. While nothing at all came back, no more are risked than were sent."""
        if self._silent:
            return PROBES - self._probes + self._flying
        if self._unanswered and not self._answered:
            return 0
        return self._window

    def _may_send(self, now: float) -> bool:
        return self._flying < self._room() and now >= self._not_before and now >= self._due

    def _send_next(self, now: float) -> list[Port]:
        place, ask = self._queue.popleft()
        port, identifier, opened = self._identifier(now)
        packet, raw = request(ask, identifier)
        patience = min(self.nas.timeout_s, PROBE_S) if self._silent else self.nas.timeout_s
        flight = Flight(place, packet, raw, port, now + patience)
        port.flying[identifier] = flight
        self._probes += self._silent
        self._flying += 1
        self._transmit(flight, now)
        return opened

    def _transmit(self, flight: Flight, now: float) -> None:
        if self.nas.per_second:
            self._due = max(self._due, now - BURST_S) + 1 / self.nas.per_second
        flight.port.transmit(flight.raw)
        self._timers.append(flight)

    def _repeat_or_give_up(self, now: float) -> None:
        while self._timers and (self._timers[0].landed or self._timers[0].deadline <= now):
            flight = self._timers.popleft()
            if flight.landed:
                continue
            self._unanswered += 1
            if self._silent or flight.sent >= self.nas.tries:
                self._give_up(flight)
            else:
                flight.sent += 1
                flight.deadline = now + self.nas.timeout_s
                self._transmit(flight, now)

    def _give_up(self, flight: Flight) -> None:
        """Its answer stays silence; should a reply come later, it still shows that the NAS lives."""
        flight.landed = True
        self._flying -= 1

    def _has_gone_silent(self) -> bool:
        """Whether nothing has come back of all that was sent, and enough was."""
        if self._answered or not self._unanswered:
            return False
        if self._unanswered >= SILENT_AFTER or (not self._flying and self._unanswered):
            self._silent = True
        return self._silent and (self._unanswered >= SILENT_AFTER or not self._flying)

    def _leave(self, answers: list[Answer]) -> None:
        """Ask no more in this slice."""
        left = Answer(None, BUSY) if self._busy >= LEFT_ALONE_AFTER else SILENCE
        for place, _ in self._queue:
            answers[place] = left
        self._queue.clear()
        if left is SILENCE:
            for flight in self._timers:
                if not flight.landed:
                    self._give_up(flight)
            self._timers.clear()

    def _identifier(self, now: float) -> tuple[Port, int, list[Port]]:
        if self._port is not None:
            identifier = next(self._port.identifiers, None)
            if identifier is not None:
                return self._port, identifier, []
        self._port = self._open(now)
        self.ports.append(self._port)
        return self._port, next(self._port.identifiers), [self._port]

    def _open(self, now: float) -> Port:
        """A socket on a source port that this NAS has not heard from within the window."""
        self._used = {number: at for number, at in self._used.items() if now - at < WINDOW_S}
        passed = []
        for _ in range(FRESH_PORTS_TRIED):
            opened = _connect(self.nas)
            number = int(opened.getsockname()[1])
            if number not in self._used:
                break
            passed.append(opened)
        for one in passed:
            if one is not opened:
                one.close()
        self._used[number] = now
        return Port(self, opened, number, _identifiers())


def _identifiers() -> Iterator[int]:
    """All 256 once, from a random one on: another process may have had the port a moment ago."""
    first = secrets.randbelow(256)
    return iter([(first + step) % 256 for step in range(256)])


def _connect(nas: Nas) -> socket.socket:
    family = socket.AF_INET6 if ":" in nas.address else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_DGRAM)
    opened.setblocking(False)
    with suppress(OSError):  # no way to its network: what is sent is lost, as to any NAS that is down
        opened.connect((nas.address, nas.port))
    return opened
