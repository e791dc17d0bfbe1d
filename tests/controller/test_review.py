"""The review: what is decided becomes entries, restores are timed, keys change hands, nothing is a silent no-op."""

from typing import Any

import pytest
from sqlalchemy import event, select, update

from controller.conclusion import Book
from controller.reports import save_report
from controller.review import ReviewResult, review_due, review_in
from controller.store.engine import Database
from controller.store.queries.accounts import how_many_due, lock_accounts, mark_for_review
from controller.store.queries.devices import adopt_epoch, enrol, set_mode
from controller.store.queries.entries import AnotherEpoch, entries_after
from controller.store.tables import accounts, decisions, devices, entries, impositions, timeline
from enforcement.access import Kind
from enforcement.modes import Mode
from enforcement.wire import EntryReport, Report
from tests.controller.billing import DAY, DEVICE, MINUTE, NOW, Billing, book, policy, review, set_up, tell
from tests.controller.dump import dump


def _rows(db: Database, table: Any) -> list[Any]:
    with db.read() as tx:
        return list(tx.execute(select(table)))


def _entries(db: Database) -> dict[str, Any]:
    """The entries by their device and key, tombstones included under `ended `."""
    return {("ended " if row.ended else "") + f"{row.key}@{row.device}": row for row in _rows(db, entries)}


def _accesses(db: Database) -> dict[str, str]:
    return {where: row.access for where, row in sorted(_entries(db).items())}


def _blocks(db: Database, service: str) -> list[str]:
    (row,) = [row for row in _rows(db, decisions) if row.service_id == service]
    return [block["code"] for block in row.body["blocks"]]


def _cut(db: Database, *numbers: int) -> Billing:
    """Customers that are throttled, and read back as such."""
    set_up(db)
    billing = Billing()
    tell(db, billing.fresh())
    for number in numbers:
        tell(db, *billing.debtor(number))
    review(db)
    with db.write() as tx:
        tx.execute(update(entries).values(state="verified", verified_at=NOW))
        tx.execute(update(impositions).values(verified_at=NOW))
    return billing


def test_a_debtor_is_restricted_and_everybody_else_has_an_open_entry(database: Database) -> None:
    set_up(database)
    billing = Billing()
    tell(database, billing.fresh(), *billing.debtor(1), billing.service("a2", "s2", (DEVICE, "username:u2")))
    assert review(database) == ReviewResult(2, 2, 0, 0)
    assert _accesses(database) == {"username:u1@bras1": "throttled", "username:u2@bras1": "full"}
    (revision,) = [row.revision for row in _rows(database, devices)]
    assert {row.changed_revision for row in _rows(database, entries)} == {revision} == {1}


def test_a_payment_restores_and_the_restore_is_timed_from_its_arrival(database: Database) -> None:
    billing = _cut(database, 1)
    tell(database, billing.payment("a1", "p1"), now=NOW + MINUTE)
    review(database, NOW + 2 * MINUTE)
    (entry,) = _rows(database, entries)
    assert (entry.access, entry.cause_at, entry.state, entry.verified_at) == ("full", NOW + MINUTE, "pending", None)
    (imposed,) = _rows(database, impositions)
    assert imposed.ended_at == NOW + 2 * MINUTE
    (account,) = _rows(database, accounts)
    assert account.cause_at is None


def test_a_review_that_changes_nothing_writes_no_revision_and_no_line(database: Database) -> None:
    billing = _cut(database, 1)
    lines, before = len(_rows(database, timeline)), _rows(database, devices)
    for tag in ("vip", "gold"):
        tell(database, billing.account("a1", tags=[tag]))
        result = review(database)
    assert result.changed == 0
    assert _rows(database, devices) == before
    assert len(_rows(database, timeline)) == lines + 2


def test_an_account_whose_time_has_not_come_is_not_looked_at(database: Database) -> None:
    _cut(database, 1)
    assert review_due(database, book(), NOW + MINUTE) == ReviewResult(0, 0, 0, 0)


def test_a_changed_binding_frees_the_old_key_and_restricts_the_new_at_one_revision(database: Database) -> None:
    billing = _cut(database, 1)
    tell(database, billing.service("a1", "s1", (DEVICE, "username:new")))
    review(database)
    found = _entries(database)
    assert _accesses(database) == {"ended username:u1@bras1": "full", "username:new@bras1": "throttled"}
    assert {row.changed_revision for row in found.values()} == {2}
    assert not found["username:new@bras1"].first
    assert len(_rows(database, impositions)) == 1


def test_a_key_that_moves_before_the_first_cut_was_made_is_still_a_first_cut(database: Database) -> None:
    billing = _cut(database, 1)
    with database.write() as tx:
        tx.execute(update(entries).values(state="pending", verified_at=None))
    tell(database, billing.service("a1", "s1", (DEVICE, "username:new")))
    review(database)
    assert _entries(database)["username:new@bras1"].first


