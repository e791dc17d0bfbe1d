"""A driver whose calls are timed from outside, so that one that never returns is seen by somebody who still can look.

A driver has timeouts for connecting and reading; this is for the day on which they do not suffice.
"""

from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass

from agents.clock import Clock
from drivers.base import Capabilities, Driver, News, Step
from enforcement.changes import Change, Outcome
from enforcement.keys import Key
from enforcement.observed import Observed


@dataclass(frozen=True, slots=True)
class Call:
    """A call under way: its name, and when it began (monotonic)."""

    name: str
    began: float


class Calls:
    """A `drivers.base.Driver` that hands everything on. `present` may be read from any thread; `close` may be called
    from any thread too, and makes a call that waits for the device end."""

    def __init__(self, driver: Driver, clock: Clock) -> None:
        self._driver = driver
        self._clock = clock
        self.present: Call | None = None

    @property
    def capabilities(self) -> Capabilities:
        return self._driver.capabilities

    @property
    def news(self) -> Sequence[News]:
        return self._driver.news

    def observe(self, keys: Set[Key] | None = None) -> Observed:
        with self._timed("observe"):
            return self._driver.observe(keys)

    def apply(self, slice: Sequence[Change]) -> Sequence[Outcome]:
        with self._timed("apply"):
            return self._driver.apply(slice)

    def check(self) -> Sequence[str]:
        with self._timed("check"):
            return self._driver.check()

    def prepare(self, install: bool) -> Sequence[Step]:
        with self._timed("prepare"):
            return self._driver.prepare(install)

    def close(self) -> None:
        self._driver.close()

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        self.present = Call(name, self._clock.monotonic())
        try:
            yield
        finally:
            self.present = None
