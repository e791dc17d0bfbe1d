"""The NAS by RFC 5176, against raw packets whose authenticators are computed here by hand, and against pyrad."""

import hashlib
import hmac
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyrad.client import Client
from pyrad.packet import CoAACK, DisconnectNAK

from drivers.radius.attributes import DICTIONARY
from lab.nas.dae import Misbehaviour, Strictness
from lab.nas.judge import Vendor
from lab.nas.nas import Nas, NasSettings
from lab.nas.run import PASSWORD, Running, running
from lab.nas.sessions import Subscriber

SECRET = b"hush"
USER, SESSION = 1, 44
COA, DISCONNECT = 43, 40


def tlv(code: int, value: bytes) -> bytes:
    return bytes([code, len(value) + 2]) + value


def packet(code: int, identifier: int, *items: tuple[int, bytes], secret: bytes = SECRET, signed: bool = True) -> bytes:
    """A request as RFC 5176, 2.3 has it: Message-Authenticator first, over zeros, then the Request Authenticator."""
    body = b"".join(tlv(*item) for item in items)
    if signed:
        blank = tlv(80, bytes(16)) + body
        head = struct.pack("!BBH", code, identifier, 20 + len(blank))
        body = tlv(80, hmac.new(secret, head + bytes(16) + blank, "md5").digest()) + body
    head = struct.pack("!BBH", code, identifier, 20 + len(body))
    return head + hashlib.md5(head + bytes(16) + body + secret).digest() + body


def now(shift: int = 0) -> tuple[int, bytes]:
    return 55, struct.pack("!I", int(time.time()) + shift)  # noqa: TID251 - protocol time


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path / "radius.db", ["ana", "bea"], SECRET, redial_s=3600) as started:
        yield started


class Dac:
    """A client of dynamic authorisation on one source port."""

    def __init__(self, nas: Nas) -> None:
        self._socket = socket.socket(type=socket.SOCK_DGRAM)
        self._socket.connect(("127.0.0.1", nas.port))

    def ask(self, data: bytes, patience_s: float = 5.0) -> bytes:
        self._socket.settimeout(patience_s)
        self._socket.send(data)
        return self._socket.recv(4096)

    def is_ignored(self, data: bytes) -> bool:
        """Whether nothing comes back: proven by a later packet that is answered first."""
        self._socket.send(data)
        probe = packet(DISCONNECT, 255, (USER, b"nobody"), now())
        answer = self.ask(probe)
        return answer[1] == 255

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def dac(lab: Running) -> Iterator[Dac]:
    client = Dac(lab.nas)
    yield client
    client.close()


def cause(reply: bytes) -> int | None:
    """Error-Cause, found by walking the attributes."""
    at = 20
    while at < len(reply):
        if reply[at] == 101:
            return int.from_bytes(reply[at + 2 : at + reply[at + 1]], "big")
        at += reply[at + 1]
    return None


def session_of(lab: Running, username: str) -> bytes:
    return lab.nas.sessions(username)[0].id.encode()


def test_a_disconnect_ends_the_session_and_its_reply_is_authentic(lab: Running, dac: Dac) -> None:
    request = packet(DISCONNECT, 7, (USER, b"ana"), (SESSION, session_of(lab, "ana")), now())
    reply = dac.ask(request)
    assert (reply[0], reply[1]) == (41, 7)
    expected = hashlib.md5(reply[:4] + request[4:20] + reply[20:] + SECRET).digest()
    assert reply[4:20] == expected
    blanked = reply[:4] + request[4:20] + tlv(80, bytes(16)) + reply[38:]
    assert reply[22:38] == hmac.new(SECRET, blanked, "md5").digest()
    assert lab.nas.sessions("ana") == []
    assert len(lab.nas.sessions("bea")) == 1


