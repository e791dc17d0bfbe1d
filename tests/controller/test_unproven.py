"""A stage that was decided and that no device was read to give: it has cut nobody yet."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select, update

from controller.conclusion import Book
from controller.core.calendar import Window
from controller.core.facts import Suspension
from controller.core.policy import Policy, TagRules
from controller.permits import permit
from controller.review import review_due
from controller.store.engine import Database
from controller.store.queries.facts import facts_of
from controller.store.tables import accounts, decisions, entries, impositions
from enforcement.access import Access, Kind
from enforcement.wire import PermitAsk, PermitRequest
from tests.controller.billing import DAY, DEVICE, MINUTE, NOW, Billing, policy, read_back, review, set_up, tell


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


def test_courtesies_on_one_unpaid_debt_make_no_earlier_suspensions(database: Database) -> None:
    set_up(database)
    billing = Billing()
    tell(database, billing.fresh(), *billing.debtor(1))
    review(database)
    read_back(database)
    for turn in (1, 2):
        at = NOW + turn * 60 * MINUTE
        billing.now = at - MINUTE
        given = {"hold": f"h{turn}", "account": "a1", "kind": "courtesy", "author": "noc", "note": "kind"}
        spoken = {"since": at.isoformat(), "until": (at + 30 * MINUTE).isoformat()}
        tell(database, billing.event("hold", given | spoken), now=at)
        review(database, at)
        assert [one.since for one in _suspensions(database)] == [NOW], "in a courtesy it is over for the time being"
        review(database, at + 31 * MINUTE)
        read_back(database)
        assert _suspensions(database) == ()
    tell(database, billing.payment("a1", "p1"), now=NOW + DAY)
    review(database, NOW + DAY)
    assert [(one.since, one.until) for one in _suspensions(database)] == [(NOW, NOW + DAY)]


def test_a_stage_that_waits_for_the_next_login_is_a_suspension(database: Database) -> None:
    _paid_after(database, "armed")
    assert len(_suspensions(database)) == 1


WORDS = replace(policy(), tags=TagRules(person=frozenset({"sla"})))
BOOK = Book({"es": WORDS}, "es")
LATER = NOW + MINUTE

Told = Callable[[Billing], dict[str, Any]]


def _announced(billing: Billing) -> dict[str, Any]:
    paid = billing.payment("a1", "p1")["data"]
    return billing.event("payment", paid | {"instrument": "transfer", "pending": True})


def _unmatched(billing: Billing) -> dict[str, Any]:
    money = {"payment": "u1", "amount": 3000, "currency": "EUR", "received_at": billing.now.isoformat()}
    return billing.event("unmatched_payment", money | {"candidates": ["a1"]})


def _bounced(billing: Billing) -> dict[str, Any]:
    return billing.event("notice", billing.notice("a1", "n1")["data"] | {"bounced_at": billing.now.isoformat()})


def _collected(billing: Billing) -> dict[str, Any]:
    debit = {"collection": "c1", "invoice": "f1", "account": "a1", "amount": 3000}
    return billing.event("collection", debit | {"collected_on": billing.now.date().isoformat()})


def _tagged(billing: Billing) -> dict[str, Any]:
    return billing.account("a1", tags=["sla"])


SINCE: dict[str, tuple[Told, str]] = {
    "a transfer is announced": (_announced, "payment_clearing"),
    "money of nobody came": (_unmatched, "unmatched_payment"),
    "the notice bounced": (_bounced, "notice_bounced"),
    "a debit is under way": (_collected, "collection_pending"),
    "a person is to decide": (_tagged, "person"),
}


def _decided(db: Database, by: Policy = WORDS) -> Billing:
    """Decided while the agent was away."""
    set_up(db)
    billing = Billing()
    tell(db, billing.fresh(), *billing.debtor(1))
    review_due(db, Book({"es": by}, "es"), NOW)
    billing.now = NOW
    return billing


def _refused(db: Database, now: datetime, book: Book = BOOK) -> str | None:
    with db.write() as tx:
        row = tx.execute(select(entries)).one()
        asked = PermitRequest("", [PermitAsk(row.binding, row.changed_revision)])
        return permit(tx, DEVICE, asked, book, lambda: now).refused.get(row.binding)


def _unseen(db: Database) -> None:
    """What was told has been told to nobody's review: as where a rule's clock has run on without an event."""
    with db.write() as tx:
        tx.execute(update(accounts).values(review_at=None, cause_at=None))


@pytest.mark.parametrize("told", [told for told, _ in SINCE.values()], ids=list(SINCE))
def test_what_would_not_be_imposed_any_more_gets_no_permit_and_is_marked(database: Database, told: Told) -> None:
    billing = _decided(database)
    tell(database, told(billing), now=LATER)
    _unseen(database)
    assert str(_refused(database, LATER)).startswith("it would not be imposed any more: ")
    with database.read() as tx:
        assert tx.execute(select(accounts.c.review_at)).scalar_one() == LATER


@pytest.mark.parametrize(("told", "code"), SINCE.values(), ids=list(SINCE))
def test_a_review_withdraws_what_has_cut_nobody_and_would_not_be_imposed_any_more(
    database: Database, told: Told, code: str
) -> None:
    billing = _decided(database)
    tell(database, told(billing), now=LATER)
    review_due(database, BOOK, LATER)
    with database.read() as tx:
        decided, entry = tx.execute(select(decisions)).one(), tx.execute(select(entries)).one()
        (imposed,) = tx.execute(select(impositions)).all()
    assert (decided.access, decided.stage, entry.access, imposed.ended_at) == ("full", "", "full", LATER)
    assert code in [block["code"] for block in decided.body["blocks"]]


@pytest.mark.parametrize("told", [told for told, _ in SINCE.values()], ids=list(SINCE))
def test_what_a_device_was_read_to_give_stays(database: Database, told: Told) -> None:
    billing = _decided(database)
    read_back(database)
    tell(database, told(billing), now=LATER)
    review_due(database, BOOK, LATER)
    with database.read() as tx:
        assert tx.execute(select(entries)).one().access == "throttled"


def test_payments_that_went_stale_withdraw_a_stage_and_fresh_ones_bring_it_back(database: Database) -> None:
    billing = _decided(database)
    stale = NOW + 6 * DAY
    _unseen(database)
    assert "it would not be imposed any more" in str(_refused(database, stale))
    assert review_due(database, BOOK, stale).reviewed == 1
    billing.now = stale
    tell(database, billing.fresh(stale), now=stale)
    review_due(database, BOOK, stale)
    assert _refused(database, stale) is None


def test_what_would_still_be_imposed_stays_as_it_is(database: Database) -> None:
    billing = _decided(database)
    tell(database, billing.account("a1", tags=["gold"]), now=LATER)
    review_due(database, BOOK, LATER)
    with database.read() as tx:
        (imposed,) = tx.execute(select(impositions)).all()
        assert tx.execute(select(entries)).one().changed_revision == 1
    assert (imposed.at, imposed.ended_at) == (NOW, None)
    assert _refused(database, LATER) is None


def test_outside_the_policys_hours_a_stage_waits_and_is_not_withdrawn(database: Database) -> None:
    billing = _decided(database)
    never = Window(frozenset({7}), WORDS.window.opens, WORDS.window.closes)
    book = Book({"es": replace(WORDS, window=never)}, "es")
    tell(database, billing.account("a1"), now=LATER)
    review_due(database, book, LATER)
    assert _refused(database, LATER, book) == "it is outside the policy's hours for restricting"


def _two_rungs() -> Policy:
    (throttle,) = WORDS.ladders[Kind.INTERNET]
    return replace(WORDS, ladders={Kind.INTERNET: (throttle, replace(throttle, name="portal", access=Access.PORTAL))})


def _stage(db: Database) -> tuple[str, str]:
    with db.read() as tx:
        return tx.execute(select(decisions.c.stage)).scalar_one(), tx.execute(select(entries.c.access)).scalar_one()


def test_a_second_stage_waits_until_the_first_was_read_back_and_withdrawn_leaves_it_in_force(
    database: Database,
) -> None:
    billing, book = _decided(database, _two_rungs()), Book({"es": _two_rungs()}, "es")
    ripe = NOW + 2 * DAY
    billing.now = ripe - MINUTE
    tell(database, billing.fresh(ripe), billing.notice("a1", "n2", "portal"), now=ripe)
    review_due(database, book, ripe)
    assert _stage(database) == ("throttle", "throttled")
    read_back(database)
    review_due(database, book, ripe)
    assert _stage(database) == ("portal", "portal")
    bounced = billing.notice("a1", "n2", "portal")["data"] | {"bounced_at": billing.now.isoformat()}
    tell(database, billing.event("notice", bounced), now=ripe + MINUTE)
    review_due(database, book, ripe + MINUTE)
    assert _stage(database) == ("throttle", "throttled")
    with database.read() as tx:
        rows = [(row.stage, row.at, row.ended_at) for row in tx.execute(select(impositions).order_by(impositions.c.id))]
    assert rows == [("throttle", NOW, None), ("portal", ripe, ripe + MINUTE)]
    assert _suspensions(database) == ()
