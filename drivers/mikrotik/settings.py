"""Settings of one router, read and judged once, when the driver is built."""

import math
from collections.abc import Mapping, Set
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from drivers.mikrotik.garden import Garden, Rates, garden_from, rates_from
from drivers.mikrotik.ways import CHOICES, Way
from drivers.secret import Secret, secret_from
from enforcement.access import Access, Rate
from enforcement.keys import KeyType

RESTRICTED = (Access.THROTTLED, Access.PORTAL, Access.BLOCKED)
LISTS = {access: f"grifo-{access}" for access in RESTRICTED}

Rung = tuple[Access, Rate | None]
"""What a list gives: an access, and how fast `throttled` still is; None is the rate of `throttle`, or of own rules."""

_OR_ANONYMOUS = " (or 'anonymous')"
_PASSWORD = frozenset({"password", "password_file", "password_env", "password_credential"})
_KNOWN = _PASSWORD | {
    "host",
    "port",
    "username",
    "tls",
    "ca_file",
    "server_name",
    "lists",
    "obstructing_lists",
    "ipv6",
    "ways",
    "garden",
    "throttle",
    "rates",
    "ipv6_delegation",
    "connections",
    "accounting",
    "connect_seconds",
    "reply_seconds",
    "turn_seconds",
}


class Connections(StrEnum):
    """What is done about a customer's established connections, which rules may no longer see.

    `READ`: ended with each change, and looked for at every read. `END`: ended with each change. `LEAVE`: left alone.
    """

    READ = "read"
    END = "end"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class Settings:
    """One router.

    `lists` names the address list of each access that this router gives; the operator's own rules act on them.
    `obstructing_lists` are lists by which something else restricts: an enabled entry there, not ours, obstructs.
    `ways` says how users and MAC addresses are restricted; a type that is not named is no key of this router.
    `rates` names the lists of `throttled` at a rate of their own, the slowest first; that in `lists` is for all others.
    `ipv6_delegation` is the length of the prefix that each customer has: those in one such prefix share a rate.
    `garden` is what a restricted customer may still reach; None where the operator's own rules know it.
    `anonymous` is TLS without any certificate, as api-ssl offers it: nobody knows whom he talks to.
    `connect_seconds` bounds connecting, `reply_seconds` the silence between two pieces of a reply,
    `turn_seconds` all the replies that one batch of commands waits for.
    """

    host: str
    port: int
    username: str
    password: Secret
    tls: bool
    anonymous: bool
    ca_file: str | None
    server_name: str
    lists: Mapping[Access, str]
    obstructing_lists: frozenset[str]
    ipv6: bool
    ways: Mapping[KeyType, Way]
    garden: Garden | None
    throttle: Rates | None
    rates: Mapping[Rate, str]
    ipv6_delegation: int
    connections: Connections
    connect_seconds: float
    reply_seconds: float
    turn_seconds: float

    def list_of(self, access: Access, rate: Rate | None) -> str:
        """The list of an access that this router gives, and of a rate where that has its own."""
        named = self.rates.get(rate) if rate is not None and access is Access.THROTTLED else None
        return named or self.lists[access]

    @property
    def gives(self) -> dict[str, Rung]:
        """What each list of ours gives, in the order in which rules are to ask: the slowest first."""
        of_rates: dict[str, Rung] = {name: (Access.THROTTLED, rate) for rate, name in self.rates.items()}
        return of_rates | {name: (access, None) for access, name in self.lists.items()}


def read(settings: Mapping[str, Any]) -> Settings:
    """Settings from the agent's file. Raises ValueError naming the key, what was wrong with it and what to give."""
    for key in settings.keys() - _KNOWN:
        raise ValueError(f"{key} is not a setting of the mikrotik driver; it has {', '.join(sorted(_KNOWN))}")
    anonymous = settings.get("tls") == "anonymous"
    tls = anonymous or _flag(settings, "tls", True)
    ca_file = _text(settings, "ca_file", "") or None
    if ca_file and not tls:
        raise ValueError("ca_file is given but tls = false: nothing would be verified; leave one of them out")
    if ca_file and not Path(ca_file).is_file():
        raise ValueError(f"ca_file: {ca_file} is not a file; give the certificate authority of the router in PEM")
    if ca_file and anonymous:
        raise ValueError('ca_file is given but tls = "anonymous": nothing would be verified; leave one of them out')
    host = _text(settings, "host")
    lists = _lists(settings.get("lists", {}))
    rates = _rates(settings.get("rates", []), lists)
    return Settings(
        host=host,
        port=_number(settings, "port", 8729 if tls else 8728, 65535),
        username=_text(settings, "username"),
        password=secret_from(settings, "password"),
        tls=tls,
        anonymous=anonymous,
        ca_file=ca_file,
        server_name=_text(settings, "server_name", host),
        lists=lists,
        obstructing_lists=_obstructing(settings.get("obstructing_lists", []), {*lists.values(), *rates.values()}),
        ipv6=_flag(settings, "ipv6", True),
        ways=_ways(settings.get("ways", {})),
        garden=garden_from(settings["garden"]) if "garden" in settings else None,
        throttle=rates_from(settings["throttle"]) if "throttle" in settings else None,
        rates=rates,
        ipv6_delegation=_number(settings, "ipv6_delegation", 56, 128),
        connections=_connections(settings.get("connections", "read")),
        connect_seconds=_seconds(settings, "connect_seconds", 5),
        reply_seconds=_seconds(settings, "reply_seconds", 10),
        turn_seconds=_seconds(settings, "turn_seconds", 120),
    )


