"""What people and billing say beside invoices and payments, and what a review makes of it, on both databases."""

import threading
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from controller.approving import Said, say_to_stage
from controller.braking import FirstImposition, pass_brake
from controller.conclusion import Book
from controller.core.facts import AccountId, Facts, HoldKind
from controller.core.policy import BrakeRule, HoldBound, HoldRules, Policy, TagRules
from controller.holding import HoldAsked, end_hold, give_hold
from controller.intake.taking import intake
from controller.orders import Ordered, restore
from controller.refusals import OrderRefused
from controller.renewal import renew
from controller.review import review_due
from controller.store.engine import Database
from controller.store.queries import approving, holding, ordering, outages, shown, unmatched, waiting
from controller.store.queries.accounts import lock_accounts, mark_for_review
from controller.store.queries.brakes import made_by_day
from controller.store.queries.facts import facts_of
from controller.store.tables import accounts, decisions, devices, entries, impositions, timeline
from enforcement.access import Kind, Reason
from tests.controller.billing import DAY, DEVICE, NOW, Billing, book, outcomes, policy, review, set_up, tell

PROMISE = HoldRules(bounds={HoldKind.PROMISE: HoldBound(days=7, times_a_year=1)})


def _facts(db: Database, account: str) -> Facts:
    with db.read() as tx:
        return facts_of(tx, [account], NOW)[AccountId(account)]


def _access(db: Database, service: str = "s1") -> str:
    with db.read() as tx:
        row = shown.decision_row(tx, service)
    assert row is not None
    return str(row.access)


def _blocks(db: Database, service: str = "s1") -> list[str]:
    with db.read() as tx:
        row = shown.decision_row(tx, service)
    assert row is not None
    return [block["code"] for block in row.body["blocks"]]


def _debtor(db: Database) -> Billing:
    set_up(db)
    billing = Billing()
    tell(db, billing.fresh(), *billing.debtor(1))
    return billing


def _promise(db: Database, found: Policy, **more: Any) -> str:
    asked = HoldAsked("a1", "s1", HoldKind.PROMISE, "pays on Friday", "ana", **{"until": NOW + 3 * DAY, **more})
    with db.write() as tx:
        lock_accounts(tx, ["a1"])
        return give_hold(tx, asked, found, NOW)


def test_everything_that_billing_tells_is_a_fact(database: Database) -> None:
    billing = Billing()
    hold = {"hold": "h1", "account": "a1", "kind": "plan", "since": "2026-02-01T00:00:00Z", "author": "x", "note": "y"}
    line = {"amount": 100, "service": "s1", "charge": "premium"}
    tell(
        database,
        billing.account("a1", municipality="Palma"),
        billing.service("a1", "s1", user="Ana's mother"),
        billing.event("invoice", {**billing.invoice("a1", "f1")["data"], "lines": [line]}),
        billing.event("payment", {**billing.payment("a1", "p1")["data"], "pending": True, "collection": "c1"}),
        billing.event("notice", {**billing.notice("a1", "n1")["data"], "template": "t", "bounced_at": NOW.isoformat()}),
        billing.event("hold", hold | {"instalments": [{"due_on": "2026-03-01", "amount": 500}], "currency": "EUR"}),
    )
    found = _facts(database, "a1")
    assert (found.municipality, found.services[0].user) == ("Palma", "Ana's mother")
    assert [one.charge for one in found.invoices[0].lines] == ["premium"]
    assert (found.payments[0].pending, found.payments[0].collection) == (True, "c1")
    assert (found.notices[0].template, found.notices[0].bounced_at) == ("t", NOW)
    assert [one.amount for one in found.holds[0].instalments] == [500]


@pytest.mark.parametrize(
    ("type", "change", "word"),
    [
        ("payment", {"instrument": "cheque"}, "data.instrument is 'cheque'; expected one of card"),
        ("hold", {"instalments": [{"due_on": "2026-03-01", "amount": 5}], "currency": "EUR"}, "belong to a hold of"),
        ("port", {"state": "lost"}, "data.state is 'lost'"),
        ("unmatched_payment", {"candidates": ["a b"]}, "data.candidates is 'a b'"),
    ],
)
def test_a_word_that_nobody_knows_is_refused_and_said(
    sqlite_database: Database, type: str, change: dict[str, Any], word: str
) -> None:
    since = {"since": "2026-02-01T00:00:00Z", "author": "x", "note": "y", "kind": "dispute"}
    port = {"service": "s1", "direction": "out", "state": "requested", "at": "2026-02-01T00:00:00Z"}
    money = {"amount": 1, "currency": "EUR", "received_at": "2026-02-01T00:00:00Z"}
    plain: dict[str, dict[str, Any]] = {
        "payment": {"payment": "p1", "account": "a1", "instrument": "card", **money},
        "hold": {"hold": "h1", "account": "a1", **since},
        "port": {"port": "m1", "account": "a1", **port},
        "unmatched_payment": {"payment": "p1", **money},
    }
    (answer,) = intake(sqlite_database, [Billing().event(type, plain[type] | change)], NOW)
    assert outcomes([answer]) == ["refused"]
    assert word in answer.problem


