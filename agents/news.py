"""News: accounting tells between two sweeps whose sessions have come, gone or changed, and the device looks at these.

Each source has a thread of its own, which leaves keys in the device's inbox and wakes it. So a database that is slow,
hangs or is gone delays no restore and is no fault of the device's: it is told as a problem, and sweeps go on.
"""

import logging
from collections.abc import Callable
from threading import Event, Thread

from agents.backoff import about, pause
from agents.circuit import LONGEST_PAUSE_S, State
from agents.clock import Clock
from agents.device import Device
from agents.sweeps import REST
from drivers.base import DriverError, News

log = logging.getLogger("grifo.agent")


class Listener:
    """Asks one source every few seconds, while its device's circuit is closed, and for a tenth of the time at most.
    `wake` is the device's thread's."""

    def __init__(
        self,
        source: News,
        device: Device,
        wake: Callable[[], None],
        seconds: float,
        clock: Clock,
        stopping: Event,
    ) -> None:
        self._source = source
        self._device = device
        self._inbox = device.parts.inbox
        self._wake = wake
        self._seconds = seconds
        self._clock = clock
        self._stopping = stopping
        self._failures = 0
        self.thread = Thread(target=self._run, name=f"news {source.name}", daemon=True)

    def _run(self) -> None:
        while not self._stopping.wait(self._ask()):
            pass
        self._source.close()

    def _ask(self) -> float:
        """Ask once. Returns the seconds to wait before the next time."""
        if self._device.circuit.state is not State.CLOSED:
            return about(self._seconds)
        began = self._clock.monotonic()
        wrong = self._heard()
        self._failures = self._failures + 1 if wrong else 0
        if self._inbox.say(self._source.name, wrong):
            self._wake()
        if wrong:
            return pause(self._failures, 2 * self._seconds, max(LONGEST_PAUSE_S, self._seconds))
        return max(about(self._seconds), REST * (self._clock.monotonic() - began))

    def _heard(self) -> str:
        """Take what the source tells; why it could not, empty where it could."""
        try:
            keys = self._source.keys()
        except DriverError as wrong:
            return str(wrong)
        except Exception as wrong:
            # A tick's edge: the next reading may do better, and the device's own thread is not concerned.
            log.exception("accounting could not be read: %s", self._source.name)
            return type(wrong).__name__
        if keys is None or keys:
            self._inbox.put(keys)
            self._wake()
        return ""
