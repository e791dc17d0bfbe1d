"""What a router says of customers beside our lists: their own secrets, and lists of somebody else's that cut them."""

from collections.abc import Iterator
from typing import Any

import pytest

from drivers.base import Concerns, Driver
from enforcement.access import Access
from enforcement.entries import Entry
from enforcement.keys import Key
from enforcement.plan import State, plan
from lab.routeros import RouterOS
from tests.drivers.mikrotik_routers import INSTALLATION, OBSTRUCTING, V4, converge, driver, entry, router

SECRET, PPP, FILTER = "/ppp/secret", "/ppp/active", "/ip/firewall/filter"
ANA, BEA = "username:ana", "username:bea"
PAID = entry(1, Access.FULL, ANA)


@pytest.fixture
def device() -> Iterator[RouterOS]:
    with router() as running:
        yield running


def made(device: RouterOS, **settings: Any) -> Driver:
    return driver(device, **{"ways": {"username": "address_list"}, **settings})


@pytest.fixture
def ours(device: RouterOS) -> Iterator[Driver]:
    found = made(device)
    yield found
    found.close()


def state(ours: Driver, of: Entry, only: bool) -> State:
    [found] = plan(INSTALLATION, [of], ours.observe({of.key} if only else None), {}).states.values()
    return found


def concerns(ours: Driver) -> list[tuple[str, set[str], str]]:
    """(words, whom, of which driver's customers)."""
    told = [problem for problem in ours.check() if isinstance(problem, Concerns)]
    return [(str(problem), {str(key) for key in problem.keys}, problem.of_driver) for problem in told]


# --- secrets ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("only", [True, False], ids=["asked-for", "sweep"])
def test_a_paid_user_whose_own_secret_is_disabled_is_obstructed_by_it(
    device: RouterOS, ours: Driver, only: bool
) -> None:
    secret = device.add(SECRET, name="ana", disabled="yes")
    device.add(SECRET, name="bea")
    assert state(ours, PAID, only) is State.OBSTRUCTED
    observed = ours.observe()
    assert observed.of(PAID.key).obstructions == ("/ppp/secret ana is disabled",)
    assert set(observed.seen) == {PAID.key}
    assert state(ours, entry(2, Access.FULL, BEA), only) is not State.OBSTRUCTED
    device.set(SECRET, secret, disabled="no")
    assert state(ours, PAID, only) is not State.OBSTRUCTED


def test_a_disabled_secret_keeps_nobody_out_whom_radius_lets_in(device: RouterOS, ours: Driver) -> None:
    device.add(SECRET, name="ana", disabled="yes")
    device.use_radius(True)
    assert state(ours, PAID, only=True) is not State.OBSTRUCTED
    assert state(ours, PAID, only=False) is not State.OBSTRUCTED


@pytest.mark.parametrize("ways", [{}, {"username": "address_list"}, {"username": "ppp_secret"}], ids=str)
def test_users_with_a_secret_of_their_own_are_told_to_matter_to_radius_alone(
    device: RouterOS, ways: dict[str, str]
) -> None:
    found = made(device, ways=ways)
    device.add(SECRET, name="ana")
    device.add(SECRET, name="bea", disabled="yes")
    assert concerns(found) == []
    device.use_radius(True)
    [(words, whom, of_driver)] = concerns(found)
    assert words.startswith("RADIUS is not asked for who has a secret of his own in /ppp/secret")
    assert (whom, of_driver) == ({ANA}, "radius")
    found.close()


# --- lists -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("menu", "rule"),
    [
        ("filter", {"chain": "forward", "action": "drop", "src_address_list": "CORTADOS"}),
        ("filter", {"chain": "forward", "action": "reject", "dst_address_list": "CORTADOS"}),
        ("filter", {"chain": "morosos", "action": "drop", "src_address_list": "CORTADOS", "comment": "impago"}),
        ("raw", {"chain": "prerouting", "action": "drop", "src_address_list": "CORTADOS", "log": "yes"}),
        (
            "filter",
            {"chain": "forward", "action": "drop", "src_address_list": "CORTADOS", "dst_address_list": "!permitidos"},
        ),
        (
            "filter",
            {"chain": "forward", "action": "drop", "src_address_list": "CORTADOS", "connection_state": "new,invalid"},
        ),
    ],
    ids=["outward", "inward", "by-a-jump", "raw", "but-for-some-sites", "new-ones"],
)
def test_who_is_cut_by_a_list_that_nobody_named_is_told(
    device: RouterOS, ours: Driver, menu: str, rule: dict[str, str]
) -> None:
    device.add(FILTER, chain="forward", action="jump", jump_target="morosos")
    id = device.add(f"/ip/firewall/{menu}", **rule)
    device.log_in(PPP, "ana", "10.9.0.1")
    for address in ("10.9.0.1", "10.0.0.2", "10.8.0.0/16"):
        device.add(V4, list="CORTADOS", address=address)
    device.add(V4, list="CORTADOS", address="10.0.0.3", disabled="yes")
    words = (
        f"IPv4 {menu} rule {id} cuts list CORTADOS, which obstructing_lists does not name: who is in it counts as open"
    )
    assert concerns(ours) == [(words, {ANA, "ipv4:10.9.0.1", "ipv4:10.0.0.2", "ipv4:10.8.0.0/16"}, "")]


