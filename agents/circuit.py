"""Whether a device is tried at all: after a failure not at once again, and after each further one later still.

    closed ── a turn fails ──► open ── its pause is over ──► half-open ── a full read ──► closed
                                 ▲                              │
                                 └────────── it fails ──────────┘

A device that is dead, hangs or answers nonsense so costs its own thread a try a minute, and nobody else anything.
"""

from enum import StrEnum

from agents.backoff import pause
from agents.clock import Clock

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0


class State(StrEnum):
    """How the circuit stands."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Circuit:
    """One device's. `longest_s` bounds the pause; it belongs to the device's thread, others may look at `state`."""

    def __init__(self, clock: Clock, longest_s: float) -> None:
        self._clock = clock
        self._longest_s = min(LONGEST_PAUSE_S, longest_s)
        self._failures = 0
        self._why = ""
        self.open_until = 0.0

    def failed(self, why: str) -> None:
        """The device could not be read or written; `why` in words without secrets."""
        self._failures += 1
        self._why = why
        self.open_until = self._clock.monotonic() + pause(self._failures, FIRST_PAUSE_S, self._longest_s)

    def close(self) -> None:
        """The device was read in full."""
        self._failures, self._why, self.open_until = 0, "", 0.0

    @property
    def state(self) -> State:
        if not self._failures:
            return State.CLOSED
        return State.HALF_OPEN if self.lets_through else State.OPEN

    @property
    def lets_through(self) -> bool:
        return self._clock.monotonic() >= self.open_until

    @property
    def problems(self) -> tuple[str, ...]:
        """What a report says of it; the same words for as long as the device fails in the same way."""
        if not self._failures:
            return ()
        words = f"its circuit is open: it is tried again after growing pauses of at most {self._longest_s:.0f} s"
        return (self._why, words)
