"""When a device is read in full: at a start, after a failure or a restart of the device at once, else on a schedule.

The schedule has jitter, and the first interval after a start is drawn from its whole second half, so that devices
that an agent has begun with together are not swept together. A sweep that takes long comes less often: a device
spends at most a tenth of its time on being read, the check of its setup after each sweep included.
"""

from agents.backoff import about, spread
from agents.clock import Clock

REST = 9.0
"""How many times as long as its last sweep took a device is left in peace before the next one."""


class Sweeps:
    """One device's. Times are monotonic; `at` is when the next sweep is due, `read_at` when the last complete one
    ended, None before."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock = clock
        self._seconds = seconds
        self._up_seconds: float | None = None
        self._swept = False
        self._rested_at = 0.0
        self.at = 0.0
        self.read_at: float | None = None
        self.restarts = 0

    @property
    def due(self) -> bool:
        return self._clock.monotonic() >= self.at

    @property
    def wanted(self) -> bool:
        """Whether the next sweep is not to wait for its time."""
        return self.at == 0.0

    def at_once(self) -> None:
        self.at = 0.0

    def soon(self) -> None:
        """Everything may have changed, with nobody hurt for sure: as soon as the device has had its peace."""
        self.at = min(self.at, self._rested_at)

    def done(self, began: float, complete: bool) -> None:
        """A sweep that began at `began` is over; `complete` where it told of everything."""
        now = self._clock.monotonic()
        interval = about(self._seconds) if self._swept else spread(self._seconds)
        self._swept = True
        self._rested_at = now + REST * (now - began)
        self.at = max(now + interval, self._rested_at)
        self.read_at = now if complete else self.read_at

    def checked(self, began: float) -> None:
        """The check that follows a sweep, begun at `began`, is over: the device is left in peace for it, too."""
        now = self._clock.monotonic()
        took = now - began
        self._rested_at = max(now, self._rested_at + took) + REST * took
        if not self.wanted:
            self.at = max(self.at, self._rested_at)

    def has_restarted(self, up_seconds: float | None) -> bool:
        """Whether the device, by what it says in a read, has started anew since the read before: then nothing that was
        read before may be relied upon."""
        former, self._up_seconds = self._up_seconds, up_seconds if up_seconds is not None else self._up_seconds
        restarted = former is not None and up_seconds is not None and up_seconds < former
        self.restarts += restarted
        return restarted