def _text(settings: Mapping[str, Any], key: str, default: str | None = None) -> str:
    value = settings.get(key, default)
    if not isinstance(value, str) or (default is None and not value.strip()):
        raise ValueError(f"{key} must be given as a text, not {value!r}")
    return value.strip()


def _flag(settings: Mapping[str, Any], key: str, default: bool) -> bool:
    value = settings.get(key, default)
    if not isinstance(value, bool):
        raise ValueError(  # noqa: TRY004  # build() promises ValueError for every wrong setting
            f"{key} must be true or false{_OR_ANONYMOUS if key == 'tls' else ''}, not {value!r}"
        )
    return value


def _ways(given: Any) -> Mapping[KeyType, Way]:
    if not isinstance(given, Mapping):
        raise ValueError(  # noqa: TRY004  # build() promises ValueError for every wrong setting
            f"ways must be a table such as {{ username = 'ppp_secret' }}, not {given!r}"
        )
    ways: dict[KeyType, Way] = {}
    for type, choices in CHOICES.items():
        way = given.get(str(type))
        if way is not None and way not in tuple(choices):
            raise ValueError(f"ways: {type} is enforced by one of {', '.join(choices)}, not {way!r}")
        if way is not None:
            ways[type] = Way(way)
    for type in given.keys() - {str(type) for type in CHOICES}:
        raise ValueError(f"ways: {type!r} is not one of {', '.join(CHOICES)}; an address needs no way")
    return ways


def _connections(given: Any) -> Connections:
    if given not in tuple(Connections):
        raise ValueError(f"connections must be one of {', '.join(Connections)}, not {given!r}")
    return Connections(given)


def _number(settings: Mapping[str, Any], key: str, default: int, last: int) -> int:
    value = settings.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= last:
        raise ValueError(f"{key} must be a number from 1 to {last}, not {value!r}")
    return value


def _seconds(settings: Mapping[str, Any], key: str, default: float) -> float:
    value = settings.get(key, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not (value > 0 and math.isfinite(value)):
        raise ValueError(f"{key} must be a number of seconds above 0, not {value!r}")
    return float(value)


def _lists(given: Any) -> Mapping[Access, str]:
    """The defaults, with other names where given; an access named `false` is one that this router does not give."""
    if not isinstance(given, Mapping):
        raise ValueError(  # noqa: TRY004  # build() promises ValueError for every wrong setting
            f"lists must be a table such as {{ portal = 'my-portal' }}, not {given!r}"
        )
    for access in given.keys() - {str(access) for access in RESTRICTED}:
        raise ValueError(f"lists: {access!r} is not one of {', '.join(RESTRICTED)}")
    for access, name in given.items():
        if name is not False and (not isinstance(name, str) or not name.strip()):
            raise ValueError(f"lists: {access} must be a list's name, or false where this router cannot do it")
    named = {access: given.get(str(access), default) for access, default in LISTS.items()}
    lists = {access: name for access, name in named.items() if name is not False}
    if len(set(lists.values())) != len(lists):
        raise ValueError(f"lists: each access needs a list of its own, not {', '.join(lists.values())}")
    return lists


def _rates(given: Any, lists: Mapping[Access, str]) -> Mapping[Rate, str]:
    """The list of each rate: that of `throttled`, then down and up."""
    if not isinstance(given, list) or not all(isinstance(rate, str) for rate in given):
        raise ValueError(f"rates must be a list of down/up in kbit/s such as ['1024/512'], not {given!r}")
    if given and Access.THROTTLED not in lists:
        raise ValueError("rates: this router gives no throttled (lists: throttled is false)")
    try:
        rates = sorted({Rate.parse(rate) for rate in given}, key=lambda rate: (rate.down_kbps, rate.up_kbps))
    except ValueError as wrong:
        raise ValueError(f"rates: {wrong}") from None
    named = {rate: f"{lists[Access.THROTTLED]}-{rate.down_kbps}-{rate.up_kbps}" for rate in rates}
    both = sorted(set(named.values()) & set(lists.values()))
    if both:
        raise ValueError(f"rates: the list {both[0]} stands for another access under lists already")
    return named


def _obstructing(given: Any, ours: Set[str]) -> frozenset[str]:
    if not isinstance(given, list) or not all(isinstance(name, str) and name for name in given):
        raise ValueError(f"obstructing_lists must be a list of names, not {given!r}")
    both = sorted(set(given) & ours)
    if both:
        raise ValueError(
            f"obstructing_lists: {both[0]} is one of grifo's own lists, where every foreign entry obstructs"
        )
    return frozenset(given)
