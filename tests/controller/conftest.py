"""Fixtures for the controller's room."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.store.engine import Database
from tests.controller.live import Live, running


@pytest.fixture
def live(sqlite_database: Database, tmp_path: Path) -> Iterator[Live]:
    """A running controller on SQLite."""
    with running(sqlite_database, tmp_path) as found:
        yield found


@pytest.fixture
def live_anywhere(database: Database, tmp_path: Path) -> Iterator[Live]:
    """A running controller on each kind of database, for what depends on locks and wakes."""
    with running(database, tmp_path) as found:
        yield found
