"""Which places of a switch (nodes, database) did not answer a moment ago: they are passed over while a node answers.

One that swallows packets costs a whole timeout each time it is asked, and one restore asks three times: to look, to
lift and to look again. So it is asked once, and again after a pause; until then it counts as unread, which it is. Where
no other node is left nobody is passed over: how often such a switch is tried is the agent's to say.
"""

import time
from collections.abc import Callable, Iterable
from typing import TypeVar

from drivers.base import Unreachable

_T = TypeVar("_T")


class Away:
    """The places of one switch; `nodes` are the names of its nodes, and any other place is its database."""

    def __init__(self, nodes: Iterable[str], pause_s: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._nodes = frozenset(nodes)
        self._pause_s = pause_s
        self._monotonic = monotonic
        self._until: dict[str, tuple[float, str]] = {}

    def ask(self, place: str, question: Callable[[], _T]) -> _T:
        """The answer of a place. Raises as `question` does, and Unreachable for one that is passed over."""
        if words := self.passed_over(place):
            raise Unreachable(words)
        try:
            answer = question()
        except Unreachable as wrong:
            self._until[place] = (self._monotonic() + self._pause_s, str(wrong))
            raise
        self._until.pop(place, None)
        return answer

    def passed_over(self, place: str) -> str:
        """Why it is not to be asked now, in the words of its last failure; empty where it is."""
        others = self._nodes - {place}
        return self._silent(place) if any(not self._silent(node) for node in others) else ""

    def _silent(self, place: str) -> str:
        until, words = self._until.get(place, (0.0, ""))
        return words if self._monotonic() < until else ""
