"""The brake counts exactly what is let through: a stage that no device could give was observed, and counts later."""

from sqlalchemy import select

from controller.store.engine import Database
from controller.store.queries.devices import enrol, set_mode
from controller.store.tables import entries, impositions
from enforcement.access import Kind
from enforcement.modes import Mode
from tests.controller.billing import DEVICE, MINUTE, NOW, Billing, review, set_up, tell


def _portal_here_throttle_there(db: Database) -> None:
    """`bras1` enforces but cannot throttle; `bras2` can, and only observes. Three customers are on both."""
    set_up(db, "bras1", "bras2")
    with db.write() as tx:
        enrol(tx, "bras1", "agent1", "radius", (["username"], {"internet": ["portal"]}), NOW)
        set_mode(tx, "bras2", [Kind.INTERNET], Mode.OBSERVE, "ana", NOW)
    billing = Billing()
    tell(db, billing.fresh())
    for n in (1, 2, 3):
        both = [(device, f"username:u{n}") for device in ("bras1", "bras2")]
        tell(db, *billing.debtor(n), billing.service(f"a{n}", f"s{n}", *both))
    review(db, number=1, canary=1)


def _throttled(db: Database, device: str) -> int:
    with db.read() as tx:
        found = tx.execute(select(entries.c.access).where(entries.c.device == device)).scalars()
        return list(found).count("throttled")


def test_what_the_only_enforcing_device_cannot_give_was_only_observed(database: Database) -> None:
    _portal_here_throttle_there(database)
    with database.read() as tx:
        assert list(tx.execute(select(impositions.c.observed)).scalars()) == [True] * 3


def test_a_device_that_begins_to_enforce_is_braked_although_another_enforced_before(database: Database) -> None:
    _portal_here_throttle_there(database)
    assert _throttled(database, "bras2") == 3
    with database.write() as tx:
        set_mode(tx, "bras2", [Kind.INTERNET], Mode.ENFORCE, "ana", NOW + MINUTE)
    review(database, NOW + MINUTE, number=1, canary=1)
    assert _throttled(database, "bras2") == 1


def test_a_service_that_is_restricted_again_within_a_day_takes_no_second_place(database: Database) -> None:
    set_up(database)
    billing = Billing()
    tell(database, billing.fresh(), *billing.debtor(1))
    review(database, number=1, canary=1)
    tell(database, billing.payment("a1", "p1"))
    review(database, number=1, canary=1)
    assert _throttled(database, DEVICE) == 0
    tell(database, billing.invoice("a1", "x1"), *billing.debtor(2))
    review(database, number=1, canary=1)
    with database.read() as tx:
        restricted = select(entries.c.service_id).where(entries.c.access == "throttled")
        assert tx.execute(restricted).scalars().all() == ["s1"]
