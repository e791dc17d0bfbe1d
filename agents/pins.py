"""When a pin ends by itself: the controller wants its key open, on every device that knows the key.

A key may stand on several devices of a site, and one of them that wants it open must not close the door that a hand
holds open on another.
"""

from collections.abc import Callable, Collection, Set
from dataclasses import dataclass
from threading import Lock

from enforcement.keys import Key


@dataclass(frozen=True, slots=True)
class _Said:
    """One device's words: the pins that it has heard of, those whose keys it knows, those that it is to restrict."""

    pins: Set[Key]
    known: Set[Key]
    closed: Set[Key]


class Pins:
    """What each device says of the pins in force. Safe from any thread; a device that says nothing keeps every pin."""

    def __init__(self, devices: Collection[str], unpin: Callable[[Key], object]) -> None:
        self._said: dict[str, _Said] = dict.fromkeys(devices, _Said(frozenset(), frozenset(), frozenset()))
        self._unpin = unpin
        self._lock = Lock()

    def say(self, device: str, pins: Collection[Key], known: Collection[Key], closed: Set[Key]) -> set[Key]:
        """A device has heard of `pins`, knows some of them, and is to restrict `closed`. Returns those that end now."""
        with self._lock:
            self._said[device] = _Said(frozenset(pins), frozenset(known), closed)
            ended = {key for key in pins if self._is_over(key)}
            for key in ended:
                self._unpin(key)
            return ended

    def _is_over(self, key: Key) -> bool:
        said = self._said.values()
        wanted_open = any(key in each.known for each in said) and not any(key in each.closed for each in said)
        return wanted_open and all(key in each.pins for each in said)
