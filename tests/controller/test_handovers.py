"""The hand-overs of rules 1 and 3, on real databases: a payment and a review cannot cross, no revision is skipped.

Each test here fails when a lock is taken out; tried one by one:

- `with_for_update` out of `accounts_due`: the payment told in mid-review commits unseen, the review then takes its mark
  away, and the customer stays cut for good (`test_a_payment_told_in_mid_review_is_not_lost`).
- `next_revisions` reading and adding one instead of the locking UPDATE: two reviews write one revision twice, a feed
  reader passes it by, and what it has differs from the table (`test_two_reviewing_controllers_...`).
"""

import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

import pytest
from sqlalchemy import select

from controller.conclusion import Book
from controller.core.policy import Policy
from controller.reports import save_report
from controller.review import review_due
from controller.store.engine import Database
from controller.store.queries.entries import entries_after
from controller.store.tables import devices, entries
from enforcement.entries import Entry
from enforcement.wire import Report
from tests.controller.billing import DAY, DEVICE, NOW, Billing, book, policy, review, set_up, tell

pytestmark = pytest.mark.slow

LONG_ENOUGH_S = 1.0
"""Many times what an intake takes that no lock stops. One that is stopped takes all of it: nothing is timed closely."""


class Interrupted(dict[str, Policy]):
    """Policies that let something happen when a review first looks at them: it has locked and loaded by then."""

    def __init__(self, happens: Callable[[], None]) -> None:
        super().__init__(es=policy())
        self._happens: Callable[[], None] | None = happens

    def get(self, *name: Any) -> Any:
        happens, self._happens = self._happens, None
        if happens is not None:
            happens()
        return super().get(*name)


class Beside:
    """Other controllers and agents in threads of their own; an error of theirs is an error of the test."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=8)
        self._running: list[Future[object]] = []

    def start(self, work: Callable[[], object]) -> Future[object]:
        running = self._pool.submit(work)
        self._running.append(running)
        return running

    def join(self) -> None:
        for running in self._running:
            running.result(timeout=60)
        self._running.clear()


@pytest.fixture
def beside() -> Iterator[Beside]:
    others = Beside()
    yield others
    others.join()


def _accesses(db: Database) -> dict[str, str]:
    with db.read() as tx:
        return {row.account_id: row.access for row in tx.execute(select(entries))}


def test_a_payment_told_in_mid_review_is_not_lost(database: Database, beside: Beside) -> None:
    set_up(database)
    billing = Billing()
    tell(database, billing.fresh(), *billing.debtor(1))
    payment = billing.payment("a1", "p1")

    def pays() -> None:
        wait([beside.start(lambda: tell(database, payment))], timeout=LONG_ENOUGH_S)

    review_due(database, Book(Interrupted(pays), "es"), NOW)
    beside.join()
    review(database)
    assert _accesses(database) == {"a1": "full"}


@pytest.mark.servers
def test_a_second_controller_leaves_the_accounts_of_the_first_alone(
    postgresql_database: Database, beside: Beside
) -> None:
    db = postgresql_database
    set_up(db)
    billing = Billing()
    tell(db, billing.fresh(), *billing.debtor(1))
    found: list[int] = []

    def reviews_too() -> None:
        beside.start(lambda: found.append(review_due(db, book(), NOW).reviewed))
        beside.join()

    assert review_due(db, Book(Interrupted(reviews_too), "es"), NOW).reviewed == 1
    assert found == [0]


def test_what_a_review_has_not_committed_no_feed_shows(database: Database) -> None:
    set_up(database)
    billing = Billing()
    tell(database, billing.fresh(), *billing.debtor(1))
    seen: list[int] = []

    def polls() -> None:
        seen.append(len(_feed(database, 0).entries))

    review_due(database, Book(Interrupted(polls), "es"), NOW)
    assert seen == [0]
    assert len(_feed(database, 0).entries) == 1


def _feed(db: Database, after: int, device: str = "bras1") -> Any:
    with db.read() as tx:
        epoch = tx.execute(select(devices.c.epoch).where(devices.c.name == device)).scalar_one()
        return entries_after(tx, device, epoch, after)


class FeedReader:
    """An agent's memory of one device, kept by polling while others write."""

    def __init__(self, db: Database, device: str) -> None:
        self._db = db
        self.device = device
        self.revision = 0
        self.memory: dict[str, Entry] = {}

    def poll(self) -> None:
        answer = _feed(self._db, self.revision, self.device)
        assert answer.revision >= self.revision
        self.revision = answer.revision
        self.memory.update({entry.binding: entry for entry in answer.entries})


