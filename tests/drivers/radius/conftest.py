"""The same tests on three servers: the lab's own on SQLite, a real FreeRADIUS on PostgreSQL and one on MariaDB.

The last has its access tables under names of the operator's own, as where one database serves several.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.nas.server import RadiusServer, ServerSettings
from tests.drivers.radius.radius_lab import SECRET, TABLES, RadiusLab
from tests.servers.freeradius import FreeRadius, running_freeradius
from tests.servers.mariadb import MariaDb, running_mariadb
from tests.servers.postgres import Postgres

PREFIX = "isp_"
ALL = [
    pytest.param("lab", id="lab-sqlite"),
    pytest.param("freeradius", id="freeradius-postgresql", marks=pytest.mark.servers),
    pytest.param("freeradius_mariadb", id="freeradius-mariadb", marks=pytest.mark.servers),
]


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


@pytest.fixture(params=ALL)
def radius_lab(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RadiusLab]:
    """A server with empty tables."""
    if request.param == "lab":
        lab = _on_sqlite(tmp_path)
    else:
        prefix = PREFIX if request.param == "freeradius_mariadb" else ""
        lab = _on_freeradius(request.getfixturevalue(request.param), tmp_path, prefix)
    yield lab
    lab.close()


def _on_freeradius(server: FreeRadius, folder: Path, prefix: str) -> RadiusLab:
    lab = RadiusLab(server.auth, server.acct, server.database, folder, is_freeradius=True, prefix=prefix)
    lab.sql("DROP TABLE IF EXISTS grifo_marks")
    for table in (*TABLES, "radacct", "nasreload"):
        lab.sql(f"DELETE FROM {table}")
    return lab


def _on_sqlite(folder: Path) -> RadiusLab:
    path = folder / "radius.db"
    server = RadiusServer(ServerSettings(path, SECRET))
    lab = RadiusLab(server.auth, server.acct, f"sqlite:///{path}", folder, is_freeradius=False)
    lab.opened.append(server)
    return lab
