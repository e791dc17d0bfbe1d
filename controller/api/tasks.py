"""What waits for people: their yes or no to a stage, money of nobody, messages to send, numbers on their way back."""

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse
from sqlalchemy import Connection

from controller.api.auth import Operator, Reader
from controller.api.models import ServiceOut
from controller.api.once import Key, Request, of_service, once
from controller.api.paths import Given, ServiceId
from controller.api.people import (
    ApprovalAsk,
    NobodysOut,
    NoticesOut,
    NumberOut,
    NumberShown,
    SourceOut,
    TasksOut,
)
from controller.api.problems import Problem, responses
from controller.api.telling import Tongue, told_together
from controller.approving import Said, say_to_stage
from controller.concluded import APPROVAL, PERSON
from controller.store.queries import holding, numbers, shown, unmatched, waiting, watched, withheld
from languages.language import Language

router = APIRouter(prefix="/v1", tags=["tasks"], responses=responses(401, 403, 422, 503))


@router.post("/services/{service}/approvals", response_model=ServiceOut, responses=responses(400, 404, 409))
def say(
    context: Given,
    caller: Operator,
    service: ServiceId,
    ask: ApprovalAsk,
    language: Tongue,
    idempotency_key: Key = None,
) -> JSONResponse:
    """A yes or a no to a stage of a service. The same person twice counts once; two approvals are two people's."""

    def effect(tx: Connection, now: datetime) -> str:
        row = shown.service_row(tx, service)
        policy = context.book.policies.get(row.policy, context.book.policies[context.book.default])
        return say_to_stage(tx, Said(row, ask.stage, caller.name, ask.note, ask.refused), policy, now)

    request = Request(idempotency_key, {"order": "approval", "service": service, **ask.model_dump(mode="json")}, effect)
    return once(context, caller, of_service(context, service, request, language))


@router.get("/tasks")
def tasks(context: Given, caller: Reader, language: Tongue) -> TasksOut:
    """All that waits for people, at most 200 of each kind."""
    now, book = context.clock(), context.book
    with context.database.read() as tx:
        held_back = waiting.waiting_for_brakes(tx)
        brakes = [
            one | {"waiting": held_back[one["policy"], one["device"]]}
            for one in watched.brakes_shown(tx, now)
            if (one["policy"], one["device"]) in held_back
        ]
        return TasksOut.model_validate(
            {
                "approvals": [_waiting(one, language) for one in waiting.waiting_for(tx, APPROVAL)],
                "persons": [_waiting(one, language) for one in waiting.waiting_for(tx, PERSON)],
                "unmatched": unmatched.open_payments(tx),
                "conflicts": list(watched.conflicts_listed(tx)),
                "holds": holding.overdue_holds(tx, book.policies, book.default, now)[: waiting.SHOWN_AT_MOST],
                "brakes": brakes,
                "pins": withheld.pinned_listed(tx),
            }
        )


def _waiting(one: dict[str, Any], language: Language) -> dict[str, Any]:
    return one | {"text": told_together(language, one["blocks"])}


@router.get("/unmatched")
def nobodys(context: Given, caller: Reader) -> NobodysOut:
    """Payments that nobody has attributed, and returns of collections that nobody has told of."""
    with context.database.read() as tx:
        return NobodysOut.model_validate(
            {
                "payments": unmatched.open_payments(tx),
                "payments_in_all": unmatched.open_payments_counted(tx),
                "returns": unmatched.returns_of_nobody(tx),
                "returns_in_all": unmatched.returns_of_nobody_counted(tx),
            }
        )


@router.get("/notices/due")
def notices_due(
    context: Given,
    caller: Reader,
    within: Annotated[int, Query(ge=0, le=90 * 24, description="Hours ahead of now.")] = 24,
    after: Annotated[str, Query(max_length=64, description="`next` of the page before.")] = "",
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
) -> NoticesOut:
    """What billing must send: messages whose time has come, or comes within so many hours."""
    with context.database.read() as tx:
        found = waiting.notices_due(tx, context.clock() + timedelta(hours=within), after, limit)
    more = found[-1]["service"] if len(found) == limit else None
    return NoticesOut.model_validate({"notices": found, "next": more})


@router.get("/sources")
def sources(context: Given, caller: Reader) -> list[SourceOut]:
    """Up to when each source of payments says that it has told all."""
    with context.database.read() as tx:
        return [SourceOut.model_validate(one) for one in waiting.sources(tx)]


@router.get("/numbers")
def list_numbers(
    context: Given,
    caller: Reader,
    state: Annotated[str | None, Query(pattern="^(in_use|quarantine|released|pool)$")] = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
) -> list[NumberOut]:
    """Numbers that were ever on their way back, the longest in their state first."""
    with context.database.read() as tx:
        return [NumberOut.model_validate(one) for one in numbers.numbers_listed(tx, state, limit)]


@router.get("/numbers/{number}", responses=responses(404))
def show_number(
    context: Given,
    caller: Reader,
    number: Annotated[str, Path(max_length=320, description="As a key: msisdn:+34910000001.")],
) -> NumberShown:
    """One number with its history."""
    with context.database.read() as tx:
        found = numbers.number_shown(tx, number)
    if found is None:
        raise Problem(404, f"The number {number!r} was never on its way back. GET /v1/numbers lists those that were.")
    return NumberShown.model_validate(found)
