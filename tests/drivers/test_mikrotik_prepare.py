"""The rules that the MikroTik driver installs, asked by packets: what passes for whom, before and after a change."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from drivers.base import Driver, StepState
from drivers.mikrotik.entries import ASK_SINGLY_UP_TO
from enforcement.access import Access
from lab.routeros import RouterOS
from lab.routeros.packets import Packet
from tests.drivers.mikrotik_routers import at, converge, driver, entry, router

GARDEN = {
    "portal": ["203.0.113.80", "2001:db8:80::1"],
    "portal_port": 8080,
    "hosts": ["203.0.113.90", "acs.bank.example", "2001:db8:90::/64"],
    "dns": ["203.0.113.53", "2001:db8:53::1"],
    "voice": ["203.0.113.128/26", "2001:db8:5060::/64"],
}
RATES = {"up": "512k", "down": "2M"}
FILTER, FILTER6 = "/ip/firewall/filter", "/ipv6/firewall/filter"
MENUS = ("filter", "nat", "mangle", "address-list")
CUT, OTHER = "10.0.0.1", "10.0.0.2"
CUT6, OTHER6 = "2001:db8:1::7", "2001:db8:2::7"

PASSES = [
    Packet(CUT, "203.0.113.53", "udp", 53),
    Packet(CUT, "203.0.113.53", "tcp", 53),
    Packet(CUT, "203.0.113.80", port=443),
    Packet(CUT, "203.0.113.90", port=443),
    Packet(CUT, "203.0.113.140", "udp", 5060),
    Packet(CUT, "203.0.113.140", "udp", 16384),
    Packet(CUT, "203.0.113.141", "udp", 123),
    Packet(CUT, "203.0.113.141", "tcp", 80),
    Packet(CUT6, "2001:db8:53::1", "udp", 53),
    Packet(CUT6, "2001:db8:80::1", port=443),
    Packet(CUT6, "2001:db8:90::3", port=443),
    Packet(CUT6, "2001:db8:5060::9", "udp", 5060),
]
REJECTED = [
    Packet(CUT, "192.0.2.1", port=443),
    Packet(CUT, "192.0.2.1", "udp", 443),
    Packet(CUT, "9.9.9.9", "udp", 53),
    Packet(CUT, "192.0.2.1", "icmp", 0),
    Packet(CUT6, "2001:db8:ffff::1", port=443),
    Packet(CUT6, "2001:db8:ffff::1", "udp", 443),
]


@pytest.fixture
def device() -> Iterator[RouterOS]:
    """A router as RouterOS ships it, rules of the operator's own included: FastTrack, then what is established."""
    with router() as running:
        for path in (FILTER, FILTER6):
            running.add(path, chain="forward", action="fasttrack-connection", connection_state="established,related")
            running.add(path, chain="forward", action="accept", connection_state="established,related,untracked")
            running.add(path, chain="forward", action="drop", connection_state="invalid")
        running.add(
            "/ip/firewall/nat", chain="dstnat", action="dst-nat", dst_address="198.51.100.9", to_addresses="1.1.1.1"
        )
        yield running


@pytest.fixture
def ours(device: RouterOS) -> Iterator[Driver]:
    made = driver(device, garden=GARDEN, throttle=RATES)
    yield made
    made.close()


def cut(ours: Driver, access: Access = Access.PORTAL) -> None:
    outcomes = converge(ours, entry(1, access), entry(2, access, "ipv6_prefix:2001:db8:1::/56"))
    assert [outcome.detail for outcome in outcomes] == ["", ""]


def open_again(ours: Driver) -> None:
    converge(ours, *at(Access.FULL, entry(1), entry(2, key="ipv6_prefix:2001:db8:1::/56")))


def operators(device: RouterOS) -> list[list[dict[str, str]]]:
    """All rows that are not ours, in their order."""
    menus = [device.rows(f"{family}/firewall/{menu}") for family in ("/ip", "/ipv6") for menu in MENUS]
    return [[row for row in rows if not row.get("comment", "").startswith("grifo:")] for rows in menus]


def test_steps_are_missing_then_installed_then_present_and_nothing_of_the_operators_changes(
    device: RouterOS, ours: Driver
) -> None:
    before = operators(device)
    assert {step.state for step in ours.prepare(install=False)} == {StepState.MISSING}
    assert {step.state for step in ours.prepare(install=True)} == {StepState.INSTALLED}
    assert {step.state for step in ours.prepare(install=True)} == {StepState.PRESENT}
    assert operators(device) == before


def test_each_step_is_the_command_that_installs_it(device: RouterOS, ours: Driver) -> None:
    first = device.rows(FILTER)[0][".id"]
    entrance = "chain=forward src-address-list=grifo-portal action=jump jump-target=grifo-portal-out"
    text = f"add {entrance} comment=grifo:rule:isp:forward:grifo-portal-out place-before={first}"
    assert (FILTER, text) in [(step.where, step.text) for step in ours.prepare(install=False)]