def test_ending_a_service_is_not_a_payment(database: Database) -> None:
    billing = _cut(database, 1)
    ended = billing.service("a1", "s1", (DEVICE, "username:u1"), ended_at=NOW.isoformat())
    tell(database, ended)
    review(database)
    assert _accesses(database) == {"username:u1@bras1": "throttled"}
    tell(database, billing.service("a1", "s1", ended_at=NOW.isoformat()))
    review(database)
    assert _accesses(database) == {"ended username:u1@bras1": "full"}


def test_a_key_that_two_live_bindings_claim_is_restricted_for_neither(database: Database) -> None:
    billing = _cut(database, 1)
    tell(database, billing.service("a2", "s2", (DEVICE, "username:u1")))
    review(database)
    assert [row.access for row in _rows(database, entries)] == ["full", "full"]
    assert "contested" in _blocks(database, "s1")
    assert [row.account_id for row in _rows(database, timeline) if row.kind == "alarm"] == ["a1"]
    tell(database, billing.service("a2", "s2"))
    review(database)
    assert _accesses(database) == {"ended username:u1@bras1": "full", "username:u1@bras1": "throttled"}


def test_a_service_that_moves_keeps_its_entry_under_its_new_account(database: Database) -> None:
    billing = _cut(database, 1)
    tell(database, billing.service("a2", "s1", (DEVICE, "username:u1")))
    review(database)
    (entry,) = _rows(database, entries)
    assert (entry.account_id, entry.access, entry.ended) == ("a2", "full", False)


def test_what_a_device_cannot_do_is_said_and_never_counted_as_imposed(database: Database) -> None:
    set_up(database)
    billing = Billing()
    with database.write() as tx:
        enrol(tx, DEVICE, "agent1", "radius", (["username"], {"internet": ["portal"]}), NOW)
    tell(database, billing.fresh(), *billing.debtor(1))
    review(database)
    assert _accesses(database) == {"username:u1@bras1": "full"}
    assert "device_cannot" in _blocks(database, "s1")
    assert _rows(database, impositions) == []


def test_a_service_that_is_bound_nowhere_is_not_imposed_on(database: Database) -> None:
    set_up(database)
    billing = Billing()
    tell(database, billing.fresh(), *billing.debtor(1), billing.service("a1", "s1"))
    review(database)
    assert "no_binding" in _blocks(database, "s1")
    assert _rows(database, impositions) == []


def test_an_account_of_an_unknown_policy_is_not_newly_restricted_and_still_restored(database: Database) -> None:
    billing = _cut(database, 1)
    tell(database, billing.account("a1", policy="lost"), *billing.debtor(2), billing.account("a2", policy="lost"))
    review(database)
    assert _accesses(database) == {"username:u1@bras1": "throttled", "username:u2@bras1": "full"}
    assert "policy_missing" in _blocks(database, "s2")
    tell(database, billing.payment("a1", "p1"))
    review(database)
    assert _accesses(database)["username:u1@bras1"] == "full"


def test_a_default_policy_that_is_not_loaded_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match=r"default_policy 'es' .* loaded policies: pt"):
        Book({"pt": policy("pt")}, "es")


def test_an_account_whose_review_fails_stops_nobody_and_is_tried_again(database: Database) -> None:
    set_up(database)
    billing = Billing()
    tell(database, billing.fresh(), *billing.debtor(1), *billing.debtor(2))
    with database.write() as tx:
        tx.execute(update(accounts).where(accounts.c.id == "a1").values(policy="broken"))
    broken = policy("broken")
    object.__setattr__(broken, "timezone", "Nowhere/Nothing")
    result = review_due(database, Book({"es": policy(), "broken": broken}, "es"), NOW)
    assert result == ReviewResult(1, 1, 1, 0)
    assert _accesses(database) == {"username:u2@bras1": "throttled"}
    (failed,) = [row for row in _rows(database, accounts) if row.id == "a1"]
    assert "Nowhere" in failed.review_error
    assert (failed.review_at, failed.cause_at) == (NOW + 5 * MINUTE, NOW)
    assert [row.account_id for row in _rows(database, timeline) if row.kind == "alarm"] == ["a1"]
    review_due(database, Book({"es": policy(), "broken": policy("broken")}, "es"), NOW + 5 * MINUTE)
    assert [row.review_error for row in _rows(database, accounts)] == [None, None]


def test_the_brake_lets_its_number_pass_and_says_so_to_the_others(database: Database) -> None:
    set_up(database)
    billing = Billing()
    tell(database, billing.fresh(), *(event for n in range(6) for event in billing.debtor(n)))
    review(database, number=2, canary=2)
    accesses = sorted(_accesses(database).values())
    assert accesses == ["full"] * 4 + ["throttled"] * 2
    waiting = {row.account_id for row in _rows(database, decisions) if row.waits_for == "brake"}
    assert len(waiting) == 4
    assert {row.review_at for row in _rows(database, accounts) if row.id in waiting} == {NOW + 10 * MINUTE}
    review(database, NOW + 10 * MINUTE, number=2, canary=2)
    assert sorted(_accesses(database).values()) == accesses
    review(database, NOW + DAY + MINUTE, number=2, canary=2)
    assert sorted(_accesses(database).values()) == ["full"] * 2 + ["throttled"] * 4


