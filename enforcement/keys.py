"""Keys: the identity by which a device knows a customer, typed and normalised once, here."""

import ipaddress
import re
from dataclasses import dataclass
from enum import StrEnum


class KeyType(StrEnum):
    """What a key's value names. `IPV4` and `IPV6_PREFIX` are for static addresses only."""

    USERNAME = "username"
    CIRCUIT_ID = "circuit_id"
    MAC = "mac"
    MSISDN = "msisdn"
    SIP_AOR = "sip_aor"
    TRUNK = "trunk"
    IPV4 = "ipv4"
    IPV6_PREFIX = "ipv6_prefix"


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """A typed, normalised identity; written `type:value`, as in `username:ana@isp` or `ipv4:192.0.2.7`."""

    type: KeyType
    value: str

    def __str__(self) -> str:
        return f"{self.type}:{self.value}"

    @classmethod
    def of(cls, type: str, value: str) -> "Key":
        """A key from what a person or a billing system wrote. Raises ValueError saying what was wrong."""
        try:
            key_type = KeyType(type)
        except ValueError:
            raise ValueError(f"key type {type!r} is not one of {', '.join(KeyType)}") from None
        return cls(key_type, _normalised(key_type, value.strip()))

    @classmethod
    def parse(cls, text: str) -> "Key":
        """A key from its written form `type:value`. Raises ValueError saying what was wrong."""
        type, colon, value = text.partition(":")
        if not colon:
            raise ValueError(f"key {text!r} is not written type:value, e.g. username:ana@isp")
        return cls.of(type, value)


def _normalised(type: KeyType, value: str) -> str:
    if not value or not value.isprintable() or len(value) > 253:
        raise ValueError(f"{type} key must be 1 to 253 printable characters, not {value!r}")
    match type:
        case KeyType.IPV4:
            return _ipv4(value)
        case KeyType.IPV6_PREFIX:
            return _ipv6_prefix(value)
        case KeyType.MAC:
            return _mac(value)
        case KeyType.MSISDN:
            return _msisdn(value)
        case KeyType.SIP_AOR:
            return _sip_aor(value)
        case _:
            return value


def _ipv4(value: str) -> str:
    """One address or a prefix in CIDR form; a /32 is written as the bare address, as RouterOS shows it."""
    try:
        network = ipaddress.IPv4Network(value)
    except ValueError as wrong:
        raise ValueError(f"ipv4 key {value!r}: {wrong}") from None
    return str(network.network_address) if network.prefixlen == 32 else str(network)


def _ipv6_prefix(value: str) -> str:
    """Always in CIDR form (`2001:db8:1::/56`, a host as /128), as RouterOS shows it."""
    try:
        return str(ipaddress.IPv6Network(value))
    except ValueError as wrong:
        raise ValueError(f"ipv6_prefix key {value!r}: {wrong}") from None


def _mac(value: str) -> str:
    digits = re.sub(r"[:.\-]", "", value).upper()
    if not re.fullmatch(r"[0-9A-F]{12}", digits):
        raise ValueError(f"mac key {value!r} is not six octets in hexadecimal")
    return ":".join(digits[i : i + 2] for i in range(0, 12, 2))


def _msisdn(value: str) -> str:
    """E.164 with its plus sign (ITU-T E.164, 6.2: at most 15 digits)."""
    number = re.sub(r"[ ().\-]", "", value)
    if number.startswith("00"):
        number = "+" + number[2:]
    if not re.fullmatch(r"\+[1-9][0-9]{6,14}", number):
        raise ValueError(f"msisdn key {value!r} is not an international number such as +34910000001")
    return number


def _sip_aor(value: str) -> str:
    """`user@domain` without its scheme; the domain alone is without case (RFC 3261, 19.1.4)."""
    user, at, domain = re.sub(r"^sips?:", "", value, flags=re.IGNORECASE).rpartition("@")
    if not at or not user or not re.fullmatch(r"[A-Za-z0-9.\-:\[\]]+", domain):
        raise ValueError(f"sip_aor key {value!r} is not written user@domain, e.g. 34910000001@voice.example")
    return f"{user}@{domain.lower()}"
