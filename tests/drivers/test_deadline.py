"""A database that answers nothing holds nobody up: real servers behind a relay that goes dark."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
import sqlalchemy as sa

from drivers.base import Unreachable
from drivers.deadline import Deadline
from tests.servers.mariadb import MariaDb
from tests.servers.postgres import Postgres
from tests.whole.relay import Relay

PATIENCE_S = 60
FAR = 3600.0

pytestmark = [pytest.mark.servers, pytest.mark.slow]


class Behind:
    """A database behind a relay, and the deadline on it."""

    def __init__(self, server: Postgres | MariaDb, seconds: float) -> None:
        self.relay = Relay(lambda: server.port)
        driver = "postgresql+psycopg" if isinstance(server, Postgres) else "mysql+pymysql"
        database = "postgres" if isinstance(server, Postgres) else "mysql"
        url = f"{driver}://grifo@127.0.0.1:{self.relay.port}/{database}"
        self.engine = sa.create_engine(url, pool_size=1, max_overflow=0, pool_pre_ping=True)
        self.deadline = Deadline(self.engine, "the database", seconds)

    def asks(self) -> int:
        with self.deadline.within(), self.engine.begin() as connection:
            return int(connection.execute(sa.text("SELECT 42")).scalar_one())

    def close(self) -> None:
        self.deadline.close()
        self.relay.close()


@pytest.fixture(params=["postgres", "mariadb"])
def behind(request: pytest.FixtureRequest) -> Iterator[Callable[[float], Behind]]:
    server = request.getfixturevalue(request.param)
    with ExitStack() as stack:

        def make(seconds: float) -> Behind:
            made = Behind(server, seconds)
            stack.callback(made.close)
            return made

        yield make


class Call:
    """A call in a thread of its own, and what it came to."""

    def __init__(self, do: Callable[[], object]) -> None:
        self.failed: Exception | None = None
        self._do = do
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._do()
        except Exception as wrong:  # noqa: BLE001 - a thread's edge: the test looks at it
            self.failed = wrong

    def ended(self) -> bool:
        self._thread.join(PATIENCE_S)
        return not self._thread.is_alive()


@contextmanager
def a_statement_without_end(behind: Behind) -> Iterator[Call]:
    """The server has the question, and the answer is lost on the way."""

    def ask() -> None:
        with behind.deadline.within(), behind.engine.begin() as connection:
            connection.execute(sa.text("SELECT 42"))
            with behind.relay.dark():
                underway.set()
                connection.execute(sa.text("SELECT 43"))

    underway = threading.Event()
    call = Call(ask)
    assert underway.wait(PATIENCE_S)
    yield call


def test_an_answer_that_never_comes_is_waited_for_until_the_deadline(behind: Callable[[float], Behind]) -> None:
    database = behind(1.0)
    with a_statement_without_end(database) as call:
        assert call.ended()
    assert isinstance(call.failed, Unreachable)
    assert str(call.failed) == "the database did not answer within 1 s"
    assert database.asks() == 42


def test_closing_ends_the_wait_of_another_thread(behind: Callable[[float], Behind]) -> None:
    database = behind(FAR)
    with a_statement_without_end(database) as call:
        database.deadline.close()
        assert call.ended()
    assert isinstance(call.failed, Unreachable)
    assert "was closed" in str(call.failed)
    assert database.asks() == 42


def test_a_connection_that_was_kept_and_died_meanwhile_is_found_out(behind: Callable[[float], Behind]) -> None:
    """The question whether it still lives is the first that is never answered."""
    database = behind(1.0)
    assert database.asks() == 42
    with database.relay.dark():
        call = Call(database.asks)
        assert call.ended()
    assert isinstance(call.failed, Unreachable)
    assert database.asks() == 42


def test_a_call_that_ends_in_time_leaves_the_connection_as_it_is(behind: Callable[[float], Behind]) -> None:
    database = behind(1.0)
    with database.deadline.within(), database.engine.begin() as connection:
        number = "pg_backend_pid()" if database.engine.dialect.name == "postgresql" else "connection_id()"
        first = connection.execute(sa.text(f"SELECT {number}")).scalar_one()
    threading.Event().wait(1.2)
    with database.deadline.within(), database.engine.begin() as connection:
        assert connection.execute(sa.text(f"SELECT {number}")).scalar_one() == first
    database.deadline.close()
    database.deadline.close()
    assert database.asks() == 42
