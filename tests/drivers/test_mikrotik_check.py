"""What the MikroTik driver says of a router's setup, and of its own settings."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from drivers.base import Refused, Unreachable
from drivers.mikrotik import build
from enforcement.access import Access, Kind
from lab.routeros import RouterOS
from tests.drivers.mikrotik_routers import OBSTRUCTING, USER, V4, converge, driver, entry, in_list, mark, router
from tests.lab.certificates import Certificate, make_certificate

LISTS = ("grifo-throttled", "grifo-portal", "grifo-blocked")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def device(certificate: Certificate) -> Iterator[RouterOS]:
    """A router whose rules use every list, in both families, before FastTrack."""
    with router(certificate=certificate.pair) as running:
        for family in ("ip", "ipv6"):
            for name in LISTS:
                running.add(f"/{family}/firewall/filter", chain="forward", action="jump", src_address_list=name)
            running.add(f"/{family}/firewall/filter", chain="forward", action="fasttrack-connection")
        yield running


def said(device: RouterOS, certificate: Certificate, **settings: Any) -> list[str]:
    ours = driver(device, **{"port": device.tls_port, "tls": True, "ca_file": certificate.file, **settings})
    try:
        return list(ours.check())
    finally:
        ours.close()


def test_a_router_that_is_set_up_well_has_no_problems(device: RouterOS, certificate: Certificate) -> None:
    assert said(device, certificate) == []


def test_a_list_that_no_enabled_rule_uses_would_restrict_nobody(device: RouterOS, certificate: Certificate) -> None:
    for family in ("ip", "ipv6"):
        device.set(f"/{family}/firewall/filter", "*2", disabled="yes")
    problems = said(device, certificate)
    assert "no enabled firewall rule uses list grifo-portal: portal would restrict nobody" in problems


def test_a_list_without_its_ipv6_twin_leaves_ipv6_open(device: RouterOS, certificate: Certificate) -> None:
    device.remove("/ipv6/firewall/filter", "*3")
    problems = said(device, certificate)
    assert problems[-1] == "no enabled IPv6 firewall rule uses list grifo-blocked: blocked leaves IPv6 open"
    assert not any("IPv6" in problem for problem in said(device, certificate, ipv6=False))


def test_fasttrack_before_the_lists_rules_is_told(device: RouterOS, certificate: Certificate) -> None:
    first = device.rows("/ip/firewall/filter")[0][".id"]
    device.add("/ip/firewall/filter", chain="forward", action="fasttrack-connection", place_before=first)
    [problem] = said(device, certificate)
    assert problem.startswith("IPv4 filter rule *5 fasttracks connections of grifo-throttled, grifo-portal, grifo-bl")


def test_an_account_that_cannot_write_is_told(device: RouterOS, certificate: Certificate) -> None:
    device.set("/user", USER.name, group="read")
    assert said(device, certificate) == ["user grifo (group read) lacks the policy write"]


def test_plain_api_and_anonymous_tls_are_told() -> None:
    with router() as device:
        ours = driver(device)
        problems = ours.check()
        ours.close()
    assert problems[0].startswith("the API is spoken without TLS")
    assert problems[1].startswith("service api-ssl has no certificate")


def test_an_old_version_is_told(certificate: Certificate) -> None:
    with router(version="6.49.10") as device:
        ours = driver(device)
        assert any(problem.startswith("RouterOS 6.49.10") for problem in ours.check())
        ours.close()


def test_entries_that_cover_many_and_entries_that_a_reboot_loses_are_told(
    device: RouterOS, certificate: Certificate
) -> None:
    device.add(V4, list=OBSTRUCTING, address="10.0.0.0/24", comment="antiguos")
    device.add(V4, list="grifo-portal", address="10.0.1.1-10.0.1.9")
    device.add(V4, list="grifo-portal", address="10.0.2.1", comment=str(mark(entry(1))), timeout="1d")
    problems = said(device, certificate)
    assert [problem.split(" (")[0] for problem in problems] == [
        f"entry *4 in list {OBSTRUCTING} covers 10.0.0.0/24",
        "entry *5 in list grifo-portal covers 10.0.1.1-10.0.1.9",
        "our entry *6",
    ]


def test_a_certificate_that_is_not_trusted_is_refused_and_no_password_sent(
    device: RouterOS, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = make_certificate(tmp_path_factory.mktemp("other"))
    with pytest.raises(Refused, match="certificate is not trusted"):
        said(device, other)


def test_a_certificate_for_another_name_is_refused(device: RouterOS, certificate: Certificate) -> None:
    with pytest.raises(Refused, match="certificate is not trusted"):
        said(device, certificate, server_name="router.example")
    assert said(device, certificate, server_name="localhost") == []


def test_a_router_without_a_certificate_is_refused_in_words(device: RouterOS) -> None:
    with _handshaking() as port:
        careful = driver(device, port=port, tls=True)
        with pytest.raises(Refused, match=r'install a certificate on the router .* tls = "anonymous"'):
            careful.observe()


@contextmanager
def _handshaking() -> Iterator[int]:
    """Something on a port that has no certificate, and says so in TLS' own words as it refuses; answers its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("aNULL:@SECLEVEL=0")
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        client, _ = listener.accept()
        with client, suppress(ssl.SSLError):
            context.wrap_socket(client, server_side=True)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        thread.join()
        listener.close()


