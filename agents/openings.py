"""What came of a pin on each device of the site, for the hand that waits for it at the customer's door.

A device's thread says it, in the memory's file; `agents.local`, another process, reads it there. What was said of a
former pin of the key counts for nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from agents.memory import Memory, Pin
from enforcement.keys import Key
from enforcement.wire import EntryReport

_AT_REST = frozenset({"verified", "armed", "withheld"})
"""States of entries with which nothing is left to be done, or nothing will be."""


class Came(StrEnum):
    """What came of a pin on a device."""

    OPEN = "open"
    """The device was read to have the key open, after the pin was set."""
    SHUT = "shut"
    NOT_KNOWN = "not_known"
    """The controller wants nothing of this key on this device."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What came of a pin on one device; `words` say why it is not open, or more of it."""

    device: str
    came: Came
    words: str = ""


class Openings:
    """What one device says. It belongs to the device's thread."""

    def __init__(self, memory: Memory, device: str) -> None:
        self._memory = memory
        self._device = device
        self._said: dict[Key, tuple[Pin, Opening]] = {}

    def say(self, pins: Mapping[Key, Pin], found: Mapping[Key, Opening]) -> None:
        """Write down what was `found` of these pins, where it is new; of others nothing is remembered."""
        for key, opening in found.items():
            if self._said.get(key) != (pins[key], opening):
                self._said[key] = (pins[key], opening)
                self._write(pins[key], opening)
        for key in self._said.keys() - pins.keys():
            del self._said[key]

    def _write(self, pin: Pin, opening: Opening) -> None:
        row = (str(pin.key), self._device, pin.until.isoformat(), opening.came.value, opening.words)
        with self._memory.writing() as db:
            db.execute("INSERT OR REPLACE INTO openings VALUES (?, ?, ?, ?, ?)", row)


def openings(memory: Memory, pin: Pin) -> dict[str, Opening]:
    """What devices have said of a pin, by their names."""
    question = "SELECT device, came, words FROM openings WHERE key = ? AND until = ? ORDER BY device"
    rows = memory.rows(question, str(pin.key), pin.until.isoformat())
    return {device: Opening(device, Came(came), words) for device, came, words in rows}


def opening_of(device: str, reports: Iterable[EntryReport]) -> Opening:
    """What a look at a key showed, by what is reported of its entries."""
    shut = [report for report in reports if not _is_open(report)]
    words = [*(word for report in shut for word in report.obstructions), *(report.detail for report in shut)]
    return Opening(device, Came.SHUT if shut else Came.OPEN, "; ".join(dict.fromkeys(filter(None, words))))


def _is_open(report: EntryReport) -> bool:
    return report.seen == "full" and not report.obstructions and report.state in _AT_REST
