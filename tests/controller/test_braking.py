"""The brake counts exactly what is let through: a stage that no device could give was observed, and counts later."""

from sqlalchemy import select

from controller.store.engine import Database
from controller.store.queries.devices import enrol, set_mode
from controller.store.tables import entries, impositions
from enforcement.access import Kind
from enforcement.modes import Mode
from tests.controller.billing import MINUTE, NOW, Billing, review, set_up, tell


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
