"""Observed: what a device was read to enforce. Never what it was told, never what it acknowledged."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from enforcement.access import Access, Rate
from enforcement.entries import Mark
from enforcement.keys import Key


class Live(StrEnum):
    """Whether the customer's traffic of this moment obeys what the device has on record for the key."""

    APPLIES = "applies"
    """The record acts on traffic at once (a firewall list, a call table), or the live sessions were read to obey."""
    OFFLINE = "offline"
    """Nobody is connected: it will act at the next login. Such an entry is armed, not verified."""
    STALE = "stale"
    """A live session still has what it was given before; it needs an effect (CoA, Disconnect, flush)."""
    UNKNOWN = "unknown"
    """There is a live session and this device offers no way to read what it has."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a device enforces for one key.

    `access` is what the entries with our mark impose (full where there are none), None where it could not be told.
    `marks` are the marks found on those entries: several where an old configuration holds duplicates.
    `obstructions` says, in words for a person, what is *not ours* and restricts the key too. `rate` is that of a
    throttled key, None where it is the device's own.
    """

    access: Access | None
    live: Live = Live.APPLIES
    marks: tuple[Mark, ...] = ()
    obstructions: tuple[str, ...] = ()
    rate: Rate | None = None


@dataclass(frozen=True, slots=True)
class Observed:
    """One read of a device.

    A key that was asked for and is absent from `seen` is open and unmarked where `complete` is true; otherwise
    nothing is known of it. `asked` is None for a full read, else the keys that the read was limited to. `up_seconds`
    is for how long the device says it has been up, None where it does not say: less than before means a restart.
    """

    seen: Mapping[Key, Seen] = field(default_factory=dict)
    complete: bool = True
    asked: frozenset[Key] | None = None
    up_seconds: float | None = None

    def of(self, key: Key) -> Seen:
        """What was seen for `key`; access None (unknown) where this read cannot tell."""
        found = self.seen.get(key)
        if found is not None:
            return found
        covered = self.complete and (self.asked is None or key in self.asked)
        return Seen(access=Access.FULL) if covered else Seen(access=None, live=Live.UNKNOWN)


UNREAD = Observed(complete=False)
"""What is known of a device that could not be read: nothing."""
