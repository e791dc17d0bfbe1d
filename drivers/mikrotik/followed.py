"""Followed: the users and MAC addresses that a router has something of ours for, and at which addresses it stands.

Taken from the looks at the router, for those who hear of sessions between two of them.
"""

from collections.abc import Iterable

from drivers.mikrotik.judging import is_ours
from drivers.mikrotik.reading import View
from enforcement.keys import Key


class Followed:
    """By the last whole look, and all that were looked at since: what was taken away in between costs a look too many,
    and misses nobody. Filled by the device's thread; others may ask at any time."""

    def __init__(self, installation: str) -> None:
        self._installation = installation
        self._whom: set[Key] = set()
        self._at: dict[Key, frozenset[Key]] = {}
        self.swept = False
        """Whether there was a whole look."""

    def saw(self, view: View) -> None:
        """Take what a look has shown; a whole look takes the former's place at once, for somebody may be asking."""
        whom, at = (set[Key](), dict[Key, frozenset[Key]]()) if view.asked is None else (self._whom, self._at)
        for row in view.rows:
            if row.holder is not None and is_ours(row, self._installation):
                whom.add(row.holder)
                if row.key is not None:
                    at[row.key] = at.get(row.key, frozenset()) | {row.holder}
        for key, items in view.items.items():
            if any(item.note is not None and item.note.mark.installation == self._installation for item in items):
                whom.add(key)
        self._whom, self._at = whom, at
        self.swept = self.swept or view.asked is None

    def among(self, keys: Iterable[Key]) -> frozenset[Key]:
        """Those of `keys` whom the router has something of ours for."""
        return frozenset(key for key in keys if key in self._whom)

    def at(self, address: Key) -> frozenset[Key]:
        """Whom our entries at an address follow."""
        return self._at.get(address, frozenset())
