"""A town for each worker, and six new customers in it for each test."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.whole.founding import running_town
from tests.whole.radius_databases import SqliteDatabase, on_mariadb, on_postgresql
from tests.whole.row import Row
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