def test_who_is_cut_by_a_list_in_ipv6_is_told(device: RouterOS, ours: Driver) -> None:
    device.add("/ipv6/firewall/filter", chain="forward", action="drop", src_address_list="CORTADOS")
    device.add("/ipv6/firewall/address-list", list="CORTADOS", address="2001:db8:7::/56")
    assert [whom for _, whom, _ in concerns(ours)] == [{"ipv6_prefix:2001:db8:7::/56"}]


@pytest.mark.parametrize(
    "rule",
    [
        {"chain": "input", "src_address_list": "CORTADOS"},
        {"chain": "nowhere", "src_address_list": "CORTADOS"},
        {"chain": "forward", "src_address_list": "!CORTADOS"},
        {"chain": "forward", "src_address_list": "CORTADOS", "dst_address_list": "servers"},
        {"chain": "forward", "src_address_list": "CORTADOS", "protocol": "tcp", "dst_port": "25"},
        {"chain": "forward", "src_address_list": "CORTADOS", "in_interface": "wan"},
        {"chain": "forward", "src_address_list": "CORTADOS", "connection_state": "invalid"},
        {"chain": "forward", "src_address_list": "CORTADOS", "disabled": "yes"},
        {"chain": "forward", "src_address_list": OBSTRUCTING},
    ],
    ids=str,
)
def test_rules_that_guard_a_network_from_its_customers_are_not_taken_for_cuts(
    device: RouterOS, ours: Driver, rule: dict[str, str]
) -> None:
    device.add(FILTER, action="drop", **rule)
    for name in ("CORTADOS", OBSTRUCTING):
        device.add(V4, list=name, address="10.0.0.2")
    assert concerns(ours) == []


# --- what is read ----------------------------------------------------------------------------------------------------


def test_a_check_after_a_sweep_is_of_what_the_sweep_has_read(device: RouterOS, ours: Driver) -> None:
    """A router is not read whole twice; the next check is of what is there by then."""
    device.add(FILTER, chain="forward", action="drop", src_address_list="CORTADOS")
    device.add(V4, list="CORTADOS", address="10.0.0.2")
    ours.observe()
    device.add(V4, list="CORTADOS", address="10.0.0.4")
    ours.observe({entry(4).key})
    assert [whom for _, whom, _ in concerns(ours)] == [{"ipv4:10.0.0.2"}]
    assert [whom for _, whom, _ in concerns(ours)] == [{"ipv4:10.0.0.2", "ipv4:10.0.0.4"}]


def test_customers_whose_prefix_the_queues_do_not_tell_apart_are_counted(device: RouterOS) -> None:
    found = made(device, garden={"portal": [], "voice": []}, throttle={"up": "512k", "down": "2M"})
    found.prepare(install=True)
    prefixes = ("2001:db8:1::/56", "2001:db8:2::/64", "2001:db8:3::/64", "2001:db8:10::/48")
    converge(found, *(entry(n, Access.THROTTLED, f"ipv6_prefix:{each}") for n, each in enumerate(prefixes)))
    found.observe()
    assert [problem for problem in found.check() if "ipv6_delegation" in problem] == [
        "1 throttled IPv6 prefixes are of 48 bits, and ipv6_delegation is 56: each has its rate many times",
        "2 throttled IPv6 prefixes are of 64 bits, and ipv6_delegation is 56: some share one rate",
    ]
    found.close()


def test_a_key_is_asked_for_with_its_secret_alone(device: RouterOS, ours: Driver) -> None:
    """A restore does not wait for all secrets."""
    for name in ("ana", "bea"):
        device.add(SECRET, name=name, disabled="yes")
    assert ours.observe({PAID.key}).of(Key.parse(BEA)).obstructions == ()
