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

ROWS = {
    "+34910000011": "no_premium;x",
    "+34910000012": "incoming_only;x",
    "+34910000013": "emergency_only;x",
    "+34910000014": "released;x",
}
TWICE = {"+34910000015": "no_premium;x", "910000015@isp.lab": "incoming_only;x"}
"""One line with a row for its number and one for its address."""
EMERGENCY_LINE = "117"

Reached = tuple[str, ...]
REACHED: dict[str, Reached] = {
    "912345678": ("no_premium",),
    "+39061234567": ("no_premium",),
    "806123456": (),
    "+34806123456": (),
    "0034806123456": (),
    "34806123456": (),
    "905-123-456": (),
    "34912345678": ("no_premium",),
    "11822": (),
    "+97912345": (),
    "0097912345": (),
    "+39806123456": ("no_premium",),
    "80612345": ("no_premium",),
    "112": ("no_premium", "incoming_only", "emergency_only", "released"),
    "091": ("no_premium", "incoming_only", "emergency_only", "released"),
    "116111": ("no_premium", "incoming_only", "emergency_only", "released"),
    EMERGENCY_LINE: ("no_premium", "incoming_only", "emergency_only", "released"),
    CARE: ("no_premium", "incoming_only", "emergency_only"),
}
"""Which of the accesses below full let a line call there."""

Ask = Callable[..., str]


def _asker(address: str) -> Ask:
    host, _, port = address.partition(":")

    def ask(caller: str, destination: str, *more: str) -> str:
        lines = (
            f"OPTIONS {destination} SIP/2.0",
            "Via: SIP/2.0/UDP {0}:{1};branch=z9hG4bK1;rport",
            "Max-Forwards: 1",
            "From: <sip:asker@isp.lab>;tag=1",
            f"To: <{destination}>",
            "Call-ID: {1}@asker",
            "CSeq: 1 OPTIONS",
            f"X-Grifo-Probe: {caller}",
            *more,
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
            switch.put(EMERGENCY_LINE, "emergency", "grifo_allow")
            for name, value in {**ROWS, **TWICE}.items():
                switch.put(name, value)
            yield _asker(switch.sip_address)
        else:
            node = stack.enter_context(running_kamailio(allow=(CARE,)))
            for name in (BARRED_NUMBER, BARRED_ADDRESS):
                node.rpc("htable.sets", "grifo_barred", name, "x")
            for name, value in {**ROWS, **TWICE}.items():
                node.rpc("htable.sets", "grifo_barred", name, value)
            node.rpc("htable.sets", "grifo_allow", EMERGENCY_LINE, "emergency")
            yield _asker(node.sip_address)


@pytest.mark.parametrize(("destination", "barred"), DESTINATIONS.items())
def test_a_barred_caller_reaches_what_the_allow_list_says(ask: Ask, destination: str, barred: bool) -> None:
    _judge(ask(BARRED_NUMBER, destination), barred)


@pytest.mark.parametrize(("caller", "barred"), CALLERS.items())
def test_a_caller_is_known_however_it_is_written(ask: Ask, caller: str, barred: bool) -> None:
    _judge(ask(caller, "sip:912345678@isp.lab"), barred)
    _judge(ask(caller, "sip:112@isp.lab"), barred=False)


@pytest.mark.parametrize("number", REACHED)
def test_each_access_reaches_what_is_left_to_it(ask: Ask, number: str) -> None:
    for line, value in ROWS.items():
        access = value.partition(";")[0]
        for caller in (line, f"probe-{access}"):
            _judge(ask(caller, f"sip:{number}@isp.lab"), barred=access not in REACHED[number])


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("+34910000011", 200),
        ("+34910000012", 200),
        (BARRED_NUMBER, 200),
        ("+34910000013", 480),
        ("+34910000014", 404),
        ("probe", 200),
        ("probe-emergency_only", 480),
        ("probe-released", 404),
        ("910000013", 480),
        ("910000013@isp.lab", 480),
        ("+34910000099", 200),
    ],
)
def test_a_line_is_called_as_its_access_says(ask: Ask, line: str, status: int) -> None:
    answer = ask(line, "sip:912345678@isp.lab", "X-Grifo-Direction: in")
    assert answer.startswith(f"SIP/2.0 {status} ")
    assert f"X-Grifo-Decision: {'pass' if status == 200 else 'bar'}\r\n" in answer


def test_the_lower_of_a_lines_two_rows_decides(ask: Ask) -> None:
    """A line may be known by its number and by its address: both rows are looked at."""
    _judge(ask("910000015@isp.lab", "sip:912345678@isp.lab"), barred=True)
    _judge(ask("910000015@other.lab", "sip:912345678@isp.lab"), barred=False)
    _judge(ask("910000015@other.lab", "sip:806123456@isp.lab"), barred=True)


def _judge(answer: str, barred: bool) -> None:
    assert answer.startswith("SIP/2.0 603 " if barred else "SIP/2.0 200 ")
    assert f"X-Grifo-Decision: {'bar' if barred else 'pass'}\r\n" in answer
    assert ('Reason: SIP;cause=603;text="Outgoing calls barred"\r\n' in answer) is barred


@pytest.fixture
def switch(tmp_path: Path) -> Iterator[Switch]:
    with Switch(tmp_path / "switch.db") as switch:
        switch.put(BARRED_NUMBER, "x")
        switch.put("+34910000013", "emergency_only;x")
        switch.put("+34910000014", "released;x")
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
        ("INVITE", "34910000013", (BY_DIGEST.replace("0001", "0002"),), "", 480),
        ("MESSAGE", "34910000014", (BY_DIGEST.replace("0001", "0002"),), "", 404),
    ],
)
def test_the_simulator_answers_requests_as_the_dial_plan_does(
    switch: Switch, method: str, to: str, more: tuple[str, ...], tag: str, status: int
) -> None:
    assert _request(switch, method, to, *more, tag=tag).startswith(f"SIP/2.0 {status} ")


def test_the_rules_can_be_asked_without_a_wire(switch: Switch) -> None:
    assert switch.bars(BARRED_NUMBER, "912345678")
    assert not switch.bars(BARRED_NUMBER, "112")
    assert Rules({BARRED_NUMBER: "x"}, {}, "bars_all").bars(BARRED_NUMBER, "sip:112@isp.lab")
    assert not Rules({BARRED_NUMBER: "x"}, {}, "bars_none").bars(BARRED_NUMBER, "sip:912345678@isp.lab")
