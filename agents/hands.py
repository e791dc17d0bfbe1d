"""A device's side of the pins: which of them concern it, what its picture makes of them, and what is told of them at
the site. It belongs to the device's thread."""

from collections.abc import Set

from agents.device_memory import DeviceMemory
from agents.memory import Pin
from agents.openings import Came, Opening, Openings, opening_of
from agents.picture import Picture
from agents.pins import Pins
from agents.told import Told
from enforcement.keys import Key


class Hands:
    """What hands at the site hold open on one device, as the device's turns hear of it."""

    def __init__(self, device: str, memory: DeviceMemory, picture: Picture, pins: Pins, openings: Openings) -> None:
        self._device = device
        self._memory = memory
        self._picture = picture
        self._pins = pins
        self._openings = openings
        self._asked: dict[Key, Pin] = {}
        self._latest: Set[Key] = frozenset()

    def heed(self, told: Told) -> set[Key]:
        """Take the site's pins; one ends when the controller itself wants the key open. Returns the keys to look at."""
        memory, picture = self._memory, self._picture
        pins = {key: pin.words for key, pin in told.pins.items() if memory.knows(key)}
        closed = memory.entries.restricted(pins)
        pins = {key: pins[key] for key in pins.keys() - self._pins.say(self._device, told.pins, pins, closed)}
        changed = {key for key, _ in pins.items() ^ picture.pins.items()}
        picture.pins = pins
        return changed | self._be_asked(told)

    def _be_asked(self, told: Told) -> set[Key]:
        """Whoever set a pin waits for what comes of it, also where it ends at once."""
        anew = {key for key, pin in told.pins.items() if self._asked.get(key) != pin}
        self._latest = told.pins.keys()
        self._asked |= told.pins
        self._picture.asked = self._asked.keys()
        for key in anew:
            self._picture.shown.pop(key, None)
        return {key for key in anew if self._memory.knows(key)}

    def say(self, problem: str) -> None:
        """Tell at the site what came of each pin, as far as was looked; `problem` is why the device can't be worked on,
        if so."""
        found = {key: opening for key in self._asked if (opening := self._opening(key, problem))}
        self._openings.say(self._asked, found)
        for key in found.keys() - self._latest:
            del self._asked[key]

    def _opening(self, key: Key, problem: str) -> Opening | None:
        if not self._memory.knows(key):
            return Opening(self._device, Came.NOT_KNOWN)
        if trouble := self._memory.halted or problem:
            return Opening(self._device, Came.SHUT, trouble)
        shown = self._picture.shown.get(key)
        return opening_of(self._device, shown) if shown else None
