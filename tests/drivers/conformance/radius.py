"""The bench of the RADIUS driver: the lab's server or a FreeRADIUS on each database, customers connected or away."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from drivers.base import Driver
from enforcement.access import Access
from enforcement.entries import Entry
from lab.nas.dae import Misbehaviour
from lab.nas.nas import Nas
from lab.nas.server import RadiusServer, ServerSettings
from tests.drivers.conformance.bench import CUSTOMERS, INSTALLATION, Kind
from tests.drivers.radius.radius_lab import PREFIX, SECRET, RadiusLab, entry, on_freeradius, subscribers, wait_for

FAULTS = {
    "the NAS is silent": Misbehaviour(silent=True),
    "the NAS refuses": Misbehaviour(refuse=501),
    "the NAS acknowledges and does nothing": Misbehaviour(lie=True),
    "the first datagrams are lost": Misbehaviour(drop_first=1),
    "the NAS answers slowly": Misbehaviour(delay_s=0.1),
}
TABLES_GONE = "the tables are gone"
BY_HAND = (TABLES_GONE, "a hand removes our rows", "a hand removes our rows and marks")
GROUP = "grifo-portal"


def user(number: int) -> str:
    return f"user{number}"


class RadiusBench:
    """A server with a plan and the customers; with a NAS where they are connected."""

    restricted = Access.PORTAL

    def __init__(self, lab: RadiusLab, nas: Nas | None) -> None:
        self._lab = lab
        self._nas = nas
        lab.seed(*map(user, CUSTOMERS))
        lab.put_into("operators-own", "suspended", 1)
        if nas is not None:
            nas.dial(subscribers(map(user, CUSTOMERS)))
            wait_for(lambda: all(nas.sessions(user(number)) for number in CUSTOMERS))
        self.driver().prepare(install=True)

    def driver(self, impatient: bool = False, installation: str = INSTALLATION) -> Driver:
        seconds = 0.2 if impatient else 5.0
        nases = [] if self._nas is None else [self._lab.nas_settings(self._nas, timeout_seconds=seconds, tries=2)]
        return self._lab.driver(*nases, installation=installation, read_back_seconds=1 if impatient else 10)

    def entry(self, number: int, access: Access) -> Entry:
        return entry(user(number), access)

    def enforced(self, number: int) -> Access:
        """What the live session was given, or else what a login would be."""
        views = self._nas.sessions(user(number)) if self._nas is not None else ()
        given = views[-1].given.get("Mikrotik-Address-List", ()) if views else self._lab.login(user(number))
        return self.restricted if any("portal" in str(each) for each in given) else Access.FULL

    def snapshot(self) -> bytes:
        return repr((self._lab.dump(), self._lab.marks())).encode()

    def operators(self) -> bytes:
        ours = {(username, group) for username, _, group in self._lab.marks()}
        tables = self._lab.dump()
        tables["radusergroup"] = [row for row in tables["radusergroup"] if tuple(row[1:3]) not in ours]
        return repr(tables).encode()

    def obstruct(self, number: int) -> None:
        """By a group that refuses logins, as an operator's own tool has it; no setting of the driver's names it."""
        self._lab.put_into(user(number), "cortados", 1)
        self._lab.set_item("radgroupcheck", "groupname", "cortados", "Auth-Type", ":=", "Reject")

    @contextmanager
    def fault(self, name: str) -> Iterator[None]:
        match name:
            case "the tables are gone":
                self._lab.sql("ALTER TABLE radusergroup RENAME TO radusergroup_away")
                yield
                self._lab.sql("ALTER TABLE radusergroup_away RENAME TO radusergroup")
            case "a hand removes our rows" | "a hand removes our rows and marks":
                self._lab.sql("DELETE FROM radusergroup WHERE groupname = :g", g=GROUP)
                if "marks" in name:
                    self._lab.sql("DELETE FROM grifo_marks")
                yield
            case _:
                assert self._nas is not None
                self._nas.misbehave(replace(FAULTS[name]))
                yield
                self._nas.misbehave(Misbehaviour())


@contextmanager
def _lab(folder: Path) -> Iterator[RadiusLab]:
    path = folder / "radius.db"
    server = RadiusServer(ServerSettings(path, SECRET))
    lab = RadiusLab(server.auth, server.acct, f"sqlite:///{path}", folder, is_freeradius=False)
    lab.opened.append(server)
    try:
        yield lab
    finally:
        lab.close()


@contextmanager
def open_offline(folder: Path, request: pytest.FixtureRequest) -> Iterator[RadiusBench]:
    with _lab(folder) as lab:
        yield RadiusBench(lab, None)


@contextmanager
def open_online(folder: Path, request: pytest.FixtureRequest) -> Iterator[RadiusBench]:
    with _lab(folder) as lab:
        yield RadiusBench(lab, lab.nas())


def on_server(fixture: str, prefix: str = "") -> Callable[[Path, pytest.FixtureRequest], Any]:
    """Opens a bench on a FreeRADIUS of this worker's, with customers connected."""

    @contextmanager
    def open_bench(folder: Path, request: pytest.FixtureRequest) -> Iterator[RadiusBench]:
        with closing(on_freeradius(request.getfixturevalue(fixture), folder, prefix)) as lab:
            yield RadiusBench(lab, lab.nas())

    return open_bench


SERVERS = (pytest.mark.servers,)
ACKNOWLEDGES = "the NAS acknowledges and does nothing"
OFFLINE = Kind("radius-away", open_offline, (TABLES_GONE,), BY_HAND)
ONLINE = Kind("radius-connected", open_online, (TABLES_GONE,), (*FAULTS, *BY_HAND))
ON_POSTGRESQL = Kind("freeradius-postgresql", on_server("freeradius"), (), (ACKNOWLEDGES, *BY_HAND), SERVERS)
ON_MARIADB = Kind("freeradius-mariadb", on_server("freeradius_mariadb", PREFIX), (), BY_HAND, SERVERS)
ON_SQLITE = Kind("freeradius-sqlite", on_server("freeradius_sqlite"), (), BY_HAND, SERVERS)
