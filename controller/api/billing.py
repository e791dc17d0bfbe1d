"""The billing system's side: events in CloudEvents 1.0's JSON format, and a bank's file of returned debits.

Taking events twice is harmless, in any order too: what was answered with 202 is stored, whatever was not may be resent.
"""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from io import BytesIO
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from controller.api.auth import Biller
from controller.api.models import EventsOut, RefusedEvent
from controller.api.paths import Given
from controller.api.problems import Problem, responses
from controller.intake.pain002 import take_pain002
from controller.intake.reader import EventRefused
from controller.intake.taking import Answer, Outcome, intake

router = APIRouter(prefix="/v1", tags=["billing"], responses=responses(400, 401, 403, 413, 415, 422, 503))

LARGEST_BODY = 64 * 1024 * 1024
"""A bank's file of a large operator's month has some tens of megabytes."""

ONE = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
XML = ("application/xml", "text/xml")

_RETURN = "grifo.return.v1"

EXAMPLE_EVENT = {
    "specversion": "1.0",
    "type": "grifo.payment.v1",
    "source": "/billing",
    "id": "evt-88210",
    "time": "2026-03-12T09:14:03Z",
    "data": {
        "payment": "P-5512",
        "account": "A-17",
        "amount": 4000,
        "currency": "EUR",
        "instrument": "card",
        "received_at": "2026-03-12T09:14:00Z",
        "allocations": [{"invoice": "F-9", "amount": 4000}],
    },
}
_EVENT: dict[str, Any] = {"type": "object", "required": ["specversion", "type", "source", "id", "time", "data"]}
_EVENTS_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            ONE: {"schema": _EVENT, "example": EXAMPLE_EVENT},
            BATCH: {"schema": {"type": "array", "items": _EVENT}, "example": [EXAMPLE_EVENT]},
        },
    }
}
_XML_BODY = {"requestBody": {"required": True, "content": {"application/xml": {"schema": {"type": "string"}}}}}


async def _body(request: Request) -> bytes:
    """The body, read no further than the limit. Raises Problem 413."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > LARGEST_BODY:
            raise Problem(413, f"The body is larger than {LARGEST_BODY} bytes; send it in parts.")
        parts.append(part)
    return b"".join(parts)


Body = Annotated[bytes, Depends(_body)]


@router.post("/events", status_code=202, openapi_extra=_EVENTS_BODY, responses=responses(409))
def events(context: Given, caller: Biller, request: Request, body: Body) -> EventsOut:
    """Take one event, or a batch of them item by item.

    Types: `grifo.account.v1`, `grifo.service.v1`, `grifo.invoice.v1`, `grifo.collection.v1`, `grifo.return.v1`,
    `grifo.payment.v1`, `grifo.unmatched_payment.v1`, `grifo.notice.v1`, `grifo.hold.v1`, `grifo.port.v1`,
    `grifo.freshness.v1`; each tells the full state of its object. A single event that is refused is a problem: 409
    where the same id came before with other content, else 422.
    """
    media_type = _media_type(request)
    if media_type not in (ONE, BATCH):
        raise Problem(415, f"header.Content-Type must be {ONE} (one event) or {BATCH} (a list), not {media_type!r}")
    found = _json(body)
    if media_type == ONE:
        answers = _events(context, [found])
        _refuse_single(answers[0])
    else:
        if not isinstance(found, list):
            raise Problem(422, f"body: {BATCH} must be a JSON list of events")
        answers = _events(context, found)
    return _answer(answers)


@router.post("/returns/pain002", status_code=202, openapi_extra=_XML_BODY)
def returned_debits(context: Given, caller: Biller, request: Request, body: Body) -> EventsOut:
    """Take a bank's pain.002.001.03 file of returned direct debits, whole or not at all."""
    media_type = _media_type(request)
    if media_type not in XML:
        raise Problem(415, f"header.Content-Type must be application/xml, not {media_type!r}")
    return _answer(_taken(context, lambda now: take_pain002(context.database, BytesIO(body), now), _RETURN))


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as wrong:
        raise Problem(400, f"body is not JSON: {wrong}") from wrong


def _events(context: Given, bodies: Sequence[Any]) -> list[Answer]:
    return _taken(context, lambda now: intake(context.database, bodies, now), *map(_type, bodies))


def _taken(context: Given, take: Callable[[datetime], list[Answer]], *types: str) -> list[Answer]:
    """Take events, and have their accounts reviewed at once; what was committed before an error is reviewed too.

    `types` name the events by their index; a single one stands for all. Raises Problem 422 for an unreadable file.
    """
    try:
        answers = take(context.clock())
    except EventRefused as wrong:
        raise Problem(422, f"body: {wrong}") from wrong
    finally:
        context.review_soon()
    for answer in answers:
        # A refused event's type may be anybody's invention, and must not make a new time series.
        known = answer.outcome is not Outcome.REFUSED
        context.metrics.event(types[min(answer.index, len(types) - 1)] if known else "unknown", answer.outcome)
    return answers


def _type(body: object) -> str:
    return str(body.get("type")) if isinstance(body, dict) else ""


def _refuse_single(answer: Answer) -> None:
    match answer.outcome:
        case Outcome.CONFLICT:
            raise Problem(409, answer.problem)
        case Outcome.REFUSED:
            raise Problem(422, answer.problem)
        case _:
            return


def _answer(answers: Sequence[Answer]) -> EventsOut:
    bad = (Outcome.REFUSED, Outcome.CONFLICT)
    return EventsOut(
        accepted=sum(answer.outcome is Outcome.ACCEPTED for answer in answers),
        duplicates=sum(answer.outcome is Outcome.DUPLICATE for answer in answers),
        refused=[
            RefusedEvent(index=answer.index, id=answer.id, source=answer.source, problem=answer.problem)
            for answer in answers
            if answer.outcome in bad
        ],
    )
