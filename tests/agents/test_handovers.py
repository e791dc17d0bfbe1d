"""The instants at which such systems break: the agent is held there, and the world changes behind its back."""

import itertools
import threading
from collections.abc import Callable, Sequence

import pytest

from agents.agent import Agent
from agents.clock import SYSTEM_CLOCK, Clock
from enforcement.access import Access
from enforcement.changes import Change, needs_permit
from tests.agents.conftest import Gate, Site, until


def hold_first_restriction(site: Site, gate: Gate) -> Callable[[], None]:
    """Hold the driver when it is given its first slice of restrictions."""

    def before_apply(slice: Sequence[Change]) -> None:
        if needs_permit(slice[0]):
            gate.hold()

    site.box.before_apply = before_apply
    return gate.open.set


def want_bulk(site: Site, number: int) -> list[str]:
    names = [f"u{each:02}" for each in range(number)]
    for name in names:
        site.controller.want("box", name, Access.BLOCKED)
    return names


def test_a_payment_committed_before_the_permit_prevents_the_cut(site: Site) -> None:
    gate = Gate()
    site.controller.before_permit = lambda bindings: gate.hold()
    site.controller.want("box", "ana", Access.BLOCKED)
    site.start()
    assert gate.reached.wait(15)
    site.controller.want("box", "ana", Access.FULL)
    gate.open.set()
    site.until_state("ana", "verified")
    assert site.box.history == []


def test_a_payment_committed_after_the_permit_is_restored_in_the_next_slice(site: Site) -> None:
    gate = Gate()
    release = hold_first_restriction(site, gate)
    names = want_bulk(site, 9)
    site.start()
    assert gate.reached.wait(15)
    site.controller.want("box", names[0], Access.FULL)
    release()
    until(lambda: all(site.state(name) == "verified" for name in names))
    cut = [(name, Access.BLOCKED) for name in names[:3]]
    assert site.box.history[:4] == [*cut, (names[0], Access.FULL)]
    assert site.box.restricted() == set(names[1:])


def test_a_payment_for_a_later_slice_of_a_bulk_prevents_its_cut(site: Site) -> None:
    gate = Gate()
    release = hold_first_restriction(site, gate)
    names = want_bulk(site, 9)
    site.start()
    assert gate.reached.wait(15)
    site.controller.want("box", names[8], Access.FULL)
    release()
    until(lambda: all(site.state(name) == "verified" for name in names))
    assert (names[8], Access.BLOCKED) not in site.box.history


def test_a_restore_never_shares_its_slice_with_a_restriction(site: Site) -> None:
    slices: list[set[bool]] = []
    site.box.before_apply = lambda changes: slices.append({needs_permit(change) for change in changes})
    for name in ("a", "b"):
        site.box.impose(f"username:{name}", name)
        site.controller.want("box", name, Access.FULL)
    for name in ("c", "d"):
        site.controller.want("box", name, Access.BLOCKED)
    site.start()
    until(lambda: site.box.restricted() == {"c", "d"})
    assert slices == [{False}, {True}]


def test_a_permit_that_ran_out_before_it_was_used_cuts_nobody(site: Site) -> None:
    late = 0.0

    def outlive(granted: list[str]) -> None:
        nonlocal late
        late += 31.0

    site.clock = Clock(lambda: SYSTEM_CLOCK.monotonic() + late, SYSTEM_CLOCK.now)
    site.controller.after_permit = outlive
    site.box.effects = True
    site.controller.want("box", "ana", Access.BLOCKED)
    site.start()
    site.until_state("ana", "withheld")
    assert site.controller.detail("box", "ana") == "the permit ran out before it could be used"
    assert (site.box.history, site.agent.devices["box"].parts.memory.owed) == ([], {})


def test_what_the_controller_does_not_permit_is_withheld_with_its_reason(site: Site) -> None:
    site.controller.refuses["ana"] = "it is outside the policy's hours for restricting"
    site.controller.want("box", "ana", Access.BLOCKED)
    site.controller.want("box", "eva", Access.BLOCKED)
    site.start()
    site.until_state("eva", "verified")
    site.until_state("ana", "withheld")
    assert site.controller.detail("box", "ana") == "it is outside the policy's hours for restricting"
    assert site.box.restricted() == {"eva"}


