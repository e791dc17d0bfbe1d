"""The one place of the agents that reads the clock.

Durations (permits, sweeps, backoff, guard) are measured on the monotonic clock alone: a machine whose wall clock is set
back must not find an expired permit valid. Wall time is for people: logs, and the day on which a pin ends.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Clock:
    """`monotonic` in seconds since the machine started (CLOCK_MONOTONIC, clock_gettime(2)); `now` aware, in UTC."""

    monotonic: Callable[[], float]
    now: Callable[[], datetime]


SYSTEM_CLOCK = Clock(time.monotonic, lambda: datetime.now(UTC))
