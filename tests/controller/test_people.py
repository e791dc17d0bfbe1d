"""What people decide: holds within bounds, outages, yes and no to a stage; and what a review makes of it."""

import threading
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.exc import SQLAlchemyError

from controller.approving import Said, say_to_stage
from controller.conclusion import Book
from controller.core.facts import HoldKind
from controller.core.policy import HoldBound, HoldRules, Policy, TagRules
from controller.holding import HoldAsked, end_hold, give_hold
from controller.orders import Ordered, restore
from controller.refusals import OrderRefused
from controller.review import review_due
from controller.store.engine import Database
from controller.store.queries import holding, ordering, outages, shown, waiting
from controller.store.queries.accounts import lock_accounts
from controller.store.tables import devices
from enforcement.access import Kind, Reason
from tests.controller.billing import DAY, DEVICE, NOW, Billing, book, policy, review, set_up, tell
from tests.controller.looking import access_in, debtor_in, facts_in

PROMISE = HoldRules(bounds={HoldKind.PROMISE: HoldBound(days=7, times_a_year=1)})


def _promise(db: Database, found: Policy, **more: Any) -> str:
    asked = HoldAsked("a1", "s1", HoldKind.PROMISE, "pays on Friday", "ana", **{"until": NOW + 3 * DAY, **more})
    with db.write() as tx:
        lock_accounts(tx, ["a1"])
        return give_hold(tx, asked, found, NOW)


def test_a_promise_within_the_policy_opens_the_service_until_it_ends(database: Database) -> None:
    debtor_in(database)
    found = replace(policy(), holds=PROMISE)
    review(database)
    hold = _promise(database, found)
    review(database)
    assert access_in(database) == "full"
    with database.write() as tx:
        lock_accounts(tx, ["a1"])
        end_hold(tx, ordering.hold_row_of(tx, hold), "he did not", "ana", NOW)
    review(database)
    assert access_in(database) == "throttled"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"until": NOW + 8 * DAY}, "allows promise until"),
        ({"until": None}, "names its day"),
        ({"until": NOW - DAY}, "has passed"),
        ({"kind": HoldKind.OUTAGE}, "of a device or a site"),
    ],
)
def test_a_hold_beyond_the_policy_is_refused_with_the_bound_in_words(
    sqlite_database: Database, more: dict[str, Any], words: str
) -> None:
    debtor_in(sqlite_database)
    asked = HoldAsked("a1", "s1", HoldKind.PROMISE, "note", "ana", until=NOW + DAY)
    with pytest.raises(OrderRefused, match=words), sqlite_database.write() as tx:
        give_hold(tx, replace(asked, **more), replace(policy(), holds=PROMISE), NOW)
    assert facts_in(sqlite_database, "a1").holds == ()


def test_a_second_promise_in_a_year_is_refused_unless_somebody_may_go_beyond(sqlite_database: Database) -> None:
    debtor_in(sqlite_database)
    found = replace(policy(), holds=PROMISE)
    _promise(sqlite_database, found)
    with pytest.raises(OrderRefused, match="the policy allows no more"):
        _promise(sqlite_database, found, until=NOW + 5 * DAY)
    _promise(sqlite_database, found, until=NOW + 50 * DAY, beyond=True)
    assert [one.beyond for one in facts_in(sqlite_database, "a1").holds].count(True) == 1


def test_what_billing_said_before_a_hold_was_ended_does_not_open_it_again(database: Database) -> None:
    billing = debtor_in(database)
    hold = {"hold": "h1", "account": "a1", "kind": "dispute", "since": "2026-02-01T00:00:00Z", "author": "x"}
    first, late = (billing.event("hold", hold | {"note": note}) for note in ("one", "two"))
    tell(database, first)
    with database.write() as tx:
        lock_accounts(tx, ["a1"])
        end_hold(tx, ordering.hold_row_of(tx, "h1"), "settled", "ana", NOW)
    tell(database, late)
    assert [one.until for one in facts_in(database, "a1").holds] == [NOW]


def test_a_hold_past_its_review_date_is_reported_and_still_in_force(database: Database) -> None:
    billing = debtor_in(database)
    hold = {"hold": "h1", "account": "a1", "kind": "protected", "since": "2026-02-01T00:00:00Z", "author": "x"}
    tell(database, billing.event("hold", hold | {"note": "dialysis", "review_on": "2026-03-01"}))
    review(database)
    assert access_in(database) == "full"
    with database.read() as tx:
        assert [one["hold"] for one in holding.overdue_holds(tx, book().policies, "es", NOW)] == ["h1"]
        assert holding.overdue_holds(tx, book().policies, "es", NOW - 10 * DAY) == []


