"""Entries: what a device is to enforce for one binding, and the mark by which it is known as ours."""

import re
from dataclasses import dataclass
from typing import NewType

from enforcement.access import Access, Kind, Rate, Reason
from enforcement.keys import Key

BindingId = NewType("BindingId", str)
ServiceId = NewType("ServiceId", str)
DeviceName = NewType("DeviceName", str)

ID_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._@+\-]{0,63}"
"""What an account's, service's, device's or installation's id may look like: it must survive a URL and a comment."""

_MARK = re.compile(rf"grifo:v1:({ID_PATTERN}):({ID_PATTERN}):({ID_PATTERN})")


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """Shows on a device that an entry is ours. Plain ASCII, never a bare number: RouterOS clients cast those."""

    installation: str
    service: ServiceId
    binding: BindingId

    def __str__(self) -> str:
        return f"grifo:v1:{self.installation}:{self.service}:{self.binding}"

    @classmethod
    def parse(cls, text: str) -> "Mark | None":
        """The mark in a comment, or None where the comment is somebody else's."""
        found = _MARK.fullmatch(text.strip())
        if found is None:
            return None
        return cls(found[1], ServiceId(found[2]), BindingId(found[3]))


@dataclass(frozen=True, slots=True)
class Entry:
    """What one device shall enforce for one binding, as the controller last decided it.

    `changed_revision` is the device's revision that last changed this entry: a report verifies the entry only at
    that number. `ended` is a tombstone: the binding is over, access is full, and once that is verified the agent may
    forget it. `first` tells a first imposition from a repair or a re-imposition (brake, guard and window count it).
    `rate` is what `throttled` leaves, None for what the device's own setup gives; no other access has one.
    """

    binding: BindingId
    service: ServiceId
    kind: Kind
    key: Key
    access: Access
    reasons: tuple[Reason, ...]
    changed_revision: int
    ended: bool = False
    first: bool = False
    rate: Rate | None = None

    @property
    def restricts(self) -> bool:
        return self.access is not Access.FULL
