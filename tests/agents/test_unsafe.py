"""A device on which emergency numbers can't be reached: who is restricted so is opened, and the controller is told."""

import pytest

from drivers.base import Unsafe
from enforcement.access import Access
from tests.agents.conftest import Site, until

DEAD_112 = Unsafe("node n1 would bar 112", [Access.PORTAL, Access.RELEASED])


@pytest.fixture
def endangered(site: Site) -> Site:
    """Two customers were restricted, each in another way; then one of the ways is found to bar emergency numbers."""
    site.sweep_seconds = 0.2
    site.controller.want("box", "ana", Access.PORTAL)
    site.controller.want("box", "bob", Access.BLOCKED)
    site.start()
    site.until_state("ana", "verified")
    site.until_state("bob", "verified")
    site.box.setup = [DEAD_112]
    site.until_state("ana", "withheld")
    return site


def test_who_cannot_reach_an_emergency_number_is_opened_and_nobody_else(endangered: Site) -> None:
    assert endangered.box.restricted() == {"bob"}
    assert endangered.state("bob") == "verified"
    detail = endangered.controller.detail("box", "ana")
    assert detail.startswith("unsafe: on this device who is restricted so can't reach every emergency number")


def test_the_controller_is_told_of_the_danger_apart_from_other_problems(endangered: Site) -> None:
    endangered.box.setup = [DEAD_112, "no certificate"]
    until(lambda: len(endangered.controller.last_report("box")["problems"]) == 2)
    assert endangered.controller.last_report("box")["unsafe"] == ["node n1 would bar 112"]


def test_nobody_new_is_restricted_so_meanwhile_and_all_are_when_the_proof_is_back(endangered: Site) -> None:
    endangered.controller.want("box", "eve", Access.PORTAL)
    endangered.until_state("eve", "withheld")
    assert endangered.box.restricted() == {"bob"}
    endangered.box.setup = []
    for name in ("ana", "bob", "eve"):
        endangered.until_state(name, "verified")
    assert endangered.box.restricted() == {"ana", "bob", "eve"}
    assert endangered.controller.last_report("box")["unsafe"] == []


def test_they_are_opened_without_the_controller_too(site: Site) -> None:
    site.sweep_seconds = 0.2
    site.controller.want("box", "ana", Access.PORTAL)
    site.start()
    site.until_state("ana", "verified")
    site.controller.go()
    site.box.setup = [DEAD_112]
    until(lambda: not site.box.restricted())


def test_a_device_that_can_no_longer_be_read_is_still_dangerous(endangered: Site) -> None:
    endangered.box.faults.unreachable = True
    until(lambda: "no route to the box" in endangered.controller.last_report("box")["problems"])
    assert endangered.controller.last_report("box")["unsafe"] == ["node n1 would bar 112"]


def test_one_that_the_device_does_not_let_us_open_is_wrongful_and_says_both(site: Site) -> None:
    site.sweep_seconds = 0.2
    site.controller.want("box", "ana", Access.PORTAL)
    site.start()
    site.until_state("ana", "verified")
    [key] = site.box.records
    site.box.faults.refuses[key] = "read only"
    site.box.setup = [DEAD_112]
    site.until_state("ana", "wrongful")
    assert site.controller.detail("box", "ana").endswith("open until they can; read only")
