"""How fast a throttled service still is: from the policy's stage to the entry that an agent fetches."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, update

from controller.conclusion import Book
from controller.review import review_due
from controller.store.engine import Database
from controller.store.queries.accounts import lock_accounts, mark_for_review
from controller.store.queries.entries import entries_after
from controller.store.tables import decisions, devices, entries, timeline
from enforcement.access import Kind, Rate
from enforcement.wire import entry_from_wire, entry_to_wire
from tests.controller.billing import DEVICE, MINUTE, NOW, Billing, policy, set_up, tell

SLOW, FAST = Rate(512, 128), Rate(1024, 512)


def _book(rate: Rate | None) -> Book:
    usual = policy()
    ladder = tuple(replace(stage, rate=rate) for stage in usual.ladders[Kind.INTERNET])
    return Book({"es": replace(usual, ladders={Kind.INTERNET: ladder}, version=str(rate))}, "es")


def _throttled(db: Database, rate: Rate | None) -> Billing:
    """A customer that a policy with this rate has throttled, and who was read to be so."""
    set_up(db)
    billing = Billing()
    tell(db, billing.fresh(), *billing.debtor(1))
    review_due(db, _book(rate), NOW)
    with db.write() as tx:
        tx.execute(update(entries).values(state="verified", verified_at=NOW))
    return billing


def _review(db: Database, rate: Rate | None) -> None:
    with db.write() as tx:
        lock_accounts(tx, ["a1"])
        mark_for_review(tx, ["a1"], NOW)
    assert review_due(db, _book(rate), NOW + MINUTE).failed == 0


def _row(db: Database, table: Any = entries) -> Any:
    with db.read() as tx:
        return tx.execute(select(table)).one()


def test_an_agent_is_told_the_rate_of_the_stage(database: Database) -> None:
    _throttled(database, SLOW)
    with database.read() as tx:
        told = entries_after(tx, DEVICE, tx.execute(select(devices.c.epoch)).scalar_one(), 0)
    assert told is not None
    assert [entry.rate for entry in told.entries] == [SLOW]
    assert entry_from_wire({"binding": "b1", **vars_of(told.entries[0])}).rate == SLOW


def vars_of(entry: Any) -> dict[str, Any]:
    wired = entry_to_wire(entry)
    return {name: getattr(wired, name) for name in wired.__dataclass_fields__}


def test_the_reason_says_how_fast_it_still_is(database: Database) -> None:
    _throttled(database, SLOW)
    (reason,) = _row(database, decisions).body["reasons"]
    assert "throttle to 512/128 kbit/s for non-payment" in reason["text"]


@pytest.mark.parametrize(
    ("before", "after", "first"),
    [
        pytest.param(FAST, SLOW, True, id="slower"),
        pytest.param(SLOW, FAST, False, id="faster"),
        pytest.param(FAST, Rate(2048, 256), True, id="slower-one-way"),
        pytest.param(None, FAST, True, id="from-the-devices-own"),
        pytest.param(FAST, None, True, id="to-the-devices-own"),
    ],
)
def test_another_rate_alone_is_told_anew_and_counts_as_a_cut_where_it_may_slow(
    database: Database, before: Rate | None, after: Rate | None, first: bool
) -> None:
    _throttled(database, before)
    revision = _row(database).changed_revision
    _review(database, after)
    row = _row(database)
    rate = None if row.down_kbps is None else Rate(row.down_kbps, row.up_kbps)
    assert (rate, row.access, row.first, row.state) == (after, "throttled", first, "pending")
    assert row.changed_revision == revision + 1 == _row(database, devices).revision


def test_a_policy_that_says_the_same_rate_changes_nothing(database: Database) -> None:
    _throttled(database, SLOW)
    before = _row(database)
    _review(database, SLOW)
    assert _row(database) == before


def test_a_faster_rate_is_timed_from_its_own_cause_and_from_no_restore_of_long_ago(database: Database) -> None:
    _throttled(database, SLOW)
    with database.write() as tx:
        tx.execute(update(entries).values(cause_at=NOW - 60 * MINUTE))
    _review(database, FAST)
    assert _row(database).cause_at == NOW


def test_a_payment_takes_the_rate_away_with_the_restriction(database: Database) -> None:
    billing = _throttled(database, SLOW)
    tell(database, billing.payment("a1", "p1"), now=NOW + MINUTE)
    review_due(database, _book(SLOW), NOW + MINUTE)
    row = _row(database)
    assert (row.access, row.down_kbps, row.up_kbps) == ("full", None, None)


def test_a_slower_rate_is_timed_from_nothing(database: Database) -> None:
    _throttled(database, FAST)
    with database.write() as tx:
        tx.execute(update(entries).values(cause_at=NOW - 60 * MINUTE))
    _review(database, SLOW)
    assert _row(database).cause_at is None


def test_another_rate_is_told_in_the_timeline_and_the_same_is_not(database: Database) -> None:
    _throttled(database, FAST)
    for rate in (SLOW, SLOW):
        _review(database, rate)
    with database.read() as tx:
        told = tx.execute(
            select(timeline.c.text).where(timeline.c.kind == "decision").order_by(timeline.c.id)
        ).scalars()
        assert [("1024/512" in text, "512/128" in text) for text in told] == [(True, False), (False, True)]
