"""The bench of the RADIUS driver: the lab's server or a FreeRADIUS on each database, customers connected or away."""

from collections.abc import Callable, Iterable, Iterator, Mapping
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
    "the NAS knows none of its sessions": Misbehaviour(refuse=503),
    "the NAS acknowledges and does nothing": Misbehaviour(lie=True),
    "the first datagrams are lost": Misbehaviour(drop_first=1),
    "the NAS answers slowly": Misbehaviour(delay_s=0.1),
}
TABLES_GONE = "the tables are gone"
BY_HAND = (TABLES_GONE, "a hand removes our rows", "a hand removes our rows and marks")
RATE = "Mikrotik-Rate-Limit"
SHOWN = {
    Access.PORTAL: ("Mikrotik-Address-List", "portal"),
    Access.THROTTLED: (RATE, "1M/1M"),
}
"""An attribute, and the value that it has in what a login of that access is given."""


def user(number: int) -> str:
    return f"user{number}"


class RadiusBench:
    """A server with a plan and the customers; with a NAS where they are connected, which `told` says how to tell."""

    def __init__(
        self, lab: RadiusLab, nas: Nas | None, restricted: Access = Access.PORTAL, told: Mapping[str, Any] | None = None
    ) -> None:
        self.restricted = restricted
        self._lab = lab
        self._nas = nas
        self._told = told or {}
        lab.seed(*map(user, CUSTOMERS))
        lab.put_into("operators-own", "suspended", 1)
        if nas is not None:
            nas.dial(subscribers(map(user, CUSTOMERS)))
            wait_for(lambda: all(nas.sessions(user(number)) for number in CUSTOMERS))
        self.driver().prepare(install=True)

    def driver(self, impatient: bool = False, installation: str = INSTALLATION) -> Driver:
        return self._lab.driver(
            *self.nases(impatient), installation=installation, read_back_seconds=1 if impatient else 10
        )

    def nases(self, impatient: bool) -> list[dict[str, Any]]:
        """How a driver is told of the NAS, where there is one."""
        told = {"timeout_seconds": 0.2 if impatient else 5.0, "tries": 2, **self._told}
        return [] if self._nas is None else [self._lab.nas_settings(self._nas, **told)]

    def entry(self, number: int, access: Access) -> Entry:
        return entry(user(number), access)

    def enforced(self, number: int) -> Access:
        """What the live session was given, or else what a login would be."""
        views = self._nas.sessions(user(number)) if self._nas is not None else ()
        return self._access_by(views[-1].given.get(SHOWN[self.restricted][0], ())) if views else self.at_login(number)

    def at_login(self, number: int) -> Access:
        """What a login would be given now."""
        return self._access_by(self._lab.login(user(number)))

    def _access_by(self, given: Iterable[object]) -> Access:
        value = SHOWN[self.restricted][1]
        return self.restricted if any(str(each).endswith(value) for each in given) else Access.FULL

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
                self._lab.sql("DELETE FROM radusergroup WHERE groupname = :g", g=f"grifo-{self.restricted}")
                if "marks" in name:
                    self._lab.sql("DELETE FROM grifo_marks")
                yield
            case _:
                assert self._nas is not None
                self._nas.misbehave(replace(FAULTS[name]))
                yield
                self._nas.misbehave(Misbehaviour())


@contextmanager
def lab_of_ours(folder: Path) -> Iterator[RadiusLab]:
    """The lab's own server, on SQLite."""
    path = folder / "radius.db"
    server = RadiusServer(ServerSettings(path, SECRET))
    lab = RadiusLab(server.auth, server.acct, f"sqlite:///{path}", folder, is_freeradius=False)
    lab.opened.append(server)
    try:
        yield lab
    finally:
        lab.close()


CHANGED = {"live": "coa", "changes": {"throttled": [RATE], "full": [RATE]}, "coa_class": True}
"""Sessions are changed where they are, and the Class that they show then tells."""


@contextmanager
def open_offline(folder: Path, request: pytest.FixtureRequest) -> Iterator[RadiusBench]:
    with lab_of_ours(folder) as lab:
        yield RadiusBench(lab, None)


@contextmanager
def open_online(folder: Path, request: pytest.FixtureRequest) -> Iterator[RadiusBench]:
    with lab_of_ours(folder) as lab:
        yield RadiusBench(lab, lab.nas())


@contextmanager
def open_changed(folder: Path, request: pytest.FixtureRequest) -> Iterator[RadiusBench]:
    with lab_of_ours(folder) as lab:
        yield RadiusBench(lab, lab.nas(), Access.THROTTLED, CHANGED)


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
BY_COA = Kind("radius-changed", open_changed, (), tuple(FAULTS))
ON_POSTGRESQL = Kind(
    "freeradius-postgresql", on_server("freeradius"), (TABLES_GONE,), (ACKNOWLEDGES, *BY_HAND), SERVERS
)
ON_MARIADB = Kind("freeradius-mariadb", on_server("freeradius_mariadb", PREFIX), (TABLES_GONE,), BY_HAND, SERVERS)
ON_SQLITE = Kind("freeradius-sqlite", on_server("freeradius_sqlite"), (TABLES_GONE,), BY_HAND, SERVERS)
