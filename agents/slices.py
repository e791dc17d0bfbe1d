"""The backlog of a device's turn, and the next slice of it: restores first, alone, never behind a restriction.

Pure. A slice is composed when its turn comes, not before: what a payment changed during a bulk has by then replaced
what was planned for its key, and goes out in the very next slice.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from itertools import islice

from enforcement.changes import Change, key_of, needs_permit
from enforcement.keys import Key


class Backlog:
    """What is to be done, by key, in the order in which the keys came up."""

    def __init__(self) -> None:
        self._restores: dict[Key, list[Change]] = {}
        self._restrictions: dict[Key, list[Change]] = {}

    def __bool__(self) -> bool:
        return bool(self._restores or self._restrictions)

    def put(self, keys: Collection[Key], changes: Iterable[Change]) -> None:
        """Replace all that was to be done for `keys` by `changes`, in their order. A key keeps its place."""
        restores: dict[Key, list[Change]] = defaultdict(list)
        restrictions: dict[Key, list[Change]] = defaultdict(list)
        for change in changes:
            (restrictions if needs_permit(change) else restores)[key_of(change)].append(change)
        _replace(self._restores, keys, restores)
        _replace(self._restrictions, keys, restrictions)

    def next_slice(self, size: int) -> list[Change]:
        """At most `size` changes: only restores while there are any, else only restrictions; empty when all is done.

        They stay in the backlog until `put` replaces them by what was read afterwards.
        """
        queue = self._restores or self._restrictions
        return list(islice((change for changes in queue.values() for change in changes), size))

    def drop_restrictions(self) -> list[Change]:
        """Take all restrictions out: nobody will permit them now."""
        dropped = [change for changes in self._restrictions.values() for change in changes]
        self._restrictions.clear()
        return dropped

    def clear(self) -> None:
        self._restores.clear()
        self._restrictions.clear()


def _replace(queue: dict[Key, list[Change]], keys: Collection[Key], changes: dict[Key, list[Change]]) -> None:
    for key in keys:
        if key not in changes:
            queue.pop(key, None)
    queue.update(changes)
