"""The agents' side: what is wanted, may I, and what was seen. Messages are the dataclasses of `enforcement.wire`.

The feed is the one endpoint that waits: a coroutine without a thread or a connection. Each request is short otherwise.
"""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query

from controller.api.auth import Agent, Caller
from controller.api.checked import check_enrolment, check_feed_ask, check_report
from controller.api.context import Context
from controller.api.paths import DeviceName, Given
from controller.api.problems import Problem, responses
from controller.permits import permit
from controller.reports import save_report
from controller.store.queries import accounts, bindings, devices
from controller.store.queries.entries import AnotherEpoch, entries_after
from controller.store.queries.standing import DeviceStanding, Standing, note_contact, where_devices_stand
from enforcement import wire

router = APIRouter(prefix="/v1/agent", tags=["agents"], responses=responses(401, 403, 422, 503))


@router.post("/feed")
async def feed(context: Given, caller: Agent, ask: wire.FeedAsk) -> wire.Feed:
    """Where the agent's devices stand: at once when anything differs from what it knows, else after `wait` seconds."""
    check_feed_ask(ask)
    present = await asyncio.to_thread(_look, context, caller)

    def differs(standing: Standing) -> bool:
        moved = standing.stopped != ask.stopped or _places(standing, caller.name) != ask.known
        return moved or _modes(standing, caller.name) != ask.modes

    def is_news(standing: Standing) -> bool:
        return differs(standing) and not _is_behind(standing, present)

    if ask.wait and not differs(present):
        present = await context.board.wait(is_news, ask.wait) or present
    return _feed(present, caller.name)


def _is_behind(standing: Standing, present: Standing) -> bool:
    """Whether the board has not yet seen what this request has: an older word would look like a backup restored."""
    former = ((standing.devices.get(name), device) for name, device in present.devices.items())
    return any(old is None or (old.epoch == new.epoch and old.revision < new.revision) for old, new in former)


def _look(context: Context, caller: Caller) -> Standing:
    with context.database.write() as tx:
        note_contact(tx, caller.name, context.clock())
    with context.database.read() as tx:
        return where_devices_stand(tx)


def _mine(standing: Standing, agent: str) -> dict[str, DeviceStanding]:
    return {name: device for name, device in standing.devices.items() if device.agent == agent}


def _places(standing: Standing, agent: str) -> dict[str, tuple[str, int]]:
    return {name: (device.epoch, device.revision) for name, device in _mine(standing, agent).items()}


def _modes(standing: Standing, agent: str) -> dict[str, dict[str, str]]:
    return {name: dict(device.modes) for name, device in _mine(standing, agent).items()}


def _feed(standing: Standing, agent: str) -> wire.Feed:
    return wire.Feed(
        version=wire.VERSION,
        installation=standing.installation,
        stopped=standing.stopped,
        devices={
            name: wire.FeedDevice(
                epoch=each.epoch,
                revision=each.revision,
                modes=dict(each.modes),
                adopts=list(each.adopts) if each.adopts else None,
            )
            for name, each in _mine(standing, agent).items()
        },
    )


@router.get("/devices/{device}/entries", responses=responses(404, 409))
def entries(
    context: Given,
    caller: Agent,
    device: DeviceName,
    epoch: Annotated[str, Query(max_length=64, description="The epoch that the agent is in.")],
    after: Annotated[int, Query(ge=0, le=2**62, description="The revision that it has; 0 for everything.")] = 0,
    past: Annotated[
        str, Query(max_length=64, description="The last binding that it has of `after`, where a page ended there.")
    ] = "",
    limit: Annotated[int | None, Query(ge=1, le=10_000, description="The most entries of one answer.")] = None,
) -> wire.Entries:
    """The entries that changed after a revision, from one snapshot: applied on top of `after`, they give `revision`."""
    with context.database.read() as tx:
        _own(devices.device(tx, device), device, caller)
        try:
            found = entries_after(tx, device, epoch, after, past, limit)
        except AnotherEpoch as other:
            raise Problem(409, f"{other}; see grifo device adopt-epoch {device}") from other
    assert found is not None
    told = [wire.entry_to_wire(entry) for entry in found.entries]
    return wire.Entries(wire.VERSION, device, found.epoch, found.revision, told, found.more)


def _own(row: object, device: str, caller: Caller) -> None:
    owner = getattr(row, "agent", None)
    if row is None or owner is None:
        raise Problem(404, f"No agent has enrolled a device named {device!r}; enrol it with PUT first.")
    if owner != caller.name:
        raise Problem(403, f"The device {device!r} belongs to the agent {owner!r}, not to {caller.name!r}.")


@router.put("/devices/{device}", status_code=204, responses=responses(409))
def enrol(context: Given, caller: Agent, device: DeviceName, enrolment: wire.Enrolment) -> None:
    """An agent tells of a device that it owns: its driver and what it can enforce. No address, no secret."""
    able = check_enrolment(enrolment)
    now = context.clock()
    with context.database.write() as tx:
        before = devices.device(tx, device)
        if before is not None and before.agent not in (None, caller.name):
            raise Problem(403, f"The device {device!r} belongs to the agent {before.agent!r}.")
        if before is None or (before.keys, before.access) != able:
            touched = bindings.accounts_on_device(tx, device)
            accounts.lock_accounts(tx, touched)
            accounts.mark_for_review(tx, touched, now)
        if not devices.enrol(tx, device, caller.name, enrolment.driver, able, now, enrolment.site):
            raise Problem(403, f"The device {device!r} was just enrolled by another agent.")
        note_contact(tx, caller.name, now)
    context.board.changed()
    context.review_soon()


@router.post("/devices/{device}/permits", responses=responses(404, 409))
def permits(context: Given, caller: Agent, device: DeviceName, request: wire.PermitRequest) -> wire.Permit:
    """May these be restricted now? Asked before each slice that takes something away; no permit, no cut."""
    with context.database.write() as tx:
        row = devices.device(tx, device)
        _own(row, device, caller)
        assert row is not None
        if row.epoch != request.epoch:
            raise Problem(409, f"The device {device} is of epoch {row.epoch}, not {request.epoch}.")
        answer = permit(tx, device, request, context.book, context.clock)
    context.metrics.permits(len(answer.granted), len(answer.refused))
    return answer


@router.put("/devices/{device}/report", status_code=204, responses=responses(404))
def report(context: Given, caller: Agent, device: DeviceName, report: wire.Report) -> None:
    """What the agent read on its device: state, resendable. It verifies an entry only at its present revision."""
    check_report(report)
    now = context.clock()
    with context.database.write() as tx:
        row = devices.device(tx, device)
        _own(row, device, caller)
        note_contact(tx, caller.name, now)
    assert row is not None
    observe = context.metrics.restore_seconds.observe
    if save_report(context.database, device, row.epoch, report, now, observe):
        context.review_soon()
