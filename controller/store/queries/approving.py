"""A person lets more pass than the brake would: the approval of one brake, and who is decided again because of it."""

from datetime import datetime

from sqlalchemy import Connection, update

from controller.store.queries.accounts import lock_accounts, mark_for_review
from controller.store.queries.bindings import accounts_on_device
from controller.store.tables import brakes


def approve_brake(tx: Connection, policy: str, device: str, extra: int, until: datetime, by: str) -> bool:
    """Let `extra` more first impositions pass until an instant; replaces a former approval. False: no such brake."""
    mine = update(brakes).where(brakes.c.policy == policy, brakes.c.device == device)
    approved = mine.values(approved_extra=extra, approved_by=by, approved_until=until)
    return tx.execute(approved).rowcount == 1


def decide_again_on(tx: Connection, device: str, now: datetime) -> int:
    """Have every account that is bound to a device reviewed now; how many they are."""
    touched = accounts_on_device(tx, device)
    lock_accounts(tx, touched)
    mark_for_review(tx, touched, now)
    return len(touched)
