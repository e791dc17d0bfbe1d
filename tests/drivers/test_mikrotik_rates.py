"""Throttled to a rate of the policy's own: its list, profile and queue, as the router's tables and packets tell."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from drivers.base import Driver, StepState
from enforcement.access import Access, Rate
from enforcement.changes import Restore, Restrict
from enforcement.entries import Entry
from enforcement.observed import Live
from lab.routeros import RouterOS
from lab.routeros.packets import Packet
from tests.drivers.mikrotik_routers import V4, at, converge, driver, entry, in_list, mark, router, todo

SLOW, FAST, STRANGE = Rate(512, 128), Rate(1024, 512), Rate(64, 64)
RATES = ["1024/512", "512/128"]
GARDEN: dict[str, Any] = {"portal": [], "voice": ["203.0.113.128/26"]}
THROTTLED = entry(1, Access.THROTTLED)
ANA = entry(1, Access.THROTTLED, "username:ana")
PHONE = entry(1, Access.THROTTLED, "mac:02:00:00:00:00:0A")
PPP, SECRET, LEASE = "/ppp/active", "/ppp/secret", "/ip/dhcp-server/lease"


@pytest.fixture
def device() -> Iterator[RouterOS]:
    with router() as running:
        yield running


def made(device: RouterOS, **settings: Any) -> Driver:
    return driver(device, rates=RATES, garden=GARDEN, throttle={"up": "64k", "down": "256k"}, **settings)


@pytest.fixture
def ours(device: RouterOS) -> Iterator[Driver]:
    found = made(device)
    yield found
    found.close()


def of_rate(rate: Rate | None, of: Entry = THROTTLED) -> Entry:
    return replace(of, rate=rate)


def test_each_rate_has_a_list_of_its_own_and_a_change_moves_the_customer(device: RouterOS, ours: Driver) -> None:
    before = device.backup()
    for rate, name in ((FAST, "-1024-512"), (SLOW, "-512-128"), (None, ""), (FAST, "-1024-512")):
        converge(ours, of_rate(rate))
        assert in_list(device) == [(f"grifo-throttled{name}", "10.0.0.1")]
        assert ours.observe().of(THROTTLED.key).rate == rate
        assert todo([of_rate(rate)], ours.observe({THROTTLED.key})) == ()
    converge(ours, *at(Access.FULL, of_rate(None)))
    assert device.backup() == before


def test_a_rate_leads_to_portal_and_back_without_a_trace_of_it(device: RouterOS, ours: Driver) -> None:
    converge(ours, of_rate(SLOW))
    converge(ours, entry(1, Access.PORTAL))
    assert in_list(device) == [("grifo-portal", "10.0.0.1")]
    converge(ours, of_rate(SLOW))
    assert in_list(device) == [("grifo-throttled-512-128", "10.0.0.1")]


def test_the_driver_says_which_rates_its_settings_name(ours: Driver) -> None:
    assert ours.capabilities.rates == {SLOW, FAST}


def test_a_rate_that_is_not_named_stands_in_the_list_of_all_others(device: RouterOS, ours: Driver) -> None:
    """An agent never asks for it; whoever does gets no customer left open."""
    converge(ours, of_rate(STRANGE))
    assert in_list(device) == [("grifo-throttled", "10.0.0.1")]


@pytest.mark.parametrize("after_all", [True, False], ids=["wanted-slower", "wanted-faster"])
def test_a_customer_left_in_two_lists_has_the_slower_rate_and_is_seen_so(
    device: RouterOS, ours: Driver, after_all: bool
) -> None:
    """As a crash between the writes leaves it: rules ask for the slower one first, whatever came last."""
    ours.prepare(install=True)
    for name in ("grifo-throttled-1024-512", "grifo-throttled-512-128"):
        device.add(V4, list=name, address="10.0.0.1", comment=str(mark(THROTTLED)))
    packet = Packet("10.0.0.1", "192.0.2.1")
    assert device.send(packet).mark == "grifo-throttled-512-128-up"
    assert ours.observe().of(THROTTLED.key).rate == SLOW
    changes = todo([of_rate(SLOW if after_all else FAST)], ours.observe())
    assert [type(change) for change in changes] == ([] if after_all else [Restore])
    converge(ours, of_rate(SLOW if after_all else FAST))
    assert device.send(packet).mark == f"grifo-throttled-{'512-128' if after_all else '1024-512'}-up"


def test_slower_needs_a_permit_and_faster_none(device: RouterOS, ours: Driver) -> None:
    converge(ours, of_rate(FAST))
    assert [type(change) for change in todo([of_rate(SLOW)], ours.observe())] == [Restrict]
    converge(ours, of_rate(SLOW))
    assert [type(change) for change in todo([of_rate(FAST)], ours.observe())] == [Restore]


def test_each_rate_gets_its_queue_and_its_packets_go_there(device: RouterOS, ours: Driver) -> None:
    steps = ours.prepare(install=True)
    assert {step.state for step in steps} == {StepState.INSTALLED}
    converge(ours, of_rate(FAST), replace(entry(2, Access.THROTTLED), rate=None))
    kinds = {row["name"]: row["pcq-rate"] for row in device.rows("/queue/type")}
    queues = {row["packet-mark"]: kinds[row["queue"]] for row in device.rows("/queue/tree")}
    for source, up, down in (("10.0.0.1", "512k", "1024k"), ("10.0.0.2", "64k", "256k")):
        packet = Packet(source, "192.0.2.1")
        device.send(packet)
        device.send(packet.back())
        assert (queues[device.send(packet).mark], queues[device.send(packet.back()).mark]) == (up, down)
        assert not device.send(packet).fasttracked


def test_a_rate_whose_list_no_rule_uses_is_said(device: RouterOS) -> None:
    found = driver(device, rates=["1024/512"])
    words = found.check()
    found.close()
    assert (
        "no enabled firewall rule uses list grifo-throttled-1024-512: throttled at 1024/512 kbit/s would restrict"
        in (" ".join(words))
    )


def test_a_user_is_followed_into_the_list_of_his_rate(device: RouterOS) -> None:
    ours = made(device, ways={"username": "address_list"})
    device.log_in(PPP, "ana", "10.9.0.1", service="pppoe")
    for rate, name in (
        (FAST, "grifo-throttled-1024-512"),
        (SLOW, "grifo-throttled-512-128"),
        (None, "grifo-throttled"),
    ):
        converge(ours, of_rate(rate, ANA))
        assert in_list(device) == [(name, "10.9.0.1")]
        seen = ours.observe({ANA.key}).of(ANA.key)
        assert (seen.access, seen.rate, seen.live) == (Access.THROTTLED, rate, Live.APPLIES)
    ours.close()


def test_a_secret_gets_the_profile_of_its_rate_which_limits_it(device: RouterOS) -> None:
    ours = made(device, ways={"username": "ppp_secret"})
    device.add("/ppp/profile", name="plan-100")
    device.add(SECRET, name="ana", password="x", profile="plan-100")
    before = device.rows(SECRET)
    ours.prepare(install=True)
    limits = {row["name"]: row["rate-limit"] for row in device.rows("/ppp/profile") if "grifo-thr" in row["name"]}
    assert limits == {
        "grifo-throttled-1024-512": "512k/1024k",
        "grifo-throttled-512-128": "128k/512k",
        "grifo-throttled": "64k/256k",
    }
    for rate, name in ((FAST, "grifo-throttled-1024-512"), (SLOW, "grifo-throttled-512-128")):
        converge(ours, of_rate(rate, ANA))
        device.log_in(PPP, "ana", "10.9.0.1", service="pppoe")
        assert device.rows(SECRET)[0]["profile"] == name
        seen = ours.observe({ANA.key}).of(ANA.key)
        assert (seen.access, seen.rate, seen.live) == (Access.THROTTLED, rate, Live.APPLIES)
    converge(ours, *at(Access.FULL, of_rate(None, ANA)))
    assert device.rows(SECRET) == before
    ours.close()


def test_a_lease_carries_the_list_of_its_rate_beside_the_operators_own(device: RouterOS) -> None:
    ours = made(device, ways={"mac": "dhcp_lease"})
    lease = {"mac_address": "02:00:00:00:00:0A", "address": "10.9.1.1", "status": "bound", "dynamic": "false"}
    device.add(LEASE, **lease, address_lists="iptv")
    for rate, name in ((FAST, "grifo-throttled-1024-512"), (SLOW, "grifo-throttled-512-128")):
        converge(ours, of_rate(rate, PHONE))
        assert device.rows(LEASE)[0]["address-lists"] == f"iptv,{name}"
        assert ours.observe().of(PHONE.key).rate == rate
    ours.close()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"rates": "1024/512"}, "rates must be a list of down/up in kbit/s"),
        ({"rates": ["fast"]}, "rates: rate 'fast' is not written down/up in kbit/s"),
        ({"rates": ["0/512"]}, "rates: rate '0/512' is not written"),
        ({"rates": ["1024/512"], "lists": {"throttled": False}}, "this router gives no throttled"),
        ({"rates": ["1/2"], "lists": {"portal": "grifo-throttled-1-2"}}, "stands for another access"),
        ({"rates": ["1/2"], "obstructing_lists": ["grifo-throttled-1-2"]}, "is one of grifo's own lists"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_wrong_rate_is_named(device: RouterOS, wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        driver(device, **wrong)
