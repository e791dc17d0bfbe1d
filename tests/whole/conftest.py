"""A town and an exchange for each worker, and new customers there for each test."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.postgres import Postgres
from tests.whole.exchange import Exchange, running_exchange
from tests.whole.founding import running_town
from tests.whole.radius_databases import SqliteDatabase, on_mariadb, on_postgresql
from tests.whole.row import Row, RowOf
from tests.whole.town import BRAS, ROUTER, Town

SERVERS = {"postgresql": on_postgresql, "mariadb": on_mariadb}


@pytest.fixture(scope="session")
def running(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = _ground(migrated_sqlite, tmp_path_factory)
    with running_town(folder, SqliteDatabase(folder)) as town:
        yield town


def _ground(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("town")
    shutil.copy(migrated_sqlite, folder / "grifo.db")
    return folder


@pytest.fixture(scope="module", params=["sqlite", *(pytest.param(one, marks=pytest.mark.servers) for one in SERVERS)])
def each_town(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A town on each database that FreeRADIUS may be on, one after the other."""
    if request.param == "sqlite":
        yield request.getfixturevalue("running")
        return
    folder = _ground(request.getfixturevalue("migrated_sqlite"), tmp_path_factory)
    with SERVERS[request.param](folder) as database, running_town(folder, database) as town:
        yield town


@pytest.fixture
def at_each_bras(each_town: Town) -> Iterator[Row]:
    each_town.move_in(static=0)
    yield row_on(each_town, BRAS)
    each_town.heal()


def row_on(town: Town, device: str) -> Row:
    ana, eva, leo = (person for person in town.newcomers if person.device == device)
    town.owes(ana)
    town.until(lambda: town.is_right([ana]))
    return Row(town, ana, eva, leo)


@pytest.fixture
def town(running: Town) -> Iterator[Town]:
    running.move_in()
    yield running
    running.heal()


@pytest.fixture
def at_router(town: Town) -> Row:
    return row_on(town, ROUTER)


@pytest.fixture
def at_bras(town: Town) -> Row:
    return row_on(town, BRAS)


@pytest.fixture(scope="session")
def running_switch(
    migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory, postgres: Postgres
) -> Iterator[Exchange]:
    with running_exchange(_ground(migrated_sqlite, tmp_path_factory), postgres) as exchange:
        yield exchange


@pytest.fixture
def at_switch(running_switch: Exchange) -> Iterator[RowOf[Exchange]]:
    running_switch.move_in()
    ana, eva, leo = running_switch.newcomers
    running_switch.owes(ana)
    running_switch.until(lambda: running_switch.is_right([ana]))
    yield RowOf(running_switch, ana, eva, leo)
    running_switch.heal()
