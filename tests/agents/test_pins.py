"""A hand at the site wins for a while: local restores, in the memory file that a running agent watches."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from agents import local
from agents.clock import SYSTEM_CLOCK
from agents.memory import Pin
from enforcement.access import Access
from enforcement.keys import Key
from tests.agents.conftest import Site, until
from tests.agents.controller import Controller
from tests.agents.device import Box


@pytest.fixture
def settings(site: Site, tmp_path: Path) -> Path:
    """A settings file that names the site's memory."""
    path = tmp_path / "agent.toml"
    path.write_text(
        f"""
controller = "http://127.0.0.1:1"
token_file = "{tmp_path}/token"
memory = "{site.memory}"
[[devices]]
name = "box"
driver = "mikrotik"
""",
        encoding="utf-8",
    )
    return path


def test_a_pinned_key_is_opened_and_the_controller_is_told_why(site: Site, settings: Path) -> None:
    site.controller.want("box", "ana", Access.BLOCKED)
    site.start()
    site.until_state("ana", "verified")
    local.pin(settings, "username:ana", "paid in cash at the door")
    site.until_state("ana", "withheld")
    assert site.box.restricted() == set()
    told = site.controller.desks["box"].states["ana"]
    assert re.fullmatch(r"pinned at the site until [-0-9]+ [:0-9]+ UTC: paid in cash at the door", told["detail"])
    assert (told["why"], told["seen"]) == ("pinned", "full")


def test_a_pin_works_without_the_controller(site: Site, settings: Path) -> None:
    site.controller.want("box", "ana", Access.BLOCKED)
    site.start()
    site.until_state("ana", "verified")
    site.controller.go()
    local.pin(settings, "username:ana", "an ambulance station")
    until(lambda: site.box.restricted() == set())


def test_a_pin_outlives_a_restart_and_sweeps(site: Site, settings: Path) -> None:
    site.sweep_seconds = 0.2
    site.controller.want("box", "ana", Access.BLOCKED)
    site.start()
    site.until_state("ana", "verified")
    local.pin(settings, "username:ana", "for the weekend")
    until(lambda: site.box.restricted() == set())
    site.restart()
    reads = len(site.box.reads)
    until(lambda: site.box.reads[reads:].count(None) >= 2)
    assert site.box.restricted() == set()


def test_a_pin_ends_when_the_controller_wants_the_key_open_itself(site: Site, settings: Path) -> None:
    site.controller.want("box", "ana", Access.BLOCKED)
    site.start()
    site.until_state("ana", "verified")
    local.pin(settings, "username:ana", "paid in cash")
    site.until_state("ana", "withheld")
    site.controller.want("box", "ana", Access.FULL)
    site.until_state("ana", "verified")
    site.controller.want("box", "ana", Access.BLOCKED)
    site.until_state("ana", "verified")
    assert site.box.restricted() == {"ana"}


def test_a_pin_holds_until_every_device_that_knows_its_key_wants_it_open(
    tmp_path: Path, controller: Controller
) -> None:
    site = Site(tmp_path, controller, {"box": Box(), "other": Box()})
    controller.want("box", "b1", Access.BLOCKED, key="username:ana")
    controller.want("other", "b2", Access.FULL, key="username:ana")
    try:
        memory = site.start().memory
        site.until_state("b1", "verified")
        site.until_state("b2", "verified", "other")
        key = Key.parse("username:ana")
        memory.pin(Pin(key, "at the door", SYSTEM_CLOCK.now() + timedelta(hours=1)))
        site.until_state("b1", "withheld")
        controller.want("other", "b3", Access.BLOCKED)
        site.until_state("b3", "verified", "other")
        assert (site.boxes["box"].access(key), list(memory.pins(SYSTEM_CLOCK.now()))) == (Access.FULL, [key])
        controller.want("box", "b1", Access.FULL, key="username:ana")
        until(lambda: not memory.pins(SYSTEM_CLOCK.now()))
    finally:
        site.stop()


def test_a_pin_that_is_taken_away_gives_the_key_back_to_the_controller(site: Site, settings: Path) -> None:
    site.controller.want("box", "ana", Access.BLOCKED)
    site.start()
    site.until_state("ana", "verified")
    local.pin(settings, "username:ana", "wrong door")
    site.until_state("ana", "withheld")
    assert local.unpin(settings, "username:ana")
    site.until_state("ana", "verified")
    assert site.box.restricted() == {"ana"}


def test_a_pin_ends_with_its_time(site: Site, settings: Path) -> None:
    site.controller.want("box", "ana", Access.BLOCKED)
    site.start()
    site.until_state("ana", "verified")
    local.pin(settings, "username:ana", "for a moment", hours=1 / 3600)
    until(lambda: site.box.restricted() == set())
    until(lambda: site.box.restricted() == {"ana"})


@pytest.mark.parametrize(
    ("key", "note", "hours", "says"),
    [
        ("ana", "x", 1.0, "not written type:value"),
        ("username:ana", " ", 1.0, "note is empty"),
        ("username:ana", "x", 0.0, "hours must be more than 0"),
        ("username:ana", "x", 1000.0, "at most 744"),
    ],
)
def test_a_pin_that_makes_no_sense_is_refused_in_one_sentence(
    settings: Path, key: str, note: str, hours: float, says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        local.pin(settings, key, note, hours)
