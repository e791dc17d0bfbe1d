"""Suspend and restore by name. Both need an `Idempotency-Key`: an order that was sent twice is given once.

The answer is kept in the transaction of its effect, so that a repeated request gets the same words, whatever happened
since; the same key with another request is refused.
"""

import hashlib
import json
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header
from fastapi.responses import JSONResponse
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from controller.api.asks import RestoreAsk, SuspendAsk
from controller.api.auth import Caller, Orderer, Role, forbidden
from controller.api.models import ServiceOut
from controller.api.paths import Given, ServiceId, unknown_service
from controller.api.problems import Problem, responses
from controller.api.show import service_shown
from controller.core.policy import Policy
from controller.orders import Ordered, OrderRefused, restore, suspend
from controller.review import review_in
from controller.store.queries import accounts, repeated, shown
from enforcement.access import Reason

router = APIRouter(
    prefix="/v1/services/{service}", tags=["orders"], responses=responses(400, 401, 403, 404, 409, 422, 503)
)

log = logging.getLogger(__name__)

_BILLINGS = frozenset({Reason.BILLING, Reason.CUSTOMER_REQUEST})

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        max_length=255,
        description="Required. Any text that is new for each order, such as a UUID.",
        examples=["2f1c7c7e-3f0e-4a55-9c0b-3a1f4f1c2d11"],
    ),
]


@router.post("/suspend", response_model=ServiceOut)
def suspend_service(
    context: Given, caller: Orderer, service: ServiceId, ask: SuspendAsk, idempotency_key: Key = None
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
    return _ordered(context, caller, service, idempotency_key, request, effect)


@router.post("/restore", response_model=ServiceOut)
def restore_service(
    context: Given, caller: Orderer, service: ServiceId, ask: RestoreAsk, idempotency_key: Key = None
) -> JSONResponse:
    """Restore a service: a courtesy until a date (`billing`), or the end of the orders given for another reason."""
    _check_reason(caller, ask.reason)

    def effect(tx: Connection, row: Any, now: datetime) -> str:
        return restore(tx, Ordered(row, caller.name, ask.reason, ask.note, ask.until, now), _policy(context, row))

    request = {"order": "restore", "service": service, **ask.model_dump(mode="json")}
    return _ordered(context, caller, service, idempotency_key, request, effect)


def _check_reason(caller: Caller, reason: Reason) -> None:
    if caller.role is Role.BILLING and reason not in _BILLINGS:
        raise Problem(403, forbidden(caller, frozenset({Role.NOC, Role.ADMIN}), f"An order for {reason}"))


def _policy(context: Given, row: Any) -> Policy:
    return context.book.policies.get(row.policy, context.book.policies[context.book.default])


def _ordered(
    context: Given,
    caller: Caller,
    service: str,
    key: str | None,
    request: dict[str, Any],
    effect: Callable[[Connection, Any, datetime], str],
) -> JSONResponse:
    if not key:
        raise Problem(400, "header.Idempotency-Key is required: any text that is new for each order, such as a UUID")
    digest = hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()
    try:
        answer = _answer(context, caller, service, (key, digest), effect)
    except OrderRefused as refused:
        raise Problem(422 if refused.wrong_request else 409, str(refused)) from refused
    except IntegrityError as raced:
        # Two services at once under one key: only the account's lock keeps requests apart, and theirs differ.
        raise _key_reused() from raced
    context.board.changed()
    context.review_soon()
    return JSONResponse(answer.body, answer.status)


def _answer(
    context: Given,
    caller: Caller,
    service: str,
    key_and_digest: tuple[str, str],
    effect: Callable[[Connection, Any, datetime], str],
) -> repeated.Answer:
    key, digest = key_and_digest
    now = context.clock()
    with context.database.write() as tx:
        row = shown.service_row(tx, service)
        if row is None:
            raise unknown_service(service)
        accounts.lock_accounts(tx, [row.account_id])
        given = repeated.answer_given(tx, caller.name, key)
        if given is not None:
            if given.request_digest != digest:
                raise _key_reused()
            return given
        told = effect(tx, row, now)
        _review(tx, row.account_id, context, now)
        state = service_shown(tx, service, now, context.settings.default_policy).model_copy(update={"told": told})
        answer = repeated.Answer(digest, 200, state.model_dump(mode="json"))
        repeated.keep_answer(tx, caller.name, key, answer, now)
        return answer


def _review(tx: Connection, account: str, context: Given, now: datetime) -> None:
    """Have the answer say what came of the order. An order is kept even where the review fails: it stays marked."""
    try:
        with tx.begin_nested():
            review_in(tx, [account], context.book, now)
    except Exception:
        log.exception("the review of account %s failed within an order", account)


def _key_reused() -> Problem:
    return Problem(422, "header.Idempotency-Key was used before for another order; use a new one for each")
