"""What a MikroTik router's connections and ranges say of a customer: stale, obstructed, or as the record says."""

from collections.abc import Iterator

import pytest

from drivers.base import Driver
from enforcement.access import Access
from enforcement.changes import Refresh, Result
from enforcement.keys import Key
from enforcement.observed import Live
from enforcement.plan import State, plan
from lab.routeros import RouterOS
from tests.drivers.mikrotik_routers import (
    INSTALLATION,
    OBSTRUCTING,
    V4,
    V6,
    at,
    converge,
    driver,
    entry,
    mark,
    router,
    todo,
)

GARDEN = {"portal": ["203.0.113.80"], "dns": ["203.0.113.53"], "voice": ["203.0.113.128/26"]}
LINKS, LINKS6 = "/ip/firewall/connection", "/ipv6/firewall/connection"


@pytest.fixture
def device() -> Iterator[RouterOS]:
    with router() as running:
        yield running


@pytest.fixture
def ours(device: RouterOS) -> Iterator[Driver]:
    made = driver(device, garden=GARDEN)
    yield made
    made.close()


def connect(device: RouterOS, src: str, dst: str, path: str = LINKS, **more: str) -> str:
    ends = {"src_address": src, "dst_address": dst, "reply_src_address": dst, "reply_dst_address": src}
    return device.add(path, protocol="tcp", **{**ends, **more})


@pytest.mark.parametrize("whole", [True, False], ids=["whole", "asked"])
@pytest.mark.parametrize(
    ("access", "link", "live"),
    [
        (Access.PORTAL, {"dst": "192.0.2.1:443", "fasttrack": "yes"}, Live.STALE),
        (Access.BLOCKED, {"dst": "192.0.2.1:443", "fasttrack": "yes"}, Live.STALE),
        (Access.THROTTLED, {"dst": "192.0.2.1:443", "fasttrack": "yes"}, Live.STALE),
        (Access.PORTAL, {"dst": "203.0.113.130:5061", "fasttrack": "yes"}, Live.APPLIES),
        (Access.PORTAL, {"dst": "203.0.113.80:443", "fasttrack": "yes"}, Live.APPLIES),
        (Access.BLOCKED, {"dst": "203.0.113.80:443", "fasttrack": "yes"}, Live.STALE),
        (Access.PORTAL, {"dst": "1.2.3.4:80", "reply_src_address": "203.0.113.80:80", "dstnat": "yes"}, Live.APPLIES),
        (Access.THROTTLED, {"dst": "1.2.3.4:80", "reply_src_address": "203.0.113.80:80", "dstnat": "yes"}, Live.STALE),
        (Access.FULL, {"dst": "1.2.3.4:80", "reply_src_address": "203.0.113.80:80", "dstnat": "yes"}, Live.STALE),
        (Access.FULL, {"dst": "1.2.3.4:80", "reply_src_address": "10.0.0.99:80", "dstnat": "yes"}, Live.APPLIES),
        (Access.FULL, {"dst": "192.0.2.1:443", "fasttrack": "yes"}, Live.APPLIES),
    ],
    ids=str,
)
def test_a_connection_that_a_change_has_outlived_is_seen_at_every_read_and_ended(
    device: RouterOS, ours: Driver, whole: bool, access: Access, link: dict[str, str], live: Live
) -> None:
    [wanted] = at(access, entry(1))
    converge(ours, wanted)
    connect(device, "10.0.0.1:40000", **link)
    connect(device, "10.0.0.2:40000", **{**link, "dst": "192.0.2.200:443"})
    observed = ours.observe(None if whole else {wanted.key})
    assert observed.of(wanted.key).live is live
    converge(ours, wanted)
    left = [row["src-address"] for row in device.rows(LINKS)]
    assert left == (["10.0.0.2:40000"] if live is Live.STALE else ["10.0.0.1:40000", "10.0.0.2:40000"])
    assert ours.observe().of(wanted.key).live is Live.APPLIES


def test_connections_of_a_routed_prefix_are_ended_in_both_directions(device: RouterOS, ours: Driver) -> None:
    wanted = [entry(1, key="ipv4:10.5.0.0/28"), entry(2, key="ipv6_prefix:2001:db8:1::/56")]
    connect(device, "10.5.0.9:1", "192.0.2.1:2")
    connect(device, "192.0.2.1:1", "10.5.0.15:22")
    connect(device, "10.5.0.16:1", "192.0.2.1:2")
    connect(device, "[2001:db8:1:55::1]:1", "[2001:db8:ffff::1]:2", LINKS6)
    connect(device, "[2001:db8:2::1]:1", "[2001:db8:ffff::1]:2", LINKS6)
    converge(ours, *wanted)
    left = [row["src-address"] for row in device.rows(LINKS) + device.rows(LINKS6)]
    assert left == ["10.5.0.16:1", "[2001:db8:2::1]:1"]


