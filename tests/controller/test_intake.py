"""Intake: each event once, the newest wins, contradictions are shown and stop cuts, refusals are one clear sentence."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from controller.intake.taking import Answer, intake
from controller.store.engine import Database
from controller.store.queries.events import settle_conflict
from controller.store.queries.facts import facts_of
from controller.store.queries.watched import conflicts_listed
from controller.store.tables import accounts, bindings, entries, events, invoices, payments
from tests.controller.billing import DAY, NOW, Billing, outcomes, review, set_up, tell
from tests.controller.dump import dump


def _rows(db: Database, table: Any) -> list[Any]:
    with db.read() as tx:
        return list(tx.execute(select(table)))


def test_an_event_marks_its_account_for_review_from_its_arrival(database: Database) -> None:
    tell(database, Billing().invoice("a1", "f1"))
    (account,) = _rows(database, accounts)
    assert (account.review_at, account.cause_at) == (NOW, NOW)


def test_the_cause_stays_the_earliest_that_no_review_has_seen(database: Database) -> None:
    billing = Billing()
    tell(database, billing.invoice("a1", "f1"), now=NOW)
    tell(database, billing.payment("a1", "p1"), now=NOW + timedelta(seconds=5))
    (account,) = _rows(database, accounts)
    assert (account.review_at, account.cause_at) == (NOW, NOW)


def test_the_same_event_again_changes_nothing(database: Database) -> None:
    event = Billing().invoice("a1", "f1")
    tell(database, event)
    before = dump(database)
    again = {**event, "traceparent": "00-another-hop"}
    assert outcomes(intake(database, [again, again], NOW + DAY)) == ["duplicate", "duplicate"]
    assert dump(database) == before


def test_an_event_twice_in_one_batch_is_taken_once(database: Database) -> None:
    event = Billing().payment("a1", "p1")
    assert outcomes(intake(database, [event, event], NOW)) == ["accepted", "duplicate"]
    assert len(_rows(database, payments)) == 1


def test_an_older_event_that_comes_late_does_not_overwrite_a_newer_one(database: Database) -> None:
    billing = Billing()
    older, newer = billing.invoice("a1", "f1", amount=100), billing.invoice("a1", "f1", amount=200)
    tell(database, newer)
    tell(database, older)
    assert [row.amount for row in _rows(database, invoices)] == [200]
    assert len(_rows(database, events)) == 2


def test_of_two_events_of_one_instant_the_higher_sequence_wins(database: Database) -> None:
    billing = Billing()
    time = NOW.isoformat()
    second = billing.invoice("a1", "f1", amount=200) | {"time": time, "sequence": "10"}
    first = billing.invoice("a1", "f1", amount=100) | {"time": time, "sequence": "9"}
    tell(database, second, first)
    assert [row.amount for row in _rows(database, invoices)] == [200]


def test_a_fact_may_come_before_the_account_that_it_names(database: Database) -> None:
    billing = Billing()
    late = billing.account("a1", tags=["business"], policy="es")
    tell(database, billing.payment("a1", "p1"))
    tell(database, late)
    (account,) = _rows(database, accounts)
    assert (account.tags, account.policy) == (["business"], "es")


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "one after the other"])
def test_the_same_id_with_other_content_is_refused_and_shown(database: Database, together: bool) -> None:
    billing = Billing()
    first = billing.payment("a1", "p1", amount=100)
    other = {**billing.payment("a2", "p1", amount=900), "id": first["id"]}
    if together:
        answers = intake(database, [first, other], NOW)
    else:
        answers = [*intake(database, [first], NOW), *intake(database, [other], NOW)]
    assert outcomes(answers) == ["accepted", "conflict"]
    assert "came before with other content" in answers[-1].problem
    assert [row.amount for row in _rows(database, payments)] == [100]
    with database.read() as tx:
        assert {row["account"] for row in conflicts_listed(tx)} == {"a1", "a2"}


def test_a_conflict_again_is_shown_once_and_stops_new_cuts_until_it_is_settled(database: Database) -> None:
    set_up(database)
    billing = Billing()
    first = billing.account("a1")
    tell(database, first, billing.fresh(), *billing.debtor(1))
    other = billing.account("a1", policy="other") | {"id": first["id"]}
    for _ in range(2):
        intake(database, [other], NOW)
    review(database)
    assert _access(database) == ["full"]
    with database.write() as tx:
        (conflict,) = conflicts_listed(tx)
        assert settle_conflict(tx, conflict["id"], NOW) == "a1"
        assert settle_conflict(tx, conflict["id"], NOW) is None
    tell(database, billing.account("a1", tags=["settled"]))
    review(database)
    assert _access(database) == ["throttled"]


def test_a_return_told_in_two_ways_stops_new_cuts_of_its_collections_account(database: Database) -> None:
    set_up(database)
    billing = Billing()
    drawn = {"account": "a1", "invoice": "f1", "amount": 3000, "collected_on": "2026-01-10"}
    tell(database, billing.fresh(), *billing.debtor(1), billing.event("collection", {"collection": "c1", **drawn}))
    data = {"collection": "c1", "code": "AM04", "returned_on": "2026-01-15", "amount": 3000}
    first = billing.event("return", data)
    tell(database, first)
    assert outcomes(intake(database, [first | {"data": data | {"collection": "c9"}}], NOW)) == ["conflict"]
    review(database)
    assert _access(database) == ["full"]


def _access(db: Database) -> list[str]:
    return [row.access for row in sorted(_rows(db, entries), key=lambda row: str(row.binding))]


def test_two_intakes_of_the_same_events_at_once_take_each_once(database: Database) -> None:
    batch = [Billing().payment(f"a{n % 7}", f"p{n}") | {"id": f"x{n}"} for n in range(60)]
    answers: list[Answer] = []

    def take(events: list[dict[str, Any]]) -> None:
        answers.extend(intake(database, events, NOW))

    threads = [threading.Thread(target=take, args=(order,)) for order in (batch, batch[::-1], batch[30:] + batch[:30])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes(answers)) == ["accepted"] * 60 + ["duplicate"] * 120
    assert len(_rows(database, payments)) == 60


def test_a_service_that_moves_has_both_accounts_reviewed(database: Database) -> None:
    billing = Billing()
    tell(database, billing.service("a1", "s1", ("bras1", "username:ana")))
    review(database)
    tell(database, billing.service("a2", "s1", ("bras1", "username:ana")))
    assert {row.id: row.review_at for row in _rows(database, accounts)} == {"a1": NOW, "a2": NOW}
    with database.read() as tx:
        found = facts_of(tx, ["a1", "a2"])
    assert [len(facts.services) for facts in found.values()] == [0, 1]


def test_a_binding_that_is_no_longer_listed_ends_and_its_row_stays(database: Database) -> None:
    billing = Billing()
    tell(database, billing.service("a1", "s1", ("bras1", "username:ana"), ("bras1", "username:eva")))
    tell(database, billing.service("a1", "s1", ("bras1", "username:eva"), ("bras2", "username:eva")))
    live = {(row.device, row.key) for row in _rows(database, bindings) if row.ended_at is None}
    assert live == {("bras1", "username:eva"), ("bras2", "username:eva")}
    assert len(_rows(database, bindings)) == 3


def test_keys_are_normalised_before_they_are_compared(database: Database) -> None:
    billing = Billing()
    tell(database, billing.service("a1", "s1", ("bras1", "msisdn:+34 910 000 001")))
    tell(database, billing.service("a1", "s1", ("bras1", "msisdn:0034910000001")))
    assert [(row.key, row.ended_at) for row in _rows(database, bindings)] == [("msisdn:+34910000001", None)]


def test_fresh_billing_data_have_those_reviewed_whom_stale_data_held_back(database: Database) -> None:
    set_up(database)
    billing = Billing()
    tell(database, *billing.debtor(1), *billing.debtor(2), billing.payment("a2", "p2"))
    review(database)
    assert _access(database) == ["full", "full"]
    tell(database, billing.fresh())
    assert [row.id for row in _rows(database, accounts) if row.review_at == NOW] == ["a1"]
    review(database)
    assert _access(database) == ["throttled", "full"]


def _broken(**changed: Any) -> dict[str, Any]:
    event = Billing().invoice("a1", "f1")
    return {name: value for name, value in {**event, **changed}.items() if value is not None}


def _data(**changed: Any) -> dict[str, Any]:
    event = Billing().invoice("a1", "f1")
    return {**event, "data": {name: value for name, value in {**event["data"], **changed}.items() if value is not None}}


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ([], "must be a JSON object"),
        (_broken(specversion="0.3"), "event.specversion is '0.3'"),
        (_broken(id=None), "event.id is missing"),
        (_broken(source=""), "event.source is ''"),
        (_broken(type="grifo.invoice.v2"), "type is 'grifo.invoice.v2'; expected one of grifo.account.v1"),
        (
            _broken(time="2026-03-01T10:00:00"),
            "2026-03-01T10:00:00'; expected an instant with its offset",
        ),
        (_broken(time=(NOW + timedelta(minutes=6)).isoformat()), "more than five minutes ahead"),
        (_broken(time="1969-12-31T00:00:00Z"), "after 1970"),
        (_broken(sequence=3), "event.sequence is '3'; expected a decimal number written as a string"),
        (_broken(data_base64="AA=="), "data_base64"),
        (_broken(data=None), "data must be a JSON object"),
        (_broken(extension=float("nan")), "NaN"),
        (_data(amount=12.3), "data.amount is '12.3'; expected a whole number of minor units"),
        (_data(amount=True), "data.amount"),
        (_data(amount=-1), "data.amount"),
        (_data(currency="euro"), "data.currency"),
        (_data(account="a/1"), "data.account is 'a/1'; expected an id"),
        (_data(due_on="2026-02-30"), "data.due_on is '2026-02-30'; expected a date"),
        (_data(due_on="20260228"), "data.due_on"),
        (_data(invoice=None), "data.invoice is missing"),
        (_data(canceled=True), "data.canceled is not a field here; known are account, amount, cancelled"),
        (_data(lines=[{"amount": 1, "servce": "s1"}]), "data.lines[0].servce is not a field here"),
        (_data(lines={}), "data.lines"),
    ],
)
def test_an_event_that_cannot_be_taken_is_refused_with_one_sentence(
    sqlite_database: Database, event: Any, words: str
) -> None:
    before = dump(sqlite_database)
    (answer,) = intake(sqlite_database, [event], NOW)
    assert answer.outcome == "refused"
    assert words in answer.problem
    assert dump(sqlite_database) == before


def test_an_event_five_minutes_ahead_is_taken(sqlite_database: Database) -> None:
    tell(sqlite_database, _broken(time=(NOW + timedelta(minutes=5)).isoformat()))


@pytest.mark.parametrize("key", ["ana", "user:ana", "ipv4:300.1.1.1", "msisdn:910000001"])
def test_a_key_that_is_none_is_refused_with_its_device(sqlite_database: Database, key: str) -> None:
    (answer,) = intake(sqlite_database, [Billing().service("a1", "s1", ("bras1", key))], NOW)
    assert answer.outcome == "refused"
    assert "bras1" in answer.problem


def test_one_refused_event_does_not_stop_the_others(sqlite_database: Database) -> None:
    billing = Billing()
    answers = intake(sqlite_database, [billing.payment("a1", "p1"), {}, billing.payment("a1", "p2")], NOW)
    assert outcomes(answers) == ["accepted", "refused", "accepted"]
    assert [answer.index for answer in answers] == [0, 1, 2]


def test_a_claim_to_know_payments_of_the_future_is_refused(sqlite_database: Database) -> None:
    (answer,) = intake(sqlite_database, [Billing().fresh(NOW + DAY)], NOW)
    assert answer.outcome == "refused"