def test_a_coa_changes_what_it_names_and_nothing_else(lab: Running, dac: Dac) -> None:
    before = lab.nas.sessions("ana")[0].given
    value = struct.pack("!I", 14988) + bytes([8, 7]) + b"5M/5M"
    assert dac.ask(packet(COA, 1, (USER, b"ana"), (26, value), now()))[0] == 44
    after = lab.nas.sessions("ana")[0].given
    assert after["Mikrotik-Rate-Limit"] == ("5M/5M",)
    assert after["Framed-Pool"] == before["Framed-Pool"]


@pytest.mark.parametrize(
    ("code", "items", "expected"),
    [
        pytest.param(DISCONNECT, [(USER, b"nobody")], 503, id="no-such-session"),
        pytest.param(DISCONNECT, [], 402, id="nothing-names-a-session"),
        pytest.param(DISCONNECT, [(USER, b"ana"), (4, bytes([192, 0, 2, 9]))], 403, id="another-nas"),
        pytest.param(DISCONNECT, [(USER, b"ana"), (11, b"walled")], 401, id="disconnect-with-a-change"),
        pytest.param(DISCONNECT, [(USER, b"ana"), (8, bytes([10, 64, 0, 1]))], 401, id="disconnect-by-address"),
        pytest.param(COA, [(USER, b"ana")], 404, id="coa-without-a-change"),
        pytest.param(COA, [(USER, b"ana"), (88, b"pool-portal")], 401, id="coa-of-a-pool"),
        pytest.param(
            COA,
            [(USER, b"ana"), (26, struct.pack("!I", 14988) + tlv(19, b"portal"))],
            401,
            id="coa-of-an-address-list",
        ),
        pytest.param(COA, [(USER, b"ana"), (6, bytes([0, 0, 0, 17]))], 405, id="authorize-only"),
        pytest.param(COA, [(USER, b"ana"), (26, struct.pack("!I", 14988) + tlv(8, b"fast"))], 407, id="not-a-rate"),
    ],
)
def test_a_nak_says_why(lab: Running, dac: Dac, code: int, items: list[tuple[int, bytes]], expected: int) -> None:
    before = lab.nas.sessions()
    reply = dac.ask(packet(code, 3, *items, now()))
    assert (reply[0], cause(reply)) == (code + 2, expected)
    assert lab.nas.sessions() == before


def test_two_sessions_of_one_name_are_not_chosen_between(lab: Running, dac: Dac) -> None:
    lab.nas.dial([Subscriber("ana", PASSWORD, "02:00:00:00:00:99")])
    assert cause(dac.ask(packet(DISCONNECT, 3, (USER, b"ana"), now()))) == 508
    assert len(lab.nas.sessions("ana")) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(packet(DISCONNECT, 9, (USER, b"ana"), now(), secret=b"other"), id="another-secret"),
        pytest.param(packet(DISCONNECT, 9, (USER, b"ana"), now())[:-1] + b"\x00", id="a-changed-octet"),
        pytest.param(packet(DISCONNECT, 9, (USER, b"ana"), now(-1000)), id="stale"),
        pytest.param(packet(DISCONNECT, 9, (USER, b"ana"), now(1000)), id="of-the-future"),
        pytest.param(packet(1, 9, (USER, b"ana"), now()), id="another-code"),
        pytest.param(b"\x28\x09\x00\x10", id="too-short"),
        pytest.param(packet(DISCONNECT, 9, (USER, b"ana"))[:-1], id="cut-off"),
    ],
)
def test_what_is_not_authentic_or_stale_is_dropped_without_a_word(lab: Running, dac: Dac, wrong: bytes) -> None:
    assert dac.is_ignored(wrong)
    assert len(lab.nas.sessions("ana")) == 1


def test_a_wrong_message_authenticator_is_dropped_though_the_request_authenticator_is_right(
    lab: Running, dac: Dac
) -> None:
    assert dac.is_ignored(packet(DISCONNECT, 9, (80, bytes(16)), (USER, b"ana"), now(), signed=False))
    assert len(lab.nas.sessions("ana")) == 1


