"""Real FreeRADIUS servers, one of each kind for each worker; whoever uses one empties its tables first."""

from collections.abc import Iterator

import pytest

from tests.drivers.radius.radius_lab import PREFIX, SECRET
from tests.servers.freeradius import FreeRadius, running_freeradius, sqlite_file
from tests.servers.mariadb import MariaDb, running_mariadb
from tests.servers.postgres import Postgres


@pytest.fixture(scope="session")
def freeradius(postgres: Postgres) -> Iterator[FreeRadius]:
    """One server for each worker; `radius_lab` empties its tables for each test."""
    with running_freeradius(postgres.create_database("radius"), SECRET) as server:
        yield server


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDb]:
    with running_mariadb() as server:
        yield server


@pytest.fixture(scope="session")
def freeradius_mariadb(mariadb: MariaDb) -> Iterator[FreeRadius]:
    """One server for each worker, as `freeradius`."""
    with running_freeradius(mariadb.create_database("radius"), SECRET, PREFIX) as server:
        yield server


@pytest.fixture(scope="session")
def freeradius_sqlite() -> Iterator[FreeRadius]:
    with sqlite_file() as database, running_freeradius(database, SECRET) as server:
        yield server
