"""Many CoA and Disconnect requests at once, over UDP, from one thread (RFC 5176): the loop around a lane for each NAS.

What each lane may do is `lane.py`'s matter; here they share one selector, so that none waits for another.
"""

import selectors
import time
from collections.abc import Sequence

from drivers.radius.lane import Lane, Port
from drivers.radius.packets import SILENCE, Answer, Ask


class Sender:
    """Owned by one thread, that of its driver. Sockets stay open between slices while they have identifiers left.

    After `close` it may be used again: what was learnt of each NAS, and which ports it has heard from, is kept.
    """

    def __init__(self) -> None:
        self._selector: selectors.BaseSelector | None = None
        self._lanes: dict[str, Lane] = {}

    def send(self, asks: Sequence[Ask]) -> list[Answer]:
        """Send all, to each NAS no faster than it may be asked; returns one answer for each, in order."""
        answers = [SILENCE] * len(asks)
        if not asks:
            return answers
        if self._selector is None:
            self._selector = selectors.DefaultSelector()
        self._receive(self._selector, 0.0, answers)
        lanes = self._queue(asks)
        asked = len(lanes)
        while lanes:
            now = time.monotonic()
            for lane in lanes:
                for port in lane.step(now, answers):
                    self._selector.register(port.socket, selectors.EVENT_READ, port)
            lanes = [lane for lane in lanes if not lane.is_done]
            if len(lanes) < asked and all(lane.is_unheard for lane in lanes):
                for lane in lanes:
                    lane.hurry(now)
            if lanes:
                patience = min(lane.wake_at(now) for lane in lanes) - time.monotonic()
                self._receive(self._selector, max(0.0, patience), answers)
        self._retire(self._selector)
        return answers

    def close(self) -> None:
        now = time.monotonic()
        for lane in self._lanes.values():
            for port in lane.retire(now, everything=True):
                port.socket.close()
        if self._selector is not None:
            self._selector.close()
            self._selector = None

    def _queue(self, asks: Sequence[Ask]) -> list[Lane]:
        lanes: dict[str, Lane] = {}
        for place, ask in enumerate(asks):
            name = ask.nas.nas_ip
            if name not in lanes:
                lanes[name] = self._lanes.setdefault(name, Lane(ask.nas))
                lanes[name].begin(ask.nas)
            lanes[name].add(place, ask)
        return list(lanes.values())

    def _receive(self, selector: selectors.BaseSelector, patience_s: float, answers: list[Answer]) -> None:
        """Take in what came; late replies of former slices too, which tell that their NAS is alive."""
        for key, _ in selector.select(patience_s):
            port: Port = key.data
            while (data := port.read()) is not None:
                if (landing := port.landing(data)) is not None:
                    port.lane.land(*landing, time.monotonic(), answers)

    def _retire(self, selector: selectors.BaseSelector) -> None:
        now = time.monotonic()
        for lane in self._lanes.values():
            for port in lane.retire(now):
                selector.unregister(port.socket)
                port.socket.close()
