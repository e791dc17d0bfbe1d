"""The inbox of a device: what accounting has told that its thread has not yet taken, and which source tells nothing."""

from collections.abc import Set
from threading import Lock

from enforcement.keys import Key


class Inbox:
    """What one device's sources have told and its thread has not yet taken. Any thread may use it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._keys: set[Key] = set()
        self._everything = False
        self._wrong: dict[str, str] = {}

    def put(self, keys: Set[Key] | None) -> None:
        """`None` is more than can be told."""
        with self._lock:
            self._keys |= keys or frozenset()
            self._everything = self._everything or keys is None

    @property
    def has_news(self) -> bool:
        """Whether something was told; who told it has woken the device's thread."""
        with self._lock:
            return self._everything or bool(self._keys)

    def take(self) -> tuple[set[Key], bool]:
        """The keys to look at, and whether a sweep is due instead."""
        with self._lock:
            keys, self._keys = self._keys, set()
            everything, self._everything = self._everything, False
            return keys, everything

    def say(self, source: str, wrong: str) -> bool:
        """Why a source could not be read, empty where it could; whether that is another word than before."""
        with self._lock:
            before, self._wrong[source] = self._wrong.get(source, ""), wrong
            return before != wrong

    @property
    def problems(self) -> tuple[str, ...]:
        """What a report says of the sources; the same words for as long as they fail in the same way."""
        with self._lock:
            found = [f"accounting can't be read: {source}: {wrong}" for source, wrong in self._wrong.items() if wrong]
        return tuple(f"{each}; moved addresses and new sessions are seen at the next sweep" for each in found)
