"""How one make of NAS is spoken to, as data: what names a session, what changes it live, how fast, what it reads back.

A profile is a file of `configs/radius` (or the operator's own), read by `profile_file.py`. Nothing here knows a vendor.
"""

from collections.abc import Set
from dataclasses import dataclass
from enum import StrEnum

from enforcement.access import Access, Rate


class Way(StrEnum):
    """How live sessions at a NAS are told of a change."""

    COA = "coa"
    DISCONNECT = "disconnect"
    NONE = "none"


IDENTIFIERS = ("User-Name", "Acct-Session-Id", "NAS-IP-Address")


@dataclass(frozen=True, slots=True)
class Passage:
    """A change of access that one CoA brings to a live session.

    `reply` names attributes whose values are what a login would now be given. `fixed` are attributes with values of
    their own, in which `{group}` is the group of the access to come and `{former}` that of the access that was.
    """

    before: frozenset[Access]
    after: frozenset[Access]
    reply: tuple[str, ...] = ()
    fixed: tuple[tuple[str, str], ...] = ()

    def brings(self, before: Set[Access], after: Access) -> bool:
        """Whether it leads to `after` from every access that the session may have."""
        return bool(before) and before <= self.before and after in self.after


@dataclass(frozen=True, slots=True)
class Profile:
    """One make of NAS. `experimental`: written from manuals, never yet tried on the device itself."""

    name: str
    title: str
    source: str
    experimental: bool = True
    port: int = 3799
    identifiers: tuple[str, ...] = IDENTIFIERS
    per_second: int = 0
    """Requests a second that it is asked at most; 0 is without a limit but `in_flight`."""
    in_flight: int = 64
    timeout_s: float = 2.0
    tries: int = 3
    way: Way = Way.DISCONNECT
    """How it is told where the settings do not say; a CoA that it would report (`coa_class`) goes before."""
    passages: tuple[Passage, ...] = ()
    """What a CoA can bring, where the settings ask for CoA."""
    coa_class: bool = False
    """It takes Class in a CoA and reports it in its next Interim-Update, which radacct.class then shows."""
    setup: str = ""
    """What a person enters on the NAS, `{port}` being the port that the driver will use."""
    setup_note: str = ""
    speed: tuple[tuple[str, str], ...] = ()
    """Attributes that say how fast a login is, `{down}` and `{up}` being kbit/s; none where it takes more than that."""

    def speed_of(self, rate: Rate) -> tuple[tuple[str, str], ...]:
        """Attributes and values of one rate."""
        return tuple((name, text.format(down=rate.down_kbps, up=rate.up_kbps)) for name, text in self.speed)
