"""Devices that fail, controllers that go away, hands that interfere: what the agent does, and what it must not do."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from enforcement.access import Access
from enforcement.keys import Key
from tests.agents.conftest import Site, until
from tests.agents.controller import Controller
from tests.agents.device import Box

pytestmark = pytest.mark.slow


def withheld(site: Site) -> list[str]:
    """The bindings that the agent knows to be withheld and could not say so."""
    reports = site.agent.devices["box"].parts.known.unsent(10)
    return [report.binding for report in reports if report.state == "withheld"]


# --- devices ---------------------------------------------------------------------------------------------------------


def test_a_dead_device_delays_no_other(tmp_path: Path, controller: Controller) -> None:
    site = Site(tmp_path, controller, {"box": Box(), "other": Box()})
    site.boxes["box"].faults.hangs = threading.Event()
    controller.want("box", "ana", Access.BLOCKED)
    controller.want("other", "eva", Access.BLOCKED)
    try:
        site.start()
        site.until_state("eva", "verified", "other")
        assert site.boxes["other"].restricted() == {"eva"}
        assert site.boxes["box"].restricted() == set()
    finally:
        site.stop()


def test_a_device_that_hangs_does_not_keep_the_agent_from_stopping(site: Site) -> None:
    site.box.faults.hangs = threading.Event()
    site.controller.want("box", "ana", Access.BLOCKED)
    agent = site.start()
    until(lambda: bool(agent.devices))
    site.stop()
    until(lambda: not [each for each in threading.enumerate() if each.name in ("device box", "feed", "pins", "watch")])


def test_an_unreachable_device_is_unknown_and_is_swept_when_it_is_back(site: Site) -> None:
    site.sweep_seconds = 0.3
    site.controller.want("box", "ana", Access.BLOCKED)
    site.start()
    site.until_state("ana", "verified")
    site.box.faults.unreachable = True
    site.until_state("ana", "unknown")
    assert site.controller.last_report("box")["problems"][0] == "no route to the box"
    site.box.wipe("username:ana")
    site.box.faults.unreachable = False
    site.until_state("ana", "verified")
    assert site.box.restricted() == {"ana"}


def test_a_device_that_answers_nonsense_is_unknown_and_is_not_written(site: Site) -> None:
    site.box.faults.garbled = True
    site.controller.want("box", "ana", Access.BLOCKED)
    site.start()
    site.until_state("ana", "unknown")
    assert site.box.history == []


def test_a_connection_that_drops_in_mid_slice_ends_with_everything_applied(site: Site) -> None:
    site.sweep_seconds = 1
    site.box.faults.drops_after = 1
    names = [f"u{each}" for each in range(5)]
    for name in names:
        site.controller.want("box", name, Access.BLOCKED)
    site.start()
    until(lambda: len(site.box.history) == 1)
    site.box.faults.drops_after = None
    until(lambda: all(site.state(name) == "verified" for name in names))
    assert site.box.restricted() == set(names)


def test_what_the_device_refuses_is_reported_in_its_words_and_not_repeated_before_the_next_sweep(site: Site) -> None:
    tries: list[int] = []
    site.box.before_apply = lambda changes: tries.append(len(changes))
    site.box.faults.refuses[Key.parse("username:ana")] = "failure: already have such address"
    site.controller.want("box", "ana", Access.BLOCKED)
    site.start()
    site.until_state("ana", "missing")
    assert site.controller.detail("box", "ana") == "failure: already have such address"
    site.controller.want("box", "eva", Access.BLOCKED)
    site.until_state("eva", "verified")
    assert tries == [1, 1]


def test_a_device_that_says_done_and_did_nothing_is_not_believed(site: Site) -> None:
    site.box.faults.lies = True
    site.controller.want("box", "ana", Access.BLOCKED)
    site.start()
    site.until_state("ana", "missing")


def test_a_restore_that_did_not_take_is_tried_again_before_the_next_sweep(site: Site) -> None:
    site.controller.want("box", "ana", Access.BLOCKED)
    site.start()
    site.until_state("ana", "verified")
    site.box.faults.lies = True
    site.controller.want("box", "ana", Access.FULL)
    site.until_state("ana", "wrongful")
    site.box.faults.lies = False
    site.until_state("ana", "verified")
    assert site.box.restricted() == set()


@pytest.mark.parametrize(
    ("key", "kind", "words"),
    [
        ("trunk:t1", "internet", "the device cannot: it knows no trunk keys"),
        ("username:u1", "fixed_voice", "the device cannot: it has no incoming_only for fixed_voice"),
    ],
    ids=["a key", "an access"],
)
def test_what_a_device_can_not_do_is_withheld_in_words_and_spoils_nothing(
    site: Site, key: str, kind: str, words: str
) -> None:
    site.controller.set("box", modes={"internet": "enforce", "fixed_voice": "enforce"})
    access = Access.BLOCKED if kind == "internet" else Access.INCOMING_ONLY
    site.controller.want("box", "odd", access, key=key)
    with site.controller.changed:
        desk = site.controller.desks["box"]
        desk.entries["odd"] = replace(desk.entries["odd"], kind=kind)
    site.controller.want("box", "ana", Access.BLOCKED)
    site.start()
    site.until_state("odd", "withheld")
    site.until_state("ana", "verified")
    assert site.controller.detail("box", "odd") == words
    assert site.box.restricted() == {"ana"}


# --- other hands -----------------------------------------------------------------------------------------------------


def test_after_three_repairs_of_one_entry_the_agent_gives_way_and_says_flapping(site: Site) -> None:
    site.sweep_seconds = 0.1
    site.controller.want("box", "ana", Access.BLOCKED)
    site.start()
    site.until_state("ana", "verified")
    for _ in range(3):
        site.box.wipe("username:ana")
        until(lambda: site.box.restricted() == {"ana"})
    site.box.wipe("username:ana")
    site.until_state("ana", "withheld")
    assert site.controller.desks["box"].states["ana"]["why"] == "flapping"
    assert site.box.restricted() == set()


def test_a_quarrel_over_a_restore_is_never_given_up(site: Site) -> None:
    site.sweep_seconds = 0.1
    site.controller.want("box", "ana", Access.FULL)
    site.start()
    site.until_state("ana", "verified")
    for _ in range(6):
        site.box.impose("username:ana", "ana")
        until(lambda: site.box.restricted() == set())


# --- the controller --------------------------------------------------------------------------------------------------


def test_without_its_controller_wrongful_is_repaired_and_missing_is_not(site: Site) -> None:
    site.sweep_seconds = 0.2
    site.controller.want("box", "ana", Access.BLOCKED)
    site.controller.want("box", "eva", Access.FULL)
    site.start()
    site.until_state("ana", "verified")
    site.until_state("eva", "verified")
    site.controller.go()
    site.box.wipe("username:ana")
    site.box.impose("username:eva", "eva")
    until(lambda: site.box.restricted() == set())
    until(lambda: withheld(site) == ["ana"])
    assert site.box.restricted() == set()


def test_when_the_controller_is_back_what_was_withheld_is_done_and_reported(site: Site) -> None:
    site.sweep_seconds = 1
    site.controller.want("box", "ana", Access.BLOCKED)
    site.start()
    site.until_state("ana", "verified")
    site.controller.go()
    site.box.wipe("username:ana")
    until(lambda: withheld(site) == ["ana"])
    site.controller.want("box", "eva", Access.BLOCKED)
    site.controller.come()
    site.until_state("eva", "verified")
    site.until_state("ana", "verified")
    assert site.box.restricted() == {"ana", "eva"}


def test_an_agent_that_starts_without_its_controller_repairs_from_memory(site: Site) -> None:
    site.controller.want("box", "ana", Access.FULL)
    site.start()
    site.until_state("ana", "verified")
    site.stop()
    site.controller.go()
    site.box.impose("username:ana", "ana")
    site.start()
    until(lambda: site.box.restricted() == set())


def test_a_new_device_is_in_observe_and_nothing_on_it_is_touched(site: Site) -> None:
    site.box.impose("username:ana", "ana")
    site.controller.set("box", modes={})
    site.start()
    until(lambda: site.controller.desks["box"].enrolment is not None)
    until(lambda: bool(site.controller.last_report("box")))
    assert site.box.restricted() == {"ana"}


def test_an_agent_that_was_never_told_anything_touches_nothing(site: Site) -> None:
    site.box.impose("username:ana", "ana")
    site.controller.go()
    site.start()
    site.agent._follower.thread.join(0.2)
    assert (site.agent.devices, site.box.reads) == ({}, [])


def test_a_controller_behind_what_the_agent_has_seen_is_not_followed_not_even_to_restore(site: Site) -> None:
    site.controller.want("box", "ana", Access.BLOCKED)
    site.start()
    site.until_state("ana", "verified")
    site.controller.go()
    site.controller.set("box", revision=0, entries={})
    site.controller.come()
    until(lambda: "behind revision 1" in site.controller.last_report("box").get("halted", ""))
    assert site.box.restricted() == {"ana"}


def test_a_halted_device_is_left_alone_until_its_epoch_is_adopted(site: Site) -> None:
    site.sweep_seconds = 0.2
    site.controller.want("box", "ana", Access.BLOCKED)
    site.start()
    site.until_state("ana", "verified")
    site.controller.set("box", epoch="e2", revision=0, entries={})
    site.controller.want("box", "eva", Access.BLOCKED)
    until(lambda: "epoch e2" in site.controller.last_report("box").get("halted", ""))
    assert (site.controller.last_report("box")["epoch"], site.box.restricted()) == ("e1", {"ana"})
    site.controller.set("box", adopts=["e1", 1])
    site.until_state("eva", "verified")
    assert site.box.restricted() == {"eva"}
    assert site.controller.last_report("box")["halted"] == ""


def test_a_halted_device_is_neither_read_nor_written_while_the_agent_goes_on_reporting(site: Site) -> None:
    site.sweep_seconds = 0.1
    site.controller.want("box", "ana", Access.FULL)
    site.start()
    site.until_state("ana", "verified")
    site.controller.set("box", epoch="e2")
    until(lambda: "epoch e2" in site.controller.last_report("box").get("halted", ""))
    site.box.impose("username:ana", "ana")
    reads, reports = len(site.box.reads), len(site.controller.desks["box"].reports)
    until(lambda: len(site.controller.desks["box"].reports) > reports + 3)
    assert (site.box.restricted(), len(site.box.reads)) == ({"ana"}, reads)


def test_an_adoption_that_names_another_revision_is_not_ours(site: Site) -> None:
    site.controller.want("box", "ana", Access.BLOCKED)
    site.start()
    site.until_state("ana", "verified")
    site.controller.set("box", epoch="e2", entries={}, adopts=["e1", 99])
    until(lambda: "epoch e2" in site.controller.last_report("box").get("halted", ""))
    assert site.box.restricted() == {"ana"}


def test_a_halt_outlives_a_restart_without_the_controller(site: Site) -> None:
    site.sweep_seconds = 0.1
    site.controller.want("box", "ana", Access.FULL)
    site.start()
    site.until_state("ana", "verified")
    site.controller.set("box", epoch="e2")
    until(lambda: "epoch e2" in site.controller.last_report("box").get("halted", ""))
    site.stop()
    site.controller.go()
    site.box.impose("username:ana", "ana")
    agent = site.start()
    until(lambda: bool(agent.devices))
    assert agent.devices["box"].parts.memory.halted
    site.controller.come()
    site.controller.set("box", epoch="e1")
    until(lambda: site.box.restricted() == set())
