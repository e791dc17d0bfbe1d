"""The loop on a good day: what the controller wants is on the device, read back, and reported."""

from enforcement.access import Access
from enforcement.entries import BindingId
from enforcement.keys import Key
from tests.agents.conftest import Site, until


def test_a_restriction_is_on_the_device_and_reported_verified(site: Site) -> None:
    site.controller.want("box", "ana", Access.BLOCKED)
    site.start()
    site.until_state("ana", "verified")
    assert site.box.access("username:ana") is Access.BLOCKED


def test_a_payment_opens_the_device_and_is_reported_verified(site: Site) -> None:
    site.controller.want("box", "ana", Access.BLOCKED)
    site.start()
    site.until_state("ana", "verified")
    site.controller.want("box", "ana", Access.FULL)
    site.until_state("ana", "verified")
    assert site.box.restricted() == set()


def test_what_our_mark_restricts_and_nobody_wants_is_removed(site: Site) -> None:
    site.box.impose("username:ghost", "b-unknown")
    site.controller.want("box", "ana", Access.FULL)
    site.start()
    until(lambda: site.box.restricted() == set())


def test_a_mark_of_another_installation_is_an_obstruction_and_is_left_alone(site: Site) -> None:
    site.box.impose("username:ana", "b7", installation="elsewhere")
    site.controller.want("box", "ana", Access.FULL)
    site.start()
    site.until_state("ana", "obstructed")
    assert site.box.restricted() == {"ana"}


def test_what_is_not_ours_and_restricts_a_paying_customer_is_reported_in_words(site: Site) -> None:
    site.box.foreign[Key.parse("username:ana")] = "secret ana is disabled"
    site.controller.want("box", "ana", Access.FULL)
    site.start()
    site.until_state("ana", "obstructed")
    assert site.controller.desks["box"].states["ana"]["obstructions"] == ["secret ana is disabled"]


def test_a_bulk_larger_than_a_slice_is_all_applied(site: Site) -> None:
    for number in range(20):
        site.controller.want("box", f"u{number:02}", Access.PORTAL)
    site.start()
    until(lambda: all(site.state(f"u{number:02}") == "verified" for number in range(20)))
    assert len(site.box.restricted()) == 20


def test_between_sweeps_only_the_keys_that_changed_are_read(site: Site) -> None:
    site.controller.want("box", "ana", Access.FULL)
    site.controller.want("box", "eva", Access.FULL)
    site.start()
    site.until_state("eva", "verified")
    until(lambda: bool(site.controller.last_report("box").get("whole")))
    reads_of_all = site.box.reads.count(None)
    site.controller.want("box", "ana", Access.BLOCKED)
    site.until_state("ana", "verified")
    assert site.box.reads.count(None) == reads_of_all
    assert frozenset({Key.parse("username:ana")}) in site.box.reads


def test_a_sweep_finds_and_repairs_what_another_hand_restricted_under_our_mark(site: Site) -> None:
    site.sweep_seconds = 0.2
    site.controller.want("box", "ana", Access.FULL)
    site.start()
    site.until_state("ana", "verified")
    site.box.impose("username:ana", "ana")
    until(lambda: site.box.restricted() == set())


def test_a_sweep_finds_and_repairs_what_another_hand_opened(site: Site) -> None:
    site.sweep_seconds = 0.2
    site.controller.want("box", "ana", Access.BLOCKED)
    site.start()
    site.until_state("ana", "verified")
    site.box.wipe("username:ana")
    until(lambda: site.box.restricted() == {"ana"})


def test_a_key_that_two_live_bindings_claim_is_restricted_for_neither(site: Site) -> None:
    site.controller.want("box", "b1", Access.BLOCKED, key="username:ana")
    site.controller.want("box", "b2", Access.BLOCKED, key="username:ana")
    site.start()
    site.until_state("b1", "withheld")
    site.until_state("b2", "withheld")
    assert site.box.restricted() == set()
    assert "two live bindings" in site.controller.detail("box", "b1")


def test_an_ended_binding_is_opened_and_then_forgotten(site: Site) -> None:
    site.controller.want("box", "ana", Access.BLOCKED)
    agent = site.start()
    site.until_state("ana", "verified")
    site.controller.want("box", "ana", Access.FULL, ended=True)
    site.until_state("ana", "verified")
    assert site.box.restricted() == set()
    until(lambda: not agent.devices["box"].parts.memory.entries.some([BindingId("ana")]))


def test_an_access_that_this_version_does_not_know_is_refused_and_nothing_is_guessed(site: Site) -> None:
    site.box.impose("username:ana", "b9")
    site.controller.desks["box"].raw.append(
        {
            "binding": "b9",
            "service": "s-b9",
            "kind": "internet",
            "key": "username:ana",
            "access": "slow_motion",
            "reasons": ["billing"],
            "changed_revision": 1,
        }
    )
    site.controller.want("box", "eva", Access.BLOCKED)
    site.start()
    site.until_state("b9", "refused")
    site.until_state("eva", "verified")
    assert site.box.restricted() == {"ana", "eva"}
    assert "slow_motion" in site.controller.detail("box", "b9")


def test_what_in_the_setup_would_defeat_us_is_reported_in_words(site: Site) -> None:
    site.box.setup = ["fasttrack is on before our rules"]
    site.controller.want("box", "ana", Access.FULL)
    site.start()
    until(lambda: site.controller.last_report("box").get("problems") == ["fasttrack is on before our rules"])


def test_a_mode_that_changes_is_followed(site: Site) -> None:
    site.controller.set("box", modes={"internet": "observe"})
    site.controller.want("box", "ana", Access.BLOCKED)
    site.start()
    site.until_state("ana", "withheld")
    site.controller.set("box", modes={"internet": "enforce"})
    site.until_state("ana", "verified")
    assert site.box.restricted() == {"ana"}
