"""An agent: its memory, its link, its devices, and the few threads that move them. `main` starts and stops it."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from threading import Event, Lock, Thread
from typing import Any

from agents.calls import Calls
from agents.clock import SYSTEM_CLOCK, Clock
from agents.concerned import Concerned
from agents.device import Device, Parts
from agents.device_memory import DeviceMemory
from agents.drift import Drift
from agents.guard import Limits
from agents.hearing import Hearing
from agents.inbox import Inbox
from agents.known import Known
from agents.line import Line
from agents.link import WAIT_S, Link
from agents.loop import DeviceThread, Follower
from agents.memory import Memory, Pin
from agents.metrics import Metrics
from agents.news import Listener
from agents.openings import Openings
from agents.permits import Permits
from agents.picture import Picture
from agents.pins import Pins
from agents.reporter import Reporter
from agents.settings import DeviceSettings, Settings, read_token
from agents.told import Told
from agents.watch import Watch
from drivers.base import Driver
from drivers.catalog import driver as catalogued
from enforcement.keys import Key
from enforcement.wire import Feed

log = logging.getLogger("grifo.agent")

PINS_LOOK_S = 0.25
STOP_S = 1.5

MakeDriver = Callable[[str, Mapping[str, Any], str], Driver]


class Agent:
    """Keeps the devices of its settings as its controller wants them, from `start` to `stop`.

    `make_driver` is the drivers' catalogue; `wait_s` is how long the controller may hold the long poll.
    """

    def __init__(
        self,
        settings: Settings,
        make_driver: MakeDriver = catalogued,
        clock: Clock = SYSTEM_CLOCK,
        wait_s: float = WAIT_S,
    ) -> None:
        """Opens the memory; nothing on the network. Raises SettingsError or MemoryUnusable."""
        self.settings = settings
        self.metrics = Metrics()
        self._make_driver = make_driver
        self._clock = clock
        token = read_token(settings.token_file)
        self.memory = Memory(settings.memory, clock.monotonic())
        self._link = Link(settings.controller, token, settings.ca_file)
        self._stopping = Event()
        self._lock = Lock()
        self._told = Told(pins=self.memory.pins(clock.now()))
        self._pins = Pins([device.name for device in settings.devices], self.memory.unpin)
        self._concerned = Concerned(self.memory, {device.name: device.driver for device in settings.devices})
        self._threads: dict[str, DeviceThread] = {}
        self._listeners: list[Listener] = []
        self._follower = Follower(self._link, wait_s, clock, self._stopping, self._heard, self._away)
        self._watcher = Thread(target=self._watch_pins, name="pins", daemon=True)
        self._watch = Watch(self._at_work, settings.stuck_seconds, self.metrics, clock, self._stopping)
        self._end_metrics: Callable[[], None] = lambda: None

    @property
    def devices(self) -> dict[str, Device]:
        """The devices at work; none before a controller has first said which installation this is."""
        return {name: thread.device for name, thread in self._threads.items()}

    def start(self) -> None:
        """Start working; returns at once. Raises OSError where the metrics' address is taken."""
        if self.settings.metrics_listen is not None:
            self._end_metrics = self.metrics.serve(*self.settings.metrics_listen)
        if self.memory.installation:
            self._start_devices(self.memory.installation)
        self._follower.thread.start()
        self._watcher.start()
        self._watch.thread.start()

    def stop(self) -> None:
        """Stop within about two seconds, whatever a device or the controller does."""
        self._stopping.set()
        with self._lock:
            threads = list(self._threads.values())
            told = self._told
        for thread in threads:
            thread.tell(told)
        self._link.interrupt()
        for thread in threads:
            _close(thread.device)
        deadline = self._clock.monotonic() + STOP_S
        own = [self._follower.thread, self._watcher, self._watch.thread, *(each.thread for each in self._listeners)]
        for each in [thread.thread for thread in threads] + own:
            if each.is_alive():
                each.join(max(0.0, deadline - self._clock.monotonic()))
        for thread in threads:
            _close(thread.device)
        self._end_metrics()
        self._link.close()
        self.memory.close()

    def _at_work(self) -> list[Device]:
        with self._lock:
            return [thread.device for thread in self._threads.values()]

    def _start_devices(self, installation: str) -> None:
        with self._lock:
            for device in () if self._stopping.is_set() else self.settings.devices:
                thread = DeviceThread(self._device(device, installation), self.metrics, self._clock, self._stopping)
                thread.tell(self._told)
                self._threads[device.name] = thread
                thread.thread.start()
                self._listen_for(thread)

    def _listen_for(self, thread: DeviceThread) -> None:
        """Hear what accounting tells of a device."""
        device, seconds = thread.device, self.settings.accounting_seconds
        for source in device.parts.driver.news:
            listener = Listener(source, device, thread.wake, seconds, self._clock, self._stopping)
            self._listeners.append(listener)
            listener.thread.start()

    def _device(self, settings: DeviceSettings, installation: str) -> Device:
        name, clock = settings.name, self._clock
        driver = self._make_driver(settings.driver, settings.options, installation)
        memory = DeviceMemory(self.memory, name)
        line = Line(self._link, name, clock)
        known = Known(memory.entries)
        drift = Drift(partial(self.metrics.drift_found, name), partial(self.metrics.drift_repaired, name))
        parts = Parts(
            driver=Calls(driver, clock),
            memory=memory,
            hearing=Hearing(settings, memory, line, installation, clock),
            picture=Picture(installation, driver.capabilities, memory, known, drift, clock.monotonic),
            permits=Permits(memory, self.memory, line, clock, self._limits(settings)),
            known=known,
            reporter=Reporter(memory, known, line, clock, self.settings.sweep_seconds),
            clock=clock,
            pins=self._pins,
            concerned=self._concerned,
            inbox=Inbox(),
            openings=Openings(self.memory, name),
            stopping=self._stopping,
        )
        return Device(name, self.settings.sweep_seconds, parts)

    def _limits(self, device: DeviceSettings) -> Limits:
        of_site = self.settings.guard_per_hour
        of_device = of_site if device.guard_per_hour is None else device.guard_per_hour
        return Limits(device.site, of_site, device.name, of_device)

    # --- what is told to all devices ---------------------------------------------------------------------------------

    def _heard(self, feed: Feed) -> None:
        self.metrics.controller(True)
        if not self.memory.installation:
            self.memory.belong_to(feed.installation)
        if not self._threads:
            self._start_devices(self.memory.installation)
        found_again = not self._told.reachable
        if found_again:
            log.info("controller=%s reachable=yes", self.settings.controller)
        self._tell(lambda told: Told(feed, True, told.connection + found_again, told.pins))

    def _away(self, why: str) -> None:
        self.metrics.controller(False)
        if self._told.reachable or self._told.connection == 0:
            log.warning("controller=%s reachable=no why=%r", self.settings.controller, why)
        self._tell(lambda told: replace(told, reachable=False))

    def _tell(self, change: Callable[[Told], Told]) -> None:
        with self._lock:
            before, self._told = self._told, change(self._told)
            if self._told != before:
                for thread in self._threads.values():
                    thread.tell(self._told)

    def _watch_pins(self) -> None:
        """Another process sets pins in the memory file; this one notices well within a second."""
        while not self._stopping.wait(PINS_LOOK_S):
            try:
                self._tell_pins(self.memory.pins(self._clock.now()))
            except Exception:
                # A tick's edge: what one look could not read, the next one may.
                log.exception("the pins could not be read")

    def _tell_pins(self, pins: Mapping[Key, Pin]) -> None:
        self._tell(lambda told: replace(told, pins=pins))


def _close(device: Device) -> None:
    try:
        device.parts.driver.close()
    except Exception:
        log.exception("device=%s could not be closed", device.name)
