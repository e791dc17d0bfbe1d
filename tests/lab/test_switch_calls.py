"""May A call B? The simulated switch says what the shipped dial plan says on Kamailio."""

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from lab.switch import Switch
from lab.switch.dialplan import Rules
from tests.servers.kamailio import running_kamailio

CARE = "900123456"
BARRED_NUMBER, BARRED_ADDRESS = "+34910000001", "ana@isp.lab"

DESTINATIONS = {
    "urn:service:sos": False,
    "urn:service:sos.police": False,
    "urn:service:counseling": True,
    "sip:112@isp.lab": False,
    "sip:112;phone-context=+34@isp.lab;user=phone": False,
    "tel:112": False,
    "tel:112;phone-context=+34": False,
    "sip:+34112@isp.lab": False,
    "sip:0034112@isp.lab": False,
    "sip:+112@isp.lab": False,
    "sip:1-1-2@isp.lab": False,
    "sip:%31%31%32@isp.lab": False,
    "sip:061@isp.lab": False,
    "sip:+34016@isp.lab": False,
    "sip:116111@isp.lab": False,
    "sip:1161112@isp.lab": True,
    "sip:1120@isp.lab": True,
    "sip:x112@isp.lab": True,
    "sip:+39112@isp.lab": True,
    "sip:isp.lab": True,
    "sip:912345678@isp.lab": True,
    f"sip:{CARE}@isp.lab": False,
    f"sip:+34{CARE}@isp.lab": False,
    f"sip:0034{CARE}@isp.lab": False,
    "sip:+34900123457@isp.lab": True,
}

CALLERS = {
    "probe": True,
    BARRED_NUMBER: True,
    "34910000001": True,
    "0034910000001": True,
    "910000001": True,
    "910000001@isp.lab": True,
    BARRED_ADDRESS: True,
    "ana@ISP.LAB": True,
    "Ana@isp.lab": False,
    "ana": False,
    "bob@isp.lab": False,
    "+34910000002": False,
}

Ask = Callable[[str, str], str]


def _asker(address: str) -> Ask:
    host, _, port = address.partition(":")

    def ask(caller: str, destination: str) -> str:
        lines = (
            f"OPTIONS {destination} SIP/2.0",
            "Via: SIP/2.0/UDP {0}:{1};branch=z9hG4bK1;rport",
            "Max-Forwards: 1",
            "From: <sip:asker@isp.lab>;tag=1",
            f"To: <{destination}>",
            "Call-ID: {1}@asker",
            "CSeq: 1 OPTIONS",
            f"X-Grifo-Probe: {caller}",
            "Content-Length: 0",
        )
        return _exchange((host, int(port)), "\r\n".join(lines) + "\r\n\r\n")

    return ask


def _exchange(address: tuple[str, int], request: str) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.settimeout(10)
        wire.connect(address)
        local = wire.getsockname()
        wire.send(request.replace("{0}", local[0]).replace("{1}", str(local[1])).encode())
        return wire.recv(65535).decode()


@pytest.fixture(scope="module", params=["simulator", pytest.param("kamailio", marks=pytest.mark.servers)])
def ask(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    with ExitStack() as stack:
        if request.param == "simulator":
            switch = stack.enter_context(Switch(tmp_path_factory.mktemp("switch") / "switch.db"))
            switch.put(BARRED_NUMBER, "x")
            switch.put(BARRED_ADDRESS, "x")
            switch.put(CARE, "1", "grifo_allow")
            yield _asker(switch.sip_address)
        else:
            node = stack.enter_context(running_kamailio(allow=(CARE,)))
            for name in (BARRED_NUMBER, BARRED_ADDRESS):
                node.rpc("htable.sets", "grifo_barred", name, "x")
            yield _asker(node.sip_address)


@pytest.mark.parametrize(("destination", "barred"), DESTINATIONS.items())
def test_a_barred_caller_reaches_what_the_allow_list_says(ask: Ask, destination: str, barred: bool) -> None:
    _judge(ask(BARRED_NUMBER, destination), barred)


@pytest.mark.parametrize(("caller", "barred"), CALLERS.items())
def test_a_caller_is_known_however_it_is_written(ask: Ask, caller: str, barred: bool) -> None:
    _judge(ask(caller, "sip:912345678@isp.lab"), barred)
    _judge(ask(caller, "sip:112@isp.lab"), barred=False)


def _judge(answer: str, barred: bool) -> None:
    assert answer.startswith("SIP/2.0 603 " if barred else "SIP/2.0 200 ")
    assert f"X-Grifo-Decision: {'bar' if barred else 'pass'}\r\n" in answer
    assert ('Reason: SIP;cause=603;text="Outgoing calls barred"\r\n' in answer) is barred


@pytest.fixture
def switch(tmp_path: Path) -> Iterator[Switch]:
    with Switch(tmp_path / "switch.db") as switch:
        switch.put(BARRED_NUMBER, "x")
        yield switch


def _request(switch: Switch, method: str, to: str, *more: str, tag: str = "") -> str:
    host, _, port = switch.sip_address.partition(":")
    lines = (
        f"{method} sip:{to}@isp.lab SIP/2.0",
        "Via: SIP/2.0/UDP {0}:{1};branch=z9hG4bK1",
        "From: <sip:somebody@isp.lab>;tag=1",
        f"To: <sip:{to}@isp.lab>{tag}",
        "Call-ID: {1}@asker",
        f"CSeq: 1 {method}",
        *more,
        "Content-Length: 0",
    )
    return _exchange((host, int(port)), "\r\n".join(lines) + "\r\n\r\n").splitlines()[0]


BY_DIGEST = 'Proxy-Authorization: Digest username="34910000001", realm="lab.invalid", response="0"'


@pytest.mark.parametrize(
    ("method", "to", "more", "tag", "status"),
    [
        ("INVITE", "912345678", (), "", 407),
        ("INVITE", "912345678", (BY_DIGEST,), "", 603),
        ("MESSAGE", "912345678", (BY_DIGEST,), "", 603),
        ("REFER", "912345678", (BY_DIGEST,), "", 603),
        ("INVITE", "112", (BY_DIGEST,), "", 200),
        ("INVITE", "912345678", (BY_DIGEST,), ";tag=up", 200),
        ("BYE", "912345678", (), ";tag=up", 200),
        ("REGISTER", "34910000001", (), "", 401),
        ("REGISTER", "34910000001", (BY_DIGEST.replace("Proxy-", ""),), "", 200),
        ("OPTIONS", "912345678", (), "", 200),
        ("INVITE", "912345678", (BY_DIGEST.replace("0001", "0002"),), "", 200),
    ],
)
def test_the_simulator_answers_requests_as_the_dial_plan_does(
    switch: Switch, method: str, to: str, more: tuple[str, ...], tag: str, status: int
) -> None:
    assert _request(switch, method, to, *more, tag=tag).startswith(f"SIP/2.0 {status} ")


def test_the_rules_can_be_asked_without_a_wire(switch: Switch) -> None:
    assert switch.bars(BARRED_NUMBER, "912345678")
    assert not switch.bars(BARRED_NUMBER, "112")
    assert Rules({BARRED_NUMBER}, set(), "bars_all").bars(BARRED_NUMBER, "sip:112@isp.lab")
    assert not Rules({BARRED_NUMBER}, set(), "bars_none").bars(BARRED_NUMBER, "sip:912345678@isp.lab")
