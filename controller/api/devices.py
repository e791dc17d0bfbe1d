"""Devices for NOC staff: how they are, how far grifo may go on them, and leaving another database's epoch."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter
from sqlalchemy import Connection

from controller.api.asks import ModeAsk
from controller.api.auth import Admin, Operator, Reader
from controller.api.paths import DeviceName, Given, unknown_device
from controller.api.problems import Problem, responses
from controller.api.views import AdoptOut, DeviceOut
from controller.store.queries import adopting, devices, watched
from controller.store.queries.timeline import Happening, record
from enforcement.access import Access, Kind, lowers
from enforcement.modes import Mode

router = APIRouter(prefix="/v1/devices", tags=["devices"], responses=responses(401, 403, 422, 503))


@router.get("")
def all_devices(context: Given, caller: Reader) -> list[DeviceOut]:
    """Every device that a binding or an agent names."""
    with context.database.read() as tx:
        return [DeviceOut.model_validate(found) for found in watched.devices_shown(tx)]


@router.get("/{device}", responses=responses(404))
def one_device(context: Given, caller: Reader, device: DeviceName) -> DeviceOut:
    """One device."""
    with context.database.read() as tx:
        return _shown(tx, device)


@router.put("/{device}/mode", responses=responses(404))
def set_mode(context: Given, caller: Operator, device: DeviceName, ask: ModeAsk) -> DeviceOut:
    """How far grifo may go on a device: `observe` writes nothing, `restore_only` only raises access, `enforce` both."""
    kinds = list(Kind) if ask.kind is None else [ask.kind]
    now = context.clock()
    with context.database.write() as tx:
        if devices.device(tx, device) is None:
            raise unknown_device(device)
        devices.set_mode(tx, device, kinds, Mode(ask.mode), caller.name, now)
        text = f"{device} is in mode {ask.mode} for {', '.join(kinds)}" + (f": {ask.note}" if ask.note else "")
        record(tx, [Happening(now, "mode", caller.name, text, device=device)])
        found = _shown(tx, device)
    context.board.changed()
    return found


@router.delete("/{device}/agent", status_code=204, responses=responses(404))
def release(context: Given, caller: Admin, device: DeviceName) -> None:
    """Take a device from its agent, so that another may enrol it; the former one gets no permits for it any more."""
    now = context.clock()
    with context.database.write() as tx:
        if devices.device(tx, device) is None:
            raise unknown_device(device)
        former = adopting.release_device(tx, device)
        text = f"{device} was taken from the agent {former}" if former else f"{device} had no agent"
        record(tx, [Happening(now, "mode", caller.name, text, device=device)])
    context.board.changed()


@router.get("/{device}/adopt-epoch", responses=responses(404))
def what_adopting_changes(context: Given, caller: Reader, device: DeviceName) -> AdoptOut:
    """What a new epoch would change for customers, from what the agent last read. Nothing is done."""
    with context.database.read() as tx:
        return _adoption(tx, device, adopted=False)


@router.post("/{device}/adopt-epoch", responses=responses(404, 409))
def adopt_epoch(context: Given, caller: Admin, device: DeviceName) -> AdoptOut:
    """Start a new epoch: the agent leaves what it had from another database for this one. Look with GET first."""
    now = context.clock()
    with context.database.write() as tx:
        adopting.lock_accounts_on(tx, device)
        shown = _adoption(tx, device, adopted=True)
        epoch = devices.adopt_epoch(tx, device)
        text = f"{device} leaves epoch {shown.epoch} at revision {shown.revision} for the new epoch {epoch}"
        record(tx, [Happening(now, "epoch", caller.name, text, device=device)])
        present = _shown(tx, device)
    context.board.changed()
    return shown.model_copy(update={"epoch": epoch, "revision": present.revision})


def _shown(tx: Connection, device: str) -> DeviceOut:
    found = watched.devices_shown(tx, device)
    if not found:
        raise unknown_device(device)
    return DeviceOut.model_validate(found[0])


def _adoption(tx: Connection, device: str, adopted: bool) -> AdoptOut:
    present = _shown(tx, device)
    if adopted and present.agent is None:
        raise Problem(409, f"The device {device!r} has no agent, so there is no other epoch to leave.")
    rows = adopting.entries_of_device(tx, device)
    return AdoptOut.model_validate(
        {
            "device": device,
            "epoch": present.epoch,
            "revision": present.revision,
            "reported_epoch": present.reported_epoch,
            "reported_revision": present.reported_revision,
            "halted": present.halted,
            "restricts": [watched.entry_in_drift(row, "restricts") for row in rows if _goes(row, down=True)],
            "restores": [watched.entry_in_drift(row, "restores") for row in rows if _goes(row, down=False)],
            "unread": _unread(rows),
            "adopted": adopted,
        }
    )


def _goes(row: Any, down: bool) -> bool:
    """Whether the device is to go down (or up) from what it was last read to enforce."""
    if row.seen is None or row.seen == row.access:
        return False
    return lowers(Kind(row.kind), Access(row.seen), Access(row.access)) is down


def _unread(rows: Sequence[Any]) -> int:
    return sum(row.seen is None for row in rows)
