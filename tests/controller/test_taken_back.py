"""A part payment takes a service back to a rung that it had passed, in the books and in what its device is told."""

from dataclasses import replace

from sqlalchemy import select

from controller.conclusion import Book
from controller.core.policy import Conditions
from controller.review import review_due
from controller.store.engine import Database
from controller.store.tables import entries, impositions
from enforcement.access import Access, Kind
from tests.controller.billing import DAY, NOW, Billing, policy, read_back, set_up, tell


def _rules() -> Book:
    (throttle,) = policy().ladders[Kind.INTERNET]
    portal = replace(throttle, name="portal", access=Access.PORTAL, conditions=(Conditions(minimum_amount=5000),))
    return Book({"es": replace(policy(), ladders={Kind.INTERNET: (throttle, portal)})}, "es")


def test_a_part_payment_opens_as_far_as_what_is_left_would_have_led(database: Database) -> None:
    set_up(database)
    billing, rules = Billing(), _rules()
    tell(
        database, billing.fresh(), *billing.debtor(1), billing.invoice("a1", "f2"), billing.notice("a1", "n2", "portal")
    )
    review_due(database, rules, NOW)
    read_back(database)
    review_due(database, rules, NOW + DAY)
    read_back(database)
    assert _told(database) == "portal"

    tell(database, billing.payment("a1", "p1"), now=NOW + DAY)
    review_due(database, rules, NOW + DAY)
    assert _told(database) == "throttled"
    with database.read() as tx:
        rows = tx.execute(select(impositions).order_by(impositions.c.id)).all()
    assert [(row.stage, row.ended_at is None) for row in rows] == [
        ("throttle", False),
        ("portal", False),
        ("throttle", True),
    ]
    assert rows[1].ended_at == rows[2].at

    tell(database, billing.payment("a1", "p2"), now=NOW + DAY)
    review_due(database, rules, NOW + DAY)
    assert _told(database) == "full"


def _told(db: Database) -> str:
    with db.read() as tx:
        return str(tx.execute(select(entries.c.access)).scalar_one())
