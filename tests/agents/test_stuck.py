"""One sick device among healthy ones: it is paced, told from the others, shown, and costs them nothing."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from enforcement.access import Access
from tests.agents.conftest import Site, until
from tests.agents.controller import Controller
from tests.agents.device import Box

pytestmark = pytest.mark.slow


@pytest.fixture
def pair(tmp_path: Path, controller: Controller) -> Iterator[Site]:
    """A site of two boxes, where a call may take half a second."""
    site = Site(tmp_path, controller, {"box": Box(), "other": Box()})
    site.stuck_seconds = 0.5
    yield site
    for box in site.boxes.values():
        if box.faults.stuck is not None:
            box.faults.stuck.set()
    site.stop()


def circuit(site: Site, state: str, device: str = "box") -> bool:
    return site.metric("grifo_agent_circuit", device=device, state=state) == 1


def test_the_circuit_of_a_dead_device_is_open_and_that_of_its_neighbour_closed(pair: Site) -> None:
    pair.box.faults.unreachable = True
    pair.controller.want("other", "eva", Access.BLOCKED)
    pair.start()
    until(lambda: circuit(pair, "open"))
    pair.until_state("eva", "verified", "other")
    until(lambda: circuit(pair, "closed", "other"))
    until(lambda: "its circuit is open" in " ".join(pair.controller.last_report("box").get("problems", [])))
    pair.box.faults.unreachable = False
    until(lambda: circuit(pair, "closed"))
    until(lambda: pair.controller.last_report("box")["problems"] == [])


def test_a_call_that_never_returns_is_shown_as_stuck_and_the_neighbour_works_on(pair: Site) -> None:
    pair.box.faults.stuck = threading.Event()
    pair.controller.want("box", "ana", Access.BLOCKED)
    pair.start()
    until(lambda: pair.metric("grifo_agent_device_stuck") == 1)
    until(lambda: "it is stuck: a call to observe" in str(pair.controller.last_report("box").get("problems")))
    pair.controller.want("other", "eva", Access.BLOCKED)
    pair.until_state("eva", "verified", "other")
    until(lambda: pair.metric("grifo_agent_device_stuck", device="other") == 0)
    assert pair.state("ana") == "pending"


def test_a_device_that_gets_unstuck_is_read_and_shown_as_well_again(pair: Site) -> None:
    pair.controller.want("box", "ana", Access.BLOCKED)
    pair.start()
    pair.until_state("ana", "verified")
    pair.box.faults.stuck = stuck = threading.Event()
    pair.controller.want("box", "ana", Access.FULL)
    until(lambda: pair.metric("grifo_agent_device_stuck") == 1)
    pair.box.faults.stuck = None
    stuck.set()
    pair.until_state("ana", "verified")
    until(lambda: pair.metric("grifo_agent_device_stuck") == 0)
    until(lambda: pair.controller.last_report("box")["problems"] == [])
    assert pair.box.restricted() == set()


def test_a_call_that_waits_too_long_is_ended_by_closing_its_connection(pair: Site) -> None:
    pair.box.faults.hangs = threading.Event()
    pair.controller.want("box", "ana", Access.BLOCKED)
    pair.start()
    until(lambda: circuit(pair, "open"))
    pair.box.faults.hangs.set()
    pair.until_state("ana", "verified")
    assert pair.box.restricted() == {"ana"}


def test_a_device_has_a_guard_of_its_own(pair: Site) -> None:
    pair.stuck_seconds = 300.0
    pair.guards = {"box": 2}
    for number in range(4):
        pair.controller.want("box", f"a{number}", Access.BLOCKED, first=True)
        pair.controller.want("other", f"e{number}", Access.BLOCKED, first=True)
    pair.start()
    until(lambda: all(pair.state(f"e{number}", "other") == "verified" for number in range(4)))
    until(lambda: [pair.state(f"a{number}") for number in range(4)].count("withheld") == 2)
    assert len(pair.box.restricted()) == 2
    assert len(pair.boxes["other"].restricted()) == 4
