"""For machines that watch: figures, and whether the controller lives and can work. No token; bind as you see fit."""

import logging

from fastapi import APIRouter, Response
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from controller.api.paths import Given
from controller.api.problems import Problem, responses

router = APIRouter(tags=["operations"])

log = logging.getLogger(__name__)


class Health(BaseModel):
    """The answer of the two checks."""

    status: str


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}, **responses(503)})
def metrics(context: Given) -> Response:
    """Prometheus's text format 0.0.4. 503 while the database is away, so that the target is seen to be down."""
    return Response(context.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


@router.get("/healthz")
def health() -> Health:
    """The process answers. Says nothing of the database: restarting us would not mend it."""
    return Health(status="ok")


@router.get("/readyz", responses=responses(503))
def readiness(context: Given) -> Health:
    """The database answers, and the feed's poller has looked at it."""
    try:
        with context.database.read() as tx:
            tx.execute(text("SELECT 1"))
    except SQLAlchemyError as wrong:
        log.warning("not ready: %s", wrong)
        raise Problem(503, "The database cannot be reached.") from wrong
    if context.board.standing is None:
        raise Problem(503, "The feed's poller has not yet read the database.")
    return Health(status="ready")
