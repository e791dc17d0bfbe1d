"""CoA and Disconnect as bytes (RFC 5176): a request made once, and the proof that a reply is its own.

pyrad makes the request. It does not check a reply's code, so the code is returned as it came and judged elsewhere.
"""

import time
from dataclasses import dataclass

from pyrad.packet import CoAPacket, PacketError

from drivers.radius.attributes import DICTIONARY, Value
from drivers.radius.settings import Nas


@dataclass(frozen=True, slots=True)
class Ask:
    """One request to one NAS; `code` is 40 or 43."""

    nas: Nas
    code: int
    attributes: tuple[tuple[str, Value], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """A verified reply; `code` None is silence: lost, late, a wrong secret or clock, a NAS that is down. Unknown.

    Without a code but with an `error_cause`: the NAS was not asked, because it had just answered others so.
    """

    code: int | None
    error_cause: int | None = None


SILENCE = Answer(None)


def request(ask: Ask, identifier: int) -> tuple[CoAPacket, bytes]:
    """The packet with its Event-Timestamp of this moment: the NAS drops what is older than its window (6.3)."""
    packet = CoAPacket(
        code=ask.code,
        id=identifier,
        secret=ask.nas.secret.reveal().encode(),
        dict=DICTIONARY,
        message_authenticator=True,
    )
    for name, value in ask.attributes:
        packet.AddAttribute(name, value)
    packet.AddAttribute("Event-Timestamp", int(time.time()))  # noqa: TID251 - protocols keep the real clock
    return packet, packet.RequestPacket()


def answer(packet: CoAPacket, data: bytes) -> Answer | None:
    """The answer in `data`, if it is truly one to `packet`: authenticator and Message-Authenticator fit."""
    try:
        reply = packet.CreateReply(packet=data)
        if not packet.VerifyReply(reply, data):
            return None
        causes = reply.get("Error-Cause", [])
    except (PacketError, ValueError):
        return None
    return Answer(int(reply.code), int(causes[0]) if causes else None)