def test_what_was_not_permitted_is_asked_again_before_the_next_sweep(site: Site) -> None:
    site.controller.refuses["ana"] = "its account is being reviewed"
    site.controller.want("box", "ana", Access.BLOCKED)
    site.start()
    site.until_state("ana", "withheld")
    site.controller.refuses.clear()
    site.until_state("ana", "verified")
    assert site.box.restricted() == {"ana"}


def test_when_restricting_is_stopped_restores_go_on(site: Site) -> None:
    site.box.impose("username:eva", "eva")
    site.controller.stop_restricting(True)
    site.controller.want("box", "ana", Access.BLOCKED)
    site.controller.want("box", "eva", Access.FULL)
    site.start()
    site.until_state("ana", "withheld")
    site.until_state("eva", "verified")
    assert (site.box.restricted(), site.controller.detail("box", "ana")) == (set(), "stopped")


def test_a_stop_in_the_middle_of_a_bulk_holds_what_is_not_yet_done(site: Site) -> None:
    gate = Gate()
    release = hold_first_restriction(site, gate)
    names = want_bulk(site, 9)
    site.start()
    assert gate.reached.wait(15)
    site.controller.stop_restricting(True)
    release()
    until(lambda: all(site.state(name) == "withheld" for name in names[3:]))
    assert site.box.restricted() == set(names[:3])


def test_a_device_in_observe_is_not_written_and_says_what_it_would_do(site: Site) -> None:
    site.controller.set("box", modes={"internet": "observe"})
    site.box.impose("username:eva", "eva")
    site.box.impose("username:ghost", "b-unknown")
    site.controller.want("box", "ana", Access.BLOCKED)
    site.controller.want("box", "eva", Access.FULL)
    site.start()
    site.until_state("ana", "withheld")
    site.until_state("eva", "withheld")
    assert site.controller.detail("box", "ana") == "mode observe"
    assert site.box.history == []
    until(lambda: [stray["key"] for stray in site.controller.last_report("box")["strays"]] == ["username:ghost"])


def test_a_device_in_restore_only_gives_access_back_and_takes_none(site: Site) -> None:
    site.controller.set("box", modes={"internet": "restore_only"})
    site.box.impose("username:eva", "eva")
    site.controller.want("box", "ana", Access.BLOCKED)
    site.controller.want("box", "eva", Access.FULL)
    site.start()
    site.until_state("ana", "withheld")
    site.until_state("eva", "verified")
    assert site.box.restricted() == set()


def test_the_guard_lets_no_more_first_restrictions_through_than_the_site_allows(site: Site) -> None:
    site.guard_per_hour = 4
    names = [f"u{each}" for each in range(9)]
    for name in names:
        site.controller.want("box", name, Access.BLOCKED, first=True)
    site.controller.want("box", "again", Access.BLOCKED)
    site.start()
    until(lambda: [site.state(name) for name in names].count("withheld") == 5)
    site.until_state("again", "verified")
    assert len(site.box.restricted()) == 5


def test_the_guard_remembers_over_a_restart_and_never_counts_restores(site: Site) -> None:
    site.guard_per_hour = 1
    site.controller.want("box", "ana", Access.BLOCKED, first=True)
    site.start()
    site.until_state("ana", "verified")
    site.restart()
    site.controller.want("box", "eva", Access.BLOCKED, first=True)
    site.until_state("eva", "withheld")
    site.controller.want("box", "ana", Access.FULL)
    site.until_state("ana", "verified")
    assert site.box.restricted() == set()


def test_a_repair_is_no_first_restriction_to_the_guard(site: Site) -> None:
    site.guard_per_hour, site.sweep_seconds = 1, 0.2
    site.controller.want("box", "ana", Access.BLOCKED, first=True)
    site.start()
    site.until_state("ana", "verified")
    site.box.wipe("username:ana")
    until(lambda: site.box.restricted() == {"ana"})


def test_what_another_hand_did_since_the_read_is_seen_before_the_next_slice_is_written(site: Site) -> None:
    gate = Gate()
    release = hold_first_restriction(site, gate)
    names = want_bulk(site, 9)
    site.start()
    assert gate.reached.wait(15)
    site.box.impose(f"username:{names[8]}", names[8])
    release()
    until(lambda: all(site.state(name) == "verified" for name in names))
    assert (names[8], Access.BLOCKED) not in site.box.history


