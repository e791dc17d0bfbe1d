"""The threads: one for each device, so that a dead one delays no other, and one that follows the controller's feed.

A device's thread sleeps on a condition until it is told something or something is due. Threads are daemons: one that
hangs in a device or a connection, although both were closed under it, does not keep the process from ending.
"""

import logging
from collections.abc import Callable
from threading import Condition, Event, Thread

from agents.backoff import pause
from agents.clock import Clock
from agents.device import Device
from agents.link import Link, LinkError
from agents.metrics import Metrics
from agents.told import Told
from drivers.base import DriverError
from enforcement.wire import Feed

log = logging.getLogger("grifo.agent")

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
ANSWER_TOO_SOON_S = 0.2


class DeviceThread:
    """Runs the turns of one device."""

    def __init__(self, device: Device, metrics: Metrics, clock: Clock, stopping: Event) -> None:
        self.device = device
        self._metrics = metrics
        self._clock = clock
        self._stopping = stopping
        self._told = Told()
        self._woken = False
        self._wake = Condition()
        self._said: tuple[str, ...] = ()
        self.thread = Thread(target=self._run, name=f"device {device.name}", daemon=True)

    def tell(self, told: Told) -> None:
        """Wake the device with the latest; from any thread."""
        with self._wake:
            self._told = told
        self.wake()

    def wake(self) -> None:
        """Let the device take a turn; from any thread."""
        with self._wake:
            self._woken = True
            self._wake.notify()

    def _latest(self) -> Told:
        with self._wake:
            return self._told

    def _run(self) -> None:
        while self._wait():
            self._turn()

    def _wait(self) -> bool:
        """Until there is reason for a turn; False when the agent stops."""
        with self._wake:
            left = self.device.due_at - self._clock.monotonic()
            self._wake.wait_for(lambda: self._woken or self._stopping.is_set(), None if left > 1e6 else max(0.0, left))
            self._woken = False
        return not self._stopping.is_set()

    def _turn(self) -> None:
        started = self._clock.monotonic()
        name, picture = self.device.name, self.device.parts.picture
        self._metrics.circuit(name, self.device.circuit.state)
        kind = self._guarded()
        seconds = self._clock.monotonic() - started
        self._metrics.turn(name, seconds, self.device.applied, picture.left)
        self._metrics.circuit(name, self.device.circuit.state)
        self._metrics.drift(name, self.device.parts.known.in_drift())
        self._metrics.restarts(name, self.device.sweeps.restarts)
        if kind:
            self._metrics.error(name, kind)
        else:
            self._metrics.success(name, self._clock.now().timestamp())
        self._say(kind, seconds)

    def _guarded(self) -> str:
        """A turn, and what to do when it fails. Returns the error's kind, empty where there was none."""
        try:
            self.device.turn(self._latest)
        except DriverError as wrong:
            return self._lost(type(wrong).__name__, str(wrong))
        except Exception as wrong:
            if not self._stopping.is_set():
                log.exception("device=%s the turn failed", self.device.name)
            return self._lost(type(wrong).__name__, f"the turn failed: {type(wrong).__name__}")
        return ""

    def _lost(self, kind: str, problem: str) -> str:
        if self._stopping.is_set():
            return kind
        try:
            self.device.lost(problem)
            self.device.report()
        except Exception:
            log.exception("device=%s could not be closed", self.device.name)
        return kind

    def _say(self, kind: str, seconds: float) -> None:
        """The turn's one line; a turn in which nothing happened has none."""
        device = self.device
        picture, memory = device.parts.picture, device.parts.memory
        troubles = (kind, *device.problems, memory.halted, device.parts.hearing.problem, device.parts.reporter.problem)
        if not picture.planned and troubles == self._said:
            return
        self._said = troubles
        trouble = "; ".join(each for each in troubles if each)
        log.log(
            logging.WARNING if trouble else logging.INFO,
            "device=%s revision=%d planned=%d applied=%d left=%d ms=%.1f%s",
            device.name,
            memory.revision,
            len(picture.planned),
            device.applied,
            picture.left,
            seconds * 1000,
            f" trouble={trouble!r}" if trouble else "",
        )


class Follower:
    """Follows the feed by long poll. `heard` is called with each answer, `away` when there is none."""

    def __init__(
        self,
        link: Link,
        wait_s: float,
        clock: Clock,
        stopping: Event,
        heard: Callable[[Feed], None],
        away: Callable[[str], None],
    ) -> None:
        self._link = link
        self._wait_s = wait_s
        self._clock = clock
        self._stopping = stopping
        self._heard = heard
        self._away = away
        self._failures = 0
        self._known: Feed | None = None
        self.thread = Thread(target=self._run, name="feed", daemon=True)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._stopping.wait(self._poll())
            except Exception:
                # A tick's edge: without this thread no payment would be heard of again.
                log.exception("the feed could not be followed")
                self._stopping.wait(FIRST_PAUSE_S)

    def _poll(self) -> float:
        """One poll. Returns the seconds to wait before the next.

        The first one, and the first after a failure, does not wait for news: whoever answers is heard at once.
        """
        started = self._clock.monotonic()
        known = None if self._failures else self._known
        try:
            feed = self._link.feed(known, self._wait_s if known is not None else 0.0)
        except LinkError as wrong:
            self._failures += 1
            if not self._stopping.is_set():
                self._away(str(wrong))
            return pause(self._failures, FIRST_PAUSE_S, LONGEST_PAUSE_S)
        self._failures = 0
        too_soon = feed == known and self._clock.monotonic() - started < ANSWER_TOO_SOON_S
        self._known = feed
        self._heard(feed)
        # A controller that answers "nothing new" at once is on its way down: it must not be asked in a tight circle.
        return FIRST_PAUSE_S if too_soon else 0.0
