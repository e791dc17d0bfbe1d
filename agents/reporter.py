"""The last step of a turn: the controller is told what was read. Reports are state and may be sent twice."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from secrets import token_hex
from threading import RLock

from agents.backoff import pause
from agents.clock import Clock
from agents.device_memory import DeviceMemory
from agents.known import Known
from agents.line import FIRST_PAUSE_S, LONGEST_PAUSE_S, Line
from agents.link import ControllerAway, LinkError
from agents.rows import written
from agents.words import plain
from drivers.base import Unsafe
from enforcement.wire import VERSION, Report, StrayReport

AT_ONCE = 2000
"""Entries in one report, so that a payment passes between two of them; more only where all are to be named."""


@dataclass(frozen=True, slots=True)
class _Said:
    """What a report says beside its entries; told again when it differs."""

    epoch: str
    revision: int
    halted: str
    problems: tuple[str, ...]
    strays: tuple[StrayReport, ...]
    read_at: float | None
    unsafe: tuple[str, ...] = ()


class Reporter:
    """Reports on one device. `whole` asks for the next report to name every entry.

    It belongs to the device's thread; `say_alone` is for another one, when that thread does not come back.
    """

    def __init__(self, memory: DeviceMemory, known: Known, line: Line, clock: Clock, sweep_seconds: float) -> None:
        self._memory = memory
        self._known = known
        self._line = line
        self._clock = clock
        self._sweep_seconds = sweep_seconds
        self._boot = token_hex(8)
        self._number = 0
        self._said: _Said | None = None
        self._sent_at = 0.0
        self._owing = False
        self._lock = RLock()
        self._failures = 0
        self._retry_at = 0.0
        self.whole = False
        self.problem = ""

    @property
    def due_at(self) -> float:
        """When to report although nothing has happened: a failed report again, the rest of a long one, and a sign of
        life each sweep."""
        if self._owing:
            return max(self._retry_at, self._line.usable_at)
        if self._known.unsent_count and not self._memory.halted:
            return self._sent_at
        return self._sent_at + self._sweep_seconds

    def report(self, problems: Sequence[str], read_at: float | None) -> None:
        """Send what the controller lacks, if anything. One that does not arrive is sent again later."""
        with self._lock:
            self._report(problems, read_at)

    def say_alone(self, problem: str) -> bool:
        """Tell of a device whose own thread can't: nothing but the problem is new. Whether it has arrived."""
        with self._lock:
            memory = self._memory
            former = self._said or _Said(memory.epoch, memory.revision, plain(memory.halted), (), (), None)
            if not former.epoch:
                return False
            said = replace(former, problems=(plain(problem),))
            self._number += 1
            try:
                self._line.report(self._message(said, whole=False), ())
            except LinkError:
                return False
            self._said = said
            return True

    def _report(self, problems: Sequence[str], read_at: float | None) -> None:
        if not self._memory.epoch:
            return
        memory = self._memory
        said = _Said(
            memory.epoch,
            memory.revision,
            plain(memory.halted),
            tuple(plain(each) for each in problems),
            tuple(self._known.strays()),
            read_at,
            tuple(plain(each) for each in problems if isinstance(each, Unsafe)),
        )
        if said == self._said and not self._has_news() and self._clock.monotonic() < self.due_at:
            return
        self._send(said)

    def _has_news(self) -> bool:
        if self._memory.halted:
            return self._owing
        return self._owing or self._known.unsent_count > 0 or (self.whole and self._known.settled)

    def _send(self, said: _Said) -> None:
        """A halted device's entries belong to an epoch that the controller is not in: they stay unsaid. All are named
        once the rest of a long report has gone out."""
        self._number += 1
        short = self._known.unsent_count <= AT_ONCE
        whole = self.whole and self._known.settled and short and not said.halted
        news = [] if said.halted else self._known.unsent(AT_ONCE)
        told = self._known.everything() if whole else map(written, news)
        try:
            self._line.report(self._message(said, whole), told)
        except LinkError as wrong:
            self._owing = True
            self._failures += 1
            self._retry_at = self._clock.monotonic() + pause(self._failures, FIRST_PAUSE_S, LONGEST_PAUSE_S)
            self.problem = "" if isinstance(wrong, ControllerAway) else str(wrong)
            return
        self.problem, self._owing, self._failures = "", False, 0
        self._said, self._sent_at = said, self._clock.monotonic()
        if whole:
            self.whole = False
        if news:
            self._memory.acknowledge(news)
            self._known.sent(news)

    def _message(self, said: _Said, whole: bool) -> Report:
        """The report without its entries."""
        age = None if said.read_at is None else self._clock.monotonic() - said.read_at
        return Report(
            VERSION,
            said.epoch,
            said.revision,
            whole,
            [],
            list(said.strays),
            age,
            said.halted,
            list(said.problems),
            self._boot,
            self._number,
            list(said.unsafe),
        )
