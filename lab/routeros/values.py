"""Values as the device writes them: addresses, durations, booleans. Whatever was typed, this is what is printed."""

import ipaddress
import re
from functools import lru_cache

from lab.routeros.traps import invalid_value, no_match

_BOOLEANS = {"yes": "true", "true": "true", "no": "false", "false": "false"}
_NAME = re.compile(r"(?=.{1,253}$)([A-Za-z0-9_-]{1,63}\.)*[A-Za-z][A-Za-z0-9-]{0,62}\.?")
_DURATION = re.compile(r"(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_CLOCK = re.compile(r"(?:(\d+)d)?\s*(\d{1,2}):(\d{2}):(\d{2})")
_UNITS = (("w", 604800), ("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


def boolean(name: str, value: str) -> str:
    """`yes` and `no` are stored and printed as true and false."""
    try:
        return _BOOLEANS[value]
    except KeyError:
        raise no_match(name) from None


@lru_cache(65536)
def list_address(version: int, value: str) -> str:
    """An address list's address: IPv4 /32 bare, IPv6 always with a prefix, host bits cut, a range that is a network
    as that network. A DNS name is kept; the lab has no DNS, so that no dynamic children appear."""
    try:
        if "-" in value and not _NAME.fullmatch(value):
            return _range(version, value)
        return _written(version, value)
    except ValueError:
        if _NAME.fullmatch(value):
            return value
        raise invalid_value("address") from None


def _written(version: int, value: str) -> str:
    if version == 6:
        return str(ipaddress.IPv6Network(value, strict=False))
    network = ipaddress.IPv4Network(value, strict=False)
    return str(network.network_address) if network.prefixlen == 32 else str(network)


def _range(version: int, value: str) -> str:
    first, last = (ipaddress.ip_address(end.strip()) for end in value.split("-", 1))
    if first.version != version or last.version != version:
        raise ValueError("address family")
    networks = list(ipaddress.summarize_address_range(first, last))
    return _written(version, str(networks[0])) if len(networks) == 1 else f"{first}-{last}"


def seconds(name: str, value: str) -> int:
    """A duration such as `1w2d3h4m5s`, `1d 02:03:04` or bare seconds."""
    if value.isdigit():
        return int(value)
    clock = _CLOCK.fullmatch(value)
    if clock:
        days, hours, minutes, rest = (int(part or 0) for part in clock.groups())
        return days * 86400 + hours * 3600 + minutes * 60 + rest
    found = _DURATION.fullmatch(value)
    if not value or not found:
        raise invalid_value(name)
    return sum(int(part or 0) * size for part, (_, size) in zip(found.groups(), _UNITS, strict=True))


def duration(total: float) -> str:
    """Seconds as the device prints them: `1d2h`, `59m58s`, `0s`."""
    left, text = int(total), ""
    for unit, size in _UNITS:
        if left >= size:
            text += f"{left // size}{unit}"
            left %= size
    return text or "0s"
