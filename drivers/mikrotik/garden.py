"""The walled garden: what a restricted customer may still reach, and how slow `throttled` is; from the settings.

The operator's own voice platform passes in every access: an internet cut must not silence a paid telephone.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

_HOST = re.compile(r"(?=.{1,253}$)([A-Za-z0-9_-]{1,63}\.)+[A-Za-z][A-Za-z0-9-]{0,62}")
_RATE = re.compile(r"[1-9][0-9]*[kMG]?")
_PARTS = ("portal", "hosts", "dns", "voice")


@dataclass(frozen=True, slots=True)
class Garden:
    """Addresses, networks or names, as an address list takes them; `portal_port` is where the portal answers HTTP.

    `portal` and `hosts` (payment, its card issuers' 3-D Secure pages, banks) are reachable in `portal`; `dns` (UDP
    and TCP 53; of anyone where empty) in `portal` and `blocked`; `voice` (SIP, RTP, provisioning, NTP) in all.
    """

    portal: tuple[str, ...]
    hosts: tuple[str, ...]
    dns: tuple[str, ...]
    voice: tuple[str, ...]
    portal_port: int = 80


@dataclass(frozen=True, slots=True)
class Rates:
    """Bits a second of one throttled customer, as RouterOS writes them (`512k`); up is what the customer sends."""

    up: str
    down: str


def garden_from(given: Any) -> Garden:
    """The garden from its table. Raises ValueError naming what was wrong."""
    if not isinstance(given, Mapping):
        raise ValueError(  # noqa: TRY004  # build() promises ValueError for every wrong setting
            f"garden must be a table such as {{ portal = ['203.0.113.80'], voice = [] }}, not {given!r}"
        )
    for key in given.keys() - {*_PARTS, "portal_port"}:
        raise ValueError(f"garden: {key} is not one of {', '.join(_PARTS)}, portal_port")
    for key in ("portal", "voice"):
        if key not in given:
            raise ValueError(f"garden: {key} must be given, be it an empty list: it must not be forgotten")
    port = given.get("portal_port", 80)
    if isinstance(port, bool) or not isinstance(port, int) or not 0 < port < 65536:
        raise ValueError(f"garden: portal_port must be a number from 1 to 65535, not {port!r}")
    portal, hosts, dns, voice = (_places(given.get(part, []), part) for part in _PARTS)
    for address in portal:
        if not _is_address(address):
            raise ValueError(f"garden: portal {address!r} must be one address: port 80 is redirected to it")
    return Garden(portal, hosts, dns, voice, port)


def rates_from(given: Any) -> Rates:
    """The rates from their table. Raises ValueError naming what was wrong."""
    if not isinstance(given, Mapping) or set(given) != {"up", "down"}:
        raise ValueError(f"throttle must be a table such as {{ up = '512k', down = '2M' }}, not {given!r}")
    for key, rate in given.items():
        if not isinstance(rate, str) or not _RATE.fullmatch(rate):
            raise ValueError(f"throttle: {key} must be a rate such as '512k' or '2M', not {rate!r}")
    return Rates(given["up"], given["down"])


def _places(given: Any, part: str) -> tuple[str, ...]:
    if not isinstance(given, list):
        raise ValueError(f"garden: {part} must be a list, not {given!r}")  # noqa: TRY004  # as in garden_from
    return tuple(_place(one, part) for one in given)


def _place(given: Any, part: str) -> str:
    """As the router will write it."""
    text = given.strip() if isinstance(given, str) else ""
    try:
        network = ip_network(text)
    except ValueError:
        if _HOST.fullmatch(text):
            return text
        raise ValueError(f"garden: {part} holds {given!r}, which is no address, network or name") from None
    return str(network.network_address) if network.version == 4 and network.prefixlen == 32 else str(network)


def _is_address(text: str) -> bool:
    try:
        return bool(ip_address(text.removesuffix("/128")))
    except ValueError:
        return False
