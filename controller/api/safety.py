"""What keeps many from being cut by mistake: the stop switch, the brakes, and events that contradict themselves."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Path

from controller.api.asks import ApproveAsk, FreezeAsk, NoteAsk
from controller.api.auth import Admin, Operator, Reader
from controller.api.paths import DeviceName, Given
from controller.api.problems import Problem, responses
from controller.api.views import BrakeOut, ConflictOut, FreezeOut, StopOut
from controller.store.queries import accounts, approving, devices, events, freezing, told, watched
from controller.store.queries.timeline import Happening, record

router = APIRouter(prefix="/v1", responses=responses(401, 403, 422, 503))

LONGEST_APPROVAL = timedelta(days=7)
LONGEST_FREEZE = timedelta(days=31)

Site = Annotated[str, Path(max_length=64, description="The site's name in the settings of its agents.")]


@router.put("/stop", tags=["stop"])
def stop(context: Given, caller: Operator, ask: NoteAsk) -> StopOut:
    """Stop all restricting at once, everywhere. Restores go on."""
    now = context.clock()
    with context.database.write() as tx:
        devices.set_stop(tx, now, caller.name, ask.note)
        record(tx, [Happening(now, "stop", caller.name, f"all restricting is stopped: {ask.note}")])
    context.board.changed()
    return StopOut(since=now, by=caller.name, note=ask.note)


@router.delete("/stop", tags=["stop"], status_code=204)
def end_stop(context: Given, caller: Operator) -> None:
    """Let restricting go on. Harmless where it was not stopped."""
    now = context.clock()
    with context.database.write() as tx:
        was_stopped = watched.installation_row(tx).stopped_at is not None
        devices.set_stop(tx, None, None, None)
        if was_stopped:
            record(tx, [Happening(now, "stop", caller.name, "restricting goes on")])
    context.board.changed()


@router.get("/freezes", tags=["stop"])
def freezes(context: Given, caller: Reader) -> list[FreezeOut]:
    """The sites where nobody is newly restricted at this moment."""
    with context.database.read() as tx:
        return [FreezeOut.model_validate(found) for found in freezing.freezes_in_force(tx, context.clock())]


@router.put("/freezes/{site}", tags=["stop"], responses=responses(404))
def freeze(context: Given, caller: Operator, site: Site, ask: FreezeAsk) -> FreezeOut:
    """Restrict nobody newly at a site until an instant. What is restricted stays so; restores go on."""
    now = context.clock()
    if not now < ask.until <= now + LONGEST_FREEZE:
        raise Problem(422, f"body.until must be ahead of now by at most {LONGEST_FREEZE.days} days")
    with context.database.write() as tx:
        sites = freezing.sites_named(tx)
        if site not in sites:
            known = ", ".join(sites) or "none: agents name them by `site` in their settings"
            raise Problem(404, f"No device is at a site named {site!r}. Sites: {known}.")
        freezing.freeze(tx, site, now, ask.until, caller.name, ask.note)
        text = f"nobody is newly restricted at {site} until {ask.until.isoformat()}: {ask.note}"
        record(tx, [Happening(now, "stop", caller.name, text)])
    return FreezeOut(site=site, since=now, until=ask.until, by=caller.name, note=ask.note)


@router.delete("/freezes/{site}", tags=["stop"], status_code=204)
def end_freeze(context: Given, caller: Operator, site: Site) -> None:
    """Let restricting go on at a site. Harmless where it was not frozen."""
    now = context.clock()
    with context.database.write() as tx:
        if freezing.end_freeze(tx, site, now):
            record(tx, [Happening(now, "stop", caller.name, f"restricting goes on at {site}")])


@router.get("/brakes", tags=["brakes"])
def brakes(context: Given, caller: Reader) -> list[BrakeOut]:
    """First impositions of a rolling 24 h, and how many may pass, for each policy and device."""
    with context.database.read() as tx:
        return [BrakeOut.model_validate(found) for found in watched.brakes_shown(tx, context.clock())]


@router.post("/brakes/{policy}/{device}/approve", tags=["brakes"], responses=responses(404))
def approve(
    context: Given,
    caller: Admin,
    policy: Annotated[str, Path(max_length=64, description="The policy's name.")],
    device: DeviceName,
    ask: ApproveAsk,
) -> BrakeOut:
    """Let more pass until an instant; those that wait for it are decided again. Replaces a former approval."""
    now = context.clock()
    if not now < ask.until <= now + LONGEST_APPROVAL:
        raise Problem(422, f"body.until must be ahead of now by at most {LONGEST_APPROVAL.days} days")
    with context.database.write() as tx:
        again = told.wake_who_waits(tx, now, "brake", "canary", device=device)
        if not approving.approve_brake(tx, policy, device, ask.extra, ask.until, caller.name):
            raise Problem(404, f"No brake of policy {policy!r} on device {device!r}. GET /v1/brakes lists them.")
        text = f"{ask.extra} more may pass the brake of {policy} on {device} until {ask.until.isoformat()}: {ask.note}"
        record(tx, [Happening(now, "brake", caller.name, text, device=device, detail={"accounts": again})])
        shown = watched.brakes_shown(tx, now)
    context.review_soon()
    mine = next(brake for brake in shown if (brake["policy"], brake["device"]) == (policy, device))
    return BrakeOut.model_validate(mine)


@router.get("/conflicts", tags=["conflicts"])
def conflicts(context: Given, caller: Reader) -> list[ConflictOut]:
    """Events refused because the same source and id had come with other content; at most 200, oldest first."""
    with context.database.read() as tx:
        return [ConflictOut.model_validate(found) for found in watched.conflicts_listed(tx)]


@router.post("/conflicts/{conflict}/settle", tags=["conflicts"], status_code=204, responses=responses(404))
def settle(context: Given, caller: Operator, conflict: Annotated[int, Path(ge=0, le=2**31 - 1)], ask: NoteAsk) -> None:
    """A person has looked: the stored event stands. What should be true instead, billing tells with a new event."""
    now = context.clock()
    with context.database.write() as tx:
        account = events.settle_conflict(tx, conflict, now)
        if account is None:
            raise Problem(404, f"No unsettled conflict has the number {conflict}. GET /v1/conflicts lists them.")
        touched = [account] if account else []
        accounts.lock_accounts(tx, touched)
        accounts.mark_for_review(tx, touched, now)
        text = f"conflict {conflict} is settled, the stored event stands: {ask.note}"
        record(tx, [Happening(now, "event", caller.name, text, account=account or None)])
    context.review_soon()
