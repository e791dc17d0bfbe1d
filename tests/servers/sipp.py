"""SIPp 3.6 as a subscriber's telephone or another network's gateway, playing scenarios that are composed here.

SIPp's own exit code is the verdict: it leaves with 0 only where every message came as the scenario says.
"""

import contextlib
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import quoteattr

from tests.servers.answering import Answering
from tests.servers.kamailio import Kamailio, free_udp_port

PASSWORD = "secret"
_REASON = "SIP;cause=603;text=.Outgoing calls barred"
_CAUSES = {480: "Q.850;cause=20;", 404: "Q.850;cause=1;"}
_SDP = "v=0\no=u 1 1 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 40000 RTP/AVP 8"
_TIMEOUT_S = 20


@dataclass(frozen=True)
class Phone:
    """A subscriber's telephone on a port of its own; it answers a digest challenge as `user`.

    `claims` is whom its From names, where that is somebody else.
    """

    user: str
    claims: str = ""
    port: int = field(default_factory=free_udp_port)

    def registers(self, node: Kamailio, contact_port: int) -> None:
        """Calls for the user ring at `contact_port` from now on."""
        contact = f"Contact: <sip:{self.user}@127.0.0.1:{contact_port}>\nExpires: 600"
        _play(
            node,
            self.port,
            _send("REGISTER", self.user, self.user, 1, contact),
            _recv(401, 'auth="true"'),
            _send("REGISTER", self.user, self.user, 2, f"{contact}\n{self._digest}"),
            _recv(200),
        )

    def calls(self, node: Kamailio, to: str) -> None:
        """Calls `to` (a number or a URN), is answered, and hangs up."""
        _play(node, self.port, *self._asks("INVITE", to), *self._is_answered(to, 2), *self._hangs_up(to, 3))

    def is_barred(self, node: Kamailio, to: str, status: int = 603, method: str = "INVITE") -> None:
        """Is answered `status` with our Reason."""
        acknowledged = [_send("ACK", self._from, to, 2, in_place=True)] if method == "INVITE" else []
        _play(node, self.port, *self._asks(method, to), _refusal(status), *acknowledged)

    def is_turned_away(self, node: Kamailio, to: str, status: int, more: str = "") -> None:
        """Calls a line that is not to be called: answered with `status` and a cause."""
        acknowledged = _send("ACK", self._from, to, 2, in_place=True)
        _play(node, self.port, *self._asks("INVITE", to, more), _refusal(status, _CAUSES[status]), acknowledged)

    @contextlib.contextmanager
    def talks(self, node: Kamailio, to: str, call_id: str) -> Iterator["subprocess.Popen[bytes]"]:
        """A call that lasts until the telephone gets an INFO of this Call-ID; then it re-INVITEs and hangs up."""
        steps = [
            *self._asks("INVITE", to),
            *self._is_answered(to, 2),
            '<recv request="INFO"/>',
            _send("INVITE", self._from, to, 3, dialog=True),
            *self._is_answered(to, 3),
            *self._hangs_up(to, 4),
        ]
        with _started(node, self.port, steps, "-cid_str", call_id) as process:
            yield process

    def _asks(self, method: str, to: str, more: str = "") -> list[str]:
        """The request, challenged and sent again with the digest."""
        return [
            _send(method, self._from, to, 1),
            _recv(401, 'auth="true"'),
            *([_send("ACK", self._from, to, 1, in_place=True)] if method == "INVITE" else []),
            _send(method, self._from, to, 2, f"{more}\n{self._digest}" if more else self._digest),
        ]

    def _is_answered(self, to: str, cseq: int) -> list[str]:
        return [*_progress(), _recv(200, 'rrs="true"'), _send("ACK", self._from, to, cseq, dialog=True)]

    def _hangs_up(self, to: str, cseq: int) -> list[str]:
        return [_send("BYE", self._from, to, cseq, dialog=True), _recv(200)]

    @property
    def _from(self) -> str:
        return self.claims or self.user

    @property
    def _digest(self) -> str:
        return f"[authentication username={self.user} password={PASSWORD}]"


def passes_every_block(node: Kamailio) -> None:
    """One call of a subscriber to 910000005, who forwards all to another network: as a switch in service has many."""
    with Answering(node.gateway_port):
        Phone("34910000002").calls(node, "34910000005")


