"""The attributes that these devices know, by number and type. Anything else is carried as octets and is unknown."""

import ipaddress
from dataclasses import dataclass
from enum import Enum

Value = str | int | bytes


class Type(Enum):
    """How a value is written on the wire (RFC 2865, section 5)."""

    TEXT = "text"
    INTEGER = "integer"
    ADDRESS = "address"
    OCTETS = "octets"


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute; `vendor` is 0 for the standard ones."""

    name: str
    vendor: int
    code: int
    type: Type


MIKROTIK = 14988
CISCO, HUAWEI, ERX = 9, 2011, 4874

_STANDARD = {
    "User-Name": (1, Type.TEXT),
    "User-Password": (2, Type.OCTETS),
    "NAS-IP-Address": (4, Type.ADDRESS),
    "NAS-Port": (5, Type.INTEGER),
    "Service-Type": (6, Type.INTEGER),
    "Framed-Protocol": (7, Type.INTEGER),
    "Framed-IP-Address": (8, Type.ADDRESS),
    "Filter-Id": (11, Type.TEXT),
    "Reply-Message": (18, Type.TEXT),
    "State": (24, Type.OCTETS),
    "Class": (25, Type.OCTETS),
    "Session-Timeout": (27, Type.INTEGER),
    "Idle-Timeout": (28, Type.INTEGER),
    "Called-Station-Id": (30, Type.TEXT),
    "Calling-Station-Id": (31, Type.TEXT),
    "NAS-Identifier": (32, Type.TEXT),
    "Proxy-State": (33, Type.OCTETS),
    "Acct-Status-Type": (40, Type.INTEGER),
    "Acct-Input-Octets": (42, Type.INTEGER),
    "Acct-Output-Octets": (43, Type.INTEGER),
    "Acct-Session-Id": (44, Type.TEXT),
    "Acct-Session-Time": (46, Type.INTEGER),
    "Acct-Terminate-Cause": (49, Type.INTEGER),
    "Event-Timestamp": (55, Type.INTEGER),
    "NAS-Port-Type": (61, Type.INTEGER),
    "Port-Limit": (62, Type.INTEGER),
    "Message-Authenticator": (80, Type.OCTETS),
    "Acct-Interim-Interval": (85, Type.INTEGER),
    "NAS-Port-Id": (87, Type.TEXT),
    "Framed-Pool": (88, Type.TEXT),
    "Error-Cause": (101, Type.INTEGER),
}
_MIKROTIK = {
    "Mikrotik-Recv-Limit": (1, Type.INTEGER),
    "Mikrotik-Xmit-Limit": (2, Type.INTEGER),
    "Mikrotik-Group": (3, Type.TEXT),
    "Mikrotik-Rate-Limit": (8, Type.TEXT),
    "Mikrotik-Mark-Id": (11, Type.TEXT),
    "Mikrotik-Advertise-URL": (12, Type.TEXT),
    "Mikrotik-Address-List": (19, Type.TEXT),
}
_OTHERS = [
    Attribute("Cisco-AVPair", CISCO, 1, Type.TEXT),
    Attribute("Huawei-Qos-Profile-Name", HUAWEI, 31, Type.TEXT),
    Attribute("ERX-Service-Activate", ERX, 65, Type.OCTETS),  # a tag before the text (RFC 2868, 3.1)
    Attribute("ERX-Service-Deactivate", ERX, 66, Type.TEXT),
]

ATTRIBUTES = {name: Attribute(name, 0, code, type) for name, (code, type) in _STANDARD.items()} | {
    name: Attribute(name, MIKROTIK, code, type) for name, (code, type) in _MIKROTIK.items()
}
ATTRIBUTES |= {one.name: one for one in _OTHERS}
BY_NUMBER = {(attribute.vendor, attribute.code): attribute for attribute in ATTRIBUTES.values()}

_NAMED_VALUES = {
    ("Service-Type", "Framed-User"): 2,
    ("Service-Type", "Authorize-Only"): 17,
    ("Framed-Protocol", "PPP"): 1,
}


def value_from_text(name: str, text: str) -> Value:
    """A value as it is written in SQL: octets as text or 0x..., integers as digits or by name. Raises ValueError."""
    attribute = ATTRIBUTES.get(name)
    if attribute is None:
        raise ValueError(f"unknown attribute {name}")
    match attribute.type:
        case Type.INTEGER:
            return _NAMED_VALUES[name, text] if (name, text) in _NAMED_VALUES else int(text)
        case Type.OCTETS:
            return bytes.fromhex(text[2:]) if text.startswith("0x") else text.encode()
        case Type.ADDRESS:
            return str(ipaddress.IPv4Address(text))
        case Type.TEXT:
            return text
