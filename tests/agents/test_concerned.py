"""Problems of a setup that concern customers alone: said with those whom an entry stands for, or not at all."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.concerned import SHOWN
from agents.setup import check
from drivers.base import Concerns
from enforcement.access import Access
from enforcement.keys import Key
from lab.routeros import RouterOS
from tests.agents.conftest import Site, until
from tests.agents.controller import TOKEN, Controller
from tests.agents.device import Box
from tests.drivers.mikrotik_routers import USER, V4, router

pytestmark = pytest.mark.slow


def problems(site: Site, device: str = "box") -> list[str]:
    return list(site.controller.last_report(device).get("problems", []))


def users(*names: str) -> set[Key]:
    return {Key.parse(f"username:{name}") for name in names}


@pytest.fixture
def pair(tmp_path: Path, controller: Controller) -> Iterator[Site]:
    """Two devices; the driver of each is named as it is."""
    site = Site(tmp_path, controller, {"box": Box(), "other": Box()})
    site.sweep_seconds = 0.2
    yield site
    site.stop()


def test_a_problem_is_said_with_the_customers_whom_it_concerns(pair: Site) -> None:
    pair.controller.want("box", "ana", Access.BLOCKED)
    pair.controller.want("box", "eva", Access.FULL)
    pair.controller.want("other", "bea", Access.FULL)
    pair.boxes["box"].setup = [
        Concerns("cut by a list", users("ana", "eva", "bea", "stranger")),
        Concerns("unknown to the other", users("ana", "bea", "stranger"), of_driver="other"),
        "no certificate",
    ]
    pair.start()
    said = ["cut by a list: username:ana, username:eva", "unknown to the other: username:bea", "no certificate"]
    until(lambda: problems(pair) == said)


def test_what_concerns_no_customer_is_not_said_until_it_does(pair: Site) -> None:
    pair.boxes["box"].setup = [
        Concerns("cut by a list", users("admin")),
        Concerns("unknown there", users("admin"), "other"),
    ]
    pair.controller.want("box", "ana", Access.FULL)
    pair.start()
    pair.until_state("ana", "verified")
    reads = pair.box.reads.count(None)
    until(lambda: pair.box.reads.count(None) > reads + 1)
    assert problems(pair) == []
    pair.controller.want("box", "admin", Access.FULL)
    until(lambda: problems(pair) == ["cut by a list: username:admin"])


def test_of_many_customers_some_are_named_and_the_others_counted(pair: Site) -> None:
    names = [f"u{number:02}" for number in range(SHOWN + 2)]
    for name in names:
        pair.controller.want("box", name, Access.FULL)
    pair.boxes["box"].setup = [Concerns("cut by a list", users(*names))]
    pair.start()
    shown = ", ".join(f"username:{name}" for name in names[:SHOWN])
    until(lambda: problems(pair) == [f"cut by a list: {shown} and 2 more"])


# --- by hand, at a router --------------------------------------------------------------------------------------------

SETTINGS = """
controller = "{url}"
token_file = "{folder}/token"
memory = "{folder}/agent.db"
[[devices]]
name = "box"
driver = "mikrotik"
host = "127.0.0.1"
port = {port}
tls = false
username = "{user}"
password_file = "{folder}/password"
ways = {{ username = "address_list" }}
[[devices]]
name = "other"
driver = "radius"
database = "sqlite:///{folder}/nowhere.db"
groups = {{ portal = "grifo-portal" }}
"""


@pytest.fixture
def device() -> Iterator[RouterOS]:
    """A router that asks RADIUS, with secrets and a list of its operator's own."""
    with router() as running:
        running.use_radius(True)
        for name in ("ana", "noc"):
            running.add("/ppp/secret", name=name)
        running.add("/ip/firewall/filter", chain="forward", action="drop", src_address_list="CORTADOS")
        for address in ("10.0.0.2", "198.51.100.66"):
            running.add(V4, list="CORTADOS", address=address)
        yield running


@pytest.fixture
def settings(tmp_path: Path, controller: Controller, device: RouterOS) -> Path:
    (tmp_path / "token").write_text(TOKEN, encoding="ascii")
    (tmp_path / "password").write_text(USER.password, encoding="utf-8")
    text = SETTINGS.format(url=controller.url, folder=tmp_path, port=device.port, user=USER.name)
    (tmp_path / "agent.toml").write_text(text, encoding="utf-8")
    return tmp_path / "agent.toml"


def of_customers(settings: Path) -> list[str]:
    found = [problem for problem in check(settings, "box") if "CORTADOS" in problem or "RADIUS" in problem]
    return [problem.rpartition(": ")[2] for problem in found]


def test_agent_check_names_the_customers_whom_the_agent_knows(site: Site, settings: Path) -> None:
    assert of_customers(settings) == []
    site.boxes["other"] = Box()
    site.controller.want("other", "ana", Access.PORTAL)
    site.controller.want("box", "luz", Access.FULL, key="ipv4:10.0.0.2")
    site.start()
    site.until_state("luz", "verified")
    site.until_state("ana", "verified", "other")
    assert of_customers(settings) == ["username:ana", "ipv4:10.0.0.2"]


def test_agent_check_writes_no_memory(settings: Path) -> None:
    check(settings, "box")
    assert not (settings.parent / "agent.db").exists()
