"""Drift, counted by direction as it is found and as it is repaired.

A decision that is carried out for the first time is no drift before it was tried: what was in place at this very
decision and is not any more is, and so is what is left after trying.
"""

from collections.abc import Callable, Set

from enforcement.entries import BindingId, Entry
from enforcement.plan import State

Count = Callable[[str], None]

STRAY = "stray"
OURS = frozenset({State.WRONGFUL, State.MISSING})
"""What applying repairs; the others are for somebody else to end."""

_WRONG = frozenset({State.WRONGFUL, State.MISSING, State.OBSTRUCTED, State.UNKNOWN})
SETTLED = frozenset({State.VERIFIED, State.ARMED})


class Drift:
    """One device's entries in drift; `found` and `repaired` are told each direction."""

    def __init__(self, found: Count, repaired: Count) -> None:
        self._found = found
        self._repaired = repaired
        self._open: dict[BindingId, tuple[State, int]] = {}

    def look(self, entry: Entry, state: State, expected: bool) -> None:
        """Take one entry's state after a read; `expected` where it is only on its way, or withheld: no drift."""
        direction, revision = self._open.get(entry.binding, (None, 0))
        if state in _WRONG and not expected:
            self._open[entry.binding] = (state, entry.changed_revision)
            if direction is not state or revision != entry.changed_revision:
                self._found(state.value)
            return
        self._open.pop(entry.binding, None)
        if direction in OURS and state in SETTLED and revision == entry.changed_revision:
            self._repaired(direction.value)

    def look_at_strays(self, before: Set[object], after: Set[object]) -> None:
        """Take the strays that were known before a read and after it."""
        for _ in after - before:
            self._found(STRAY)
        for _ in before - after:
            self._repaired(STRAY)
