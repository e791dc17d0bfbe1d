"""The agent is killed at each step of a turn and started again: it converges, and nobody is cut unpermitted."""

from collections.abc import Callable

import pytest

from enforcement.access import Access
from enforcement.keys import Key
from tests.agents.conftest import Gate, Site, until
from tests.agents.device import Box

ANA = Key.parse("username:ana")


def before_the_permit(site: Site, gate: Gate) -> None:
    site.controller.before_permit = lambda bindings: gate.hold()


def with_the_permit(site: Site, gate: Gate) -> None:
    site.controller.after_permit = lambda granted: gate.hold()


def before_the_write(site: Site, gate: Gate) -> None:
    site.box.before_apply = lambda changes: gate.hold()


def between_two_writes(site: Site, gate: Gate) -> None:
    site.box.after_write = lambda change: gate.hold()


def before_the_report(site: Site, gate: Gate) -> None:
    site.controller.before_report = gate.hold


STEPS = [before_the_permit, with_the_permit, before_the_write, between_two_writes, before_the_report]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: str(step.__name__))
def test_an_agent_killed_at_any_step_of_restricting_converges(site: Site, step: Callable[[Site, Gate], None]) -> None:
    gate = Gate()
    step(site, gate)
    for name in ("ana", "eva"):
        site.controller.want("box", name, Access.BLOCKED)
    site.start()
    site.crash(gate.reached, gate.open)
    until(lambda: {site.state(name) for name in ("ana", "eva")} == {"verified"})
    assert site.box.restricted() == {"ana", "eva"}


@pytest.mark.parametrize("step", STEPS, ids=lambda step: str(step.__name__))
def test_a_payment_during_a_crash_at_any_step_ends_with_the_service_open(
    site: Site, step: Callable[[Site, Gate], None]
) -> None:
    gate = Gate()
    step(site, gate)
    for name in ("ana", "eva"):
        site.controller.want("box", name, Access.BLOCKED)
    site.start()
    assert gate.reached.wait(15)
    for name in ("ana", "eva"):
        site.controller.want("box", name, Access.FULL)
    site.crash(gate.reached, gate.open)
    until(lambda: {site.state(name) for name in ("ana", "eva")} == {"verified"})
    assert site.box.restricted() == set()


@pytest.mark.parametrize(
    "step", [before_the_write, between_two_writes, before_the_report], ids=lambda step: step.__name__
)
def test_an_agent_killed_at_any_step_of_restoring_converges_without_its_controller(
    site: Site, step: Callable[[Site, Gate], None]
) -> None:
    for name in ("ana", "eva"):
        site.controller.want("box", name, Access.BLOCKED)
    site.start()
    until(lambda: {site.state(name) for name in ("ana", "eva")} == {"verified"})
    gate = Gate()
    step(site, gate)
    with site.controller.changed:
        for name in ("ana", "eva"):
            site.controller.want("box", name, Access.FULL)
    assert gate.reached.wait(15)
    site.controller.go()
    site.crash(gate.reached, gate.open)
    until(lambda: site.box.restricted() == set())


# --- effects that cannot be read back ------------------------------------------------------------------------------


@pytest.fixture
def sessions(site: Site) -> Box:
    """The site's box has live sessions, which it does not show."""
    site.box.effects, site.box.shows_sessions = True, False
    site.box.login("username:ana")
    return site.box


@pytest.mark.parametrize("shown", [True, False], ids=["sessions shown", "sessions not shown"])
def test_a_live_session_takes_the_restriction_and_its_end(site: Site, sessions: Box, shown: bool) -> None:
    sessions.shows_sessions = shown
    site.controller.want("box", "ana", Access.BLOCKED)
    site.start()
    site.until_state("ana", "verified")
    assert sessions.sessions[ANA] is Access.BLOCKED
    site.controller.want("box", "ana", Access.FULL)
    site.until_state("ana", "verified")
    assert sessions.sessions[ANA] is Access.FULL


