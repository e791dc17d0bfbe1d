"""A stage that was decided and that no device was read to give: it has cut nobody yet."""

from collections.abc import Sequence

from sqlalchemy import select

from controller.core.facts import Suspension
from controller.reports import save_report
from controller.store.engine import Database
from controller.store.queries.facts import facts_of
from controller.store.tables import devices, entries
from enforcement.wire import EntryReport, Report
from tests.controller.billing import DEVICE, MINUTE, NOW, Billing, review, set_up, tell


def _nobody(seconds: float) -> None:
    """Who measures restores is not of interest here."""


def read_back(db: Database, state: str = "verified", device: str = DEVICE) -> None:
    """The agent reports that the device gives what every entry wants."""
    with db.read() as tx:
        standing = tx.execute(select(devices).where(devices.c.name == device)).one()
        rows = tx.execute(select(entries).where(entries.c.device == device)).all()
    told = [EntryReport(row.binding, row.changed_revision, state, row.access) for row in rows]
    report = Report(1, standing.epoch, standing.revision, False, told, [], full_read_age_s=1.0)
    save_report(db, device, standing.epoch, report, NOW, _nobody)


def _suspensions(db: Database) -> Sequence[Suspension]:
    with db.read() as tx:
        (facts,) = facts_of(tx, ["a1"]).values()
    return facts.suspensions


def _paid_after(db: Database, *states: str) -> None:
    set_up(db)
    billing = Billing()
    tell(db, billing.fresh(), *billing.debtor(1))
    review(db)
    for state in states:
        read_back(db, state)
    tell(db, billing.payment("a1", "p1"))
    review(db, NOW + MINUTE)


def test_a_stage_that_no_device_ever_gave_is_no_suspension(database: Database) -> None:
    _paid_after(database)
    assert _suspensions(database) == ()


def test_a_stage_that_was_read_back_is_a_suspension(database: Database) -> None:
    _paid_after(database, "verified")
    assert [(one.since, one.until) for one in _suspensions(database)] == [(NOW, NOW + MINUTE)]


def test_a_stage_that_waits_for_the_next_login_is_a_suspension(database: Database) -> None:
    _paid_after(database, "armed")
    assert len(_suspensions(database)) == 1
