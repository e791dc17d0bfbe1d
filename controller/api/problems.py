"""Errors as RFC 9457 problem details: one shape for every refusal, saying what was wrong, where, and what is allowed.

Everything that the API refuses goes through here, FastAPI's own validation and routing errors included, so that a
billing system needs to understand one shape only.
"""

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import DataError, OperationalError
from starlette.exceptions import HTTPException

MEDIA_TYPE = "application/problem+json"

log = logging.getLogger(__name__)


class FieldError(BaseModel):
    """One thing that was wrong in a request."""

    where: str = Field(description="Where in the request: `body.note`, `query.key`, `header.Idempotency-Key`.")
    problem: str = Field(description="What was wrong, and what is allowed there.")


class ProblemDetails(BaseModel):
    """RFC 9457 problem details."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "about:blank",
                    "title": "Not Found",
                    "status": 404,
                    "detail": "No service has the id 'S-1'. Look for it with GET /v1/find?key=S-1.",
                }
            ]
        }
    )

    type: str = Field(default="about:blank", description="Always `about:blank`: the status says the kind of problem.")
    title: str = Field(description="The status in words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="One sentence for a person: what was wrong and what to do.")
    errors: list[FieldError] | None = Field(default=None, description="Each field that was wrong, where it is so.")


class Problem(Exception):
    """Raised anywhere in a request to refuse it. `more` are further members (RFC 9457, 3.2)."""

    def __init__(self, status: int, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})
        self.more = more


def problem_response(problem: Problem) -> JSONResponse:
    """The answer that a problem makes."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
        **problem.more,
    }
    return JSONResponse(body, problem.status, problem.headers, MEDIA_TYPE)


def add_handlers(app: FastAPI) -> None:
    """Answer every error of `app` with problem details."""
    app.add_exception_handler(Problem, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(OperationalError, _database)
    for unstorable in (DataError, UnicodeEncodeError, OverflowError):
        app.add_exception_handler(unstorable, _unstorable)
    app.add_exception_handler(Exception, _unexpected)


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI's description of the problems that an operation may answer with."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}
    return {
        status: {"description": HTTPStatus(status).phrase, "model": ProblemDetails, "content": content}
        for status in statuses
    }


def _refused(request: Request, problem: Exception) -> JSONResponse:
    assert isinstance(problem, Problem)
    return problem_response(problem)


def _invalid(request: Request, wrong: Exception) -> JSONResponse:
    assert isinstance(wrong, RequestValidationError)
    errors = [FieldError(where=_where(error["loc"]), problem=_words(error)) for error in wrong.errors()]
    detail = "; ".join(f"{error.where}: {error.problem}" for error in errors)
    status = 400 if any(error.where == "body" for error in errors) and _unparsable(wrong) else 422
    return problem_response(Problem(status, detail, errors=[error.model_dump() for error in errors]))


def _unparsable(wrong: RequestValidationError) -> bool:
    return any(error["type"] == "json_invalid" for error in wrong.errors())


def _where(location: Sequence[str | int]) -> str:
    return ".".join(str(part) for part in location)


def _words(error: Mapping[str, Any]) -> str:
    """What pydantic says, with what is allowed, and never the value: it may be a secret."""
    context = error.get("ctx") or {}
    if error["type"] == "missing":
        return "is required"
    if error["type"] == "extra_forbidden":
        return "is not known here; check its spelling"
    if "expected" in context:
        return f"must be {context['expected']}"
    if "error" in context and isinstance(context["error"], ValueError):
        return str(context["error"])
    return str(error["msg"])


def _http(request: Request, wrong: Exception) -> JSONResponse:
    assert isinstance(wrong, HTTPException)
    detail = wrong.detail
    if wrong.status_code == HTTPStatus.NOT_FOUND:
        detail = f"There is nothing at {request.url.path}; /docs lists what there is."
    if wrong.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        detail = f"{request.url.path} does not take {request.method}."
    return problem_response(Problem(wrong.status_code, detail, headers=wrong.headers))


def _database(request: Request, wrong: Exception) -> JSONResponse:
    """The database is away or busy: the caller may try again, and nothing of the request was kept."""
    log.error("database unavailable for %s %s: %s", request.method, request.url.path, wrong)
    detail = "The database cannot be reached or is busy; nothing was changed. Try again."
    return problem_response(Problem(503, detail, headers={"Retry-After": "1"}))


def _unstorable(request: Request, wrong: Exception) -> JSONResponse:
    """Text with NUL or half a character in it, a number beyond all measure: no database can keep it."""
    log.warning("unstorable value in %s %s: %s", request.method, request.url.path, type(wrong).__name__)
    return problem_response(
        Problem(422, "The request holds a text or a number that can't be stored; nothing was kept.")
    )


def _unexpected(request: Request, wrong: Exception) -> JSONResponse:
    """Starlette logs the traceback and calls this for the answer; the person gets no traceback."""
    return problem_response(Problem(500, "Something went wrong in the controller; its log has the details."))
