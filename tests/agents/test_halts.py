"""When an agent stops following its controller, and when it must not: epochs, revisions, and released devices."""

from enforcement.access import Access
from enforcement.changes import Change, needs_permit
from tests.agents.conftest import Gate, Site, until


def restored_from_backup(site: Site) -> None:
    """Ana was restricted at revision 1; the agent has seen revision 4 when the controller comes back at revision 1."""
    controller = site.controller
    controller.want("box", "ana", Access.BLOCKED)
    backup = dict(controller.desks["box"].entries)
    for name in ("eva", "leo", "mar"):
        controller.want("box", name, Access.FULL)
    site.start()
    site.until_state("mar", "verified")
    site.until_state("ana", "verified")
    controller.set("box", revision=1, entries=backup, states={})
    until(lambda: "behind revision 4" in controller.last_report("box").get("halted", ""))


def go_on_to_the_agents_revision(site: Site) -> None:
    """Ana pays, others follow: revisions that the agent believes to have."""
    controller = site.controller
    controller.want("box", "ana", Access.FULL)
    for name in ("eva", "leo", "mar"):
        controller.want("box", name, Access.FULL)
    until(lambda: controller.told_revision["box"] == 5)
    reports = len(controller.desks["box"].reports)
    until(lambda: len(controller.desks["box"].reports) > reports + 2)


def test_what_was_fetched_ahead_of_the_feeds_word_is_no_reason_to_halt(site: Site) -> None:
    controller, at_box, at_feed = site.controller, Gate(), Gate()

    def before(slice: list[Change]) -> None:
        if needs_permit(slice[0]):
            at_box.hold()

    site.box.before_apply = before  # type: ignore[assignment]
    names = [f"u{each}" for each in range(9)]
    for name in names:
        controller.want("box", name, Access.BLOCKED)
    site.start()
    assert at_box.reached.wait(15)
    controller.after_feed = at_feed.hold
    controller.want("box", "u8", Access.FULL)
    assert at_feed.reached.wait(15)
    at_box.open.set()
    until(lambda: all(site.state(name) == "verified" for name in names))
    at_feed.open.set()
    assert [report["halted"] for report in controller.desks["box"].reports if report["halted"]] == []
    assert site.box.restricted() == set(names) - {"u8"}


def test_a_controller_that_was_behind_is_not_followed_when_its_count_has_caught_up(site: Site) -> None:
    site.sweep_seconds = 0.1
    restored_from_backup(site)
    go_on_to_the_agents_revision(site)
    assert "behind revision 4" in site.controller.last_report("box")["halted"]
    assert site.controller.last_report("box")["revision"] == 4


def test_a_halt_behind_a_backup_outlives_a_restart(site: Site) -> None:
    site.sweep_seconds = 0.1
    restored_from_backup(site)
    site.stop()
    site.start()
    go_on_to_the_agents_revision(site)
    assert "behind revision 4" in site.controller.last_report("box")["halted"]


def test_after_a_backup_the_adopted_epoch_gives_back_what_was_paid(site: Site) -> None:
    site.sweep_seconds = 0.1
    restored_from_backup(site)
    go_on_to_the_agents_revision(site)
    assert site.box.restricted() == {"ana"}
    site.controller.set("box", epoch="e2", revision=6, adopts=["e1", 4])
    site.until_state("ana", "verified")
    assert (site.box.restricted(), site.controller.last_report("box")["halted"]) == (set(), "")


def test_a_device_that_was_released_is_left_alone_until_it_is_ours_again(site: Site) -> None:
    site.sweep_seconds = 0.1
    site.controller.want("box", "ana", Access.FULL)
    site.start()
    site.until_state("ana", "verified")
    enrolment = site.controller.desks["box"].enrolment
    site.controller.set("box", enrolment=None)
    until(lambda: "not give this device" in site.controller.last_report("box")["halted"])
    site.box.impose("username:ana", "ana")
    reports = len(site.controller.desks["box"].reports)
    until(lambda: len(site.controller.desks["box"].reports) > reports + 3)
    assert site.box.restricted() == {"ana"}
    site.controller.set("box", enrolment=enrolment)
    until(lambda: site.box.restricted() == set())
    until(lambda: site.controller.last_report("box")["halted"] == "")


def test_a_device_that_another_agent_enrolled_meanwhile_is_left_alone(site: Site) -> None:
    site.sweep_seconds = 0.1
    site.controller.want("box", "ana", Access.FULL)
    site.start()
    site.until_state("ana", "verified")
    site.stop()
    site.controller.set("box", enrolment=None)
    site.controller.others.add("box")
    agent = site.start()
    until(lambda: bool(agent.devices) and "another agent" in agent.devices["box"].parts.memory.halted)
    site.box.impose("username:ana", "ana")
    reads = len(site.box.reads)
    agent._follower.thread.join(0.5)
    assert (site.box.restricted(), len(site.box.reads)) == ({"ana"}, reads)
