"""What sources tell between two sweeps is looked at at once; one that fails is told, and holds nobody up."""

import threading
from collections import deque
from collections.abc import Sequence, Set

import pytest

from drivers.base import Unreachable
from enforcement.access import Access
from enforcement.keys import Key
from tests.agents.conftest import Site, until
from tests.agents.controller import Controller

ANA, EVA = Key.parse("username:ana"), Key.parse("username:eva")


class Source:
    """A source by hand: it tells what stands in `answers`, one a call."""

    def __init__(self, name: str = "radius.example") -> None:
        self.name = name
        self.answers: deque[Set[Key] | None] = deque()
        self.fails: Exception | None = None
        self.hangs: threading.Event | None = None
        self.hung = threading.Event()
        self.asked = 0
        self.closed = False

    def keys(self) -> Set[Key] | None:
        self.asked += 1
        if self.hangs is not None:
            self.hung.set()
            self.hangs.wait()
        if self.fails is not None:
            raise self.fails
        return self.answers.popleft() if self.answers else frozenset()

    def check(self) -> Sequence[str]:
        return []

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def source(site: Site) -> Source:
    """Of a box whose next sweep is an hour away."""
    made = Source()
    site.sweep_seconds = 3600
    site.box.sources = [made]
    return made


def restricted(site: Site, controller: Controller) -> None:
    controller.want("box", "ana", Access.PORTAL)
    site.start()
    site.until_state("ana", "verified")


def problems(controller: Controller) -> list[str]:
    return list(controller.last_report("box").get("problems", []))


def test_who_is_told_is_looked_at_and_put_right_between_two_sweeps(
    site: Site, source: Source, controller: Controller
) -> None:
    restricted(site, controller)
    site.box.wipe("username:ana")
    site.box.impose("username:eva", "gone")
    source.answers.append({ANA, EVA})
    until(lambda: site.box.access(ANA) is Access.PORTAL and site.box.access(EVA) is Access.FULL)
    assert None not in site.box.reads[1:], "nothing was read in full"


def test_more_than_can_be_told_is_a_sweep(site: Site, source: Source, controller: Controller) -> None:
    restricted(site, controller)
    site.box.wipe("username:ana")
    source.answers.append(None)
    until(lambda: site.box.access(ANA) is Access.PORTAL)
    assert None in site.box.reads[1:]


def test_a_source_that_fails_is_told_until_it_answers_and_the_device_is_not_lost(
    site: Site, source: Source, controller: Controller
) -> None:
    source.fails = Unreachable("RADIUS database: connection refused")
    site.sweep_seconds = 0.2
    restricted(site, controller)
    until(lambda: bool(problems(controller)))
    words = "accounting can't be read: radius.example: RADIUS database: connection refused; moved addresses and new"
    assert problems(controller) == [f"{words} sessions are seen at the next sweep"]
    site.box.wipe("username:ana")
    until(lambda: site.box.access(ANA) is Access.PORTAL)
    assert site.metric("grifo_agent_circuit", state="closed") == 1
    source.fails = None
    until(lambda: problems(controller) == [])


def test_a_source_that_breaks_in_an_unforeseen_way_is_asked_again(
    site: Site, source: Source, controller: Controller
) -> None:
    source.fails = ZeroDivisionError()
    restricted(site, controller)
    until(lambda: any("ZeroDivisionError" in each for each in problems(controller)))
    source.fails = None
    site.box.wipe("username:ana")
    source.answers.append({ANA})
    until(lambda: site.box.access(ANA) is Access.PORTAL)


def test_a_source_that_hangs_holds_no_restore_up(site: Site, source: Source, controller: Controller) -> None:
    source.hangs = threading.Event()
    restricted(site, controller)
    assert source.hung.wait(30)
    controller.want("box", "ana", Access.FULL)
    until(lambda: site.box.access(ANA) is Access.FULL)
    source.hangs.set()


def test_one_source_that_hangs_keeps_no_other_from_telling(site: Site, source: Source, controller: Controller) -> None:
    source.hangs = threading.Event()
    other = Source("radius-2.example")
    site.box.sources = [source, other]
    restricted(site, controller)
    assert source.hung.wait(30)
    site.box.wipe("username:ana")
    other.answers.append({ANA})
    until(lambda: site.box.access(ANA) is Access.PORTAL)
    source.hangs.set()


def test_a_lost_device_has_no_news_and_is_swept_when_it_is_back(
    site: Site, source: Source, controller: Controller
) -> None:
    restricted(site, controller)
    site.box.faults.unreachable = True
    source.answers.append({ANA})
    until(lambda: site.metric("grifo_agent_circuit", state="closed") == 0)
    asked = source.asked
    until(lambda: site.metric("grifo_agent_device_errors_total", kind="Unreachable") >= 2)
    assert source.asked <= asked + 1, "at most the one that was under way"
    site.box.wipe("username:ana")
    site.box.faults.unreachable = False
    until(lambda: site.box.access(ANA) is Access.PORTAL)
    again = source.asked
    until(lambda: source.asked > again)


def test_a_source_is_closed_when_the_agent_stops(site: Site, source: Source, controller: Controller) -> None:
    restricted(site, controller)
    site.stop()
    assert source.closed


def test_what_is_told_while_a_device_is_halted_is_not_lost(site: Site, source: Source, controller: Controller) -> None:
    restricted(site, controller)
    epoch = controller.desks["box"].epoch
    controller.set("box", epoch="another")
    until(lambda: bool(controller.last_report("box")["halted"]))
    site.box.wipe("username:ana")
    source.answers.append({ANA})
    until(lambda: not source.answers)
    controller.set("box", epoch=epoch)
    until(lambda: site.box.access(ANA) is Access.PORTAL)
