"""Rules: whether one firewall rule matches a packet (manual, "Filter", "Common firewall matchers and actions")."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

Row = Mapping[str, str]

SILENT = frozenset({"passthrough", "log", "add-src-to-address-list", "add-dst-to-address-list"})
"""Actions after which the packet goes on to the next rule."""

CHANGES = frozenset({"mark-packet", "mark-connection", "change-mss", "change-dscp"})
"""Actions of mangle after which it does so unless the rule has `passthrough=no`."""

_NO_MATCHERS = frozenset({".id", "chain", "action", "comment", "disabled", "dynamic", "invalid", "log", "log-prefix"})
_OF_ACTIONS = frozenset({"reject-with", "jump-target", "to-addresses", "to-ports", "passthrough", "hw-offload"})
_OF_CHANGES = frozenset({"new-packet-mark", "new-connection-mark", "new-mss", "new-dscp"})
_SAY_NOTHING = _NO_MATCHERS | _OF_ACTIONS | _OF_CHANGES


@dataclass(frozen=True, slots=True)
class Seen:
    """What a rule can know of a packet."""

    src: str
    dst: str
    protocol: str
    src_port: int
    dst_port: int
    established: bool
    dstnat: bool
    mss: int

    @property
    def opens(self) -> bool:
        """Whether it has SYN alone."""
        return self.protocol == "tcp" and not self.established


def matches(row: Row, seen: Seen, lists: Iterable[Row]) -> bool:
    """Whether every matcher of the rule holds. Raises ValueError for a matcher that is not known here."""
    return all(_holds(name, value, seen, lists) for name, value in row.items() if name not in _SAY_NOTHING)


def _holds(name: str, value: str, seen: Seen, lists: Iterable[Row]) -> bool:
    inverted, value = value.startswith("!"), value.removeprefix("!")
    return _plainly(name, value, seen, lists) != inverted


def _plainly(name: str, value: str, seen: Seen, lists: Iterable[Row]) -> bool:
    match name:
        case "src-address":
            return inside(seen.src, value)
        case "dst-address":
            return inside(seen.dst, value)
        case "src-address-list":
            return any(row["list"] == value and inside(seen.src, row["address"]) for row in lists)
        case "dst-address-list":
            return any(row["list"] == value and inside(seen.dst, row["address"]) for row in lists)
        case "protocol":
            return seen.protocol == value
        case "src-port":
            return _port_in(seen.src_port, value)
        case "dst-port":
            return _port_in(seen.dst_port, value)
    return _of_connection(name, value, seen)


def _of_connection(name: str, value: str, seen: Seen) -> bool:
    match name:
        case "tcp-flags":
            return seen.opens == (value == "syn")
        case "tcp-mss":
            return seen.opens and _in_range(seen.mss, value)
        case "connection-state":
            return ("established" if seen.established else "new") in value.split(",")
        case "connection-nat-state":
            return seen.dstnat == (value == "dstnat")
    raise ValueError(f"the lab does not know the matcher {name}={value}")


def _port_in(port: int, wanted: str) -> bool:
    return any(_in_range(port, part) for part in wanted.split(","))


def _in_range(number: int, wanted: str) -> bool:
    first, _, last = wanted.partition("-")
    return int(first) <= number <= int(last or first)


@lru_cache(65536)
def inside(address: str, where: str) -> bool:
    """Whether an address is in a network or range; a DNS name holds nobody, since the lab resolves none."""
    first, dash, last = where.partition("-")
    try:
        at = ip_address(address)
        if dash:
            return _between(at, ip_address(first), ip_address(last))
        return at in ip_network(where, strict=False)
    except ValueError:
        return False


def _between(at: IPv4Address | IPv6Address, first: IPv4Address | IPv6Address, last: IPv4Address | IPv6Address) -> bool:
    return at.version == first.version and int(first) <= int(at) <= int(last)
