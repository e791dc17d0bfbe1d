"""Where does every device stand, and who is asking? What the feed's long poll compares and answers with."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from controller.store.queries.writing import announce, upsert
from controller.store.tables import agents, device_modes, devices, installation
from enforcement.access import Kind
from enforcement.modes import Mode


@dataclass(frozen=True, slots=True)
class DeviceStanding:
    """One device: whose it is, its epoch and revision, and its mode for each kind of service."""

    agent: str | None
    epoch: str
    revision: int
    modes: tuple[tuple[str, str], ...]
    adopts: tuple[str | int, ...] | None


@dataclass(frozen=True, slots=True)
class Standing:
    """All devices at one instant, and whether restricting is stopped."""

    installation: str
    stopped: bool
    devices: Mapping[str, DeviceStanding]


def where_devices_stand(tx: Connection) -> Standing:
    """All devices, from the snapshot of `tx`."""
    ours = tx.execute(select(installation.c.name, installation.c.stopped_at)).one()
    modes = modes_of_devices(tx)
    columns = (devices.c.name, devices.c.agent, devices.c.epoch, devices.c.revision, devices.c.adopts)
    found = {
        row.name: DeviceStanding(
            agent=row.agent,
            epoch=row.epoch,
            revision=row.revision,
            modes=tuple(sorted(modes.get(row.name, OBSERVE).items())),
            adopts=tuple(row.adopts) if row.adopts else None,
        )
        for row in tx.execute(select(*columns))
    }
    return Standing(ours.name, ours.stopped_at is not None, found)


OBSERVE: Mapping[str, str] = {kind.value: Mode.OBSERVE.value for kind in Kind}
"""The modes of a device for which nobody set one."""


def modes_of_devices(tx: Connection, device: str | None = None) -> dict[str, dict[str, str]]:
    """The mode for each kind of service, of every device that has one set, or of one device."""
    query = select(device_modes.c.device, device_modes.c.kind, device_modes.c.mode)
    if device is not None:
        query = query.where(device_modes.c.device == device)
    found: dict[str, dict[str, str]] = {}
    for row in tx.execute(query):
        found.setdefault(row.device, dict(OBSERVE))[row.kind] = row.mode
    return found


def note_contact(tx: Connection, agent: str, now: datetime) -> None:
    """The agent has just been heard of."""
    upsert(tx, agents, {"name": agent, "last_contact_at": now})


def wake_feeds(tx: Connection) -> None:
    """Tell the controllers on this database, when `tx` commits, that agents should know something new."""
    announce(tx, "")
