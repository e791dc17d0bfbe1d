"""The same tests on three servers: the lab's own on SQLite, a real FreeRADIUS on PostgreSQL and one on MariaDB.

The last has its access tables under names of the operator's own, as where one database serves several.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.nas.server import RadiusServer, ServerSettings
from tests.drivers.radius.radius_lab import PREFIX, SECRET, RadiusLab, on_freeradius

ALL = [
    pytest.param("lab", id="lab-sqlite"),
    pytest.param("freeradius", id="freeradius-postgresql", marks=pytest.mark.servers),
    pytest.param("freeradius_mariadb", id="freeradius-mariadb", marks=pytest.mark.servers),
]


@pytest.fixture(params=ALL)
def radius_lab(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RadiusLab]:
    """A server with empty tables."""
    if request.param == "lab":
        lab = _on_sqlite(tmp_path)
    else:
        prefix = PREFIX if request.param == "freeradius_mariadb" else ""
        lab = on_freeradius(request.getfixturevalue(request.param), tmp_path, prefix)
    yield lab
    lab.close()


def _on_sqlite(folder: Path) -> RadiusLab:
    path = folder / "radius.db"
    server = RadiusServer(ServerSettings(path, SECRET))
    lab = RadiusLab(server.auth, server.acct, f"sqlite:///{path}", folder, is_freeradius=False)
    lab.opened.append(server)
    return lab
