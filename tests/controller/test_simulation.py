"""A simulation takes facts as a review does, tells what blocks a cut, and one account stops no other."""

from sqlalchemy import update

from controller.conclusion import Book
from controller.core.foresight import Assume, What
from controller.simulation import Found, Question, simulate
from controller.store.engine import Database
from controller.store.queries.devices import set_mode
from controller.store.queries.foreseeing import Chosen
from controller.store.tables import invoices
from enforcement.access import Kind
from enforcement.modes import Mode
from tests.controller.billing import DAY, DEVICE, MINUTE, NOW, Billing, policy, review, set_up, tell

BOOK = Book({"es": policy()}, "es")


def _found(db: Database) -> list[tuple[str, What, list[str]]]:
    question = Question(Chosen(), NOW + MINUTE, NOW + 10 * DAY, Assume(True, True))
    found = [one for one in simulate(db, BOOK, question) if isinstance(one, Found)]
    return [(one.account, one.foreseen.what, [block.code for block in one.foreseen.blocks]) for one in found]


def test_what_was_only_observed_is_a_cut_to_come_once_its_device_enforces(sqlite_database: Database) -> None:
    set_up(sqlite_database, mode=Mode.OBSERVE)
    tell(sqlite_database, Billing().fresh(), *Billing("other").debtor(1))
    review(sqlite_database)
    with sqlite_database.write() as tx:
        set_mode(tx, DEVICE, [Kind.INTERNET], Mode.ENFORCE, "test", NOW)
    assert _found(sqlite_database) == [("a1", What.CUT, [])]


def test_a_policy_that_is_not_loaded_is_told_as_what_blocks(sqlite_database: Database) -> None:
    set_up(sqlite_database)
    billing = Billing()
    tell(sqlite_database, billing.fresh(), *billing.debtor(1), billing.account("a1", policy="gone"))
    assert _found(sqlite_database) == [("a1", What.WAIT, ["policy_missing"])]


def test_an_account_that_cannot_be_looked_at_is_told_and_stops_no_other(sqlite_database: Database) -> None:
    set_up(sqlite_database)
    billing = Billing()
    tell(sqlite_database, billing.fresh(), *billing.debtor(1), *billing.debtor(2))
    broken = [{"amount": "many", "service": "s1", "charge": "service"}]
    with sqlite_database.write() as tx:
        tx.execute(update(invoices).where(invoices.c.account_id == "a1").values(lines=broken))
    assert _found(sqlite_database) == [("a1", What.WAIT, ["failed"]), ("a2", What.CUT, [])]
