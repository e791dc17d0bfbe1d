"""Suspend and restore by name. Both need an `Idempotency-Key`: an order that was sent twice is given once."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from sqlalchemy import Connection

from controller.api.asks import RestoreAsk, SuspendAsk
from controller.api.auth import Caller, Orderer, Role, forbidden
from controller.api.models import ServiceOut
from controller.api.once import Key, Request, of_service, once
from controller.api.paths import Given, ServiceId
from controller.api.problems import Problem, responses
from controller.api.telling import Tongue
from controller.core.policy import Policy
from controller.orders import Ordered, restore, suspend
from controller.store.queries import shown
from enforcement.access import Reason
from languages.language import Language

router = APIRouter(
    prefix="/v1/services/{service}", tags=["orders"], responses=responses(400, 401, 403, 404, 409, 422, 503)
)

_BILLINGS = frozenset({Reason.BILLING, Reason.CUSTOMER_REQUEST})


@router.post("/suspend", response_model=ServiceOut)
def suspend_service(
    context: Given,
    caller: Orderer,
    service: ServiceId,
    ask: SuspendAsk,
    language: Tongue,
    idempotency_key: Key = None,
) -> JSONResponse:
    """Suspend a service for a reason, at once; the answer is the service as it is then.

    `billing` orders a review and goes around no rule: the answer's `blocks` say what keeps the service from being
    restricted. Tokens of the role `billing` may give the reasons `billing` and `customer_request`.
    """
    _check_reason(caller, ask.reason)

    def effect(tx: Connection, row: Any, now: datetime) -> str:
        suspend(tx, Ordered(row, caller.name, ask.reason, ask.note, ask.until, now), ask.access)
        return ""

    request = {"order": "suspend", "service": service, **ask.model_dump(mode="json")}
    return _ordered(context, caller, (service, language), idempotency_key, request, effect)


@router.post("/restore", response_model=ServiceOut)
def restore_service(
    context: Given,
    caller: Orderer,
    service: ServiceId,
    ask: RestoreAsk,
    language: Tongue,
    idempotency_key: Key = None,
) -> JSONResponse:
    """Restore a service: a courtesy until a date (`billing`), or the end of the orders given for another reason."""
    _check_reason(caller, ask.reason)

    def effect(tx: Connection, row: Any, now: datetime) -> str:
        return restore(tx, Ordered(row, caller.name, ask.reason, ask.note, ask.until, now), _policy(context, row))

    request = {"order": "restore", "service": service, **ask.model_dump(mode="json")}
    return _ordered(context, caller, (service, language), idempotency_key, request, effect)


def _check_reason(caller: Caller, reason: Reason) -> None:
    if caller.role is Role.BILLING and reason not in _BILLINGS:
        raise Problem(403, forbidden(caller, frozenset({Role.NOC, Role.ADMIN}), f"An order for {reason}"))


def _policy(context: Given, row: Any) -> Policy:
    return context.book.policies.get(row.policy, context.book.policies[context.book.default])


def _ordered(
    context: Given,
    caller: Caller,
    asked: tuple[str, Language],
    key: str | None,
    request: dict[str, Any],
    effect: Callable[[Connection, Any, datetime], str],
) -> JSONResponse:
    service, language = asked

    def given(tx: Connection, now: datetime) -> str:
        return effect(tx, shown.service_row(tx, service), now)

    return once(context, caller, of_service(context, service, Request(key, request, given), language))
