"""Sweeps: what makes the agent read a device in full, and how what it finds is counted."""

import pytest

from agents.clock import SYSTEM_CLOCK, Clock
from enforcement.access import Access
from enforcement.keys import Key
from tests.agents.conftest import Site, until
from tests.agents.device import BoxDriver

pytestmark = pytest.mark.slow


def found(site: Site, direction: str) -> tuple[float, float]:
    """How much drift of a direction was found, and how much of it repaired."""
    return (
        site.metric("grifo_agent_drift_found_total", direction=direction),
        site.metric("grifo_agent_drift_repaired_total", direction=direction),
    )


def test_a_device_that_restarted_is_read_in_full_at_once(site: Site) -> None:
    site.box.up_seconds = 7200.0
    site.controller.want("box", "ana", Access.BLOCKED)
    site.start()
    site.until_state("ana", "verified")
    site.box.wipe("username:ana")
    site.box.up_seconds = 12.0
    site.controller.want("box", "eva", Access.BLOCKED)
    until(lambda: site.box.restricted() == {"ana", "eva"})
    until(lambda: site.metric("grifo_agent_device_restarts") == 1)


def test_a_restart_in_the_middle_of_a_bulk_is_noticed_before_the_bulk_is_over(site: Site) -> None:
    site.box.up_seconds = 7200.0
    names = [f"u{number:02}" for number in range(30)]
    for name in names:
        site.controller.want("box", name, Access.BLOCKED)

    def restart(changes: object) -> None:
        if len(site.box.restricted()) == 15 and site.box.up_seconds == 7200.0:
            site.box.records.clear()
            site.box.up_seconds = 1.0

    site.box.before_apply = restart
    site.start()
    until(lambda: all(site.state(name) == "verified" for name in names))
    assert site.box.restricted() == set(names)
    assert site.box.reads.count(None) == 2


def test_a_check_that_takes_long_puts_off_the_next_sweep(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    late = [0.0]
    site.clock = Clock(lambda: SYSTEM_CLOCK.monotonic() + late[0], SYSTEM_CLOCK.now)

    def slow(driver: BoxDriver) -> list[str]:
        late[0] += 100.0
        return []

    monkeypatch.setattr(BoxDriver, "check", slow)
    site.start()
    until(lambda: late[0] >= 100.0)
    until(lambda: site.agent.devices["box"].sweeps.at > site.clock.monotonic() + 800.0)


def test_what_is_imposed_for_the_first_time_is_no_drift(site: Site) -> None:
    site.sweep_seconds = 0.2
    site.controller.want("box", "ana", Access.BLOCKED)
    site.start()
    site.until_state("ana", "verified")
    site.controller.want("box", "ana", Access.FULL)
    site.until_state("ana", "verified")
    reads = site.box.reads.count(None)
    until(lambda: site.box.reads.count(None) > reads + 1)
    assert [found(site, each) for each in ("missing", "wrongful", "stray", "obstructed")] == [(0, 0)] * 4


def test_drift_is_counted_by_direction_when_found_and_when_repaired(site: Site) -> None:
    site.sweep_seconds = 0.2
    site.controller.want("box", "ana", Access.BLOCKED)
    site.controller.want("box", "eva", Access.FULL)
    site.start()
    site.until_state("ana", "verified")
    site.until_state("eva", "verified")
    site.box.wipe("username:ana")
    until(lambda: found(site, "missing") == (1, 1))
    site.box.impose("username:eva", "eva")
    until(lambda: found(site, "wrongful") == (1, 1))
    site.box.impose("username:ghost", "b-unknown")
    until(lambda: found(site, "stray") == (1, 1))
    assert site.box.restricted() == {"ana"}


def test_what_somebody_else_obstructs_is_counted_once_and_shown_until_it_ends(site: Site) -> None:
    site.sweep_seconds = 0.2
    site.controller.want("box", "ana", Access.FULL)
    site.box.foreign[Key.parse("username:ana")] = "secret ana is disabled"
    site.start()
    until(lambda: site.metric("grifo_agent_drift", direction="obstructed") == 1)
    reads = site.box.reads.count(None)
    until(lambda: site.box.reads.count(None) > reads + 1)
    assert found(site, "obstructed") == (1, 0)
    site.box.foreign.clear()
    until(lambda: site.metric("grifo_agent_drift", direction="obstructed") == 0)


def test_drift_that_a_mode_withholds_is_not_counted(site: Site) -> None:
    site.sweep_seconds = 0.2
    site.controller.set("box", modes={"internet": "observe"})
    site.controller.want("box", "ana", Access.BLOCKED)
    site.start()
    site.until_state("ana", "withheld")
    assert found(site, "missing") == (0, 0)


def test_a_mode_heard_just_before_the_controller_fails_is_still_followed(site: Site) -> None:
    site.controller.set("box", modes={"internet": "observe"})
    site.controller.want("box", "ana", Access.BLOCKED)
    site.start()
    site.until_state("ana", "withheld")
    desk = site.controller.desks["box"]
    with site.controller.changed:
        desk.raw.append(["no", "entry"])
        desk.modes = {"internet": "enforce"}
        site.controller.want("box", "eva", Access.BLOCKED)
    until(lambda: "entries can't be understood" in site.agent.devices["box"].parts.hearing.problem)
    with site.controller.changed:
        desk.raw.clear()
        site.controller.changed.notify_all()
    site.until_state("ana", "verified")
    site.until_state("eva", "verified")
    assert site.box.restricted() == {"ana", "eva"}


def test_the_controller_is_told_at_which_site_a_device_is(site: Site) -> None:
    site.start()
    until(lambda: (site.controller.desks["box"].enrolment or {}).get("site") == "porto")
