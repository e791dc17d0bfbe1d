"""Asking a node "may this caller call there?" by SIP OPTIONS over UDP (RFC 3261, sections 11 and 17.1.2).

OPTIONS never sets up a call, whatever the dial plan. The shipped fragment answers it by the same routing block that
decides real calls and says so in `X-Grifo-Decision`; any other answer is no verdict. All questions go out at once from
one socket, and unanswered ones again by timer E of the RFC.
"""

import contextlib
import re
import secrets
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass

from drivers.sip.allowlist import Block, Question, Verdict
from enforcement.access import Access

_T1_S = 0.5
_STATUS = re.compile(r"SIP/2\.0 ([1-6][0-9]{2}) ")
_CSEQ = re.compile(r"^CSeq\s*:\s*(\d+)\s+OPTIONS\s*$", re.IGNORECASE | re.MULTILINE)
_CALL_ID = re.compile(r"^(?:Call-ID|i)\s*:\s*(\S+)\s*$", re.IGNORECASE | re.MULTILINE)
_DECISION = re.compile(r"^X-Grifo-Decision\s*:\s*(pass|bar)\s*$", re.IGNORECASE | re.MULTILINE)
_PASSED = re.compile(r"^X-Grifo-Passed\s*:(.*)$", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class SipAddress:
    """Where a node takes SIP over UDP."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str, usual: int = 5060) -> "SipAddress":
        """`host`, `host:port` or `[v6]:port`; the usual port where none is given. Raises ValueError."""
        found = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([^:\[\]\s]+))(?::([0-9]{1,5}))?", text)
        port = int(found[3]) if found and found[3] else usual
        if found is None or not 0 < port < 65536:
            raise ValueError(f"{text!r} is not host:port")
        return cls(found[1] or found[2], port)

    @property
    def uri_host(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host


def ask(node: SipAddress, questions: Sequence[Question], timeout_s: float) -> dict[Question, Verdict]:
    """What `node` would do, by question. Never raises for the network: what has no answer is `NO_ANSWER`."""
    answers = _answers(node, questions, timeout_s)
    return {
        question: _meaning(answers[at]) if at in answers else Verdict.NO_ANSWER
        for at, question in enumerate(questions, start=1)
    }


def passed(node: SipAddress, question: Question, timeout_s: float) -> frozenset[Block] | None:
    """Which routing blocks of `node` a call has passed since it started; None where the fragment does not answer."""
    answer = _answers(node, [question], timeout_s).get(1, "")
    told = _PASSED.search(answer)
    if told is None:
        return frozenset() if _DECISION.search(answer) else None
    return frozenset(block for block in Block if block.value in told[1].split())


def _answers(node: SipAddress, questions: Sequence[Question], timeout_s: float) -> dict[int, str]:
    """The final answers that came in time, by the question's place in the row, from 1."""
    answers: dict[int, str] = {}
    with contextlib.suppress(OSError), _connected(node) as wire:
        call_id = f"{secrets.token_hex(8)}@grifo.invalid"
        texts = {at: _question(node, wire, call_id, at, question) for at, question in enumerate(questions, start=1)}
        _exchange(wire, call_id, texts, answers, time.monotonic() + timeout_s)
    return answers


def _connected(node: SipAddress) -> socket.socket:
    """A connected socket takes datagrams of the node alone."""
    family, kind, protocol, _, address = socket.getaddrinfo(node.host, node.port, type=socket.SOCK_DGRAM)[0]
    wire = socket.socket(family, kind, protocol)
    try:
        wire.connect(address)
    except OSError:
        wire.close()
        raise
    return wire


def _exchange(
    wire: socket.socket,
    call_id: str,
    texts: dict[int, bytes],
    answers: dict[int, str],
    deadline: float,
) -> None:
    """Send all, then again what has no answer, at T1, 2 T1, 4 T1 ... until all are answered or time is up."""
    wait = _T1_S
    while texts and time.monotonic() < deadline:
        for text in texts.values():
            wire.send(text)
        until = min(deadline, time.monotonic() + wait)
        while texts and (left := until - time.monotonic()) > 0:
            wire.settimeout(left)
            try:
                answer = wire.recv(65535)
            except TimeoutError:
                break
            text_of_it = answer.decode(errors="replace").replace("\r\n", "\n")
            number = _answered(call_id, text_of_it)
            if number in texts:
                del texts[number]
                answers[number] = text_of_it
        wait *= 2


def _question(node: SipAddress, wire: socket.socket, call_id: str, number: int, asked: Question) -> bytes:
    host, port = wire.getsockname()[:2]
    local = f"[{host}]" if ":" in host else host
    to = asked.destination
    uri = to if to.startswith("urn:") else f"sip:{to}@{node.uri_host}"
    lines = (
        f"OPTIONS {uri} SIP/2.0",
        f"Via: SIP/2.0/UDP {local}:{port};branch=z9hG4bK{secrets.token_hex(8)};rport",
        "Max-Forwards: 1",
        f"From: <sip:probe@grifo.invalid>;tag={secrets.token_hex(4)}",
        f"To: <{uri}>",
        f"Call-ID: {call_id}",
        f"CSeq: {number} OPTIONS",
        f"X-Grifo-Probe: {_line(asked.access)}",
        *(("X-Grifo-Direction: in",) if asked.incoming else ()),
        "Content-Length: 0",
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _line(access: Access) -> str:
    """The name by which the fragment knows a line of that access that has no row."""
    return "probe" if access is Access.INCOMING_ONLY else f"probe-{access.value}"


def _answered(call_id: str, text: str) -> int:
    """Which question an answer is for; 0 for a provisional answer or a stranger's."""
    status, cseq, found_id = _STATUS.match(text), _CSEQ.search(text), _CALL_ID.search(text)
    if status is None or cseq is None or found_id is None or found_id[1] != call_id or status[1].startswith("1"):
        return 0
    return int(cseq[1])


def _meaning(text: str) -> Verdict:
    status, decision = _STATUS.match(text), _DECISION.search(text)
    said = status[1] if status else ""
    if decision is None:
        return Verdict.FORBIDDEN if said == "403" else Verdict.NO_FRAGMENT
    verdict = Verdict(decision[1].lower())
    agrees = (said == "200") == (verdict is Verdict.PASS)
    return verdict if agrees else Verdict.NO_FRAGMENT