def test_anonymous_tls_is_spoken_where_it_is_asked_for_and_nowhere_else() -> None:
    with router(anonymous=True) as device:
        careful = driver(device, port=device.tls_port, tls=True)
        # However its end of the connection is met first: as an alert, as an end, as a reset.
        with pytest.raises((Unreachable, Refused), match=r"certificate|reset|closed the connection"):
            careful.observe()
        careless = driver(device, port=device.tls_port, tls="anonymous")
        converge(careless, entry(1))
        assert in_list(device) == [("grifo-portal", "10.0.0.1")]
        assert any("service api-ssl has no certificate" in problem for problem in careless.check())
        careless.close()


def test_bindings_that_let_a_customer_past_the_hotspot_are_told(device: RouterOS, certificate: Certificate) -> None:
    device.add("/ip/hotspot/ip-binding", mac_address="02:00:00:00:00:01", type="bypassed")
    device.add("/ip/hotspot/ip-binding", mac_address="02:00:00:00:00:02", type="bypassed", disabled="yes")
    assert said(device, certificate) == []
    problems = said(device, certificate, ways={"mac": "hotspot"})
    assert problems == ["/ip/hotspot/ip-binding *1 lets 02:00:00:00:00:01 past the hotspot"]


def test_duplicates_of_an_old_configuration_are_told(device: RouterOS, certificate: Certificate) -> None:
    device.load(V4, [{"list": "grifo-portal", "address": "10.0.2.1", "comment": str(mark(entry(1)))}] * 3)
    assert said(device, certificate) == ["list grifo-portal has 10.0.2.1 3 times: all go together"]


def test_a_rule_that_accepts_before_the_lists_is_told(device: RouterOS, certificate: Certificate) -> None:
    first = device.rows("/ip/firewall/filter")[0][".id"]
    device.add(
        "/ip/firewall/filter", chain="forward", action="accept", connection_state="established", place_before=first
    )
    [problem] = said(device, certificate)
    assert problem == (
        "IPv4 filter rule *5 accepts before any rule of grifo-throttled, grifo-portal, grifo-blocked is asked: "
        "what it matches (connection-state=established) passes whoever is restricted"
    )


GOOD = {"host": "192.0.2.1", "username": "grifo", "password_env": "GRIFO_TEST_ROUTER"}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"host": ""}, "host must be given"),
        ({"username": 7}, "username must be given"),
        ({"tls": "no"}, "tls must be true or false"),
        ({"port": 0}, "port must be a number"),
        ({"ca_file": "/nowhere.pem"}, "ca_file: /nowhere.pem is not a file"),
        ({"ca_file": "/nowhere.pem", "tls": False}, "tls = false"),
        ({"password": "plain"}, "password must not stand in the settings file"),
        ({"lists": {"portal": ""}}, "lists: portal"),
        ({"lists": {"incoming_only": "x"}}, "lists: 'incoming_only' is not one of"),
        ({"lists": {"portal": "x", "blocked": "x"}}, "a list of its own"),
        ({"lists": ["x"]}, "lists must be a table"),
        ({"obstructing_lists": ["grifo-portal"]}, "one of grifo's own lists"),
        ({"obstructing_lists": "x"}, "obstructing_lists must be a list"),
        ({"reply_seconds": 0}, "reply_seconds must be a number of seconds"),
        ({"adress": "x"}, "adress is not a setting"),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else "",
)
def test_a_wrong_setting_is_named(wrong: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIFO_TEST_ROUTER", "x")
    with pytest.raises(ValueError, match=words):
        build({**GOOD, **wrong}, "isp")


def test_tls_is_what_is_spoken_unless_plain_api_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIFO_TEST_ROUTER", "x")
    ours = build(GOOD, "isp")
    assert ours.capabilities.access == {Kind.INTERNET: {Access.THROTTLED, Access.PORTAL, Access.BLOCKED}}
    assert "tls=True" in repr(vars(ours))
    assert "port=8729" in repr(vars(ours))