def test_an_effect_that_is_not_done_stays_owed_and_the_entry_is_not_verified(site: Site, sessions: Box) -> None:
    site.controller.want("box", "ana", Access.BLOCKED)
    site.start()
    site.until_state("ana", "verified")
    sessions.faults.sessions_deaf = True
    site.controller.want("box", "ana", Access.FULL)
    site.until_state("ana", "wrongful")
    assert (sessions.access(ANA), sessions.sessions[ANA]) == (Access.FULL, Access.BLOCKED)
    sessions.faults.sessions_deaf = False
    site.until_state("ana", "verified")
    assert sessions.sessions[ANA] is Access.FULL


def test_an_owed_effect_survives_a_crash_between_the_record_and_the_session(site: Site, sessions: Box) -> None:
    site.controller.want("box", "ana", Access.BLOCKED)
    site.start()
    site.until_state("ana", "verified")
    gate = Gate()
    sessions.faults.sessions_deaf = True
    sessions.after_write = lambda change: gate.hold()
    site.controller.want("box", "ana", Access.FULL)
    assert gate.reached.wait(15)
    sessions.faults.sessions_deaf = False
    site.controller.go()
    site.crash(gate.reached, gate.open)
    until(lambda: sessions.sessions[ANA] is Access.FULL)


def test_an_owed_effect_that_takes_away_needs_a_permit_after_a_crash_too(site: Site, sessions: Box) -> None:
    gate = Gate()
    sessions.faults.sessions_deaf = True
    sessions.after_write = lambda change: gate.hold()
    site.controller.want("box", "ana", Access.BLOCKED)
    site.start()
    assert gate.reached.wait(15)
    sessions.faults.sessions_deaf = False
    site.controller.refuses["ana"] = "a hold is in force"
    site.crash(gate.reached, gate.open)
    site.until_state("ana", "withheld")
    assert sessions.sessions[ANA] is Access.FULL
    site.controller.refuses.clear()
    site.until_state("ana", "verified")
    assert sessions.sessions[ANA] is Access.BLOCKED


def test_an_ended_binding_still_tells_its_session(site: Site, sessions: Box) -> None:
    site.controller.want("box", "ana", Access.BLOCKED)
    site.start()
    site.until_state("ana", "verified")
    sessions.faults.sessions_deaf = True
    site.controller.want("box", "ana", Access.FULL, ended=True)
    site.until_state("ana", "wrongful")
    sessions.faults.sessions_deaf = False
    site.until_state("ana", "verified")
    assert sessions.sessions[ANA] is Access.FULL


def test_a_new_epoch_does_not_forget_what_sessions_are_owed(site: Site, sessions: Box) -> None:
    site.controller.want("box", "ana", Access.BLOCKED)
    site.start()
    site.until_state("ana", "verified")
    sessions.faults.sessions_deaf = True
    site.controller.want("box", "ana", Access.FULL)
    site.until_state("ana", "wrongful")
    site.controller.set("box", epoch="e2")
    until(lambda: "epoch e2" in site.controller.last_report("box").get("halted", ""))
    sessions.faults.sessions_deaf = False
    site.controller.set("box", adopts=["e1", 2])
    until(lambda: sessions.sessions[ANA] is Access.FULL)


def test_a_customer_who_is_not_connected_is_armed(site: Site) -> None:
    site.box.effects = True
    site.controller.want("box", "ana", Access.BLOCKED)
    site.start()
    site.until_state("ana", "armed")


def test_a_customer_whom_a_change_disconnected_is_verified_at_the_next_login_not_at_the_next_sweep(site: Site) -> None:
    site.box.effects = True
    site.controller.want("box", "ana", Access.BLOCKED)
    site.start()
    site.until_state("ana", "armed")
    reads_of_all = site.box.reads.count(None)
    site.box.login("username:ana")
    site.until_state("ana", "verified")
    assert site.box.reads.count(None) == reads_of_all