def calls_in(node: Kamailio, to: str, more: str = "") -> None:
    """A call from another network to a subscriber, by the gateway, answered and hung up; `more` are header lines."""
    _play(
        node,
        node.gateway_port,
        _send("INVITE", "912345678", to, 1, more),
        *_progress(),
        _recv(200, 'rrs="true"'),
        _send("ACK", "912345678", to, 1, dialog=True),
        _send("BYE", "912345678", to, 2, dialog=True),
        _recv(200),
    )


def is_turned_away(node: Kamailio, to: str, status: int, method: str = "INVITE") -> None:
    """A call or message from another network to a subscriber, by the gateway, answered with `status` and a cause."""
    acknowledged = [_send("ACK", "912345678", to, 1, in_place=True)] if method == "INVITE" else []
    asked = _send(method, "912345678", to, 1)
    _play(node, node.gateway_port, asked, _refusal(status, _CAUSES[status]), *acknowledged)


def _play(node: Kamailio, port: int, *steps: str) -> None:
    """Play a scenario to its end. Raises AssertionError with SIPp's words."""
    with _started(node, port, steps) as process:
        assert process.wait(_TIMEOUT_S + 5) == 0, errors_of(process)


def errors_of(process: "subprocess.Popen[bytes]") -> str:
    """What a SIPp that failed has to say."""
    assert isinstance(process.args, list)
    file = Path(process.args[process.args.index("-error_file") + 1])
    return file.read_text(errors="replace")[-3000:] if file.exists() else "no words"


@contextlib.contextmanager
def _started(node: Kamailio, port: int, steps: Sequence[str], *options: str) -> Iterator["subprocess.Popen[bytes]"]:
    with tempfile.TemporaryDirectory(prefix="grifo-sipp-") as folder:
        scenario = Path(folder) / "scenario.xml"
        body = "\n".join(steps)
        scenario.write_text(f'<?xml version="1.0" encoding="us-ascii"?>\n<scenario name="s">\n{body}\n</scenario>\n')
        command = ["sipp", node.sip_address, "-sf", str(scenario), "-i", "127.0.0.1", "-p", str(port), "-m", "1"]
        command += ["-nostdin", "-timeout", f"{_TIMEOUT_S}s", "-timeout_error", "-trace_err"]
        command += ["-error_file", str(Path(folder) / "errors"), *options]
        with (Path(folder) / "screen").open("wb") as screen:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=screen, stderr=screen, cwd=folder)
            try:
                yield process
            finally:
                process.kill()
                process.wait()


def _send(
    method: str, user: str, to: str, cseq: int, more: str = "", *, dialog: bool = False, in_place: bool = False
) -> str:
    """A request; `dialog` routes it as the dialog says, `in_place` acknowledges a refusal (RFC 3261, 17.1.1.3)."""
    uri = to if to.startswith("urn:") else f"sip:{to}@isp.lab"
    target = "[next_url]" if dialog else "sip:isp.lab" if method == "REGISTER" else uri
    lines = [
        f"{method} {target} SIP/2.0",
        "[last_Via:]" if in_place else "Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]",
        "Max-Forwards: 70",
        *(["[routes]"] if dialog else []),
        f"From: <sip:{user}@isp.lab>;tag=a[call_number]",
        "[last_To:]" if dialog or in_place else f"To: <{uri}>",
        "Call-ID: [call_id]",
        f"CSeq: {cseq} {method}",
        *([more] if more else []),
    ]
    if method == "INVITE":
        lines += [f"Contact: <sip:{user}@[local_ip]:[local_port]>", "Content-Type: application/sdp"]
    if method == "REFER":
        lines += [f"Contact: <sip:{user}@[local_ip]:[local_port]>", "Refer-To: <sip:806123456@isp.lab>"]
    body = _SDP if method == "INVITE" else ""
    text = "\n".join([*lines, "Content-Length: [len]", "", body])
    repeat = "" if method == "ACK" else ' retrans="500"'
    return f"<send{repeat}><![CDATA[\n{text}\n]]></send>"


def _recv(status: int, more: str = "") -> str:
    return f'<recv response="{status}" {more}/>'


def _progress() -> list[str]:
    return [_recv(100, 'optional="true"'), _recv(180, 'optional="true"')]


def _refusal(status: int, reason: str = _REASON) -> str:
    check = f'<ereg regexp={quoteattr(reason)} search_in="hdr" header="Reason:" check_it="true" assign_to="r"/>'
    return f'<recv response="{status}"><action>{check}</action></recv>\n<Reference variables="r"/>'