def test_the_rest_waits_until_a_first_part_was_read_back(database: Database) -> None:
    set_up(database)
    billing = Billing()
    tell(database, billing.fresh(), *(event for n in range(6) for event in billing.debtor(n)))
    review(database, number=5, canary=1)
    assert sorted(_accesses(database).values()).count("throttled") == 1
    review(database, NOW + MINUTE, number=5, canary=1)
    assert sorted(_accesses(database).values()).count("throttled") == 1
    with database.write() as tx:
        tx.execute(update(entries).where(entries.c.access == "throttled").values(state="armed"))
    review(database, NOW + 2 * MINUTE, number=5, canary=1)
    assert sorted(_accesses(database).values()).count("throttled") == 5


def test_the_report_that_reads_the_first_part_back_has_the_rest_reviewed_at_once(database: Database) -> None:
    set_up(database)
    billing = Billing()
    tell(database, billing.fresh(), *(event for n in range(6) for event in billing.debtor(n)))
    review(database, number=5, canary=1)
    first = next(row for row in _rows(database, entries) if row.access == "throttled")
    device = _rows(database, devices)[0]
    read_back = EntryReport(first.binding, first.changed_revision, "verified", "throttled")
    report = Report(1, device.epoch, device.revision, False, [read_back], [], 1.0)
    assert save_report(database, DEVICE, device.epoch, report, NOW, lambda seconds: None)
    review(database, number=5, canary=1)
    assert sorted(_accesses(database).values()).count("throttled") == 5


def test_restores_pass_through_no_brake(database: Database) -> None:
    billing = _cut(database, 1, 2, 3)
    tell(database, *(billing.payment(f"a{n}", f"p{n}") for n in (1, 2, 3)))
    review(database, number=0, canary=0)
    assert set(_accesses(database).values()) == {"full"}


def test_what_was_only_observed_is_decided_again_with_the_brake_once_the_device_enforces(database: Database) -> None:
    set_up(database, mode=Mode.OBSERVE)
    billing = Billing()
    tell(database, billing.fresh(), *(event for n in range(4) for event in billing.debtor(n)))
    review(database, number=1, canary=1)
    assert set(_accesses(database).values()) == {"throttled"}
    assert {row.observed for row in _rows(database, impositions)} == {True}
    with database.write() as tx:
        set_mode(tx, DEVICE, [Kind.INTERNET], Mode.ENFORCE, "ana", NOW + MINUTE)
    review(database, NOW + MINUTE, number=1, canary=1)
    assert sorted(_accesses(database).values()) == ["full", "full", "full", "throttled"]
    assert [row.observed for row in _rows(database, impositions) if row.ended_at is None] == [False]


def test_an_epoch_that_is_adopted_tells_and_verifies_everything_anew(database: Database) -> None:
    _cut(database, 1)
    with database.write() as tx:
        tx.execute(update(devices).values(reported_epoch="old", reported_revision=41))
        epoch = adopt_epoch(tx, DEVICE)
    (device,) = _rows(database, devices)
    assert (device.epoch, device.revision, device.adopts) == (epoch, 2, ["old", 41])
    (entry,) = _rows(database, entries)
    assert (entry.changed_revision, entry.state, entry.verified_at) == (2, "pending", None)
    with database.read() as tx:
        assert entries_after(tx, "nowhere", epoch, 0) is None
        with pytest.raises(AnotherEpoch):
            entries_after(tx, DEVICE, "old", 0)
        with pytest.raises(AnotherEpoch):
            entries_after(tx, DEVICE, epoch, 3)


def test_a_crash_between_any_two_statements_leaves_nothing_half_kept(database: Database) -> None:
    """The process dies at each statement in turn; what the next one finds is what was there before."""
    billing = _cut(database, 1, 2)
    tell(database, billing.payment("a1", "p1"), billing.service("a2", "s2", (DEVICE, "username:new")))
    payment = billing.payment("a2", "p2")
    for work in (lambda: _reviews_in_one(database), lambda: tell(database, payment)):
        before, died = dump(database), 0
        while _dies_at(database, died, work):
            assert dump(database) == before
            died += 1
        assert died > 5
        assert dump(database) != before


def _reviews_in_one(db: Database) -> None:
    with db.write() as tx:
        assert review_in(tx, ["a1", "a2"], book(), NOW) == 2


class Died(BaseException):
    """Not an Exception: nobody handles the end of a process."""


def _dies_at(db: Database, statement: int, work: Any) -> bool:
    left = [statement]

    def counts(*_: object) -> None:
        if left[0] == 0:
            raise Died
        left[0] -= 1

    event.listen(db.engine, "before_cursor_execute", counts)
    try:
        work()
        return False
    except Died:
        return True
    finally:
        event.remove(db.engine, "before_cursor_execute", counts)


def test_a_device_of_ten_thousand_accounts_can_be_decided_again(sqlite_database: Database) -> None:
    names = [f"a{n:05}" for n in range(10_000)]
    with sqlite_database.write() as tx:
        lock_accounts(tx, names)
        mark_for_review(tx, names, NOW)
    with sqlite_database.read() as tx:
        assert how_many_due(tx, NOW, at_most=20_000) == 10_000