def test_a_connection_that_will_not_go_leaves_the_effect_owed(device: RouterOS, ours: Driver) -> None:
    connect(device, "10.0.0.1:1", "192.0.2.1:2")
    device.misbehave(lie=True, only="connection/remove")
    first, second = converge(ours, entry(1), entry(2))
    assert (first.result, first.effect_done) == (Result.DONE, False)
    assert (second.result, second.effect_done) == (Result.DONE, True)
    device.behave()
    of = entry(1)
    [again] = ours.apply([Refresh(of, mark(of), lowers=True)])
    assert again.effect_done
    assert device.rows(LINKS) == []


def test_a_connection_that_ends_by_itself_meanwhile_keeps_no_other(device: RouterOS, ours: Driver) -> None:
    for n in range(5):
        connect(device, f"10.0.0.1:{n}", "192.0.2.1:2")
    device.misbehave(refuse="no such item", only=",")
    [outcome] = converge(ours, entry(1))
    assert outcome.effect_done
    assert device.rows(LINKS) == []


@pytest.mark.parametrize("choice", ["end", "leave"])
def test_a_router_whose_connections_must_not_be_read_is_left_in_peace(device: RouterOS, choice: str) -> None:
    ours = driver(device, connections=choice)
    assert ours.capabilities.effects == (choice == "end")
    connect(device, "10.0.0.1:1", "192.0.2.1:2", fasttrack="yes")
    converge(ours, entry(1))
    assert len(device.rows(LINKS)) == (0 if choice == "end" else 1)
    connect(device, "10.0.0.1:1", "192.0.2.1:2", fasttrack="yes")
    assert ours.observe().of(entry(1).key).live is Live.APPLIES
    ours.close()


@pytest.mark.parametrize(
    ("path", "address", "key"),
    [
        (V4, "10.7.0.0/24", "ipv4:10.7.0.9"),
        (V4, "10.7.0.5-10.7.0.12", "ipv4:10.7.0.9"),
        (V4, "10.7.0.9", "ipv4:10.7.0.8/29"),
        (V4, "10.7.0.0/24", "ipv4:10.7.0.8/29"),
        (V4, "10.7.0.14-10.7.0.17", "ipv4:10.7.0.8/29"),
        (V6, "2001:db8:7::/48", "ipv6_prefix:2001:db8:7:100::/56"),
        (V6, "2001:db8:7:155::1/128", "ipv6_prefix:2001:db8:7:100::/56"),
    ],
    ids=str,
)
def test_a_foreign_range_that_shares_an_address_with_a_customer_obstructs_him(
    device: RouterOS, ours: Driver, path: str, address: str, key: str
) -> None:
    [wanted] = at(Access.FULL, entry(1, key=key))
    before = plan(INSTALLATION, [wanted], ours.observe(), {}).states[wanted.binding]
    id = device.add(path, list=OBSTRUCTING, address=address, comment="antiguos")
    for observed in (ours.observe(), ours.observe({wanted.key})):
        after = plan(INSTALLATION, [wanted], observed, {}).states[wanted.binding]
        assert (before, after) == (State.VERIFIED, State.OBSTRUCTED)
        assert observed.of(wanted.key).obstructions == (
            f"entry {id} in list {OBSTRUCTING} covers it with {address} (comment 'antiguos')",
        )
    assert ours.observe().of(Key.parse("ipv4:10.8.0.1")).obstructions == ()
    assert todo([wanted], ours.observe()) == ()


def test_a_range_that_was_taken_away_obstructs_nobody_any_more(device: RouterOS, ours: Driver) -> None:
    [wanted] = at(Access.FULL, entry(1))
    id = device.add(V4, list=OBSTRUCTING, address="10.0.0.0/24")
    ours.observe()
    device.set(V4, id, disabled="yes")
    assert ours.observe({wanted.key}).of(wanted.key).obstructions == ()
    device.remove(V4, id)
    assert ours.observe().of(wanted.key).obstructions == ()


def test_another_services_prefix_that_we_restrict_obstructs_who_lives_inside_it(device: RouterOS, ours: Driver) -> None:
    wide = entry(1, key="ipv4:10.7.0.0/24")
    [inside] = at(Access.FULL, entry(2, key="ipv4:10.7.0.9"))
    converge(ours, wide, inside)
    states = plan(INSTALLATION, [wide, inside], ours.observe(), {}).states
    assert (states[wide.binding], states[inside.binding]) == (State.VERIFIED, State.OBSTRUCTED)


def test_how_long_the_router_is_up_is_told_at_a_whole_read(device: RouterOS, ours: Driver) -> None:
    up = ours.observe().up_seconds
    assert up is not None
    assert 0 <= up < 600
    assert ours.observe({entry(1).key}).up_seconds is None
