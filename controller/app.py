"""The controller put together: settings and a clock in, an application out; and the process that serves it."""

import asyncio
import gc
import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime, timedelta
from importlib.metadata import version

import uvicorn
from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from sqlalchemy.exc import DBAPIError

from controller.api import agents, billing, cycles, devices, holds, noc, ops, orders, safety, simulations, tasks
from controller.api.context import Context
from controller.api.problems import add_handlers
from controller.api.wake import Board
from controller.clock import Clock, system_clock
from controller.conclusion import Book
from controller.metrics import Metrics
from controller.policies import load_policies
from controller.renewal import renew
from controller.review import Reviews
from controller.schedule import Progress, Schedule
from controller.settings import Settings
from controller.store.engine import Database, open_database
from controller.store.queries.devices import claim_installation
from controller.store.queries.repeated import forget_answers

ANSWERS_KEPT = timedelta(days=30)
"""How long an order may be repeated under its Idempotency-Key and still get its first answer."""

log = logging.getLogger(__name__)

_TAGS = [
    {"name": "billing", "description": "For the billing system: what happened there."},
    {"name": "orders", "description": "Suspend and restore by name."},
    {"name": "holds", "description": "Why not to escalate, or to open until a date; outages."},
    {"name": "tasks", "description": "What waits for people; messages to send; numbers on their way back."},
    {"name": "services", "description": "What access a service has, and why."},
    {"name": "watching", "description": "The state of everything, and what differs."},
    {"name": "foresight", "description": "What would happen, and when; nothing changes."},
    {"name": "devices", "description": "Network elements: how far grifo may go on them."},
    {"name": "stop", "description": "Stop all restricting at once."},
    {"name": "brakes", "description": "How many may be cut in a day."},
    {"name": "conflicts", "description": "Events that contradict an earlier one."},
    {"name": "agents", "description": "For agents only: what is wanted, may I, what was seen."},
    {"name": "operations", "description": "For machines that watch."},
]

_ABOUT = """grifo decides what access a service may have, keeps network elements so, and proves it by reading them back.

Every refusal is RFC 9457 problem details. Instants are RFC 3339 with an offset; money is integer minor units. Tokens
have one role each: `read` < `noc` < `admin`; `billing`; `agent`."""


def create_app(settings: Settings, clock: Clock = system_clock) -> FastAPI:
    """The application; its database is migrated already. Raises ValueError in words for a person."""
    book = Book(load_policies(settings.policies), settings.default_policy)
    database = open_database(settings.database)
    _claim(database, settings.installation)
    metrics, board = Metrics(database, clock, book), Board(database)
    reviews = Reviews(database, book)
    schedule = Schedule(
        review=lambda: _review_batch(reviews, clock(), metrics, board),
        housekeep=lambda: _housekeep(database, clock()),
        begin=lambda: renew(database, book, clock()),
        failed=metrics.tick_failures.inc,
    )
    app = FastAPIOffline(
        title="grifo",
        version=version("grifo"),
        description=_ABOUT,
        openapi_tags=_TAGS,
        lifespan=_lifespan(database, board, schedule),
        separate_input_output_schemas=False,
    )
    app.state.schedule = schedule
    app.state.context = Context(settings, database, clock, book, metrics, board, schedule.nudge)
    add_handlers(app)
    for room in (billing, orders, holds, tasks, noc, devices, safety, cycles, simulations, agents, ops):
        app.include_router(room.router)
    return app


def _claim(database: Database, installation: str) -> None:
    """Make sure that the database is ours and can be used."""
    try:
        with database.write() as tx:
            claim_installation(tx, installation)
    except DBAPIError as wrong:
        database.close()
        raise ValueError(f"database: {wrong.orig}; is it there, and was 'grifo controller migrate' run?") from wrong
    except ValueError:
        database.close()
        raise


def _lifespan(
    database: Database, board: Board, schedule: Schedule
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with board.polling():
            schedule.start()
            try:
                yield
            finally:
                await board.release()
                await asyncio.to_thread(schedule.stop)
        database.close()

    return lifespan


def _review_batch(reviews: Reviews, now: datetime, metrics: Metrics, board: Board) -> Progress:
    """Review one batch, and wake the agents at its commit. What it came to."""
    result = reviews.next(now)
    if result.reviewed:
        board.changed()
    metrics.reviews("done", result.reviewed)
    metrics.reviews("failed", result.failed)
    return Progress(result.reviewed + result.failed, waiting=result.remaining > 0)


def _housekeep(database: Database, now: datetime) -> None:
    with database.write() as tx:
        forgotten = forget_answers(tx, now - ANSWERS_KEPT)
    log.info("housekeeping: %d old answers to orders forgotten", forgotten)


class Server(uvicorn.Server):
    """uvicorn, which at its end lets the waiting agents go first: they would keep it for up to a minute."""

    def __init__(self, config: uvicorn.Config, board: Board) -> None:
        super().__init__(config)
        self._board = board

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop accepting, answer who is here, end."""
        await self._board.release()
        await super().shutdown(sockets)


def make_server(settings: Settings, clock: Clock = system_clock) -> Server:
    """The server that `serve` runs, for those who run it in a thread: `run()`, then `should_exit = True`."""
    app = create_app(settings, clock)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        ssl_certfile=settings.tls_certificate,
        ssl_keyfile=settings.tls_key,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=10,
        timeout_keep_alive=75,
        server_header=False,
        ws="none",
    )
    context: Context = app.state.context
    return Server(config, context.board)


def spare_the_collector() -> None:
    """What stands by now lives as long as the process does, and a batch of reviews is a few ten thousand objects that
    die together: without this a third of a review's time is spent on looking for cycles among them."""
    gc.freeze()
    gc.set_threshold(50_000)


def serve(settings: Settings, clock: Clock = system_clock) -> None:
    """Run until SIGINT or SIGTERM. Raises ValueError in words for a person."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("apscheduler").setLevel(logging.WARNING)  # it logs every tick
    scheme = "https" if settings.tls_certificate else "http"
    spare_the_collector()
    log.info("installation=%s listens=%s://%s:%d", settings.installation, scheme, settings.host, settings.port)
    make_server(settings, clock).run()
