"""The clock's next tick for a decision: the earliest instant ahead that anything which was looked at depends on.

Beside everything in the core that compares an instant with `now`: each notes it here, and the review reads `at` as
the decision's `review_at`. What is noted for nothing costs one review; what is forgotten is a customer forgotten.
"""

from datetime import datetime


class Horizon:
    """The earliest instant after `now` at which anything that was looked at changes by the clock alone."""

    __slots__ = ("_now", "at")

    def __init__(self, now: datetime) -> None:
        self._now = now
        self.at: datetime | None = None

    def note(self, at: datetime | None) -> None:
        """Remember `at` if it is ahead and nearer than what is known."""
        if at is not None and at > self._now and (self.at is None or at < self.at):
            self.at = at
