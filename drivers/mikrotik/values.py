"""Values: RouterOS' own ways of writing booleans, durations and ends of connections, read once, here (pure)."""

import re
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
    summarize_address_range,
)

Network = IPv4Network | IPv6Network

_DURATION = re.compile(r"(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_UNITS = (604800, 86400, 3600, 60, 1)


def yes(text: str) -> bool:
    """Whether a flag is set: `true` on the wire, `yes` from older versions."""
    return text in ("true", "yes")


def seconds(text: str) -> float | None:
    """A duration such as `1w2d3h4m5s`; None where it is none."""
    found = _DURATION.fullmatch(text)
    if not text or not found:
        return None
    return float(sum(int(part or 0) * unit for part, unit in zip(found.groups(), _UNITS, strict=True)))


def host_of(end: str) -> str:
    """The address of one end of a connection: `10.0.0.1:443`, `[2001:db8::1]:443`, or without its port."""
    if end.startswith("["):
        return end[1:].partition("]")[0]
    return end.partition("/")[0] if end.count(":") > 1 else end.partition(":")[0]


def networks_of(address: str) -> tuple[Network, ...]:
    """The networks that an address list's `address` holds, a range in pieces; none for a name."""
    try:
        first, dash, last = address.partition("-")
        if dash:
            return tuple(summarize_address_range(*_ends(first, last)))
        return (ip_network(address, strict=False),)
    except (ValueError, TypeError):
        return ()


def _ends(first: str, last: str) -> tuple[IPv4Address, IPv4Address] | tuple[IPv6Address, IPv6Address]:
    low, high = ip_address(first.strip()), ip_address(last.strip())
    if isinstance(low, IPv4Address) and isinstance(high, IPv4Address):
        return low, high
    if isinstance(low, IPv6Address) and isinstance(high, IPv6Address):
        return low, high
    raise ValueError("a range of two families")


def duid_mac(duid: str) -> str:
    """The MAC address in a DUID-LLT or DUID-LL over Ethernet (RFC 8415, 11.2 and 11.4); empty for another."""
    digits = duid.lower().removeprefix("0x").replace(":", "")
    start = {"00010001": 16, "00030001": 8}.get(digits[:8])
    if start is None or len(digits) != start + 12:
        return ""
    mac = digits[start:].upper()
    return ":".join(mac[at : at + 2] for at in range(0, 12, 2))
