"""Throttled customers have the rate that the policy says, as far as the device's setup knows it."""

from enforcement.access import Access, Rate
from tests.agents.conftest import Site, until

SLOW, FAST = Rate(512, 128), Rate(1024, 512)


def _want(site: Site, rate: Rate | None) -> None:
    told = None if rate is None else [rate.down_kbps, rate.up_kbps]
    site.controller.want("box", "ana", Access.THROTTLED, rate=told)


def test_a_customer_is_throttled_to_the_rate_of_the_policy_and_moved_when_it_changes(site: Site) -> None:
    site.box.rates = frozenset({SLOW, FAST})
    _want(site, FAST)
    site.start()
    for rate in (SLOW, None, FAST):
        _want(site, rate)
        site.until_state("ana", "verified")
        assert (site.box.access("username:ana"), site.box.rate("username:ana")) == (Access.THROTTLED, rate)
        assert site.controller.detail("box", "ana") == ""


def test_while_restricting_is_stopped_nobody_is_slowed_down_and_whoever_is_too_slow_is_not(site: Site) -> None:
    site.box.rates = frozenset({SLOW, FAST})
    _want(site, SLOW)
    site.controller.want("box", "bea", Access.THROTTLED, rate=[1024, 512])
    site.start()
    site.until_state("ana", "verified")
    site.until_state("bea", "verified")
    site.controller.stop_restricting(True)
    _want(site, FAST)
    site.controller.want("box", "bea", Access.THROTTLED, rate=[512, 128])
    site.until_state("ana", "verified")
    site.until_state("bea", "withheld")
    assert (site.box.rate("username:ana"), site.box.rate("username:bea")) == (FAST, FAST)


def test_a_rate_that_the_device_does_not_know_is_its_own_and_that_is_said(site: Site) -> None:
    site.box.rates = frozenset({FAST})
    _want(site, SLOW)
    site.start()
    site.until_state("ana", "verified")
    assert (site.box.access("username:ana"), site.box.rate("username:ana")) == (Access.THROTTLED, None)
    assert site.controller.detail("box", "ana") == "device's own rate: its settings name none of 512/128 kbit/s"
    until(lambda: any("512/128 kbit/s" in problem for problem in site.controller.last_report("box")["problems"]))


def test_an_agent_that_starts_anew_still_knows_the_rate_without_its_controller(site: Site) -> None:
    site.box.rates = frozenset({SLOW, FAST})
    _want(site, FAST)
    site.start()
    site.until_state("ana", "verified")
    site.stop()
    site.controller.go()
    for mark in site.box.given:
        site.box.given[mark] = SLOW
    site.start()
    until(lambda: site.box.rate("username:ana") == FAST)
