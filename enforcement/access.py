"""Access: what a service may do, from everything to nothing, one ladder for each kind of service."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a service is."""

    INTERNET = "internet"
    FIXED_VOICE = "fixed_voice"
    MOBILE_VOICE = "mobile_voice"


class Access(StrEnum):
    """A rung of a kind's ladder. `RELEASED` is the one that no payment can roll back."""

    FULL = "full"
    THROTTLED = "throttled"
    PORTAL = "portal"
    BLOCKED = "blocked"
    NO_PREMIUM = "no_premium"
    INCOMING_ONLY = "incoming_only"
    EMERGENCY_ONLY = "emergency_only"
    RELEASED = "released"


_INTERNET = (Access.FULL, Access.THROTTLED, Access.PORTAL, Access.BLOCKED)
_VOICE = (Access.FULL, Access.NO_PREMIUM, Access.INCOMING_ONLY, Access.EMERGENCY_ONLY, Access.RELEASED)

LADDERS: dict[Kind, tuple[Access, ...]] = {
    Kind.INTERNET: _INTERNET,
    Kind.FIXED_VOICE: _VOICE,
    Kind.MOBILE_VOICE: _VOICE,
}


class Reason(StrEnum):
    """Why a service is restricted. Reasons stack; a payment lifts `BILLING` only."""

    BILLING = "billing"
    ABUSE = "abuse"
    COURT = "court"
    TECHNICAL = "technical"
    CUSTOMER_REQUEST = "customer_request"


def rank(kind: Kind, access: Access) -> int:
    """Steps below full on the ladder of `kind`. Raises ValueError for an access that the kind does not have."""
    try:
        return LADDERS[kind].index(access)
    except ValueError:
        rungs = ", ".join(LADDERS[kind])
        raise ValueError(f"{kind} has no access {access!s}; it has {rungs}") from None


def least(kind: Kind, accesses: Iterable[Access]) -> Access:
    """The lowest of `accesses` on the ladder of `kind`; full when there are none."""
    return max(accesses, key=lambda access: rank(kind, access), default=Access.FULL)


def lowers(kind: Kind, before: Access, after: Access) -> bool:
    """Whether going from `before` to `after` takes something away from the customer."""
    return rank(kind, after) > rank(kind, before)


_RATE = re.compile(r"([0-9]{1,9})/([0-9]{1,9})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rate:
    """What a throttled service still has, in kbit/s, seen from the customer; written down/up, as in `1024/512`.

    Where there is none, a throttled service has what its device's own setup gives.
    """

    down_kbps: int
    up_kbps: int

    def __str__(self) -> str:
        return f"{self.down_kbps}/{self.up_kbps}"

    @classmethod
    def parse(cls, text: str) -> "Rate":
        """A rate from its written form. Raises ValueError saying what was wrong."""
        found = _RATE.fullmatch(text.strip())
        rate = cls(int(found[1]), int(found[2])) if found is not None else None
        if rate is None or not rate.down_kbps or not rate.up_kbps:
            raise ValueError(f"rate {text!r} is not written down/up in kbit/s, e.g. 1024/512")
        return rate


def may_slow(before: Rate | None, after: Rate | None) -> bool:
    """Whether going from `before` to `after` may take something away, either way of the traffic.

    None is the device's own rate, which nobody but the device knows: a move to it or from it may.
    """
    if before is None or after is None:
        return before is not after
    return after.down_kbps < before.down_kbps or after.up_kbps < before.up_kbps


def slowest(rates: Iterable[Rate | None]) -> Rate | None:
    """The first by down, then up, of those that are known; None where none is."""
    return min((rate for rate in rates if rate is not None), key=_by_speed, default=None)


def _by_speed(rate: Rate) -> tuple[int, int]:
    return rate.down_kbps, rate.up_kbps
