"""The schedule: what a permit or a report holds for an instant is looked at again at once, not at the next tick."""

import threading

import pytest
from sqlalchemy import select

from controller import schedule
from controller.review import review_due
from controller.schedule import Progress, Schedule
from controller.store.engine import Database
from controller.store.queries.permitting import lock_accounts_of
from controller.store.tables import entries
from tests.controller.billing import DEVICE, NOW, Billing, book, review, set_up, tell

PATIENCE_S = 20.0


def _nothing() -> None:
    """What this schedule has to do besides reviews, or when one fails."""


@pytest.mark.servers
def test_a_restore_that_a_permit_kept_waiting_does_not_wait_for_the_next_tick(
    postgresql_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "TICK_S", 3600)
    db, billing = postgresql_database, Billing()
    set_up(db)
    tell(db, billing.fresh(), *billing.debtor(1))
    review(db)
    tell(db, billing.payment("a1", "p1"))
    passed_over, done = threading.Event(), threading.Event()

    def turn() -> Progress:
        result = review_due(db, book(), NOW)
        (done if result.reviewed else passed_over).set()
        return Progress(result.reviewed, result.remaining > 0)

    looking = Schedule(turn, _nothing, _nothing)
    try:
        with db.write() as tx:
            binding = tx.execute(select(entries.c.binding)).scalar_one()
            lock_accounts_of(tx, DEVICE, [binding])
            looking.start()
            assert passed_over.wait(PATIENCE_S)
        assert done.wait(PATIENCE_S), "it was left for the tick"
    finally:
        looking.stop()
    with db.read() as tx:
        assert tx.execute(select(entries.c.access)).scalar_one() == "full"


def test_what_is_to_be_done_once_is_done_beside_the_reviews(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "TICK_S", 3600)
    begun, reviewed, may_end = threading.Event(), threading.Event(), threading.Event()

    def begin() -> None:
        begun.set()
        assert may_end.wait(PATIENCE_S), "a review waits for it"

    def turn() -> Progress:
        assert begun.wait(PATIENCE_S), "it never began"
        reviewed.set()
        return Progress(0, waiting=False)

    beginning = Schedule(turn, _nothing, _nothing, begin)
    beginning.start()
    try:
        assert reviewed.wait(PATIENCE_S)
    finally:
        may_end.set()
        beginning.stop()
