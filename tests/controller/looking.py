"""What the database holds of an account and its service after a review; and a debtor for a start."""

from controller.core.facts import AccountId, Facts
from controller.store.engine import Database
from controller.store.queries import shown
from controller.store.queries.facts import facts_of
from tests.controller.billing import NOW, Billing, set_up, tell


def facts_in(db: Database, account: str) -> Facts:
    """All that is known of an account."""
    with db.read() as tx:
        return facts_of(tx, [account], NOW)[AccountId(account)]


def access_in(db: Database, service: str = "s1") -> str:
    """The access that was decided last."""
    with db.read() as tx:
        row = shown.decision_row(tx, service)
    assert row is not None
    return str(row.access)


def blocks_in(db: Database, service: str = "s1") -> list[str]:
    """What stands in the way of the next stage, by code."""
    with db.read() as tx:
        row = shown.decision_row(tx, service)
    assert row is not None
    return [block["code"] for block in row.body["blocks"]]


def debtor_in(db: Database) -> Billing:
    """One account that owes and was warned, on a device that enforces."""
    set_up(db)
    billing = Billing()
    tell(db, billing.fresh(), *billing.debtor(1))
    return billing
