"""Whether each NAS would obey, asked without touching anybody: a Disconnect for a session that cannot exist.

Any signed answer proves address, port, secret and clock; nothing else does before the first customer who pays. It names
the session as a real Disconnect does, so that a NAS that would end others by it would do so every day, and always by
user name and session id too, random both: one that goes by either alone, or by its own address, finds nobody.
"""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import replace

from pyrad.packet import DisconnectACK, DisconnectNAK, DisconnectRequest

from drivers.radius.packets import SILENCE, Answer, Ask
from drivers.radius.profile import Way
from drivers.radius.rows import Session
from drivers.radius.settings import Nas, Settings
from drivers.radius.telling import identification, words_of

NOBODYS = ("User-Name", "Acct-Session-Id")
NO_CUSTOMERS_ADDRESS = "240.0.0.1"
"""Of the block that is reserved (RFC 1112, 4): no session has it."""
UNSUPPORTED_ATTRIBUTE = 401
REFUSES_ALL = (UNSUPPORTED_ATTRIBUTE, 402, 403, 405, 501, 502, 508)
"""Error-Causes that a real session would meet too. Others say of these names alone that they are none."""


def probes(settings: Settings) -> list[Ask]:
    """One request for each NAS that takes any."""
    return [_probe(nas) for nas in settings.nases.values() if nas.way is not Way.NONE]


def _probe(nas: Nas) -> Ask:
    name = f"grifo-check-{secrets.token_hex(8)}"
    nobody = Session(0, name, name, nas.nas_ip, NO_CUSTOMERS_ADDRESS, name, None, False, "")
    more = [one for one in NOBODYS if one not in nas.identifiers]
    return Ask(nas, DisconnectRequest, identification(replace(nas, identifiers=(*more, *nas.identifiers)), nobody))


def unfit(asks: Sequence[Ask], answers: Sequence[Answer]) -> Iterator[str]:
    """What the answers say that would defeat a Disconnect or a CoA, in words."""
    for ask, answer in zip(asks, answers, strict=True):
        if wrong := _wrong(ask.nas, answer):
            yield f"NAS {ask.nas.nas_ip} {wrong}"


def _wrong(nas: Nas, answer: Answer) -> str:
    if answer == SILENCE:
        return (
            f"does not answer at {nas.address} port {nas.port}: it is down or behind a firewall, has another secret,"
            " its clock is off, or it takes no CoA and Disconnect yet (prepare prints what to enter on it)"
        )
    if answer.code == DisconnectACK:
        return "acknowledges a Disconnect of a session that cannot exist: whatever it says to one proves nothing"
    if answer.code not in (DisconnectNAK, None):
        return f"answers a Disconnect with packet code {answer.code}, which is no answer to it"
    unasked = answer.error_cause == UNSUPPORTED_ATTRIBUTE and not set(NOBODYS) <= set(nas.identifiers)
    if answer.error_cause in REFUSES_ALL and not unasked:
        return f"refuses every Disconnect: {words_of(answer.error_cause)}"
    return ""
