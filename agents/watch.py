"""The watch: sees which device's thread is stuck in a call that does not return, and says so in its place.

First the connection is closed under the call, which ends any wait that a driver knows of. What still does not return
is shown as stuck, in the metrics and to the controller; the other devices have threads of their own and go on.
"""

import logging
from collections.abc import Callable, Iterable
from threading import Event, Thread

from agents.calls import Call
from agents.clock import Clock
from agents.device import Device
from agents.metrics import Metrics

log = logging.getLogger("grifo.agent")

LOOK_S = 0.5


class Watch:
    """Looks at all devices; `stuck_s` is how long one call may take."""

    def __init__(
        self,
        devices: Callable[[], Iterable[Device]],
        stuck_s: float,
        metrics: Metrics,
        clock: Clock,
        stopping: Event,
    ) -> None:
        self._devices = devices
        self._stuck_s = stuck_s
        self._metrics = metrics
        self._clock = clock
        self._stopping = stopping
        self._seen: dict[str, Call] = {}
        self._said: dict[str, Call] = {}
        self.thread = Thread(target=self._run, name="watch", daemon=True)

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_S):
            for device in self._devices():
                try:
                    self._look(device)
                except Exception:
                    # A tick's edge: what one look could not do, the next one may.
                    log.exception("device=%s could not be watched", device.name)

    def _look(self, device: Device) -> None:
        call = device.parts.driver.present
        stuck = call is not None and self._clock.monotonic() - call.began >= self._stuck_s
        self._metrics.stuck(device.name, stuck)
        if call is None or not stuck:
            if self._seen.pop(device.name, None):
                log.warning("device=%s is no longer stuck", device.name)
            return
        problem = f"it is stuck: a call to {call.name} has not returned within {self._stuck_s:.0f} s"
        if self._seen.get(device.name) is not call:
            self._seen[device.name] = call
            log.error("device=%s %s", device.name, problem)
            device.parts.driver.close()
        if self._said.get(device.name) is not call and device.parts.reporter.say_alone(problem):
            self._said[device.name] = call