@pytest.mark.parametrize("packet", PASSES, ids=str)
def test_a_customer_in_portal_reaches_dns_portal_payment_and_voice(
    device: RouterOS, ours: Driver, packet: Packet
) -> None:
    ours.prepare(install=True)
    cut(ours)
    assert device.send(packet).passed
    assert device.send(packet.back()).passed
    assert device.send(packet).to == packet.dst


@pytest.mark.parametrize("packet", REJECTED, ids=str)
def test_a_customer_in_portal_is_told_at_once_that_nothing_else_is_there(
    device: RouterOS, ours: Driver, packet: Packet
) -> None:
    ours.prepare(install=True)
    assert device.send(packet).passed
    device.remove(f"{'/ipv6' if ':' in packet.src else '/ip'}/firewall/connection", "*1")
    cut(ours)
    verdict = device.send(packet)
    assert (verdict.passed, verdict.by) == (False, "reject")
    assert verdict.reject == ("tcp-reset" if packet.protocol == "tcp" else "icmp-admin-prohibited")
    assert not device.send(replace(packet.back(), src_port=1)).passed


def test_http_of_a_customer_in_portal_goes_to_the_portal(device: RouterOS, ours: Driver) -> None:
    ours.prepare(install=True)
    cut(ours)
    verdict = device.send(Packet(CUT, "192.0.2.1", port=80))
    assert (verdict.passed, verdict.to) == (True, "203.0.113.80")
    assert device.send(Packet(OTHER, "192.0.2.1", port=80)).to == "192.0.2.1"


@pytest.mark.parametrize("packet", PASSES, ids=str)
def test_blocked_leaves_dns_and_voice_alone(device: RouterOS, ours: Driver, packet: Packet) -> None:
    ours.prepare(install=True)
    cut(ours, Access.BLOCKED)
    voice_or_dns = packet.port == 53 or "203.0.113.14" in packet.dst or "5060" in packet.dst
    assert device.send(packet).passed == voice_or_dns


@pytest.mark.parametrize("access", [Access.PORTAL, Access.BLOCKED, Access.THROTTLED])
def test_everybody_else_is_untouched(device: RouterOS, ours: Driver, access: Access) -> None:
    before = [device.send(replace(packet, src=_other(packet))) for packet in PASSES + REJECTED]
    for path in ("/ip/firewall/connection", "/ipv6/firewall/connection"):
        device.remove(path, *[row[".id"] for row in device.rows(path)])
    ours.prepare(install=True)
    cut(ours, access)
    assert [device.send(replace(packet, src=_other(packet))) for packet in PASSES + REJECTED] == before


def _other(packet: Packet) -> str:
    return OTHER6 if ":" in packet.src else OTHER


@pytest.mark.parametrize("access", [Access.PORTAL, Access.BLOCKED])
@pytest.mark.parametrize(("source", "target"), [(CUT, "192.0.2.1"), (CUT6, "2001:db8:ffff::1")])
def test_a_fasttracked_connection_of_a_customer_who_is_cut_ends(
    device: RouterOS, ours: Driver, access: Access, source: str, target: str
) -> None:
    ours.prepare(install=True)
    packet = Packet(source, target)
    neighbour = Packet(_other(packet), target)
    for each in (packet, neighbour):
        device.send(each)
        device.send(each.back())
    assert device.send(packet).fasttracked
    cut(ours, access)
    assert not device.send(packet).passed
    assert not device.send(packet.back()).passed
    assert device.send(neighbour).fasttracked


def test_a_call_that_is_up_survives_a_cut(device: RouterOS, ours: Driver) -> None:
    ours.prepare(install=True)
    call = Packet(CUT, "203.0.113.140", "udp", 16384)
    device.send(call)
    device.send(call.back())
    [before] = [row[".id"] for row in device.rows("/ip/firewall/connection")]
    cut(ours)
    assert [row[".id"] for row in device.rows("/ip/firewall/connection")] == [before]
    assert device.send(call.back()).passed


def test_a_customer_who_has_paid_leaves_the_portal_at_once(device: RouterOS, ours: Driver) -> None:
    """A connection keeps the destination that its first packet was given: it ends with the restore."""
    ours.prepare(install=True)
    cut(ours)
    page = Packet(CUT, "192.0.2.1", port=80)
    assert device.send(page).to == "203.0.113.80"
    open_again(ours)
    assert device.send(page).to == "192.0.2.1"


def test_a_rule_of_the_operators_that_lets_through_first_is_named_and_left(device: RouterOS, ours: Driver) -> None:
    ours.prepare(install=True)
    top = device.rows(FILTER)[0][".id"]
    above = device.add(FILTER, chain="forward", action="accept", connection_state="established", place_before=top)
    misplaced = [step for step in ours.prepare(install=True) if step.state is StepState.MISPLACED]
    assert {step.where for step in misplaced} == {FILTER}
    assert {step.note for step in misplaced} == {f"rule {above} (accept) stands before it"}
    assert device.rows(FILTER)[0][".id"] == above
    assert any(f"rule {above} (accept) stands before it" in problem for problem in ours.check())