def test_the_same_packet_again_gets_the_same_reply_and_is_not_done_twice(lab: Running, dac: Dac) -> None:
    request = packet(DISCONNECT, 5, (USER, b"ana"), now())
    first = dac.ask(request)
    lab.nas.dial([Subscriber("ana", PASSWORD)])
    assert dac.ask(request) == first
    assert len(lab.nas.sessions("ana")) == 1


def test_a_reused_identifier_is_dropped_within_the_window_and_another_port_is_heard(lab: Running, dac: Dac) -> None:
    assert dac.ask(packet(DISCONNECT, 5, (USER, b"ana"), now()))[0] == 41
    assert dac.is_ignored(packet(DISCONNECT, 5, (USER, b"bea"), now()))
    assert len(lab.nas.sessions("bea")) == 1
    other = Dac(lab.nas)
    try:
        assert other.ask(packet(DISCONNECT, 5, (USER, b"bea"), now()))[0] == 41
    finally:
        other.close()


def test_a_reused_identifier_is_heard_after_the_window(lab: Running) -> None:
    settings = NasSettings(lab.server.auth, lab.server.acct, SECRET, strictness=Strictness(window_s=0.05))
    with Nas(settings) as nas:
        client = Dac(nas)
        try:
            assert cause(client.ask(packet(DISCONNECT, 5, (USER, b"x")))) == 503
            time.sleep(0.1)
            assert cause(client.ask(packet(DISCONNECT, 5, (USER, b"y")))) == 503
        finally:
            client.close()


def test_a_strict_nas_wants_both_signatures_and_a_timestamp(lab: Running) -> None:
    strict = Strictness(require_message_authenticator=True, require_event_timestamp=True)
    with Nas(NasSettings(lab.server.auth, lab.server.acct, SECRET, strictness=strict)) as nas:
        client = Dac(nas)
        try:
            assert client.is_ignored(packet(DISCONNECT, 1, (USER, b"ana"), now(), signed=False))
            assert client.is_ignored(packet(DISCONNECT, 2, (USER, b"ana")))
        finally:
            client.close()


def test_a_nas_that_is_set_not_to_listen_says_so(lab: Running) -> None:
    settings = NasSettings(lab.server.auth, lab.server.acct, SECRET, vendor=Vendor(accept=False))
    with Nas(settings) as nas:
        client = Dac(nas)
        try:
            assert cause(client.ask(packet(DISCONNECT, 1, (USER, b"ana"), now()))) == 501
        finally:
            client.close()


def test_misbehaviour_on_command(lab: Running, dac: Dac) -> None:
    lab.nas.misbehave(Misbehaviour(lie=True))
    assert dac.ask(packet(DISCONNECT, 1, (USER, b"ana"), now()))[0] == 41
    assert len(lab.nas.sessions("ana")) == 1
    lab.nas.misbehave(Misbehaviour(refuse=506))
    assert cause(dac.ask(packet(DISCONNECT, 2, (USER, b"ana"), now()))) == 506
    lab.nas.misbehave(Misbehaviour(drop_first=1))
    assert dac.is_ignored(packet(DISCONNECT, 3, (USER, b"ana"), now()))
    lab.nas.misbehave(Misbehaviour(delay_s=0.05))
    assert dac.ask(packet(DISCONNECT, 4, (USER, b"ana"), now()))[0] == 41


def test_pyrad_an_independent_client_is_understood_and_understands(lab: Running) -> None:
    client = Client("127.0.0.1", coaport=lab.nas.port, secret=SECRET, dict=DICTIONARY)
    try:
        change = client.CreateCoAPacket(code=43, message_authenticator=True, User_Name="ana")
        change["Mikrotik-Rate-Limit"] = "2M/2M"
        assert client.SendPacket(change).code == CoAACK
        unknown = client.CreateCoAPacket(code=40, message_authenticator=True, User_Name="nobody")
        reply = client.SendPacket(unknown)
        assert (reply.code, reply["Error-Cause"]) == (DisconnectNAK, [503])
    finally:
        client._CloseSocket()
    assert lab.nas.sessions("ana")[0].given["Mikrotik-Rate-Limit"] == ("2M/2M",)
