"""Reviews by the clock alone: those that change nothing leave the same as a review that looks at everything."""

import shutil
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import update

from controller.conclusion import Book
from controller.review import review_due
from controller.store.engine import Database, open_database
from controller.store.tables import accounts, decisions, entries, freshness
from tests.controller.billing import DEVICE, MINUTE, NOW, Billing, policy, set_up, tell
from tests.controller.dump import dump

HOURS = [NOW + timedelta(hours=hour) for hour in (0, 1, 5, 23, 24, 30, 24 * 8)]


def _history(db: Database) -> None:
    """A debtor, one who owes and was not warned, one who paid, one under a hold that ends, one whose money clears."""
    set_up(db)
    billing = Billing()
    hold = {"hold": "h4", "account": "a4", "kind": "dispute", "since": "2026-03-01T10:00:00Z", "author": "care"}
    money = {"payment": "p5", "account": "a5", "amount": 3000, "currency": "EUR", "instrument": "transfer"}
    tell(
        db,
        billing.fresh(),
        *[event for number in range(1, 6) for event in billing.debtor(number)],
        billing.payment("a3", "p3"),
        billing.event("hold", hold | {"note": "asks", "until": "2026-03-03T15:00:00Z"}),
        billing.event("payment", money | {"received_at": "2026-03-03T09:00:00Z", "clears_at": "2026-03-04T09:30:00Z"}),
    )


def _review_all(db: Database, now: datetime) -> None:
    while review_due(db, Book({"es": policy()}, "es"), now, 3).reviewed:
        pass


def _mark_all(db: Database, now: datetime, *, forget: bool) -> None:
    """As when an instant comes that everybody waits for; `forget` has everything looked at anew."""
    values: dict[str, object] = {"review_at": now}
    with db.write() as tx:
        tx.execute(update(accounts).values(values | ({"concluded": None} if forget else {})))
        tx.execute(update(freshness).values(payments_known_until=now))


def _after(db: Database, *, forget: bool) -> dict[str, list[object]]:
    _history(db)
    for now in HOURS:
        _mark_all(db, now, forget=forget)
        _review_all(db, now)
    found = dump(db)
    with db.read() as tx:
        told = {row.service_id: (row.access, row.stage, _said(row.body)) for row in tx.execute(decisions.select())}
    return {name: found[name] for name in ("entries", "impositions", "timeline")} | {"decisions": [told]}


def _said(body: dict[str, object]) -> dict[str, object]:
    """What a decision says, but for when it is looked at again: that stands on the account."""
    return {name: value for name, value in body.items() if name != "review_at"}


def test_a_short_look_leaves_what_a_long_one_leaves(migrated_sqlite: Path, tmp_path: Path) -> None:
    found = []
    for forget in (False, True):
        path = shutil.copy(migrated_sqlite, tmp_path / f"{forget}.db")
        with closing(open_database(f"sqlite:///{path}")) as db:
            found.append(_after(db, forget=forget))
    assert found[0] == found[1]


def test_what_may_restore_overtakes_a_backlog(database: Database) -> None:
    _history(database)
    _review_all(database, NOW)
    _mark_all(database, NOW - MINUTE, forget=False)
    billing = Billing("other", NOW)
    tell(database, billing.payment("a1", "p1"), now=NOW + MINUTE)
    result = review_due(database, Book({"es": policy()}, "es"), NOW + MINUTE, 2)
    with database.read() as tx:
        marked = {row.id: row.review_at for row in tx.execute(accounts.select())}
    assert result.reviewed == 1
    assert marked["a1"] is None
    assert marked["a2"] == NOW - MINUTE


def test_the_other_device_of_a_known_customer_is_looked_at_in_full(database: Database) -> None:
    """News of a binding are news: a short look would leave the new place open."""
    _history(database)
    _review_all(database, NOW)
    billing = Billing("other", NOW)
    tell(database, billing.service("a1", "s1", (DEVICE, "username:u1"), (DEVICE, "username:u1b")), now=NOW + MINUTE)
    _review_all(database, NOW + MINUTE)
    with database.read() as tx:
        found = {row.key: row.access for row in tx.execute(entries.select()) if row.service_id == "s1"}
    assert found == {"username:u1": "throttled", "username:u1b": "throttled"}
