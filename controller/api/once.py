"""What a person orders is done once, however often it is sent: the order, its review and its answer in one transaction.

The answer is kept in the transaction of its effect, so that a repeated request gets the same words, whatever happened
since; the same key with another request is refused.
"""

import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import Header
from fastapi.responses import JSONResponse
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from controller.api.auth import Caller
from controller.api.context import Context
from controller.api.paths import unknown_account, unknown_service
from controller.api.problems import Problem
from controller.api.show import Teller, service_shown
from controller.api.telling import told
from controller.refusals import OrderRefused
from controller.review import review_in
from controller.store.queries import accounts, repeated, shown
from languages.language import Language

log = logging.getLogger(__name__)

Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        max_length=255,
        description="Required. Any text that is new for each order, such as a UUID.",
        examples=["2f1c7c7e-3f0e-4a55-9c0b-3a1f4f1c2d11"],
    ),
]


@dataclass(frozen=True, slots=True)
class Request:
    """One order. `content` is what makes two requests the same one.

    `effect` writes under the account's lock, and may return a sentence for who ordered it. Raises OrderRefused.
    """

    key: str | None
    content: dict[str, Any]
    effect: Callable[[Connection, datetime], str]


@dataclass(frozen=True, slots=True)
class About:
    """Whose lock an order takes, and what is answered after its review, with what `effect` said."""

    request: Request
    account_of: Callable[[Connection], str]
    state: Callable[[Connection, str, datetime], Any]


def of_service(context: Context, service: str, request: Request, language: Language) -> About:
    """An order that is answered with the service as it is then (ServiceOut); what it is told of first, it stays."""

    def account_of(tx: Connection) -> str:
        row = shown.service_row(tx, service)
        if row is None:
            raise unknown_service(service)
        return str(row.account_id)

    def state(tx: Connection, said: str, now: datetime) -> Any:
        found = service_shown(tx, service, now, Teller(context.book, language))
        return found.model_copy(update={"told": told(language, said) or found.told}).model_dump(mode="json")

    return About(request, account_of, state)


def of_account(account: str, request: Request, language: Language) -> About:
    """An order that is answered with the account's services in short (OrderedOut)."""

    def account_of(tx: Connection) -> str:
        if shown.account_row(tx, account) is None:
            raise unknown_account(account)
        return account

    def state(tx: Connection, said: str, now: datetime) -> Any:
        services = [one | {"ended_at": _text(one["ended_at"])} for one in shown.services_of_account(tx, account)]
        return {"account": account, "services": services, "told": told(language, said)}

    return About(request, account_of, state)


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def once(context: Context, caller: Caller, about: About) -> JSONResponse:
    """Do it and answer, or answer as before. Raises Problem 400, 404, 409, 422."""
    key = about.request.key
    if not key:
        raise Problem(400, "header.Idempotency-Key is required: any text that is new for each order, such as a UUID")
    try:
        answer = _answer(context, caller, about, key)
    except OrderRefused as refused:
        raise Problem(422 if refused.wrong_request else 409, str(refused)) from refused
    except IntegrityError as raced:
        # Two accounts at once under one key: only the account's lock keeps requests apart, and theirs differ.
        raise _key_reused() from raced
    context.board.changed()
    context.review_soon()
    return JSONResponse(answer.body, answer.status)


def _answer(context: Context, caller: Caller, about: About, key: str) -> repeated.Answer:
    digest = hashlib.sha256(json.dumps(about.request.content, sort_keys=True).encode()).hexdigest()
    now = context.clock()
    with context.database.write() as tx:
        account = about.account_of(tx)
        accounts.lock_accounts(tx, [account])
        given = repeated.answer_given(tx, caller.name, key)
        if given is not None:
            if given.request_digest != digest:
                raise _key_reused()
            return given
        said = about.request.effect(tx, now)
        _review(tx, account, context, now)
        answer = repeated.Answer(digest, 200, about.state(tx, said, now))
        repeated.keep_answer(tx, caller.name, key, answer, now)
        return answer


def _review(tx: Connection, account: str, context: Context, now: datetime) -> None:
    """Have the answer say what came of the order. An order is kept even where the review fails: it stays marked."""
    try:
        with tx.begin_nested():
            review_in(tx, [account], context.book, now)
    except Exception:
        log.exception("the review of account %s failed within an order", account)


def _key_reused() -> Problem:
    return Problem(422, "header.Idempotency-Key was used before for another order; use a new one for each")
