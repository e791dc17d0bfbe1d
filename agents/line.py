"""One device's use of the link: a controller that has just failed to answer is not waited for again at once.

A device's thread must not stand waiting for its controller while a customer waits for the device.
"""

from collections.abc import Callable, Iterable
from typing import TypeVar

from agents.backoff import pause
from agents.clock import Clock
from agents.link import ControllerAway, FetchedEntries, Link
from agents.told import Told
from enforcement.wire import Enrolment, Permit, PermitRequest, Report

Answer = TypeVar("Answer")

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0


class Line:
    """The calls that concern one device. Each raises LinkError; ControllerAway at once during a pause."""

    def __init__(self, link: Link, device: str, clock: Clock) -> None:
        self._link = link
        self._device = device
        self._clock = clock
        self._reachable = False
        self._connection = 0
        self._failures = 0
        self._away_until = 0.0

    def hear(self, told: Told) -> None:
        """Take whether the controller answers the feed; one that was found again is tried again at once."""
        self._reachable = told.reachable
        if told.connection != self._connection:
            self._connection = told.connection
            self._failures = 0
            self._away_until = 0.0

    @property
    def usable_at(self) -> float:
        """From when on a call is tried (monotonic); infinity while the feed has no answer either."""
        return self._away_until if self._reachable else float("inf")

    def entries(self, epoch: str, after: int) -> FetchedEntries:
        return self._try(lambda: self._link.entries(self._device, epoch, after))

    def enrol(self, enrolment: Enrolment) -> None:
        self._try(lambda: self._link.enrol(self._device, enrolment))

    def permit(self, request: PermitRequest) -> Permit:
        return self._try(lambda: self._link.permit(self._device, request))

    def report(self, report: Report, entries: Iterable[str]) -> None:
        self._try(lambda: self._link.report(self._device, report, entries))

    def _try(self, call: Callable[[], Answer]) -> Answer:
        if self._clock.monotonic() < self.usable_at:
            raise ControllerAway("no controller")
        try:
            answer = call()
        except ControllerAway:
            self._failures += 1
            self._away_until = self._clock.monotonic() + pause(self._failures, FIRST_PAUSE_S, LONGEST_PAUSE_S)
            raise
        self._failures = 0
        return answer