def test_a_jump_into_a_chain_that_lets_through_is_in_the_way_and_one_that_drops_is_not(
    device: RouterOS, ours: Driver
) -> None:
    ours.prepare(install=True)
    top = device.rows(FILTER)[0][".id"]
    device.add(FILTER, chain="bogons", action="drop", src_address="0.0.0.0/8")
    device.add(FILTER, chain="forward", action="jump", jump_target="bogons", place_before=top)
    assert {step.state for step in ours.prepare(install=False)} == {StepState.PRESENT}
    device.add(FILTER, chain="bogons", action="accept", src_address="10.0.0.0/8")
    assert StepState.MISPLACED in {step.state for step in ours.prepare(install=False)}


def test_a_rule_that_somebody_disabled_changed_or_removed_is_told_and_only_the_missing_one_put_back_in_its_place(
    device: RouterOS, ours: Driver
) -> None:
    ours.prepare(install=True)
    chain = [row for row in device.rows(FILTER) if row["chain"] == "grifo-portal-out"]
    device.set(FILTER, chain[0][".id"], disabled="yes")
    device.set(FILTER, chain[1][".id"], dst_address_list="elsewhere")
    device.remove(FILTER, chain[2][".id"])
    wrong = [step for step in ours.prepare(install=False) if step.state is not StepState.PRESENT]
    assert [(step.state, step.note) for step in wrong] == [
        (StepState.MISPLACED, f"{chain[0]['.id']} is disabled"),
        (StepState.MISPLACED, f"{chain[1]['.id']} has dst-address-list=elsewhere, not grifo-garden"),
        (StepState.MISSING, ""),
    ]
    ours.prepare(install=True)
    now = [row["comment"] for row in device.rows(FILTER) if row["chain"] == "grifo-portal-out"]
    assert now == [row["comment"] for row in chain]


def test_a_twin_that_is_missing_in_ipv6_is_told(device: RouterOS, ours: Driver) -> None:
    ours.prepare(install=True)
    rows = device.rows(FILTER6)
    [twin] = [row[".id"] for row in rows if row.get("comment", "").endswith("forward:grifo-blocked-in")]
    device.remove(FILTER6, twin)
    assert any(problem.startswith(f"{FILTER6}: missing: add chain=forward") for problem in ours.check())


def test_a_refused_step_says_the_routers_words_and_the_others_are_installed(device: RouterOS, ours: Driver) -> None:
    device.misbehave(refuse="failure: no such kind", only="kind=pcq")
    steps = ours.prepare(install=True)
    missing = [(step.where, step.note) for step in steps if step.state is StepState.MISSING]
    assert missing == [("/queue/type", "failure: no such kind")] * 2
    assert sum(step.state is StepState.INSTALLED for step in steps) == len(steps) - 2


def test_without_a_garden_the_settings_are_what_is_missing(device: RouterOS) -> None:
    plain = driver(device)
    steps = plain.prepare(install=True)
    plain.close()
    assert [(step.where, step.state) for step in steps] == [("the agent's settings", StepState.BY_HAND)]


def test_a_router_that_is_prepared_has_nothing_to_say_of_its_rules(device: RouterOS, ours: Driver) -> None:
    ours.prepare(install=True)
    assert [problem.split(" ")[0] for problem in ours.check()] == ["the", "service"], (
        "TLS, which this test is not about"
    )


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"garden": []}, "garden must be a table"),
        ({"garden": {"portal": []}}, "voice must be given"),
        ({"garden": {**GARDEN, "dms": []}}, "'dms' is not one of|dms is not one of"),
        ({"garden": {**GARDEN, "dns": "x"}}, "dns must be a list"),
        ({"garden": {**GARDEN, "hosts": ["no host"]}}, "which is no address, network or name"),
        ({"garden": {**GARDEN, "portal": ["203.0.113.0/24"]}}, "must be one address"),
        ({"garden": {**GARDEN, "portal_port": 0}}, "portal_port must be a number"),
        ({"throttle": {"up": "512k"}}, "throttle must be a table"),
        ({"throttle": {"up": "fast", "down": "1M"}}, "must be a rate"),
        ({"ways": {"username": "magic"}}, "username is enforced by one of"),
        ({"ways": {"trunk": "hotspot"}}, "'trunk' is not one of"),
        ({"ways": []}, "ways must be a table"),
        ({"connections": "kill"}, "connections must be one of"),
        ({"ipv6_delegation": 129}, "ipv6_delegation must be a number from 1 to 128"),
        ({"tls": "anonymous", "ca_file": __file__}, "nothing would be verified"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_wrong_setting_of_the_rules_is_named(device: RouterOS, wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        driver(device, **wrong)


def test_a_bulk_of_cuts_ends_the_connections_of_all_and_of_nobody_else(device: RouterOS, ours: Driver) -> None:
    ours.prepare(install=True)
    count = 3 * ASK_SINGLY_UP_TO
    packets = [Packet(entry(n).key.value, "192.0.2.1") for n in range(count + 5)]
    for packet in packets:
        device.send(packet)
        device.send(packet.back())
    converge(ours, *[entry(n) for n in range(count)])
    assert [device.send(packet).passed for packet in packets] == [False] * count + [True] * 5
