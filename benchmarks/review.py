"""Reviews: `decide` alone, a full review of a million accounts on PostgreSQL beside reading their rows, ordinary ticks.

The full review is what a new version of a policy asks for: every account is locked, read, decided and written. Its
floor asks the same questions of the same accounts, in parts of the same size, and throws the rows away. Both are done
by two processes: a second controller is harmless, and such a day is what it is for.
"""

import multiprocessing
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from multiprocessing.pool import Pool

from benchmarks.million import NOW, fill, mark
from benchmarks.rows import Row
from controller.app import spare_the_collector
from controller.conclusion import Book
from controller.core.decide import decide
from controller.core.facts import Facts
from controller.review import BATCH, Reviews
from controller.store.engine import Database, open_database
from controller.store.migrations import migrate
from controller.store.queries.among import IDS
from controller.store.queries.facts import QUESTIONS, facts_of
from tests.core.policies import policy
from tests.servers.postgres import running_postgres

COUNT = 1_000_000
PROCESSES = 2
MARKED = 1_000
_DECISIONS = 20_000
_SPAIN = policy("es")


def run(count: int = COUNT) -> list[Row]:
    """The rows of this benchmark."""
    with running_postgres() as server:
        sizes = [size for size in (10_000, 100_000) if size < count]
        databases = {size: _filled(server.create_database(f"accounts{size}"), size) for size in (*sizes, count)}
        url = server.url(f"accounts{count}")
        with _workers() as pool:
            rows = [*_decide(databases[min(databases)]), _full(pool, databases[count], url, count)]
        rows += _ticks(databases)
        for database in databases.values():
            database.close()
    return rows


@contextmanager
def _workers() -> Iterator[Pool]:
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
        pool.map(_warm, range(PROCESSES))
        yield pool


def _warm(_: int) -> None:
    time.sleep(0.5)


def _filled(url: str, count: int) -> Database:
    """A database of so many accounts, each reviewed at least once."""
    database = open_database(url)
    migrate(database)
    fill(database, count)
    mark(database, "concluded IS NULL")
    _review(url, "before")
    return database


def _decide(database: Database) -> Iterator[Row]:
    """Accounts that paid, that owe one bill, and that owe three and are restricted."""
    with database.read() as tx:
        found = facts_of(tx, [f"a{number:07d}" for number in (0, 95, 99)], NOW)
    for name, facts in zip(("paid", "one bill owed", "three owed, slowed"), found.values(), strict=True):
        seconds = _timed(lambda facts=facts: decide(facts, _SPAIN, NOW))  # type: ignore[misc]
        floor = _timed(lambda facts=facts: _copied(facts))  # type: ignore[misc]
        note = f"{_DECISIONS / seconds:,.0f} accounts/s on one core"
        yield Row(f"decide: {_DECISIONS:,} accounts, {name}", seconds, "copying their facts", floor, note)


def _copied(facts: Facts) -> Facts:
    invoices = tuple(replace(one) for one in facts.invoices)
    return replace(facts, invoices=invoices, payments=tuple(replace(one) for one in facts.payments))


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    for _ in range(_DECISIONS):
        work()
    return time.perf_counter() - began


def _full(pool: Pool, database: Database, url: str, count: int) -> Row:
    share = -(-count // PROCESSES)
    began = time.perf_counter()
    pool.starmap(_read, [(url, share * n, min(share * (n + 1), count)) for n in range(PROCESSES)])
    floor = time.perf_counter() - began
    mark(database)
    began = time.perf_counter()
    done = pool.starmap(_review, [(url, "after")] * PROCESSES)
    seconds = time.perf_counter() - began
    reviewed, early, late = (sum(one[0] for one in done), max(one[1] for one in done), max(one[2] for one in done))
    if reviewed != count:
        raise RuntimeError(f"{reviewed} of {count} accounts were reviewed")
    note = f"{count / seconds:,.0f} accounts/s; memory {early:.0f} MB after a tenth, {late:.0f} MB at the end"
    return Row(f"full review of {count:,} accounts", seconds, "reading their rows", floor, note)


def _read(url: str, first: int, last: int) -> None:
    with closing(open_database(url)) as database:
        for start in range(first, last, BATCH):
            ids = [f"a{number:07d}" for number in range(start, min(start + BATCH, last))]
            with database.read() as tx:
                for question, _ in QUESTIONS.values():
                    tx.execute(question, {IDS: ids}).all()


def _review(url: str, version: str) -> tuple[int, float, float]:
    """Review until nobody is due: how many, and the most memory used after a tenth of them and at the end, in MB."""
    spare_the_collector()
    book = Book({"es": replace(_SPAIN, version=version)}, "es")
    reviewed, early = 0, 0.0
    with closing(open_database(url)) as database:
        reviews = Reviews(database, book)
        while True:
            result = reviews.next(NOW)
            reviewed += result.reviewed
            if result.failed:
                raise RuntimeError(f"{result.failed} reviews failed")
            early = early or (_megabytes() if reviewed >= COUNT / PROCESSES / 10 else 0.0)
            if not result.reviewed and not result.remaining:
                return reviewed, early, _megabytes()


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _ticks(databases: dict[int, Database]) -> Iterator[Row]:
    """The same thousand marked accounts among more and more that are not."""
    times = {count: _tick(database) for count, database in databases.items()}
    least = min(times)
    for count, seconds in times.items():
        if count != least:
            name = f"tick: {MARKED:,} accounts marked among {count:,}"
            yield Row(name, seconds, f"the same among {least:,}", times[least])


def _tick(database: Database) -> float:
    book = Book({"es": replace(_SPAIN, version="after")}, "es")
    reviews = Reviews(database, book)
    reviews.next(NOW)
    mark(database, f"id < 'a{MARKED:07d}'")
    began = time.perf_counter()
    while reviews.next(NOW).reviewed:
        pass
    return time.perf_counter() - began
