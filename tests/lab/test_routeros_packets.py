"""The simulated router's way of a packet: first match, what is established, what FastTrack and dst-nat keep."""

from collections.abc import Iterator

import pytest

from lab.routeros import RouterOS
from lab.routeros.packets import Packet

FILTER, NAT, LINKS, LIST, MANGLE = (
    f"/ip/firewall/{menu}" for menu in ("filter", "nat", "connection", "address-list", "mangle")
)
WEB = Packet("10.0.0.1", "192.0.2.1")


@pytest.fixture
def router() -> Iterator[RouterOS]:
    with RouterOS() as running:
        yield running


def test_a_packet_that_no_rule_stops_passes_and_opens_a_connection(router: RouterOS) -> None:
    assert router.send(WEB).passed
    assert [row["src-address"] for row in router.rows(LINKS)] == ["10.0.0.1:40000"]
    assert router.send(WEB.back()).passed
    assert len(router.rows(LINKS)) == 1


def test_the_first_rule_that_matches_decides_and_what_is_stopped_leaves_no_connection(router: RouterOS) -> None:
    router.add(LIST, list="cut", address="10.0.0.0/30")
    router.add(FILTER, chain="forward", action="accept", protocol="udp", dst_port="53,5060-5061")
    router.add(FILTER, chain="forward", action="reject", src_address_list="cut", reject_with="tcp-reset")
    router.add(FILTER, chain="forward", action="accept")
    assert (router.send(WEB).passed, router.send(WEB).reject) == (False, "tcp-reset")
    assert router.rows(LINKS) == []
    assert router.send(Packet("10.0.0.1", "192.0.2.1", "udp", 5061)).passed
    assert router.send(Packet("10.0.0.4", "192.0.2.1")).passed


def test_a_jump_comes_back_where_its_chain_decides_nothing(router: RouterOS) -> None:
    router.add(FILTER, chain="aside", action="return", protocol="tcp")
    router.add(FILTER, chain="aside", action="drop")
    router.add(FILTER, chain="forward", action="jump", jump_target="aside")
    assert router.send(WEB).passed
    assert not router.send(Packet("10.0.0.1", "192.0.2.1", "udp")).passed


def test_a_fasttracked_connection_passes_every_rule_by_until_it_is_removed(router: RouterOS) -> None:
    router.add(FILTER, chain="forward", action="fasttrack-connection", connection_state="established")
    for packet in (WEB, WEB.back()):
        assert not router.send(packet).fasttracked
    router.add(FILTER, chain="forward", action="drop")
    assert router.send(WEB).fasttracked
    router.remove(LINKS, router.rows(LINKS)[0][".id"])
    assert not router.send(WEB).passed


def test_dst_nat_is_decided_by_the_first_packet(router: RouterOS) -> None:
    rule = router.add(
        NAT, chain="dstnat", action="dst-nat", protocol="tcp", to_addresses="203.0.113.80", to_ports="8080"
    )
    assert router.send(WEB).to == "203.0.113.80"
    router.remove(NAT, rule)
    assert router.send(WEB).to == "203.0.113.80"
    assert router.send(Packet("10.0.0.1", "192.0.2.1", src_port=40001)).to == "192.0.2.1"
    [link, _] = router.rows(LINKS)
    assert (link["dstnat"], link["reply-src-address"]) == ("true", "203.0.113.80:8080")


def test_the_mss_of_the_packet_that_opens_a_connection_is_clamped_and_of_no_other(router: RouterOS) -> None:
    clamp = {"protocol": "tcp", "tcp_flags": "syn", "tcp_mss": "1441-65535", "new_mss": "1440"}
    router.add(MANGLE, chain="forward", action="change-mss", **clamp)
    assert router.send(Packet("10.0.0.2", "192.0.2.1", mss=1400)).mss == ""
    assert router.send(WEB).mss == "1440"
    assert router.send(WEB).mss == ""
    assert router.send(Packet("10.0.0.1", "192.0.2.1", "udp")).mss == ""


@pytest.mark.parametrize("action", ["mark-packet", "mark-connection", "change-mss", "change-dscp"])
def test_a_rule_of_mangle_ends_its_chain_where_it_does_not_pass_through_and_no_other_chain(
    router: RouterOS, action: str
) -> None:
    first = router.add(MANGLE, chain="forward", action=action, passthrough="no")
    router.add(MANGLE, chain="forward", action="mark-packet", new_packet_mark="second")
    assert router.send(WEB).mark == ""
    router.set(MANGLE, first, passthrough="yes")
    assert router.send(WEB).mark == "second"
    router.add(MANGLE, chain="postrouting", action="mark-packet", new_packet_mark="last")
    assert router.send(WEB).mark == "last"


def test_a_matcher_that_the_lab_does_not_know_is_an_error_and_no_guess(router: RouterOS) -> None:
    router.add(FILTER, chain="forward", action="drop", content="x")
    with pytest.raises(ValueError, match="does not know the matcher content"):
        router.send(WEB)


def test_a_session_puts_its_address_into_the_list_of_its_profile_while_it_lasts(router: RouterOS) -> None:
    router.add("/ppp/profile", name="slow", address_list="slow")
    router.add("/ppp/secret", name="ana", profile="slow")
    session = router.log_in("/ppp/active", "ana", "10.0.0.7")
    assert [(row["list"], row["address"], row["dynamic"]) for row in router.rows(LIST)] == [
        ("slow", "10.0.0.7", "true")
    ]
    router.remove("/ppp/active", session)
    assert router.rows(LIST) == []