@pytest.mark.parametrize("place", [("device", DEVICE), ("site", "porto")])
def test_an_outage_holds_whoever_is_bound_there_and_nobody_else(database: Database, place: tuple[str, str]) -> None:
    set_up(database, DEVICE, "bras2")
    with database.write() as tx:
        tx.execute(update(devices).where(devices.c.name == DEVICE).values(site="porto"))
    billing = Billing()
    tell(database, billing.fresh(), *billing.debtor(1), *billing.debtor(2, "bras2"))
    with database.write() as tx:
        number = outages.begin_outage(tx, place, NOW, NOW + DAY, "ana", "fibre cut")
    review(database)
    assert (access_in(database), access_in(database, "s2")) == ("full", "throttled")
    with database.write() as tx:
        assert [one["services"] for one in outages.outages_in_force(tx, NOW)] == [1]
        assert outages.end_outage(tx, number, NOW, "ana") is not None
        assert outages.end_outage(tx, number, NOW, "ana") is None
    review(database)
    assert access_in(database) == "throttled"


def test_the_same_person_approves_once_and_is_told_so(database: Database) -> None:
    debtor_in(database)

    def say(by: str, refused: bool = False, stage: str = "throttle") -> str:
        with database.write() as tx:
            lock_accounts(tx, ["a1"])
            row = shown.service_row(tx, "s1")
            return say_to_stage(tx, Said(row, stage, by, "looked", refused), policy(), NOW)

    assert "is approved by ana" in say("ana")
    assert "counts once" in say("ana")
    assert "is approved by eva" in say("eva")
    assert [one.by for one in facts_in(database, "a1").approvals] == ["ana", "eva"]
    assert "is refused by leo" in say("leo", refused=True)
    assert "is approved by ana" in say("ana")
    with pytest.raises(OrderRefused, match="the stages of internet in policy es are: throttle"):
        say("ana", stage="release")


def test_a_courtesy_beyond_the_policys_bound_is_refused_and_says_what_to_do_instead(sqlite_database: Database) -> None:
    debtor_in(sqlite_database)
    review(sqlite_database)
    found = replace(policy(), holds=HoldRules(bounds={HoldKind.COURTESY: HoldBound(days=2, times_a_year=1)}))

    def courtesy(until: datetime | None) -> str:
        with sqlite_database.write() as tx:
            lock_accounts(tx, ["a1"])
            row = shown.service_row(tx, "s1")
            return restore(tx, Ordered(row, "ana", Reason.BILLING, "a word", until, NOW), found)

    with pytest.raises(OrderRefused, match=r"allows courtesy until .*grifo hold add --beyond"):
        courtesy(NOW + 5 * DAY)
    courtesy(None)
    (given,) = facts_in(sqlite_database, "a1").holds
    assert given.until is not None
    assert given.until < NOW + 3 * DAY, "the policy gives three days, its bound allows two"
    with pytest.raises(OrderRefused, match="no more"):
        courtesy(None)


@pytest.mark.parametrize(("what", "tags"), [("approval", []), ("person", ["sla"])])
def test_a_stage_that_waits_for_people_is_a_task_until_they_have_spoken(
    database: Database, what: str, tags: list[str]
) -> None:
    set_up(database)
    billing = Billing()
    tell(database, billing.fresh(), *billing.debtor(1), billing.account("a1", tags=tags))
    (stage,) = policy().ladders[Kind.INTERNET]
    asked = replace(stage, approvals=1 if what == "approval" else 0)
    people = Book({"es": replace(policy(), ladders={Kind.INTERNET: (asked,)}, tags=TagRules(frozenset({"sla"})))}, "es")
    review_due(database, people, NOW)
    with database.read() as tx:
        assert [(one["service"], one["stage"]) for one in waiting.waiting_for(tx, what)] == [("s1", "throttle")]
        assert waiting.waiting_counted(tx) == {what: 1}
    with database.write() as tx:
        lock_accounts(tx, ["a1"])
        said = Said(shown.service_row(tx, "s1"), "throttle", "ana", "looked", refused=False)
        say_to_stage(tx, said, people.policies["es"], NOW)
    billing.now = NOW
    tell(database, billing.account("a1"), now=NOW + timedelta(minutes=1))
    review_due(database, people, NOW + timedelta(minutes=1))
    assert access_in(database) == "throttled"
    with database.read() as tx:
        assert waiting.waiting_counted(tx) == {}


@pytest.mark.servers
def test_outages_that_begin_while_accounts_are_reviewed_wait_for_them_and_block_nobody(
    postgresql_database: Database,
) -> None:
    db = postgresql_database
    set_up(db)
    billing = Billing()
    tell(db, billing.fresh(), *(event for n in range(8) for event in billing.debtor(n)))
    wrong: list[Exception] = []

    def begin_and_end() -> None:
        try:
            for _ in range(5):
                with db.write() as tx:
                    number = outages.begin_outage(tx, ("device", DEVICE), NOW, NOW + DAY, "ana", "fibre cut")
                with db.write() as tx:
                    outages.end_outage(tx, number, NOW, "ana")
        except SQLAlchemyError as found:
            wrong.append(found)

    others = [threading.Thread(target=begin_and_end) for _ in range(2)]
    for other in others:
        other.start()
    while any(other.is_alive() for other in others):
        assert review_due(db, book(), NOW, limit=3).failed == 0
    for other in others:
        other.join()
    review(db)
    assert wrong == []
    assert {access_in(db, f"s{n}") for n in range(8)} == {"throttled"}
