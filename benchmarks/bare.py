"""The least that could tell live sessions: requests pipelined over UDP, each answer counted and none judged.

The floor beside our sender: the same packets to the same NAS, as many in flight.
"""

import selectors
import socket
import time
from collections.abc import Sequence

from pyrad.packet import CoAPacket

from drivers.radius.attributes import DICTIONARY, Value

LOST_AFTER_S = 1.0
Request = tuple[tuple[str, Value], ...]
"""The attributes of one CoA or Disconnect."""


def tell(port: int, secret: bytes, code: int, requests: Sequence[Request], in_flight: int) -> None:
    """Send all to a NAS of this host, `in_flight` at once, 256 to a source port.

    What stays unanswered goes again from another port: the one that the system gave may have been used minutes ago,
    and a strict NAS drops its identifiers.
    """
    left = list(requests)
    while left:
        now, left = left[:256], left[256:]
        with socket.socket(type=socket.SOCK_DGRAM) as one, selectors.DefaultSelector() as selector:
            one.connect(("127.0.0.1", port))
            selector.register(one, selectors.EVENT_READ)
            waiting = {at: _packet(code, at, secret, each) for at, each in enumerate(now)}
            left += [now[at] for at in _unanswered(one, selector, waiting, in_flight)]


def _unanswered(
    one: socket.socket, selector: selectors.BaseSelector, waiting: dict[int, bytes], in_flight: int
) -> list[int]:
    flying: set[int] = set()
    while waiting or flying:
        while waiting and len(flying) < in_flight:
            identifier, raw = waiting.popitem()
            one.send(raw)
            flying.add(identifier)
        if not selector.select(LOST_AFTER_S):
            return [*flying, *waiting]
        flying.discard(one.recv(4096)[1])
    return []


def _packet(code: int, identifier: int, secret: bytes, attributes: Request) -> bytes:
    packet = CoAPacket(code=code, id=identifier, secret=secret, dict=DICTIONARY, message_authenticator=True)
    for name, value in attributes:
        packet.AddAttribute(name, value)
    packet.AddAttribute("Event-Timestamp", int(time.time()))  # noqa: TID251 - protocols keep the real clock
    raw: bytes = packet.RequestPacket()
    return raw
