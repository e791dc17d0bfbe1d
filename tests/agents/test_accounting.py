"""Accounting tells an agent, with the real drivers and an hour between two sweeps, as FreeRADIUS writes it down."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from agents.setup import check
from drivers.base import Driver
from enforcement.access import Access
from lab.nas.server import RadiusServer, ServerSettings
from lab.routeros import RouterOS
from tests.agents.conftest import Site, until
from tests.agents.controller import TOKEN, Controller
from tests.agents.device import INSTALLATION
from tests.drivers.mikrotik_routers import USER, V4, driver, router
from tests.drivers.radius.accounting_packets import Reports
from tests.drivers.radius.radius_lab import SECRET, RadiusLab, on_freeradius, subscribers
from tests.servers.freeradius import running_freeradius
from tests.servers.postgres import Postgres

pytestmark = pytest.mark.slow

PPP = "/ppp/active"
ALL = [
    pytest.param("lab", id="lab-sqlite"),
    pytest.param("freeradius", id="freeradius-postgresql", marks=pytest.mark.servers),
]


@dataclass
class Place(Site):
    """A site of one device with a real driver."""

    folder: Path
    controller: Controller
    radius: RadiusLab
    nas: Reports
    make: Callable[[], Driver] = field(init=False)

    def __post_init__(self) -> None:
        super().__init__(self.folder, self.controller, {"box": None})  # type: ignore[dict-item]
        self.sweep_seconds = 3600

    def _driver(self, name: str, options: object, installation: str) -> Driver:
        return self.make()

    def problems(self) -> str:
        return " ".join(self.controller.last_report("box").get("problems", []))


def on_lab(folder: Path) -> RadiusLab:
    path = folder / "radius.db"
    server = RadiusServer(ServerSettings(path, SECRET))
    lab = RadiusLab(server.auth, server.acct, f"sqlite:///{path}", folder, is_freeradius=False)
    lab.opened.append(server)
    return lab


@pytest.fixture(params=ALL)
def place(request: pytest.FixtureRequest, tmp_path: Path, controller: Controller) -> Iterator[Place]:
    with ExitStack() as stack:
        if request.param == "lab":
            radius = on_lab(tmp_path)
        else:
            postgres: Postgres = request.getfixturevalue("postgres")
            database = postgres.create_database(f"radius_{tmp_path.name}")
            radius = on_freeradius(stack.enter_context(running_freeradius(database, SECRET)), tmp_path)
        stack.callback(radius.close)
        nas = stack.enter_context(closing(Reports(radius.acct, SECRET)))
        made = Place(tmp_path, controller, radius, nas)
        stack.callback(made.stop)
        yield made


@pytest.fixture
def device(place: Place) -> Iterator[RouterOS]:
    with router() as running:
        accounting = {"database": place.radius.url}
        place.make = lambda: driver(running, INSTALLATION, ways={"username": "address_list"}, accounting=accounting)
        yield running
        place.stop()


def held(device: RouterOS) -> list[str]:
    return sorted(
        row["address"] for row in device.rows(V4) if row["list"] == "grifo-portal" and row["disabled"] == "false"
    )


class Line:
    """A customer's session on the router, which accounting is told of."""

    def __init__(self, place: Place, device: RouterOS, username: str, address: str) -> None:
        self._place, self._device = place, device
        self._about = (username, f"{username}-{address}")
        self._address = {"Framed_IP_Address": address}
        self._id = device.log_in(PPP, username, address)
        place.nas.start(*self._about, **self._address)

    def hang_up(self) -> None:
        self._device.remove(PPP, self._id)
        self._place.nas.stop(*self._about, **self._address)


@pytest.fixture
def ana(place: Place, device: RouterOS) -> Line:
    """Restricted at 10.9.0.1, and read back."""
    line = Line(place, device, "ana", "10.9.0.1")
    place.controller.want("box", "ana", Access.PORTAL)
    place.start()
    place.until_state("ana", "verified")
    assert held(device) == ["10.9.0.1"]
    return line


def test_an_address_that_passes_to_another_customer_is_his_within_seconds(
    place: Place, device: RouterOS, ana: Line
) -> None:
    place.controller.want("box", "bea", Access.FULL)
    place.until_state("bea", "armed")
    ana.hang_up()
    Line(place, device, "bea", "10.9.0.1")
    Line(place, device, "ana", "10.9.0.2")
    until(lambda: held(device) == ["10.9.0.2"])
    place.until_state("ana", "verified")
    place.until_state("bea", "verified")


def test_an_address_is_free_before_anybody_else_has_it(place: Place, device: RouterOS, ana: Line) -> None:
    ana.hang_up()
    until(lambda: held(device) == [])
    place.until_state("ana", "armed")


