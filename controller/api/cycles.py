"""The brakes' monthly cycle: what each has seen on the days of the month, and what an admin lets pass on them.

The day on which a month's debits come back cuts more than any other. It is learnt and shown, approved once, and passes
from then on without a rubber stamp; whatever goes beyond it still waits for a person.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path

from controller.api.auth import Admin, Reader
from controller.api.paths import DeviceName, Given
from controller.api.people import CycleAsk, CycleOut
from controller.api.problems import Problem, responses
from controller.core.brake import learnt
from controller.store.queries import approving, brakes, told, watched
from controller.store.queries.timeline import Happening, record

router = APIRouter(prefix="/v1", tags=["brakes"], responses=responses(401, 403, 422, 503))

LEARNT_FROM = timedelta(days=125)
"""Four months, whatever their lengths."""


@router.get("/brakes/cycle")
def cycles(context: Given, caller: Reader) -> list[CycleOut]:
    """What each brake has seen and what is approved, by the days of the month."""
    with context.database.read() as tx:
        made = brakes.made_by_day(tx, context.clock() - LEARNT_FROM)
        approved = approving.cycles_approved(tx)
    found = [
        _cycle(brake, learnt(made.get(brake, {})), approved.get(brake, {})) for brake in sorted({*made, *approved})
    ]
    return [CycleOut.model_validate(one) for one in found]


def _cycle(brake: tuple[str, str], seen: Mapping[int, int], approved: Mapping[int, Any]) -> dict[str, Any]:
    nothing = {"cap": 0, "approved_by": None, "approved_at": None, "note": ""}
    days = [
        {**nothing, **approved.get(day, {}), "day": day, "seen": seen.get(day, 0)} for day in sorted({*seen, *approved})
    ]
    return {"policy": brake[0], "device": brake[1], "days": days}


@router.post("/brakes/{policy}/{device}/cycle", responses=responses(404))
def approve_cycle(
    context: Given,
    caller: Admin,
    policy: Annotated[str, Path(max_length=64, description="The policy's name.")],
    device: DeviceName,
    ask: CycleAsk,
) -> CycleOut:
    """Let so many pass around a day of every month; whoever waits for the brake is decided again."""
    now = context.clock()
    with context.database.write() as tx:
        again = told.wake_who_waits(tx, now, "brake", "canary", device=device)
        if all((one["policy"], one["device"]) != (policy, device) for one in watched.brakes_shown(tx, now)):
            raise Problem(404, f"No brake of policy {policy!r} on device {device!r}. GET /v1/brakes lists them.")
        approving.approve_cycle(tx, (policy, device), ask.day, ask.cap, now, caller.name, ask.note)
        text = f"{ask.cap} may pass the brake of {policy} on {device} around day {ask.day} of each month: {ask.note}"
        record(tx, [Happening(now, "brake", caller.name, text, device=device, detail={"accounts": again})])
        made = brakes.made_by_day(tx, now - LEARNT_FROM).get((policy, device), {})
        approved = approving.cycles_approved(tx).get((policy, device), {})
    context.review_soon()
    return CycleOut.model_validate(_cycle((policy, device), learnt(made), approved))
