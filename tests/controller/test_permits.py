"""What a permit looks at besides the entry: marks by any clock, moved services, and all reasons of the access."""

from dataclasses import replace
from datetime import datetime, time
from typing import Any

import pytest
from sqlalchemy import select

from controller.conclusion import Book
from controller.core.calendar import Calendar, Window
from controller.core.facts import HoldKind
from controller.core.policy import Conditions, HoldBound, HoldRules, Policy, Stage
from controller.permits import permit
from controller.review import review_due
from controller.store.engine import Database
from controller.store.queries import ordering, outages
from controller.store.tables import accounts, entries
from enforcement.access import Access, Kind
from enforcement.wire import PermitAsk, PermitRequest
from tests.controller.billing import DAY, DEVICE, MINUTE, NOW, Billing, book, policy, review, set_up, tell

_MORNINGS = Window(frozenset(range(1, 6)), time(9), time(14))
NIGHT = NOW.replace(hour=21)


def _refused(db: Database, book: Book, now: datetime = NOW) -> str | None:
    """Why the only entry may not be restricted; None where it may."""
    with db.write() as tx:
        row = tx.execute(select(entries)).one()
        asks = [PermitAsk(row.binding, row.changed_revision)]
        return permit(tx, DEVICE, PermitRequest("", asks), book, lambda: now).refused.get(row.binding)


def _debtor(db: Database, policy: Policy) -> Billing:
    """One service whose only stage is in force."""
    set_up(db)
    billing = Billing()
    tell(db, billing.fresh(), *billing.debtor(1))
    review_due(db, Book({"es": policy}, "es"), NOW)
    return billing


def test_what_a_controller_whose_clock_is_ahead_has_marked_is_refused(database: Database) -> None:
    billing = _debtor(database, policy())
    tell(database, billing.payment("a1", "p1"), now=NOW + MINUTE)
    assert _refused(database, book()) == "its account is being reviewed"


@pytest.mark.servers
def test_the_time_that_counts_is_that_under_the_locks(postgresql_database: Database) -> None:
    db = postgresql_database
    _debtor(db, policy())
    free: list[str] = []

    def clock() -> datetime:
        with db.write() as other:
            free.extend(other.execute(select(accounts.c.id).with_for_update(skip_locked=True)).scalars())
        return NOW

    with db.write() as tx:
        row = tx.execute(select(entries)).one()
        asks = [PermitAsk(row.binding, row.changed_revision)]
        assert permit(tx, DEVICE, PermitRequest("", asks), book(), clock).granted == [row.binding]
    assert free == []


def test_a_service_that_has_moved_is_refused_until_its_new_account_is_reviewed(database: Database) -> None:
    billing = _debtor(database, policy())
    tell(database, *(event for event in billing.debtor(2) if "service" not in event["data"]))
    review(database)
    billing.now = NOW
    tell(database, billing.service("a2", "s1", (DEVICE, "username:u1")), now=NOW + MINUTE)
    assert review_due(database, book(), NOW + MINUTE, limit=1).remaining == 1
    assert _refused(database, book(), NOW + MINUTE) == "its service has moved to another account"
    review(database, NOW + MINUTE)
    assert _refused(database, book(), NOW + MINUTE) is None


def _portal(**changed: Any) -> Policy:
    (throttle,) = policy().ladders[Kind.INTERNET]
    portal = Stage("throttle", Access.PORTAL, (Conditions(),), throttle.notice, throttle.source)
    return replace(policy(), ladders={Kind.INTERNET: (portal,)}, **changed)


def _order(db: Database, access: str) -> None:
    told: dict[str, Any] = {"since": NOW - DAY, "until": None, "author": "noc", "note": "spam", "reason": "abuse"}
    with db.write() as tx:
        ordering.give_order(tx, id="o1", account_id="a1", service_id="s1", access=access, **told)


@pytest.mark.parametrize(
    ("ordered", "why"), [("throttled", "it is outside the policy's hours for restricting"), ("portal", None)]
)
def test_an_order_opens_the_policys_hours_only_for_what_it_gives_by_itself(
    database: Database, ordered: str, why: str | None
) -> None:
    set_up(database)
    _order(database, ordered)
    billing = Billing()
    tell(database, billing.fresh(), *billing.debtor(1))
    review_due(database, Book({"es": _portal()}, "es"), NOW)
    assert _refused(database, Book({"es": _portal()}, "es")) is None
    assert _refused(database, Book({"es": _portal(window=_MORNINGS)}, "es"), NIGHT) == why


def test_a_holiday_of_the_customers_town_closes_the_policys_hours(database: Database) -> None:
    billing = _debtor(database, policy())
    days = Calendar(frozenset(), towns={"Palma": frozenset({NOW.date()})})
    at_work = Book({"es": replace(policy(), calendar=days)}, "es")
    assert _refused(database, at_work) is None
    billing.now = NOW
    tell(database, billing.account("a1", municipality="Palma"), now=NOW + MINUTE)
    review_due(database, at_work, NOW + MINUTE)
    assert _refused(database, at_work, NOW + MINUTE) == "it is outside the policy's hours for restricting"


def test_an_outage_bars_a_first_restriction_that_was_decided_before_it(database: Database) -> None:
    _debtor(database, policy())
    with database.write() as tx:
        outages.begin_outage(tx, ("device", DEVICE), NOW, NOW + DAY, "ana", "fibre cut")
    assert _refused(database, book()) == "its account is being reviewed"
    review(database)
    assert _refused(database, book()) == "it is to be open"


def test_a_hold_that_has_lasted_as_long_as_the_policy_allows_bars_nothing(database: Database) -> None:
    billing = Billing()
    hold = {"hold": "h1", "account": "a1", "kind": "promise", "since": (NOW - 9 * DAY).isoformat(), "author": "x"}
    set_up(database)
    tell(database, billing.fresh(), *billing.debtor(1), billing.event("hold", hold | {"note": "soon"}))
    bounded = HoldRules(bounds={HoldKind.PROMISE: HoldBound(days=2)})
    short = Book({"es": replace(policy(), holds=bounded)}, "es")
    review_due(database, short, NOW)
    assert _refused(database, short) is None