def test_what_is_still_to_be_tried_is_not_reported_as_drift(site: Site) -> None:
    gate = Gate()
    release = hold_first_restriction(site, gate)
    names = want_bulk(site, 9)
    site.start()
    assert gate.reached.wait(15)
    release()
    until(lambda: all(site.state(name) == "verified" for name in names))
    told = {entry["state"] for report in site.controller.desks["box"].reports for entry in report["entries"]}
    assert told == {"verified"}


def test_an_incomplete_read_says_unknown_and_writes_nothing(site: Site) -> None:
    site.box.incomplete = True
    site.controller.want("box", "ana", Access.BLOCKED)
    site.start()
    site.until_state("ana", "unknown")
    assert site.box.history == []
    assert site.controller.last_report("box")["full_read_age_s"] is None


def test_a_device_set_to_observe_in_the_middle_of_a_bulk_of_restores_is_not_written_any_further(site: Site) -> None:
    gate = Gate()
    site.box.before_apply = lambda changes: gate.hold()
    names = [f"u{each:02}" for each in range(9)]
    for name in names:
        site.box.impose(f"username:{name}", name)
        site.controller.want("box", name, Access.FULL)
    site.start()
    assert gate.reached.wait(15)
    site.controller.set("box", modes={"internet": "observe"})
    feed = site.agent._follower
    until(lambda: feed._known is not None and feed._known.devices["box"].modes == {"internet": "observe"})
    gate.open.set()
    until(lambda: all(site.state(name) == "withheld" for name in names[3:]))
    assert site.box.restricted() == set(names[3:])


def test_a_payment_passes_while_a_bulk_is_still_being_looked_at(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.device.LOOK_AT_ONCE", 2)
    site.controller.want("box", "ana", Access.BLOCKED)
    agent = site.start()
    site.until_state("ana", "verified")
    looked_before_restore: list[int] = []

    def before_apply(slice: Sequence[Change]) -> None:
        looked_before_restore.append(len({key for read in site.box.reads for key in read or ()}))

    release = threading.Event()
    with site.controller.changed:
        site.box.faults.hangs, site.box.before_apply = release, before_apply
        site.box.reads.clear()
        names = want_bulk(site, 9)
    until(lambda: agent.devices["box"].parts.driver.present is not None)
    site.controller.want("box", "ana", Access.FULL)
    until(lambda: _heard(agent) == site.controller.desks["box"].revision)
    release.set()
    until(lambda: all(site.state(name) == "verified" for name in [*names, "ana"]))
    assert site.box.history[1] == ("ana", Access.FULL)
    assert looked_before_restore[0] < len(names)
    assert site.box.restricted() == set(names)


def _heard(agent: Agent) -> int:
    """The revision of the box that the feed has last told."""
    feed = agent._told.feed
    return feed.devices["box"].revision if feed is not None else 0


def test_a_payment_passes_while_a_long_report_is_being_sent(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.reporter.AT_ONCE", 2)
    for name in (names := [f"u{each}" for each in range(9)]):
        site.controller.want("box", name, Access.FULL)
    told_before_restore: list[int] = []
    site.box.before_apply = lambda _: told_before_restore.append(
        len({entry["binding"] for report in site.controller.desks["box"].reports for entry in report["entries"]})
    )
    site.box.impose("username:ana", "ana")
    gate = Gate()
    reports = itertools.count()
    site.controller.before_report = lambda: gate.hold() if next(reports) == 1 else None
    site.controller.want("box", "ana", Access.BLOCKED)
    site.start()
    assert gate.reached.wait(15)
    site.controller.want("box", "ana", Access.FULL)
    gate.open.set()
    until(lambda: all(site.state(name) == "verified" for name in [*names, "ana"]))
    assert site.box.restricted() == set()
    assert told_before_restore
    assert told_before_restore[0] < len(names)
    sizes = [len(report["entries"]) for report in site.controller.desks["box"].reports if not report["whole"]]
    assert max(sizes) <= 2
