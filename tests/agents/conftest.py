"""A site: boxes, an agent beside them, and a controller on loopback."""

import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from agents.agent import Agent
from agents.clock import SYSTEM_CLOCK, Clock
from agents.settings import DeviceSettings, Settings
from drivers.base import Driver
from enforcement.entries import DeviceName
from tests.agents.controller import TOKEN, Controller
from tests.agents.device import Box, BoxDriver

DEADLINE_S = 30.0


def until(condition: Callable[[], bool]) -> None:
    """Wait for `condition`, and fail when it does not come."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not come"
        time.sleep(0.003)


class Gate:
    """Holds whoever passes it for the first time until it is opened."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.open = threading.Event()

    def hold(self) -> None:
        if not self.reached.is_set():
            self.reached.set()
            assert self.open.wait(DEADLINE_S)


class Site:
    """Starts and abandons agents over the same boxes and the same memory file."""

    def __init__(self, folder: Path, controller: Controller, boxes: Mapping[str, Box], token: str = TOKEN) -> None:
        self.controller = controller
        self.boxes = dict(boxes)
        self.memory = folder / "agent.db"
        self.sweep_seconds = 300.0
        self.guard_per_hour = 1000
        self.stuck_seconds = 300.0
        self.accounting_seconds = 0.05
        self.guards: dict[str, int] = {}
        self.clock: Clock = SYSTEM_CLOCK
        self.agents: list[Agent] = []
        self._token_file = folder / "token"
        self._token_file.write_text(token + "\n", encoding="ascii")

    @property
    def box(self) -> Box:
        return next(iter(self.boxes.values()))

    @property
    def agent(self) -> Agent:
        return self.agents[-1]

    def settings(self) -> Settings:
        return Settings(
            controller=self.controller.url,
            token_file=self._token_file,
            memory=self.memory,
            devices=tuple(
                DeviceSettings(DeviceName(name), name, {}, "porto", self.guards.get(name)) for name in self.boxes
            ),
            sweep_seconds=self.sweep_seconds,
            guard_per_hour=self.guard_per_hour,
            stuck_seconds=self.stuck_seconds,
            accounting_seconds=self.accounting_seconds,
        )

    def start(self) -> Agent:
        agent = Agent(self.settings(), make_driver=self._driver, clock=self.clock, wait_s=5)
        self.agents.append(agent)
        agent.start()
        return agent

    def _driver(self, name: str, options: Mapping[str, Any], installation: str) -> Driver:
        return BoxDriver(self.boxes[name])

    def crash(self, reached: threading.Event, release: threading.Event) -> Agent:
        """Kill the agent when it has reached an instant at which the test holds it, and start another.

        The new one finds the memory file as it was on disk at that instant, and the boxes as they are.
        """
        assert reached.wait(DEADLINE_S)
        survivor = self.memory.with_name(f"after-{len(list(self.memory.parent.iterdir()))}.db")
        for suffix in ("", "-wal"):
            shutil.copy(f"{self.memory}{suffix}", f"{survivor}{suffix}")
        for box in self.boxes.values():
            box.forsake()
        self.agent._stopping.set()
        self.agent._link.interrupt()
        release.set()
        self.agents.pop().stop()
        self.memory = survivor
        return self.start()

    def metric(self, name: str, **labels: str) -> float:
        """A sample of the agent's own registry, of the first device unless another is named; 0 where there is none."""
        found = self.agent.metrics.registry.get_sample_value(name, {"device": next(iter(self.boxes)), **labels})
        return found or 0.0

    def stop(self) -> None:
        while self.agents:
            self.agents.pop().stop()

    def restart(self) -> Agent:
        self.stop()
        return self.start()

    def state(self, binding: str, device: str = "box") -> str:
        return self.controller.state(device, binding)

    def until_state(self, binding: str, state: str, device: str = "box") -> None:
        until(lambda: self.state(binding, device) == state)


@pytest.fixture
def controller() -> Iterator[Controller]:
    controller = Controller("box", "other")
    controller.come()
    yield controller
    controller.go()


@pytest.fixture
def site(tmp_path: Path, controller: Controller) -> Iterator[Site]:
    """A site of one box without sessions."""
    site = Site(tmp_path, controller, {"box": Box()})
    yield site
    site.stop()