def test_money_of_nobody_keeps_its_candidates_from_being_cut_until_it_is_attributed(database: Database) -> None:
    billing = _debtor(database)
    money = {"payment": "p9", "amount": 3000, "currency": "EUR", "received_at": NOW.isoformat(), "candidates": ["a1"]}
    tell(database, billing.event("unmatched_payment", money))
    review(database)
    assert (_access(database), _blocks(database)) == ("full", ["unmatched_payment"])
    with database.read() as tx:
        assert [one["candidates"] for one in unmatched.open_payments(tx)] == [["a1"]]
    tell(database, billing.payment("a2", "p9"))
    review(database)
    assert _access(database) == "throttled"
    with database.read() as tx:
        assert unmatched.open_payments_counted(tx) == 0


def test_a_promise_within_the_policy_opens_the_service_until_it_ends(database: Database) -> None:
    _debtor(database)
    found = replace(policy(), holds=PROMISE)
    review(database)
    hold = _promise(database, found)
    review(database)
    assert _access(database) == "full"
    with database.write() as tx:
        lock_accounts(tx, ["a1"])
        end_hold(tx, ordering.hold_row_of(tx, hold), "he did not", "ana", NOW)
    review(database)
    assert _access(database) == "throttled"


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
    _debtor(sqlite_database)
    asked = HoldAsked("a1", "s1", HoldKind.PROMISE, "note", "ana", until=NOW + DAY)
    with pytest.raises(OrderRefused, match=words), sqlite_database.write() as tx:
        give_hold(tx, replace(asked, **more), replace(policy(), holds=PROMISE), NOW)
    assert _facts(sqlite_database, "a1").holds == ()


def test_a_second_promise_in_a_year_is_refused_unless_somebody_may_go_beyond(sqlite_database: Database) -> None:
    _debtor(sqlite_database)
    found = replace(policy(), holds=PROMISE)
    _promise(sqlite_database, found)
    with pytest.raises(OrderRefused, match="the policy allows no more"):
        _promise(sqlite_database, found, until=NOW + 5 * DAY)
    _promise(sqlite_database, found, until=NOW + 50 * DAY, beyond=True)
    assert [one.beyond for one in _facts(sqlite_database, "a1").holds].count(True) == 1


def test_what_billing_said_before_a_hold_was_ended_does_not_open_it_again(database: Database) -> None:
    billing = _debtor(database)
    hold = {"hold": "h1", "account": "a1", "kind": "dispute", "since": "2026-02-01T00:00:00Z", "author": "x"}
    first, late = (billing.event("hold", hold | {"note": note}) for note in ("one", "two"))
    tell(database, first)
    with database.write() as tx:
        lock_accounts(tx, ["a1"])
        end_hold(tx, ordering.hold_row_of(tx, "h1"), "settled", "ana", NOW)
    tell(database, late)
    assert [one.until for one in _facts(database, "a1").holds] == [NOW]


def test_a_hold_past_its_review_date_is_reported_and_still_in_force(database: Database) -> None:
    billing = _debtor(database)
    hold = {"hold": "h1", "account": "a1", "kind": "protected", "since": "2026-02-01T00:00:00Z", "author": "x"}
    tell(database, billing.event("hold", hold | {"note": "dialysis", "review_on": "2026-03-01"}))
    review(database)
    assert _access(database) == "full"
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
    assert (_access(database), _access(database, "s2")) == ("full", "throttled")
    with database.write() as tx:
        assert [one["services"] for one in outages.outages_in_force(tx, NOW)] == [1]
        assert outages.end_outage(tx, number, NOW, "ana") is not None
        assert outages.end_outage(tx, number, NOW, "ana") is None
    review(database)
    assert _access(database) == "throttled"


def test_the_same_person_approves_once_and_is_told_so(database: Database) -> None:
    _debtor(database)

    def say(by: str, refused: bool = False, stage: str = "throttle") -> str:
        with database.write() as tx:
            lock_accounts(tx, ["a1"])
            row = shown.service_row(tx, "s1")
            return say_to_stage(tx, Said(row, stage, by, "looked", refused), policy(), NOW)

    assert "is approved by ana" in say("ana")
    assert "counts once" in say("ana")
    assert "is approved by eva" in say("eva")
    assert [one.by for one in _facts(database, "a1").approvals] == ["ana", "eva"]
    assert "is refused by leo" in say("leo", refused=True)
    assert "is approved by ana" in say("ana")
    with pytest.raises(OrderRefused, match="the stages of internet in policy es are: throttle"):
        say("ana", stage="release")


