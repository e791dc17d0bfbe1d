"""A person lets more pass than the brake would: the approval of one brake."""

from datetime import datetime

from sqlalchemy import Connection, update

from controller.store.tables import brakes


def approve_brake(tx: Connection, policy: str, device: str, extra: int, until: datetime, by: str) -> bool:
    """Let `extra` more first impositions pass until an instant; replaces a former approval. False: no such brake."""
    mine = update(brakes).where(brakes.c.policy == policy, brakes.c.device == device)
    approved = mine.values(approved_extra=extra, approved_by=by, approved_until=until)
    return tx.execute(approved).rowcount == 1
