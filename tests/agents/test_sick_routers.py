"""One sick router beside a well one, with the real driver: nobody else waits, nothing is believed that was not read."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from agents.settings import DeviceSettings, Settings
from drivers.base import Driver
from enforcement.access import Access
from enforcement.entries import DeviceName
from lab.routeros import RouterOS
from tests.agents.conftest import Site, until
from tests.agents.controller import Controller
from tests.agents.device import INSTALLATION
from tests.drivers.mikrotik_routers import V4, driver, router

pytestmark = pytest.mark.slow

ANA, EVA = "ipv4:10.0.0.1", "ipv4:10.0.0.2"

BLIND: dict[str, dict[str, Any]] = {
    "hangs in mid-reply": {"hang": "reply"},
    "resets in mid-sentence": {"drop": True},
    "answers nonsense": {"garble": True},
    "answers later than anybody waits": {"delay_ms": 3000.0},
}
"""Nothing can be read."""
UNABLE: dict[str, dict[str, Any]] = {
    "refuses every write": {"refuse": "failure: not permitted"},
    "says done and does nothing": {"lie": True},
}
"""Everything can be read, nothing be written."""


class Routers(Site):
    """A site of two routers: `box`, which gets sick, and `other`."""

    def __init__(self, folder: Path, controller: Controller, routers: Mapping[str, RouterOS]) -> None:
        super().__init__(folder, controller, {})
        self.routers = routers
        self.sweep_seconds = 1.0

    def settings(self) -> Settings:
        devices = tuple(DeviceSettings(DeviceName(name), name, {}) for name in self.routers)
        return Settings(self.controller.url, self._token_file, self.memory, devices, sweep_seconds=self.sweep_seconds)

    def _driver(self, name: str, options: Mapping[str, Any], installation: str) -> Driver:
        return driver(self.routers[name], installation, reply_seconds=1, connect_seconds=1)

    def circuit(self, state: str, device: str = "box") -> bool:
        return self.metric("grifo_agent_circuit", device=device, state=state) == 1

    def metric(self, name: str, **labels: str) -> float:
        return self.agent.metrics.registry.get_sample_value(name, labels) or 0.0

    def restricted(self, device: str) -> set[str]:
        rows = self.routers[device].rows(V4)
        return {f"ipv4:{row['address']}" for row in rows if f"grifo:v1:{INSTALLATION}" in row.get("comment", "")}


@pytest.fixture
def routers(tmp_path: Path, controller: Controller) -> Iterator[Routers]:
    with ExitStack() as stack:
        made = {name: stack.enter_context(router()) for name in ("box", "other")}
        site = Routers(tmp_path, controller, made)
        stack.callback(site.stop)
        yield site


def fall_sick(site: Routers, ails: Callable[[RouterOS], object]) -> None:
    """Ana is restricted on the router that then gets sick; meanwhile she pays, and Eva is to be cut on both."""
    site.controller.want("box", "ana", Access.PORTAL, key=ANA)
    site.start()
    site.until_state("ana", "verified")
    ails(site.routers["box"])
    site.controller.want("box", "ana", Access.FULL, key=ANA)
    site.controller.want("box", "eva", Access.PORTAL, key=EVA)
    site.controller.want("other", "eva-too", Access.PORTAL, key=EVA)
    site.until_state("eva-too", "verified", "other")


def recover(site: Routers, heals: Callable[[RouterOS], object]) -> None:
    heals(site.routers["box"])
    site.until_state("ana", "verified")
    site.until_state("eva", "verified")
    until(lambda: site.circuit("closed"))
    assert site.restricted("box") == {EVA}
    assert site.restricted("other") == {EVA}


@pytest.mark.parametrize("fault", BLIND)
def test_a_router_that_can_not_be_read_is_unknown_and_its_circuit_open(routers: Routers, fault: str) -> None:
    fall_sick(routers, lambda device: device.misbehave(**BLIND[fault]))
    until(lambda: routers.circuit("open"))
    until(lambda: {routers.state("ana"), routers.state("eva")} <= {"unknown", "pending"})
    assert routers.circuit("closed", "other")
    recover(routers, RouterOS.behave)


@pytest.mark.parametrize("fault", UNABLE)
def test_a_router_that_can_not_be_written_is_in_drift_and_not_believed(routers: Routers, fault: str) -> None:
    fall_sick(routers, lambda device: device.misbehave(**UNABLE[fault]))
    routers.until_state("ana", "wrongful")
    routers.until_state("eva", "missing")
    until(lambda: routers.metric("grifo_agent_drift", device="box", direction="wrongful") == 1)
    recover(routers, RouterOS.behave)


def cut_off(site: Routers, ails: Callable[[RouterOS], object]) -> Callable[[RouterOS], object]:
    """What ails a router that the agent must connect to anew: its session is reset in mid-sentence first."""

    def work(device: RouterOS) -> None:
        ails(device)
        faults = device.faults
        device.misbehave(drop=True)
        until(lambda: site.circuit("open"))
        device.misbehave(hang=faults.hang)

    return work


def test_a_router_that_hangs_after_login_is_unknown_and_its_circuit_open(routers: Routers) -> None:
    fall_sick(routers, cut_off(routers, lambda device: device.misbehave(hang="login")))
    until(lambda: "no answer in time" in str(routers.controller.last_report("box")["problems"]))
    until(lambda: {routers.state("ana"), routers.state("eva")} <= {"unknown", "pending"})
    assert routers.circuit("closed", "other")
    recover(routers, RouterOS.behave)


def test_a_router_whose_sessions_are_full_lets_the_agent_in_again_when_there_is_room(routers: Routers) -> None:
    fall_sick(routers, cut_off(routers, lambda device: limit(device, "0")))
    until(lambda: {routers.state("ana"), routers.state("eva")} <= {"unknown", "pending"})
    assert not routers.circuit("closed")
    recover(routers, lambda device: limit(device, "20"))


def limit(device: RouterOS, sessions: str) -> None:
    [service] = [row for row in device.rows("/ip/service") if row["name"] == "api"]
    device.set("/ip/service", service[".id"], max_sessions=sessions)


def test_a_router_that_answers_slowly_is_waited_for(routers: Routers) -> None:
    fall_sick(routers, lambda device: device.misbehave(delay_ms=100.0))
    recover(routers, lambda device: None)


def test_a_router_that_reboots_and_one_that_is_restored_from_a_backup_end_as_wanted(routers: Routers) -> None:
    backup = routers.routers["box"].backup()
    fall_sick(routers, lambda device: device.restore(backup))
    recover(routers, RouterOS.reboot)