def test_stages_that_follow_each_other_are_one_suspension_and_observed_ones_none(database: Database) -> None:
    set_up(database)
    tell(database, Billing().service("a1", "s1", (DEVICE, "username:u1")))
    days = [NOW - timedelta(days=count) for count in (90, 80, 70, 60, 50, 40)]
    rows = [
        ("throttle", "throttled", days[0], days[1], False),
        ("portal", "portal", days[1], days[2], False),
        ("throttle", "throttled", days[3], days[4], True),
        ("throttle", "throttled", days[5], None, False),
    ]
    with database.write() as tx:
        for stage, access, at, ended_at, observed in rows:
            made = {"service_id": "s1", "policy": "es", "stage": stage, "access": access}
            tx.execute(insert(impositions).values(**made, at=at, ended_at=ended_at, observed=observed))
    found = _facts(database, "a1")
    assert [(one.access, one.since, one.until) for one in found.suspensions] == [("portal", days[0], days[2])]
    assert [one.since for one in found.imposed] == [days[5]]


def test_the_monthly_day_passes_with_one_approval_and_what_is_beyond_it_waits(database: Database) -> None:
    set_up(database)
    billing = Billing()
    tell(database, *(billing.service(f"a{n}", f"s{n}", (DEVICE, f"username:u{n}")) for n in range(8)))
    found = {"es": replace(policy(), brake=BrakeRule(number=2, percent=100.0, canary=2))}

    def passing() -> int:
        wanted = [FirstImposition(f"s{n}", "es", frozenset({DEVICE})) for n in range(8)]
        with database.write() as tx:
            tx.execute(update(entries).values(verified_at=NOW))
            held = pass_brake(tx, wanted, found, "es", NOW)
            tx.rollback()
        return 8 - len(held)

    assert passing() == 2
    with database.write() as tx:
        approving.approve_cycle(tx, ("es", DEVICE), NOW.day + 2, 5, NOW, "eva", "the month's returns")
        assert approving.caps_of_cycle(tx, "es", DEVICE) == {NOW.day + 2: 5}
    assert passing() == 2, "until the first few are read back, only these"
    found["es"] = replace(policy(), brake=BrakeRule(number=2, percent=100.0, canary=0))
    assert passing() == 5


def test_what_the_days_of_the_month_have_seen_is_counted_by_service(database: Database) -> None:
    set_up(database)
    tell(database, Billing().service("a1", "s1", (DEVICE, "username:u1"), (DEVICE, "username:u2")))
    with database.write() as tx:
        made = {"service_id": "s1", "policy": "es", "stage": "throttle", "access": "throttled"}
        tx.execute(insert(impositions).values(**made, at=NOW, ended_at=None, observed=False))
    with database.read() as tx:
        assert made_by_day(tx, NOW - DAY) == {("es", DEVICE): {NOW.date(): 1}}


def test_a_new_policy_version_has_its_accounts_decided_anew_and_says_so(database: Database) -> None:
    _debtor(database)
    review(database)
    newer = Book({"es": replace(policy(), version="2")}, "es")
    assert renew(database, book(), NOW) == 0
    assert renew(database, newer, NOW) == 1
    assert review_due(database, newer, NOW).reviewed == 1
    assert renew(database, newer, NOW) == 0
    with database.read() as tx:
        assert set(tx.execute(select(decisions.c.policy_version)).scalars()) == {"2"}
        assert "1 accounts are to be decided anew" in " ".join(tx.execute(select(timeline.c.text)).scalars())


def test_a_debtor_without_a_notice_is_listed_as_a_message_to_send(database: Database) -> None:
    set_up(database)
    billing = Billing()
    tell(database, billing.fresh(), *billing.debtor(1)[:-1])
    review(database)
    with database.read() as tx:
        (due,) = waiting.notices_due(tx, NOW + 2 * DAY, "", 10)
        assert waiting.notices_due(tx, NOW + 2 * DAY, "s1", 10) == []
    assert (due["account"], due["service"], due["stage"]) == ("a1", "s1", "throttle")
    tell(database, billing.notice("a1", "n1"))
    review(database)
    with database.read() as tx:
        assert waiting.notices_due(tx, NOW + 2 * DAY, "", 10) == []


def test_marking_accounts_twice_keeps_the_first_cause(database: Database) -> None:
    _debtor(database)
    with database.write() as tx:
        lock_accounts(tx, ["a1"])
        mark_for_review(tx, ["a1"], NOW + DAY)
        assert tx.execute(select(accounts.c.cause_at).where(accounts.c.id == "a1")).scalar_one() == NOW


def test_a_courtesy_beyond_the_policys_bound_is_refused_and_says_what_to_do_instead(sqlite_database: Database) -> None:
    _debtor(sqlite_database)
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
    (given,) = _facts(sqlite_database, "a1").holds
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
    assert _access(database) == "throttled"
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
    assert {_access(db, f"s{n}") for n in range(8)} == {"throttled"}
