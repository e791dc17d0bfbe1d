"""Access: what a service may do, from everything to nothing, one ladder for each kind of service."""

from collections.abc import Iterable
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
