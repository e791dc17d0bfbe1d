"""The switch's SIP side (RFC 3261), as much as shows the effect of a barring: one request in, one answer out. Pure.

Who calls is who authenticated by digest, as in the real dial plan; the simulator knows no passwords and believes the
digest's user name. A request without one is challenged, except for OPTIONS and what belongs to a dialog.
"""

import re
from dataclasses import dataclass

from lab.switch.dialplan import Rules
from lab.switch.faults import BLOCKS

REASON = 'SIP;cause=603;text="Outgoing calls barred"'
ABSENT = 'Q.850;cause=20;text="Subscriber absent"'
UNALLOCATED = 'Q.850;cause=1;text="Unallocated number"'
_REALM = "lab.invalid"
_BARRABLE = frozenset({"INVITE", "MESSAGE", "REFER"})
_START = re.compile(r"([A-Z]+) (\S+) SIP/2\.0")
_COPIED = ("via", "from", "to", "call-id", "cseq", "record-route")
_COMPACT = {"v": "via", "f": "from", "t": "to", "i": "call-id"}


@dataclass(frozen=True, slots=True)
class Request:
    """What matters of a request: its method, its URI and its headers in order, names in lower case."""

    method: str
    uri: str
    headers: tuple[tuple[str, str], ...]

    def header(self, name: str) -> str:
        """The first header of that name; empty where there is none."""
        return next((value for found, value in self.headers if found == name), "")

    @property
    def in_dialog(self) -> bool:
        return re.search(r";\s*tag=", self.header("to")) is not None


def parse(datagram: bytes) -> Request | None:
    """The request in a datagram; None for a response, an ACK or anything else that gets no answer."""
    head = datagram.decode(errors="replace").partition("\r\n\r\n")[0]
    lines = re.sub(r"\r\n[ \t]+", " ", head).split("\r\n")
    start = _START.fullmatch(lines[0])
    if start is None or start[1] == "ACK":
        return None
    pairs = (line.partition(":") for line in lines[1:] if ":" in line)
    headers = tuple((_name(name), value.strip()) for name, _, value in pairs)
    return Request(start[1], start[2], headers)


def answer(request: Request, rules: Rules) -> bytes:
    """The final answer by the dial plan: the same order of rules as the fragments that operators install."""
    probed = request.header("x-grifo-probe")
    if request.method == "OPTIONS":
        return _asked(request, rules, probed) if probed and rules.fault != "missing" else _response(request, 200, "OK")
    if request.in_dialog or request.method == "CANCEL":
        return _response(request, 200, "OK")
    caller = _authenticated(request)
    if caller is None:
        challenge = f'Digest realm="{_REALM}", nonce="{id(rules):x}", algorithm=MD5'
        if request.method == "REGISTER":
            return _response(request, 401, "Unauthorized", f"WWW-Authenticate: {challenge}")
        return _response(request, 407, "Proxy Authentication Required", f"Proxy-Authenticate: {challenge}")
    if request.method in _BARRABLE and "barring" not in rules.uncalled and rules.bars(caller, request.uri, _REALM):
        return _response(request, 603, "Outgoing calls barred", f"Reason: {REASON}")
    callee = re.sub("^sips?:", "", request.uri)
    if request.method in _BARRABLE and "incoming" not in rules.uncalled and rules.bars_incoming(callee):
        return _absent(request, rules.access(callee))
    return _response(request, 200, "OK", "Contact: <sip:switch@lab.invalid>")


def _asked(request: Request, rules: Rules, caller: str) -> bytes:
    passed = f"X-Grifo-Passed: {' '.join(block for block in BLOCKS if block not in rules.uncalled)}"
    if request.header("x-grifo-direction") == "in":
        return _asked_of_incoming(request, rules, caller, passed)
    if rules.bars(caller, request.uri):
        return _response(request, 603, "Outgoing calls barred", passed, "X-Grifo-Decision: bar", f"Reason: {REASON}")
    return _response(request, 200, "OK", passed, "X-Grifo-Decision: pass")


def _asked_of_incoming(request: Request, rules: Rules, callee: str, passed: str) -> bytes:
    if not rules.bars_incoming(callee):
        return _response(request, 200, "OK", passed, "X-Grifo-Decision: pass")
    return _absent(request, rules.access(callee), passed, "X-Grifo-Decision: bar")


def _absent(request: Request, access: str, *more: str) -> bytes:
    """Whoever calls learns that nobody can be reached, and nothing of why."""
    if access == "released":
        return _response(request, 404, "Not Found", *more, f"Reason: {UNALLOCATED}")
    return _response(request, 480, "Temporarily Unavailable", *more, f"Reason: {ABSENT}")


def _authenticated(request: Request) -> str | None:
    for name in ("proxy-authorization", "authorization"):
        found = re.search(r'username="([^"]+)"', request.header(name))
        if found:
            return found[1]
    return None


def _response(request: Request, status: int, words: str, *more: str) -> bytes:
    copied = []
    for name, value in request.headers:
        if name not in _COPIED:
            continue
        tagged = f"{value};tag=lab" if name == "to" and not request.in_dialog else value
        copied.append(f"{name.title()}: {tagged}")
    lines = (f"SIP/2.0 {status} {words}", *copied, *more, "Server: grifo lab switch", "Content-Length: 0")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _name(text: str) -> str:
    name = text.strip().lower()
    return _COMPACT.get(name, name)
