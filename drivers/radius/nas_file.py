"""Reads one NAS out of the agent's settings file: its profile first, then what the settings say of this one alone."""

import ipaddress
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from drivers.radius.attributes import KNOWN, is_known
from drivers.radius.given import internet_access, list_of, number, only_known, require, seconds, switch
from drivers.radius.profile import Passage, Profile, Way
from drivers.radius.profile_file import CAN_IDENTIFY, NAMES_NO_SESSION, profile_from, profile_named
from drivers.radius.settings import Nas
from drivers.secret import secret_from

_KEYS = frozenset(
    {
        "address",
        "nasipaddress",
        "profile",
        "profile_file",
        "experimental",
        "port",
        "live",
        "identifiers",
        "nas_identifier",
        "changes",
        "coa_class",
        "per_second",
        "in_flight",
        "timeout_seconds",
        "tries",
    }
)
_NO_PROFILE = Profile("", "", "", experimental=False)


def nas_from(index: int, given: Any) -> Nas:
    """A validated NAS. Raises ValueError naming it by its place, the key, and what was wrong."""
    require(isinstance(given, Mapping), f"nases[{index}] must be a table")
    only_known(f"nases[{index}].", given, _KEYS, "secret")
    try:
        return _nas(given)
    except ValueError as wrong:
        raise ValueError(f"nases[{index}]: {wrong}") from None


def _nas(given: Mapping[str, Any]) -> Nas:
    profile = _profile(given)
    usual = profile or _NO_PROFILE
    address = str(ipaddress.ip_address(given.get("address", "")))
    passages = _passages(given["changes"]) if "changes" in given else usual.passages
    coa_class = switch(given, "coa_class", default=usual.coa_class)
    return Nas(
        address=address,
        nas_ip=str(ipaddress.ip_address(given.get("nasipaddress", address))),
        secret=secret_from(given, "secret"),
        port=number(given, "port", usual.port, low=1, high=65535),
        way=_way(given["live"]) if "live" in given else _usual_way(usual, bool(passages) and coa_class),
        identifiers=_identifiers(given, usual),
        nas_identifier=str(given.get("nas_identifier", "")),
        passages=passages,
        coa_class=coa_class,
        per_second=number(given, "per_second", usual.per_second, high=100_000),
        in_flight=number(given, "in_flight", usual.in_flight, low=1, high=256),
        timeout_s=seconds(given, "timeout_seconds", usual.timeout_s),
        tries=number(given, "tries", usual.tries, low=1, high=10),
        profile=profile,
    )


def _profile(given: Mapping[str, Any]) -> Profile | None:
    require("profile" not in given or "profile_file" not in given, "give profile or profile_file, not both")
    if "profile_file" in given:
        found = profile_from(Path(str(given["profile_file"])))
    elif "profile" in given:
        found = profile_named(str(given["profile"]))
    else:
        return None
    was_tried = switch(given, "experimental", default=False)
    return replace(found, experimental=found.experimental and not was_tried)


def _way(given: object) -> Way:
    found = next((way for way in Way if way.value == given), None)
    if found is None:
        raise ValueError(f"live must be one of {', '.join(Way)}, not {given!r}")
    return found


def _usual_way(usual: Profile, shows_coa: bool) -> Way:
    """The gentlest way whose effect can be read: what nobody can read back is used only where a person asks for it."""
    return Way.COA if usual.way is Way.DISCONNECT and shows_coa else usual.way


def _identifiers(given: Mapping[str, Any], usual: Profile) -> tuple[str, ...]:
    names = tuple(str(name) for name in list_of(given, "identifiers", usual.identifiers))
    wrong = [name for name in names if name not in CAN_IDENTIFY]
    if wrong or not set(names) - NAMES_NO_SESSION:
        raise ValueError(f"identifiers must name a session by some of {', '.join(sorted(CAN_IDENTIFY))}")
    return names


def _passages(given: Any) -> tuple[Passage, ...]:
    """Between any two of the accesses that are listed, a CoA carries the attributes of the one to come."""
    require(isinstance(given, Mapping), "changes must be a table of access to attribute names")
    found = {internet_access("changes", name): tuple(str(one) for one in names) for name, names in given.items()}
    unknown = sorted(name for names in found.values() for name in names if not is_known(name))
    if unknown:
        raise ValueError(
            f"changes: {unknown[0]} is not in the driver's dictionary; known are {', '.join(sorted(KNOWN))}"
        )
    return tuple(Passage(frozenset(found), frozenset({access}), names) for access, names in found.items() if names)
