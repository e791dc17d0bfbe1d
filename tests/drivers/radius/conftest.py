"""The same tests on both servers: the lab's own on SQLite, and a real FreeRADIUS on PostgreSQL (marked `servers`)."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from lab.nas.server import RadiusServer, ServerSettings
from tests.drivers.radius.radius_lab import SECRET, TABLES, RadiusLab
from tests.servers.freeradius import FreeRadius, running_freeradius
from tests.servers.postgres import Postgres

BOTH = [
    pytest.param("lab", id="lab-sqlite"),
    pytest.param("freeradius", id="freeradius-postgresql", marks=pytest.mark.servers),
]


@pytest.fixture(scope="session")
def freeradius(postgres: Postgres) -> Iterator[FreeRadius]:
    """One server for each worker; `radius_lab` empties its tables for each test."""
    with running_freeradius(postgres.create_database("radius"), SECRET) as server:
        yield server


@pytest.fixture(params=BOTH)
def radius_lab(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RadiusLab]:
    """A server with empty tables."""
    if request.param == "freeradius":
        lab = _on_freeradius(request.getfixturevalue("freeradius"), tmp_path)
    else:
        lab = _on_sqlite(tmp_path)
    yield lab
    lab.close()


def _on_freeradius(server: FreeRadius, folder: Path) -> RadiusLab:
    engine = create_engine(server.database)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS grifo_marks"))
        connection.execute(text(f"TRUNCATE {', '.join(TABLES)}, radacct RESTART IDENTITY"))
    engine.dispose()
    return RadiusLab(server.auth, server.acct, server.database, folder, is_freeradius=True)


def _on_sqlite(folder: Path) -> RadiusLab:
    path = folder / "radius.db"
    server = RadiusServer(ServerSettings(path, SECRET))
    lab = RadiusLab(server.auth, server.acct, f"sqlite:///{path}", folder, is_freeradius=False)
    lab.opened.append(server)
    return lab
