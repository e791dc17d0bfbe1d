"""What a device replies to what was not done: quoted in the report, and for a restore no reason to give up."""

from enforcement.access import Access
from enforcement.keys import Key
from tests.agents.conftest import Site, until


def test_a_restore_that_was_not_confirmed_is_tried_again_before_the_next_sweep(site: Site) -> None:
    site.box.impose("username:ana", "ana")
    site.box.faults.unsure[Key.parse("username:ana")] = "the NAS did not answer"
    site.controller.want("box", "ana", Access.FULL)
    site.start()
    site.until_state("ana", "wrongful")
    assert site.controller.detail("box", "ana") == "the NAS did not answer"
    site.box.faults.unsure.clear()
    site.until_state("ana", "verified")
    assert site.box.restricted() == set()


def test_a_restore_that_the_device_refused_is_tried_again_before_the_next_sweep(site: Site) -> None:
    site.box.impose("username:ana", "ana")
    site.box.faults.refuses[Key.parse("username:ana")] = "failure: busy"
    site.controller.want("box", "ana", Access.FULL)
    site.start()
    site.until_state("ana", "wrongful")
    assert site.controller.detail("box", "ana") == "failure: busy"
    site.box.faults.refuses.clear()
    site.until_state("ana", "verified")
    assert site.box.restricted() == set()


def test_restores_that_were_refused_together_are_tried_again_before_the_next_sweep(site: Site) -> None:
    site.box.impose("username:ana", "ana")
    site.box.faults.refuses_slices = "deadlock detected"
    site.controller.want("box", "ana", Access.FULL)
    site.start()
    site.until_state("ana", "wrongful")
    site.box.faults.refuses_slices = ""
    site.until_state("ana", "verified")
    assert site.box.restricted() == set()


def test_a_device_that_says_too_much_is_quoted_in_short_and_without_control_characters(site: Site) -> None:
    site.box.setup = ["\x00" + "x" * 5000]
    site.box.faults.refuses[Key.parse("username:ana")] = "no\x07\x00 " + "y" * 5000
    site.box.foreign[Key.parse("username:ana")] = "z" * 5000 + "\x1b"
    site.controller.want("box", "ana", Access.BLOCKED)
    site.start()
    site.until_state("ana", "missing")
    until(lambda: bool(site.controller.last_report("box")["problems"]))
    [problem] = site.controller.last_report("box")["problems"]
    known = site.controller.desks["box"].states["ana"]
    texts = [problem, known["detail"], *known["obstructions"]]
    assert [len(text) for text in texts] == [1000, 1000, 1000]
    assert all(text.isprintable() for text in texts)
