"""Fixtures for every room: databases with all migrations applied, on both kinds of server."""

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from controller.store.engine import Database, open_database
from controller.store.migrations import migrate
from tests.servers.postgres import Postgres, running_postgres

_TEMPLATE = "grifo_template"

settings.register_profile("grifo", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.load_profile("grifo")
"""No test is judged by how long it takes: the machine may be doing something else."""


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL cluster, one for each worker. A test that asks for it is marked `servers`."""
    with running_postgres() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def migrated_postgres(postgres: Postgres) -> Postgres:
    """The cluster with a template database that has all migrations."""
    db = open_database(postgres.create_database(_TEMPLATE))
    migrate(db)
    db.close()
    return postgres


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite file with all migrations, to be copied."""
    path = tmp_path_factory.mktemp("template") / "grifo.db"
    db = open_database(f"sqlite:///{path}")
    migrate(db)
    db.close()
    return path


@pytest.fixture
def sqlite_database(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Database]:
    """A fresh SQLite database."""
    path = shutil.copy(migrated_sqlite, tmp_path / "grifo.db")
    db = open_database(f"sqlite:///{path}")
    yield db
    db.close()


@pytest.fixture
def postgresql_database(migrated_postgres: Postgres) -> Iterator[Database]:
    """A fresh PostgreSQL database. A test that asks for it is marked `servers`."""
    name = f"grifo_{uuid.uuid4().hex}"
    db = open_database(migrated_postgres.create_database(name, _TEMPLATE))
    yield db
    db.close()
    migrated_postgres.drop_database(name)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)])
def database(request: pytest.FixtureRequest) -> Database:
    """A fresh database of each kind: what holds on one holds on the other."""
    db: Database = request.getfixturevalue(f"{request.param}_database")
    return db
