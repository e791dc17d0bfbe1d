"""A device changes hands: from one agent to another, or from another database's epoch to ours."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, select, update

from controller.store.queries.permitting import lock_accounts_of
from controller.store.queries.standing import wake_feeds
from controller.store.tables import devices, entries


def entries_of_device(tx: Connection, device: str) -> Sequence[Row[Any]]:
    """Everything that a device is to enforce, tombstones included."""
    return tx.execute(select(entries).where(entries.c.device == device).order_by(entries.c.binding)).all()


def lock_accounts_on(tx: Connection, device: str) -> None:
    """Keep reviews of a device's accounts away until the commit: its entries are about to be told anew."""
    bindings = tx.execute(select(entries.c.binding).where(entries.c.device == device)).scalars().all()
    lock_accounts_of(tx, device, bindings)


def release_device(tx: Connection, device: str) -> str | None:
    """Make a device nobody's. The agent that it was of, or None."""
    former: str | None = tx.execute(
        select(devices.c.agent).where(devices.c.name == device).with_for_update(key_share=True)
    ).scalar_one()
    tx.execute(update(devices).where(devices.c.name == device).values(agent=None))
    wake_feeds(tx)
    return former
