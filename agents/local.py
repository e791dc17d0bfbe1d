"""A hand at the site: open a key here and now, and keep it open for a while, with or without the controller.

For the technician at a customer's door, who is told what came of it on the devices, not what was asked for. A running
agent notices within a second; the controller is told by the report, and the pin ends when it wants the key open itself,
or when its time is over.
"""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from threading import Event

from agents.clock import SYSTEM_CLOCK
from agents.memory import Memory, Pin
from agents.naming import key_written
from agents.openings import Came, Opening, openings
from agents.settings import read_settings

DEFAULT_HOURS = 72.0
LOOK_S = 0.1


@dataclass(frozen=True, slots=True)
class Held:
    """A pin and what came of it: `openings` of the devices that have said something, `silent` those that have not.

    `stands` is false where the pin is over: the controller itself wants the key open, or nobody knows it.
    """

    pin: Pin
    openings: Sequence[Opening]
    silent: Sequence[str]
    stands: bool

    @property
    def is_open(self) -> bool:
        """Every device that knows the key was read to have it open."""
        came = {opening.came for opening in self.openings}
        return not self.silent and Came.OPEN in came and Came.SHUT not in came

    @property
    def nobody_knows(self) -> bool:
        return not self.silent and all(opening.came is Came.NOT_KNOWN for opening in self.openings)

    @property
    def is_final(self) -> bool:
        """There is nothing to wait for: open, or nobody's, or the pin is over, so that no device tries any more."""
        return self.is_open or self.nobody_knows or not (self.stands or self.silent)

    @property
    def nobody_says(self) -> bool:
        """No agent has taken it up: none runs, or one of other settings."""
        return not self.openings


def pin(settings_path: Path, key: str, note: str, hours: float = DEFAULT_HOURS, wait_s: float = 0.0) -> Held:
    """Hold `key` open, and wait for what comes of it; one sentence in ValueError, SettingsError or MemoryUnusable.

    `key` is written type:value, or bare where the agent knows one key that it names. One that no device knows is not
    held.
    """
    if not note.strip():
        raise ValueError("note is empty: say who opens this and why")
    if not 0 < hours <= 24 * 31:
        raise ValueError(f"hours must be more than 0 and at most 744 (a month), not {hours}")
    with closing(_memory(settings_path)) as memory:
        wanted = Pin(key_written(memory, key), note.strip(), SYSTEM_CLOCK.now() + timedelta(hours=hours))
        memory.pin(wanted)
        held = _awaited(memory, wanted, settings_path, wait_s)
        if held.nobody_knows:
            memory.unpin(wanted.key)
        return held


def _awaited(memory: Memory, wanted: Pin, settings_path: Path, wait_s: float) -> Held:
    deadline = SYSTEM_CLOCK.monotonic() + wait_s
    while True:
        held = _held(memory, wanted, settings_path)
        if held.is_final or SYSTEM_CLOCK.monotonic() >= deadline:
            return held
        Event().wait(LOOK_S)


def _held(memory: Memory, wanted: Pin, settings_path: Path) -> Held:
    said = openings(memory, wanted)
    names = [device.name for device in read_settings(settings_path).devices]
    silent = [name for name in names if name not in said]
    stands = memory.pins(SYSTEM_CLOCK.now()).get(wanted.key) == wanted
    return Held(wanted, [said[name] for name in names if name in said], silent, stands)


def pins(settings_path: Path) -> list[Held]:
    """What is held open here, and what came of it. Raises SettingsError or MemoryUnusable in one sentence."""
    with closing(_memory(settings_path)) as memory:
        found = memory.pins(SYSTEM_CLOCK.now())
        return [_held(memory, found[key], settings_path) for key in sorted(found)]


def unpin(settings_path: Path, key: str) -> bool:
    """End a pin. Returns whether there was one."""
    with closing(_memory(settings_path)) as memory:
        return memory.unpin(key_written(memory, key))


def _memory(settings_path: Path) -> Memory:
    return Memory(read_settings(settings_path).memory, SYSTEM_CLOCK.monotonic())
