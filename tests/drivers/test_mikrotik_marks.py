"""The marks by which the MikroTik driver throttles: beside an operator's own mangle, asked by packets."""

from collections.abc import Iterator
from typing import Any

import pytest

from drivers.base import Driver, StepState
from enforcement.access import Access
from lab.routeros import RouterOS
from lab.routeros.packets import Packet
from tests.drivers.mikrotik_routers import converge, driver, entry, router

GARDEN: dict[str, Any] = {"portal": [], "voice": ["203.0.113.128/26", "2001:db8:5060::/64"]}
RATES = {"up": "512k", "down": "2M"}
FILTER, MANGLE = "/ip/firewall/filter", "/ip/firewall/mangle"
CUT, OTHER, CUT6 = "10.0.0.1", "10.0.0.2", "2001:db8:1::7"
SITES = {CUT: "192.0.2.1", CUT6: "2001:db8:ffff::1"}


@pytest.fixture
def device() -> Iterator[RouterOS]:
    with router() as running:
        running.add(FILTER, chain="forward", action="fasttrack-connection", connection_state="established,related")
        yield running


@pytest.fixture
def ours(device: RouterOS) -> Iterator[Driver]:
    made = driver(device, garden=GARDEN, throttle=RATES)
    yield made
    made.close()


def throttle(ours: Driver) -> None:
    prefix = entry(2, Access.THROTTLED, "ipv6_prefix:2001:db8:1::/56")
    outcomes = converge(ours, entry(1, Access.THROTTLED), prefix)
    assert [outcome.detail for outcome in outcomes] == ["", ""]


def test_a_throttled_customer_is_marked_for_the_queue_and_never_fasttracked(device: RouterOS, ours: Driver) -> None:
    ours.prepare(install=True)
    packet = Packet(CUT, "192.0.2.1")
    for _ in range(2):
        device.send(packet)
        device.send(packet.back())
    assert device.send(packet).fasttracked
    throttle(ours)
    marks = [(device.send(each).mark, device.send(each).fasttracked) for each in (packet, packet.back()) for _ in "12"]
    assert marks == [("grifo-throttled-up", False)] * 2 + [("grifo-throttled-down", False)] * 2
    queues = {row["packet-mark"]: row["queue"] for row in device.rows("/queue/tree")}
    kinds = {row["name"]: (row["kind"], row["pcq-rate"], row["pcq-classifier"]) for row in device.rows("/queue/type")}
    assert kinds[queues["grifo-throttled-up"]] == ("pcq", "512k", "src-address")
    assert kinds[queues["grifo-throttled-down"]] == ("pcq", "2M", "dst-address")


@pytest.mark.parametrize("chain", ["forward", "postrouting"])
@pytest.mark.parametrize("later", [False, True], ids=["his-before", "his-added-later"])
def test_the_operators_mangle_acts_on_a_throttled_customer_as_on_anybody(
    device: RouterOS, ours: Driver, chain: str, later: bool
) -> None:
    """Without the clamp the pages of whoever dials in by PPPoE hang."""
    clamp = {"protocol": "tcp", "tcp_flags": "syn", "new_mss": "clamp-to-pmtu"}
    if later:
        ours.prepare(install=True)
    device.add(MANGLE, chain=chain, action="change-mss", **clamp)
    ours.prepare(install=True)
    throttle(ours)
    assert {step.state for step in ours.prepare(install=False)} == {StepState.PRESENT}
    sent = [device.send(Packet(source, "192.0.2.1")) for source in (CUT, OTHER)]
    assert [(verdict.mark, verdict.mss) for verdict in sent] == [
        ("grifo-throttled-up", "clamp-to-pmtu"),
        ("", "clamp-to-pmtu"),
    ]


def test_the_operators_own_marks_of_forward_do_not_keep_a_throttled_customer_from_the_queue(
    device: RouterOS, ours: Driver
) -> None:
    """As a setup for quality of service has them, each ending its chain."""
    device.add(MANGLE, chain="forward", action="mark-packet", new_packet_mark="web", passthrough="no", protocol="tcp")
    ours.prepare(install=True)
    throttle(ours)
    assert {step.state for step in ours.prepare(install=False)} == {StepState.PRESENT}
    marks = [device.send(Packet(source, "192.0.2.1")).mark for source in (CUT, OTHER)]
    assert marks == ["grifo-throttled-up", "web"]


def test_a_telephone_of_a_throttled_customer_shares_no_choke(device: RouterOS, ours: Driver) -> None:
    ours.prepare(install=True)
    throttle(ours)
    for source, voice in ((CUT, "203.0.113.140"), (CUT6, "2001:db8:5060::9")):
        call = Packet(source, voice, "udp", 16384)
        assert [device.send(call).mark, device.send(call.back()).mark] == ["", ""]
        assert device.send(Packet(source, SITES[source])).mark == "grifo-throttled-up"


def test_a_rule_that_takes_a_mark_away_or_replaces_it_is_named_until_it_spares_the_list(
    device: RouterOS, ours: Driver
) -> None:
    def wrong() -> set[tuple[str, str]]:
        steps = [step for step in ours.prepare(install=True) if step.state is not StepState.PRESENT]
        return {(step.text.split("comment=grifo:rule:isp:")[1], step.note) for step in steps}

    before = device.add(MANGLE, chain="postrouting", action="change-dscp", new_dscp="46", passthrough="no")
    ours.prepare(install=True)
    first = f"rule {before} (change-dscp) stands before it"
    up, down = "postrouting:grifo-throttled-up", "postrouting:grifo-throttled-down"
    assert wrong() == {(up, first), (down, first)}
    device.set(MANGLE, before, src_address_list="!grifo-throttled")
    assert wrong() == {(down, first)}
    device.set(MANGLE, before, passthrough="yes")
    assert wrong() == set()
    after = device.add(MANGLE, chain="postrouting", action="mark-packet", new_packet_mark="web")
    last = f"rule {after} (mark-packet) stands after it and replaces its mark"
    assert wrong() == {(up, last), (down, last)}
    device.set(MANGLE, after, disabled="yes")
    assert wrong() == set()


def test_customers_with_prefixes_of_another_length_are_told_apart_by_the_queue(device: RouterOS, ours: Driver) -> None:
    ours.prepare(install=True)
    masks = [row.get("pcq-src-address6-mask", "") + row.get("pcq-dst-address6-mask", "") for row in queues(device)]
    assert masks == ["56", "56"]
    longer = driver(device, garden=GARDEN, throttle=RATES, ipv6_delegation=64)
    notes = [step.note for step in longer.prepare(install=False) if step.state is StepState.MISPLACED]
    assert [note.split(" has ")[1] for note in notes] == [
        "pcq-src-address6-mask=56, not 64",
        "pcq-dst-address6-mask=56, not 64",
    ]
    for row in queues(device):
        device.remove("/queue/type", row[".id"])
    longer.prepare(install=True)
    assert {step.state for step in longer.prepare(install=False)} == {StepState.PRESENT}
    longer.close()


def queues(device: RouterOS) -> list[dict[str, str]]:
    return [row for row in device.rows("/queue/type") if row["name"].startswith("grifo-")]
