"""The schedule: a ticker, nothing more. What is due stands in the database, so a tick missed is a tick made up.

One thread reviews accounts as soon as it is nudged: by the ticker each second, and at once by every commit that marked
an account. A restore does not wait for a tick.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC

from apscheduler.schedulers.background import BackgroundScheduler

TICK_S = 1
HOUSEKEEPING_S = 3600

BEGIN_ENDS_S = 10
"""How long an end waits for what is done once at the start: it works in short transactions, and begins anew."""

LOOK_AGAIN_S = 0.02
LOOKS_AGAIN = 25
"""A permit or a report holds accounts for milliseconds: a restore does not wait a whole tick for it. What is held for
longer waits for the tick."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Progress:
    """What a turn came to: accounts that it took, and whether others were due that somebody else held just then."""

    taken: int
    waiting: bool


class Schedule:
    """Runs `review` until it says that nothing is due, whenever nudged; `begin` once beside it, `housekeep` hourly.

    `failed` is called for a turn that raised; the next one is tried at the next tick.
    """

    def __init__(
        self,
        review: Callable[[], Progress],
        housekeep: Callable[[], None],
        failed: Callable[[], None],
        begin: Callable[[], object] = lambda: None,
    ) -> None:
        self._review = review
        self._housekeep = housekeep
        self._begin = begin
        self._failed = failed
        self._nudged = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._review_for_ever, name="reviews", daemon=True)
        self._beginner = threading.Thread(target=lambda: self._guarded(self._begin), name="begin", daemon=True)
        self._ticker = BackgroundScheduler(
            timezone=UTC, job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        )

    def start(self) -> None:
        """Begin; what has come due since the last stop is looked at once."""
        self._ticker.add_job(self.nudge, "interval", seconds=TICK_S)
        self._ticker.add_job(self._keep_house, "interval", seconds=HOUSEKEEPING_S)
        self._thread.start()
        self._beginner.start()
        self._ticker.start()
        self.nudge()

    def nudge(self) -> None:
        """Look for due accounts now. Safe from any thread, at any time."""
        self._nudged.set()

    def stop(self) -> None:
        """End after the batch in hand; nothing is lost, since what is due stays marked."""
        self._stopping.set()
        self._nudged.set()
        if self._ticker.running:
            self._ticker.shutdown(wait=True)
        if self._thread.is_alive():
            self._thread.join()
        if self._beginner.is_alive():
            self._beginner.join(BEGIN_ENDS_S)

    def _review_for_ever(self) -> None:
        while not self._stopping.is_set():
            self._nudged.wait()
            self._nudged.clear()
            self._guarded(self._review_all)

    def _review_all(self) -> None:
        looks = LOOKS_AGAIN
        while not self._stopping.is_set():
            progress = self._review()
            if progress.taken:
                looks = LOOKS_AGAIN
            elif progress.waiting and looks:
                looks -= 1
                self._stopping.wait(LOOK_AGAIN_S)
            else:
                return

    def _keep_house(self) -> None:
        self._guarded(self._housekeep)

    def _guarded(self, work: Callable[[], object]) -> None:
        try:
            work()
        except Exception:
            log.exception("a tick of the schedule failed; the next one tries again")
            self._failed()
