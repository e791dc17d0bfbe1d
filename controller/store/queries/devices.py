"""Devices: their revision, epoch, mode and stop switch, and what their agents enrolled them as able to do."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, or_, select, update

from controller.store.queries.accounts import lock_and_mark
from controller.store.queries.standing import wake_feeds
from controller.store.queries.writing import insert_missing, upsert
from controller.store.tables import bindings, device_modes, devices, entries, impositions, installation, services
from enforcement.access import Kind
from enforcement.modes import Mode

OURS = 1
"""The key of the only row of `installation`."""


class AnotherInstallation(ValueError):
    """The database belongs to another installation than the settings name."""


def claim_installation(tx: Connection, name: str) -> None:
    """Make an empty database this installation's. Raises AnotherInstallation where it is somebody else's."""
    insert_missing(tx, installation, [{"only": OURS, "name": name}])
    found = tx.execute(select(installation.c.name)).scalar_one()
    if found != name:
        raise AnotherInstallation(f"installation: the settings say {name!r}, but this database is of {found!r}")


def set_stop(tx: Connection, now: datetime | None, by: str | None, note: str | None) -> None:
    """Stop all restricting from `now` on; with None, let it go on."""
    tx.execute(update(installation).values(stopped_at=now, stopped_by=by, stop_note=note))
    wake_feeds(tx)


def ensure_devices(tx: Connection, names: Collection[str]) -> None:
    """A row for each device that a binding or an agent names for the first time, in an epoch of its own."""
    insert_missing(tx, devices, [_unknown_device(name) for name in sorted(names)])


def _unknown_device(name: str) -> dict[str, Any]:
    nothing: dict[str, Any] = {"keys": [], "access": {}, "revision": 0, "halted": "", "problems": []}
    return {"name": name, "epoch": _new_epoch(), "site": "", "former_boots": [], "unsafe": [], **nothing}


def _new_epoch() -> str:
    return uuid.uuid4().hex


def device(tx: Connection, name: str) -> Row[Any] | None:
    """The row of one device."""
    return tx.execute(select(devices).where(devices.c.name == name)).one_or_none()


def devices_named(tx: Connection, names: Collection[str]) -> Mapping[str, Row[Any]]:
    """The rows of these devices, by name."""
    return {row.name: row for row in tx.execute(select(devices).where(devices.c.name.in_(sorted(names))))}


def enrol(
    tx: Connection,
    name: str,
    agent: str,
    driver: str,
    able: tuple[Sequence[str], Mapping[str, Sequence[str]]],
    now: datetime,
    site: str = "",
) -> bool:
    """An agent tells of its device; `able` is its key types, and its accesses below full by kind of service.

    False where the device is another agent's, and nothing is changed. Where the abilities changed, the caller marks
    the accounts that are bound to it.
    """
    ensure_devices(tx, [name])
    nobodys_or_own = or_(devices.c.agent.is_(None), devices.c.agent == agent)
    keys, access = able
    values = {
        "agent": agent,
        "driver": driver,
        "site": site,
        "keys": sorted(keys),
        "access": {kind: sorted(found) for kind, found in access.items()},
        "enrolled_at": now,
    }
    enrolled = tx.execute(update(devices).where(devices.c.name == name, nobodys_or_own).values(values)).rowcount == 1
    if enrolled:
        wake_feeds(tx)
    return enrolled


def set_mode(tx: Connection, name: str, kinds: Collection[Kind], mode: Mode, by: str, now: datetime) -> None:
    """Set how far grifo may go on a device for these kinds of service.

    What was only observed until now cut nobody: where the device is to enforce it, it is decided again, so that its
    first impositions pass through brake and hours as any others do.
    """
    for kind in sorted(kinds):
        row = {"device": name, "kind": kind.value, "mode": mode.value, "set_at": now, "set_by": by}
        upsert(tx, device_modes, row)
    if mode is Mode.ENFORCE:
        _decide_again(tx, name, kinds, now)
    wake_feeds(tx)


def _decide_again(tx: Connection, name: str, kinds: Collection[Kind], now: datetime) -> None:
    shown = impositions.c.observed & impositions.c.ended_at.is_(None)
    joined = impositions.join(services, impositions.c.service_id == services.c.id)
    joined = joined.join(bindings, bindings.c.service_id == services.c.id)
    here = (bindings.c.device == name) & services.c.kind.in_([kind.value for kind in kinds])
    lock_and_mark(tx, select(services.c.account_id).select_from(joined).where(shown, here), now)


def next_revisions(tx: Connection, names: Collection[str]) -> dict[str, int]:
    """Raise the revision of each of these devices by one, in name order, and hold their rows until the commit.

    Rule 3: since the row stays locked, the order of commits is the order of revisions. Whoever calls this writes the
    entries of that revision, and nothing else, before committing.
    """
    found = {}
    for name in sorted(names):
        raised = update(devices).where(devices.c.name == name).values(revision=devices.c.revision + 1)
        found[name] = tx.execute(raised.returning(devices.c.revision)).scalar_one()
    if found:
        wake_feeds(tx)
    return found


def adopt_epoch(tx: Connection, name: str) -> str:
    """Start a new epoch of a device, and let its agent leave the one that it last reported. The new epoch.

    Every entry of the device is told anew and must be verified anew: what was seen belonged to the former epoch.
    """
    row = tx.execute(select(devices).where(devices.c.name == name).with_for_update(key_share=True)).one()
    left = [row.reported_epoch, row.reported_revision] if row.reported_epoch is not None else None
    epoch = _new_epoch()
    values = {"epoch": epoch, "adopts": left, "revision": row.revision + 1, "halted": ""}
    tx.execute(update(devices).where(devices.c.name == name).values(values))
    unseen = {"state": "pending", "seen": None, "state_revision": None, "verified_at": None}
    told_anew = update(entries).where(entries.c.device == name)
    tx.execute(told_anew.values(changed_revision=row.revision + 1, **unseen))
    wake_feeds(tx)
    return epoch
