"""What billing tells beside debts and payments, and what reviews keep: facts, cycles, versions, messages to send."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from controller.braking import FirstImposition, pass_brake
from controller.conclusion import Book
from controller.core.policy import BrakeRule
from controller.intake.taking import intake
from controller.renewal import renew
from controller.review import review_due
from controller.store.engine import Database
from controller.store.queries import approving, unmatched, waiting
from controller.store.queries.accounts import lock_accounts, mark_for_review
from controller.store.queries.brakes import made_by_day
from controller.store.tables import accounts, entries, impositions, timeline
from tests.controller.billing import DAY, DEVICE, NOW, Billing, book, outcomes, policy, review, set_up, tell
from tests.controller.looking import access_in, blocks_in, debtor_in, facts_in


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
    found = facts_in(database, "a1")
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
    billing = debtor_in(database)
    money = {"payment": "p9", "amount": 3000, "currency": "EUR", "received_at": NOW.isoformat(), "candidates": ["a1"]}
    tell(database, billing.event("unmatched_payment", money))
    review(database)
    assert (access_in(database), blocks_in(database)) == ("full", ["unmatched_payment"])
    with database.read() as tx:
        assert [one["candidates"] for one in unmatched.open_payments(tx)] == [["a1"]]
    tell(database, billing.payment("a2", "p9"))
    review(database)
    assert access_in(database) == "throttled"
    with database.read() as tx:
        assert unmatched.open_payments_counted(tx) == 0


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
            read = {"observed": observed, "verified_at": None if observed else at}
            tx.execute(insert(impositions).values(**made, at=at, ended_at=ended_at, **read))
    found = facts_in(database, "a1")
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


def test_a_bundle_is_laid_out_on_its_services_to_the_last_cent(database: Database) -> None:
    billing = Billing()
    bundle = [{"service": "net", "share": 2}, {"service": "tel", "share": 1}, {"service": "mob", "share": 1}]
    told = billing.invoice("a1", "f1")["data"] | {"lines": [{"amount": 2990, "bundle": bundle}]}
    tell(database, billing.account("a1"), billing.event("invoice", told))
    (invoice,) = facts_in(database, "a1").invoices
    assert [(line.service, line.amount) for line in invoice.lines] == [("net", 1496), ("tel", 747), ("mob", 747)]


@pytest.mark.parametrize("wrong", [{"service": "net"}, {"bundle": [{"service": "net", "share": 0}]}])
def test_a_bundle_that_says_two_things_or_nothing_is_refused(database: Database, wrong: dict[str, Any]) -> None:
    billing = Billing()
    line = {"amount": 2990, "bundle": [{"service": "net", "share": 2}]} | wrong
    told = billing.invoice("a1", "f1")["data"] | {"lines": [line]}
    assert outcomes(intake(database, [billing.event("invoice", told)], NOW)) == ["refused"]


def test_a_new_policy_version_has_its_accounts_decided_anew_and_says_so(database: Database) -> None:
    debtor_in(database)
    review(database)
    newer = Book({"es": replace(policy(), version="2")}, "es")
    assert renew(database, book(), NOW) == 0
    assert renew(database, newer, NOW) == 1
    assert review_due(database, newer, NOW).reviewed == 1
    assert renew(database, newer, NOW) == 0
    with database.read() as tx:
        assert tx.execute(select(accounts.c.reviewed_by)).scalars().all() == ["es 2"]
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
    debtor_in(database)
    with database.write() as tx:
        lock_accounts(tx, ["a1"])
        mark_for_review(tx, ["a1"], NOW + DAY)
        assert tx.execute(select(accounts.c.cause_at).where(accounts.c.id == "a1")).scalar_one() == NOW
