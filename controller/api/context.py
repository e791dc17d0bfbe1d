"""What every endpoint is given: the database, the clock, the policies, and the two bells that a commit may ring."""

from collections.abc import Callable
from dataclasses import dataclass

from fastapi import Request

from controller.api.wake import Board
from controller.clock import Clock
from controller.conclusion import Book
from controller.metrics import Metrics
from controller.settings import Settings
from controller.store.engine import Database


@dataclass(frozen=True, slots=True)
class Context:
    """One a process. `review_soon()` asks the schedule to look for due accounts now instead of at its next tick."""

    settings: Settings
    database: Database
    clock: Clock
    book: Book
    metrics: Metrics
    board: Board
    review_soon: Callable[[], None]


def context_of(request: Request) -> Context:
    """The context of the application that a request came to."""
    context: Context = request.app.state.context
    return context
