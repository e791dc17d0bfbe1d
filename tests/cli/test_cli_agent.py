"""`grifo agent` at a site: what a technician sees and does there while nobody else answers."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from enforcement.access import Access
from lab.nas.server import RadiusServer, ServerSettings
from tests.agents.conftest import Site, until
from tests.agents.controller import TOKEN, Controller
from tests.agents.device import Box
from tests.cli.conftest import Done, environment, run
from tests.drivers.mikrotik_routers import USER, router

pytestmark = pytest.mark.slow


@pytest.fixture
def controller() -> Iterator[Controller]:
    controller = Controller("r1")
    controller.come()
    yield controller
    controller.go()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """An agent's settings: a controller that is away, and one router whose port is filled in by the test."""
    (tmp_path / "token").write_text("a-token\n")
    (tmp_path / "password").write_text(USER.password)
    file = tmp_path / "agent.toml"
    file.write_text(
        f'controller = "http://127.0.0.1:9"\ntoken_file = "{tmp_path}/token"\nmemory = "{tmp_path}/agent.db"\n'
        f'[[devices]]\nname = "r1"\ndriver = "mikrotik"\nhost = "127.0.0.1"\nport = 9\ntls = false\n'
        f'username = "{USER.name}"\npassword_file = "{tmp_path}/password"\n'
    )
    return file


def agent(config: Path, *arguments: str) -> Done:
    return run("agent", *arguments, "--config", str(config), env=environment(config.parent))


def test_check_says_what_in_a_devices_setup_would_defeat_grifo(config: Path) -> None:
    with router() as device:
        config.write_text(config.read_text().replace("port = 9", f"port = {device.port}"))
        done = agent(config, "check", "--json")
    problems = json.loads(done.out)["problems"]
    assert done.code == 1
    assert any("no enabled firewall rule uses list grifo-portal" in problem for problem in problems)
    assert USER.password not in done.out + done.err


def test_check_says_whether_the_controller_takes_the_token(config: Path, controller: Controller) -> None:
    url = f'controller = "{controller.url}"'
    config.write_text(config.read_text().replace('controller = "http://127.0.0.1:9"', url))
    assert "controller: the controller refused (401): no such token" in agent(config, "check").out
    (config.parent / "token").write_text(TOKEN)
    assert "controller:" not in agent(config, "check").out


def test_check_of_one_device_leaves_the_others_alone(config: Path) -> None:
    config.write_text(
        config.read_text() + config.read_text()[config.read_text().index("[[devices]]") :].replace("r1", "r2")
    )
    assert "r1: " not in agent(config, "check", "r2").out
    assert "there is none named 'r3'; there are r1, r2" in agent(config, "check", "r3").out


@pytest.fixture
def radius(config: Path) -> Iterator[Path]:
    """The settings with a RADIUS server's database beside the router."""
    path = config.parent / "radius.db"
    with closing(RadiusServer(ServerSettings(path, b"testing123"))):
        config.write_text(
            config.read_text()
            + f'[[devices]]\nname = "radius"\ndriver = "radius"\ndatabase = "sqlite:///{path}"\n'
            + 'groups = { throttled = "grifo-throttled" }\n'
        )
        yield config


def test_prepare_shows_what_a_device_lacks_installs_it_and_then_finds_it_present(radius: Path) -> None:
    shown = agent(radius, "prepare", "radius")
    assert shown.code == 1, shown.out
    assert "# missing" in shown.out
    applied = agent(radius, "prepare", "radius", "--apply", "--json")
    steps = json.loads(applied.out)["steps"]
    assert applied.code == 0, applied.out
    assert "installed" in {step["state"] for step in steps}
    assert all(step["where"] and step["text"] for step in steps)
    again = agent(radius, "prepare", "radius")
    assert again.code == 0
    assert "# present" in again.out
    assert "# installed" not in again.out


def test_prepare_of_a_device_that_is_away_says_so_in_a_sentence(radius: Path) -> None:
    wrong = f"sqlite:///{radius.parent}/nowhere/radius.db"
    radius.write_text(radius.read_text().replace(f"sqlite:///{radius.parent}/radius.db", wrong))
    done = agent(radius, "prepare", "radius")
    assert done.code == 2
    assert done.err.startswith("radius: ")
    assert "Traceback" not in done.err


def test_check_of_a_wrong_file_names_the_key(config: Path) -> None:
    config.write_text(config.read_text() + "tsl = true\n")
    done = agent(config, "check")
    assert done.code == 1
    assert "tsl is not a setting of the mikrotik driver" in done.out


def test_a_key_is_held_open_at_the_site_until_it_is_let_go(config: Path) -> None:
    asked = ("ipv4:203.0.113.7", "--local", "--note", "at the customer's door", "--timeout", "0.2")
    held = agent(config, "restore", *asked, "--json")
    assert held.code == 3
    assert "No agent has taken it up within 0.2 s" in held.err
    [pin] = json.loads(agent(config, "pins", "--json").out)
    assert (pin["key"], pin["held"], pin["devices"]) == (
        "ipv4:203.0.113.7",
        True,
        [{"device": "r1", "state": "silent", "detail": ""}],
    )
    assert json.loads(held.out)["key"] == "ipv4:203.0.113.7"
    assert agent(config, "unpin", "ipv4:203.0.113.7").code == 0
    assert agent(config, "unpin", "ipv4:203.0.113.7").code == 1


def test_a_technician_is_told_when_the_customer_was_read_to_be_open(
    config: Path, tmp_path: Path, controller: Controller
) -> None:
    site = Site(tmp_path, controller, {"r1": Box()})
    controller.want("r1", "ana", Access.BLOCKED)
    site.start()
    try:
        site.until_state("ana", "verified", "r1")
        note = ("--local", "--note", "paid at the door", "--timeout", "60")
        done = agent(config, "restore", "ana", *note)
        assert done.code == 0, done.err
        assert "username:ana was read to be open on r1; it is held open until" in done.out
        assert site.box.restricted() == set()
        assert agent(config, "pins").out.rstrip().endswith("UTC: paid at the door - open")
        typo = agent(config, "restore", "username:anna", *note)
        assert typo.code == 1
        assert "No device of this agent knows username:anna, so nothing is held open" in typo.err
        site.box.faults.unreachable = True
        again = ("restore", "ana", "--local", "--note", "again", "--timeout", "1", "--json")
        until(lambda: "username:ana is not open yet: r1" in agent(config, *again).err)
        until(lambda: agent(config, *again).code == 1)
        [pin] = json.loads(agent(config, "pins", "--json").out)
        assert pin["held"] is True
    finally:
        site.stop()


def test_without_local_the_technician_is_told_of_the_verb_that_asks_the_controller(config: Path) -> None:
    done = agent(config, "restore", "ipv4:203.0.113.7", "--note", "why")
    assert done.code == 2
    assert "grifo restore" in done.err


def test_a_key_that_is_none_is_refused_in_words(config: Path) -> None:
    done = agent(config, "restore", "203.0.113.7", "--local", "--note", "why")
    assert done.code == 2
    assert "type:value" in done.err
