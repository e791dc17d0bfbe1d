"""What a NAS answers to a CoA or Disconnect: a pure verdict with an Error-Cause (RFC 5176, 3.5)."""

from dataclasses import dataclass, field
from enum import IntEnum

from lab.nas.codec import Attributes, Code, Packet
from lab.nas.dictionary import ATTRIBUTES
from lab.nas.sessions import Session, SessionTable


class ErrorCause(IntEnum):
    """Values of Error-Cause that this NAS gives."""

    UNSUPPORTED_ATTRIBUTE = 401
    MISSING_ATTRIBUTE = 402
    NAS_IDENTIFICATION_MISMATCH = 403
    INVALID_REQUEST = 404
    UNSUPPORTED_SERVICE = 405
    INVALID_ATTRIBUTE_VALUE = 407
    ADMINISTRATIVELY_PROHIBITED = 501
    SESSION_CONTEXT_NOT_FOUND = 503
    RESOURCES_UNAVAILABLE = 506
    MULTIPLE_SESSION_SELECTION = 508


NAS_IDENTIFIERS = ("NAS-IP-Address", "NAS-Identifier")
CARRIED = frozenset({"Message-Authenticator", "Event-Timestamp", "Proxy-State", "Acct-Terminate-Cause"})
AUTHORIZE_ONLY = 17

MIKROTIK_CHANGES = frozenset(
    {
        "Mikrotik-Group",
        "Mikrotik-Recv-Limit",
        "Mikrotik-Xmit-Limit",
        "Mikrotik-Rate-Limit",
        "Mikrotik-Mark-Id",
        "Mikrotik-Advertise-URL",
        "Filter-Id",
        "Session-Timeout",
        "Idle-Timeout",
        "Port-Limit",
    }
)
"""What RouterOS lets a CoA change (its manual, RADIUS page): no address, pool or address list."""


@dataclass(frozen=True, slots=True)
class Vendor:
    """How one vendor's DAE server behaves. `changes` may hold Class, which RFC 5176 3.6 allows in a CoA-Request."""

    changes: frozenset[str] = MIKROTIK_CHANGES | {"Class"}
    identifiers: frozenset[str] = frozenset({"User-Name", "Acct-Session-Id", "Framed-IP-Address", "Calling-Station-Id"})
    accept: bool = True
    """False is answered 501, as by a NAS whose dynamic authorisation is switched off."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`cause` None is an ACK, for `session` and with `changes`."""

    cause: ErrorCause | int | None
    session: Session | None = None
    changes: Attributes = field(default_factory=list)


def judge(request: Packet, sessions: SessionTable, vendor: Vendor, itself: dict[str, str]) -> Verdict:
    """What to answer; `itself` holds this NAS's own NAS-IP-Address and NAS-Identifier."""
    if not vendor.accept:
        return Verdict(ErrorCause.ADMINISTRATIVELY_PROHIBITED)
    if any(name in NAS_IDENTIFIERS and itself.get(name) != value for name, value in request.attributes):
        return Verdict(ErrorCause.NAS_IDENTIFICATION_MISMATCH)
    identifiers = [(name, value) for name, value in request.attributes if name in vendor.identifiers]
    rest = [
        (name, value)
        for name, value in request.attributes
        if name not in vendor.identifiers and name not in NAS_IDENTIFIERS and name not in CARRIED
    ]
    if not identifiers:
        return Verdict(ErrorCause.MISSING_ATTRIBUTE)
    wrong = (
        _wrong_disconnect(rest, identifiers) if request.code == Code.DISCONNECT_REQUEST else _wrong_coa(rest, vendor)
    )
    if wrong is not None:
        return Verdict(wrong)
    found = sessions.matching(identifiers)
    if not found:
        return Verdict(ErrorCause.SESSION_CONTEXT_NOT_FOUND)
    if len(found) > 1:
        return Verdict(ErrorCause.MULTIPLE_SESSION_SELECTION)
    return Verdict(None, found[0], rest)


def _wrong_disconnect(rest: Attributes, identifiers: Attributes) -> ErrorCause | None:
    """A Disconnect holds identification only, and its attribute table has no Framed-IP-Address (RFC 5176, 3.6)."""
    if rest or any(name == "Framed-IP-Address" for name, _ in identifiers):
        return ErrorCause.UNSUPPORTED_ATTRIBUTE
    return None


def _wrong_coa(changes: Attributes, vendor: Vendor) -> ErrorCause | None:
    if ("Service-Type", AUTHORIZE_ONLY) in changes:
        return ErrorCause.UNSUPPORTED_SERVICE
    if any(name not in ATTRIBUTES or name not in vendor.changes for name, _ in changes):
        return ErrorCause.UNSUPPORTED_ATTRIBUTE
    if not changes:
        return ErrorCause.INVALID_REQUEST
    if any(name == "Mikrotik-Rate-Limit" and not _is_rate(str(value)) for name, value in changes):
        return ErrorCause.INVALID_ATTRIBUTE_VALUE
    return None


def _is_rate(text: str) -> bool:
    """`rx[/tx]` in bits per second with k or M, bursts after a space (RouterOS manual)."""
    first = text.split(" ")[0]
    return bool(first) and all(part.rstrip("kMG").isdigit() for part in first.split("/"))