class Town:
    """Customers who pay and stop paying, on two devices."""

    def __init__(self, db: Database, seed: int) -> None:
        self.db = db
        self.billing = Billing()
        self.chance = random.Random(seed)
        self.paid = dict.fromkeys(range(24), False)
        self.readers = [FeedReader(db, name) for name in ("bras1", "bras2")]
        self.told = threading.Event()
        self.over = threading.Event()
        for n in self.paid:
            tell(db, *self.billing.debtor(n, self.readers[n % 2].device))
        tell(db, self.billing.fresh())

    def bills(self) -> None:
        for turn in range(40):
            n = self.chance.choice(list(self.paid))
            self.paid[n] = not self.paid[n]
            event = self.billing.payment if self.paid[n] else self.billing.invoice
            tell(self.db, event(f"a{n}", f"x{turn}", 1_000_000))
        self.told.set()

    def controls(self) -> None:
        while not (self.told.is_set() and review_due(self.db, book(), NOW + DAY, limit=3).remaining == 0):
            review_due(self.db, book(), NOW + DAY, limit=3)

    def polls(self) -> None:
        while not self.over.wait(0.005):
            for reader in self.readers:
                reader.poll()


@pytest.mark.parametrize("seed", [1, 2])
def test_two_reviewing_controllers_and_intake_lose_no_payment_and_skip_no_revision(
    database: Database, beside: Beside, seed: int
) -> None:
    """Two controllers review small batches, billing tells, and an agent polls two devices; then all must agree."""
    set_up(database, "bras1", "bras2")
    town = Town(database, seed)
    agent = beside.start(town.polls)
    wait([beside.start(work) for work in (town.bills, town.controls, town.controls)])
    town.over.set()
    wait([agent])
    review(database, NOW + DAY)

    assert _accesses(database) == {f"a{n}": "full" if paid else "throttled" for n, paid in town.paid.items()}
    for reader in town.readers:
        reader.poll()
        everything = _feed(database, 0, reader.device)
        assert reader.memory == {entry.binding: entry for entry in everything.entries}
        assert max(entry.changed_revision for entry in everything.entries) == everything.revision


@pytest.mark.servers
def test_a_whole_report_and_a_review_do_not_wait_for_each_other(
    postgresql_database: Database, beside: Beside, caplog: pytest.LogCaptureFixture
) -> None:
    db = postgresql_database
    set_up(db)
    billing = Billing()
    tell(db, billing.fresh(), *billing.debtor(1), *billing.debtor(2))
    review(db)
    billing.now = NOW - DAY
    tell(db, billing.payment("a1", "p1"), billing.payment("a2", "p2"))
    place = _feed(db, 0)
    says_nothing = Report(1, place.epoch, place.revision, whole=True, entries=[], strays=[], full_read_age_s=1.0)

    def reports() -> None:
        wait([beside.start(lambda: save_report(db, DEVICE, place.epoch, says_nothing, NOW, _nobody))], LONG_ENOUGH_S)

    assert review_due(db, Book(Interrupted(reports), "es"), NOW).reviewed == 2
    beside.join()
    assert _accesses(db) == {"a1": "full", "a2": "full"}
    assert caplog.text == "", "the review's batch was given up and made one by one"


def _nobody(seconds: float) -> None:
    """Who measures restores is not of interest here."""
