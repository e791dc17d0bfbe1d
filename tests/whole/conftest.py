"""A town for each worker, and six new customers in it for each test."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.whole.founding import running_town
from tests.whole.row import Row
from tests.whole.town import BRAS, ROUTER, Town


@pytest.fixture(scope="session")
def running(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("town")
    shutil.copy(migrated_sqlite, folder / "grifo.db")
    with running_town(folder) as town:
        yield town


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
