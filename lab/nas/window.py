"""The duplicate window of a strict NAS (RFC 5176, 2.3; RFC 5080, 2.2.2).

Within the window an identifier from one source port belongs to one packet. The same packet again gets the same reply;
another packet under the same identifier is dropped without a word, so that 256 requests a port is all a window takes.
"""

from dataclasses import dataclass
from enum import Enum, auto

Source = tuple[str, int]


class Arrival(Enum):
    """What a packet is to the window."""

    NEW = auto()
    AGAIN = auto()
    CLASH = auto()


@dataclass(slots=True)
class _Known:
    at: float
    authenticator: bytes
    reply: bytes | None = None


class Window:
    """Remembers requests by (source, identifier) for `seconds` of a monotonic clock."""

    def __init__(self, seconds: float, identifiers_return: bool = False) -> None:
        self._seconds = seconds
        self._identifiers_return = identifiers_return
        self._known: dict[tuple[Source, int], _Known] = {}

    def arrive(self, source: Source, identifier: int, authenticator: bytes, now: float) -> tuple[Arrival, bytes | None]:
        """What this packet is, and the cached reply where it came before and has been answered."""
        known = self._known.get((source, identifier))
        if known is None or now - known.at > self._seconds:
            self._known[source, identifier] = _Known(now, authenticator)
            return Arrival.NEW, None
        if known.authenticator == authenticator:
            return Arrival.AGAIN, known.reply
        if self._identifiers_return and known.reply is not None:
            self._known[source, identifier] = _Known(now, authenticator)
            return Arrival.NEW, None
        return Arrival.CLASH, None

    def answered(self, source: Source, identifier: int, reply: bytes) -> None:
        """Keep the reply for the packet's duplicates."""
        self._known[source, identifier].reply = reply