def test_a_stranger_is_freed_even_while_the_controller_is_away(place: Place, device: RouterOS, ana: Line) -> None:
    """Nobody permits a cut then, and the stranger is no customer that the agent was told of."""
    place.controller.go()
    Line(place, device, "stranger", "10.9.0.1")
    device.remove(PPP, next(row[".id"] for row in device.rows(PPP) if row["name"] == "ana"))
    Line(place, device, "ana", "10.9.0.2")
    until(lambda: "10.9.0.1" not in held(device))
    assert held(device) == []
    place.controller.come()
    until(lambda: held(device) == ["10.9.0.2"])


def test_a_customer_who_was_away_is_restricted_as_soon_as_he_dials_in(place: Place, device: RouterOS) -> None:
    place.controller.want("box", "ana", Access.PORTAL)
    place.start()
    place.until_state("ana", "armed")
    place.restart()
    until(lambda: place.agent.devices["box"].sweeps.read_at is not None)
    Line(place, device, "ana", "10.9.0.7")
    until(lambda: held(device) == ["10.9.0.7"])
    place.until_state("ana", "verified")


def test_accounting_that_is_down_is_told_and_sweeps_go_on(place: Place, device: RouterOS, ana: Line) -> None:
    place.stop()
    place.sweep_seconds = 1
    place.radius.sql("ALTER TABLE radacct RENAME TO elsewhere")
    place.start()
    until(lambda: "accounting can't be read" in place.problems())
    device.remove(PPP, next(row[".id"] for row in device.rows(PPP)))
    device.log_in(PPP, "ana", "10.9.0.3")
    until(lambda: held(device) == ["10.9.0.3"])
    place.until_state("ana", "verified")
    place.radius.sql("ALTER TABLE elsewhere RENAME TO radacct")
    until(lambda: "accounting" not in place.problems())


@pytest.fixture
def radius(place: Place) -> RadiusLab:
    """The place's device is its RADIUS server."""
    lab = place.radius
    lab.seed("ana")
    place.make = lambda: lab.driver(installation=INSTALLATION, interim_seconds=300, nases=[])
    return lab


def armed(place: Place) -> None:
    """Restricted while away; nothing of it is being tried any more."""
    place.controller.want("box", "ana", Access.PORTAL)
    place.start()
    place.until_state("ana", "armed")
    place.restart()
    until(lambda: place.agent.devices["box"].sweeps.read_at is not None)


def test_an_armed_customer_is_verified_as_soon_as_he_logs_in(place: Place, radius: RadiusLab) -> None:
    armed(place)
    radius.nas().dial(subscribers(["ana"]))
    place.until_state("ana", "verified")


def test_an_unknown_customer_is_verified_as_soon_as_his_accounting_shows_what_he_has(
    place: Place, radius: RadiusLab
) -> None:
    armed(place)
    place.nas.start("ana", "s1", Class=b"grifo-portal")
    place.until_state("ana", "verified")
    place.stop()
    long_ago = "'2001-01-01 00:00:00'" if radius.is_freeradius else "978307200"
    radius.sql(f"UPDATE radacct SET class = NULL, acctstarttime = {long_ago}, acctupdatetime = {long_ago}")
    place.start()
    place.until_state("ana", "unknown")
    place.nas.interim("ana", "s1", Class=b"grifo-portal")
    place.until_state("ana", "verified")


SETTINGS = """
controller = "{url}"
token_file = "{folder}/token"
memory = "{folder}/nothing.db"
[[devices]]
name = "router-1"
driver = "mikrotik"
host = "127.0.0.1"
port = {port}
tls = false
username = "{user}"
password_file = "{folder}/password"
ways = {{ username = "address_list" }}
[devices.accounting]
database = "{database}"
tables = {{ radacct = "{radacct}" }}
"""


@pytest.mark.parametrize(
    ("radacct", "said"), [("radacct", []), ("radcheck", ["accounting: "]), ("nothing", ["accounting: "])]
)
def test_agent_check_says_what_accounting_lacks(place: Place, device: RouterOS, radacct: str, said: list[str]) -> None:
    folder = place.folder
    (folder / "token").write_text(TOKEN, encoding="ascii")
    (folder / "password").write_text(USER.password, encoding="utf-8")
    about = {"url": place.controller.url, "folder": folder, "port": device.port, "user": USER.name}
    text = SETTINGS.format(**about, database=place.radius.url, radacct=radacct)
    (folder / "agent.toml").write_text(text, encoding="utf-8")
    found = [each.removeprefix("router-1: ") for each in check(folder / "agent.toml")]
    assert [each[: len("accounting: ")] for each in found if "accounting" in each] == said
