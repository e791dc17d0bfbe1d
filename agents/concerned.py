"""Concerned: what a device's setup does to customers alone is said of those whom an entry stands for.

A router has secrets and lists for its operator's own purposes, too; it can't tell whose they are. The memory can.
"""

from collections.abc import Iterable, Mapping

from agents.entries import Entries
from agents.memory import Memory
from drivers.base import Concerns
from enforcement.keys import Key

SHOWN = 10


class Concerned:
    """All devices' together; safe from any thread, as the memory is."""

    def __init__(self, memory: Memory, drivers: Mapping[str, str]) -> None:
        """`drivers` maps each device of the agent to the name of its driver."""
        self._memory = memory
        self._drivers = drivers

    def told(self, device: str, problems: Iterable[str]) -> list[str]:
        """What is to be said of a device's problems: those that concern customers with their keys, if with any."""
        return [words for problem in problems if (words := self._words(device, problem))]

    def _words(self, device: str, problem: str) -> str:
        if not isinstance(problem, Concerns):
            return problem
        keys = sorted(self._customers(device, problem))
        more = f" and {len(keys) - SHOWN} more" if len(keys) > SHOWN else ""
        return f"{problem}: {', '.join(map(str, keys[:SHOWN]))}{more}" if keys else ""

    def _customers(self, device: str, problem: Concerns) -> set[Key]:
        of_driver = [name for name, driver in self._drivers.items() if driver == problem.of_driver]
        devices = of_driver if problem.of_driver else [device]
        return {entry.key for name in devices for entry in Entries(self._memory, name).of_keys(problem.keys)}
