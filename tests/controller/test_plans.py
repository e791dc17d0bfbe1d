"""What SQLite would read to answer agents: with statements that read a whole device, a bulk of n costs n times n."""

import sqlite3
from collections.abc import Callable
from functools import partial
from typing import Any

from sqlalchemy import Connection, event

from controller.permits import permit
from controller.store.engine import Database
from controller.store.queries import reporting
from controller.store.queries.entries import entries_after
from controller.store.queries.standing import where_devices_stand
from enforcement.wire import EntryReport, PermitAsk, PermitRequest
from tests.controller.billing import DEVICE, NOW, book, set_up

MANY = [f"b{number}" for number in range(500)]


def _plans(db: Database, work: Callable[[Connection], object]) -> list[str]:
    """How each statement of `work` that looks at entries finds them (EXPLAIN QUERY PLAN)."""
    found: list[str] = []

    def explain(connection: Connection, cursor: sqlite3.Cursor, statement: str, values: Any, *_: object) -> None:
        if "FROM entries" in statement:
            beside = connection.connection.cursor()
            rows = beside.execute(f"EXPLAIN QUERY PLAN {statement}", values).fetchall()
            found.extend(str(row[3]) for row in rows if " entries" in row[3] or " other" in row[3])
            beside.close()

    with db.write() as tx:
        event.listen(tx, "before_cursor_execute", explain)
        work(tx)
    return found


def test_a_permit_reads_the_entries_that_it_is_asked_for_and_no_device(sqlite_database: Database) -> None:
    set_up(sqlite_database)
    asks = [PermitAsk(binding, 1) for binding in MANY]
    plans = _plans(sqlite_database, lambda tx: permit(tx, DEVICE, PermitRequest("", asks), book(), lambda: NOW))
    assert plans
    assert [plan for plan in plans if "(binding=?)" not in plan and "(key=? AND device=?)" not in plan] == []


def test_a_report_reads_the_entries_that_it_speaks_of_and_no_device(sqlite_database: Database) -> None:
    set_up(sqlite_database)
    reports = [EntryReport(binding, 1, "verified", "full") for binding in MANY]
    plans = _plans(sqlite_database, lambda tx: reporting.reported_rows(tx, DEVICE, reports))
    plans += _plans(sqlite_database, lambda tx: reporting.lock_for_reports(tx, DEVICE, reports))
    assert len(plans) == 2
    assert [plan for plan in plans if "(binding=?)" not in plan] == []


def test_a_page_of_entries_begins_where_the_one_before_it_ended(sqlite_database: Database) -> None:
    set_up(sqlite_database)
    with sqlite_database.read() as tx:
        device = where_devices_stand(tx).devices[DEVICE]
    asked = partial(entries_after, device=DEVICE, epoch=device.epoch, after=device.revision, past="b7", limit=100)
    plans = _plans(sqlite_database, asked)
    assert ["(device=? AND changed_revision>?)" in plan for plan in plans] == [True]
