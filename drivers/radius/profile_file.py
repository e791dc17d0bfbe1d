"""Reads a NAS profile out of its TOML file: every fault is told with file, key, value and what is allowed.

The profiles that come with grifo lie in `configs/radius`: beside the sources, or under `share/grifo` of the virtual
environment that grifo is installed in. An operator's own is named by its path.
"""

import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from drivers.radius.attributes import is_known
from drivers.radius.given import require
from drivers.radius.profile import IDENTIFIERS, Passage, Profile, Way
from enforcement.access import LADDERS, Access, Kind

LADDER = LADDERS[Kind.INTERNET]
CAN_IDENTIFY = frozenset({*IDENTIFIERS, "Framed-IP-Address", "Calling-Station-Id", "NAS-Identifier"})
NAMES_NO_SESSION = frozenset({"NAS-IP-Address", "NAS-Identifier"})
PLACES = ("group", "former")
SPEEDS = ("down", "up")
_TOP = {"title", "source", "experimental", "requests", "live", "speed", "setup"}
_REQUESTS = {"port", "identifiers", "per_second", "in_flight", "timeout_seconds", "tries"}
_LIVE = {"way", "disconnect", "disconnect_between", "coa", "reads_back"}
_COA = {"before", "after", "reply", "fixed"}
_SETUP = {"commands", "note"}
_READS_BACK = ("class", "none")


def folders() -> list[Path]:
    """Where grifo's own profiles may be, the sources first."""
    return [
        Path(__file__).parents[2] / "configs" / "radius",
        Path(sys.prefix) / "share" / "grifo" / "configs" / "radius",
    ]


def known_profiles() -> dict[str, Path]:
    """The profiles that come with grifo, by name."""
    return {path.stem: path for folder in reversed(folders()) for path in sorted(folder.glob("*.toml"))}


def profile_named(name: str) -> Profile:
    """One of grifo's own. Raises ValueError naming those there are."""
    there = known_profiles()
    if name not in there:
        raise ValueError(f"profile {name!r} is not one of {', '.join(sorted(there))}; for your own give profile_file")
    return profile_from(there[name])


def profile_from(path: Path) -> Profile:
    """The profile in a file. Raises ValueError naming file, key, value and what was wrong."""
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as wrong:
        raise ValueError(f"NAS profile {path} can't be read: {wrong}") from wrong
    try:
        return _profile(path.stem, _Table(given, "", _TOP))
    except ValueError as wrong:
        raise ValueError(f"NAS profile {path}: {wrong}") from None


class _Table:
    """A table of the file that knows its own place in it, and refuses keys that nobody reads."""

    def __init__(self, given: Any, where: str, known: set[str]) -> None:
        require(isinstance(given, Mapping), f"{where} must be a table")
        self._given, self._where = given, where
        unknown = sorted(set(given) - known)
        if unknown:
            raise ValueError(f"{self.at(unknown[0])} is no key of a profile; known are {', '.join(sorted(known))}")

    def at(self, key: str) -> str:
        return f"{self._where}.{key}" if self._where else key

    def table(self, key: str, known: set[str]) -> "_Table":
        return _Table(self._given.get(key, {}), self.at(key), known)

    def tables(self, key: str, known: set[str]) -> "list[_Table]":
        return [_Table(one, f"{self.at(key)}[{at}]", known) for at, one in enumerate(self._list(key), start=1)]

    def text(self, key: str, default: str | None = None) -> str:
        value = self._given.get(key, default)
        if not isinstance(value, str) or (default is None and not value.strip()):
            raise ValueError(f"{self.at(key)} must be a text, not {value!r}")
        return value

    def one_of(self, key: str, default: str, allowed: Sequence[str]) -> str:
        value = self._given.get(key, default)
        if value not in allowed:
            raise ValueError(f"{self.at(key)} must be one of {', '.join(allowed)}, not {value!r}")
        return str(value)

    def switch(self, key: str, default: bool) -> bool:
        value = self._given.get(key, default)
        require(isinstance(value, bool), f"{self.at(key)} must be true or false, not {value!r}")
        return bool(value)

    def whole(self, key: str, default: int, low: int, high: int) -> int:
        value = self._given.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise ValueError(f"{self.at(key)} must be a whole number from {low} to {high}, not {value!r}")
        return value

    def seconds(self, key: str, default: float) -> float:
        value = self._given.get(key, default)
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= 60:
            raise ValueError(f"{self.at(key)} must be more than 0 and at most 60 seconds, not {value!r}")
        return float(value)

    def accesses(self, key: str) -> frozenset[Access]:
        wrong = [name for name in self._list(key) if name not in LADDER]
        if wrong:
            raise ValueError(f"{self.at(key)}: {wrong[0]!r} is no access of internet; there are {', '.join(LADDER)}")
        return frozenset(Access(name) for name in self._list(key))

    def attributes(self, key: str) -> tuple[str, ...]:
        return tuple(self._attribute(key, name) for name in self._list(key))

    def pairs(self, key: str, places: Sequence[str]) -> tuple[tuple[str, str], ...]:
        found = []
        for pair in self._list(key):
            if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(one, str) for one in pair):
                raise ValueError(f'{self.at(key)} must hold pairs such as ["Filter-Id", "{{group}}"], not {pair!r}')
            found.append((self._attribute(key, pair[0]), self._value(key, pair[1], places)))
        return tuple(found)

    def identifiers(self, key: str) -> tuple[str, ...]:
        names = tuple(str(name) for name in self._given.get(key, IDENTIFIERS))
        if set(names) - CAN_IDENTIFY or not set(names) - NAMES_NO_SESSION:
            raise ValueError(f"{self.at(key)} must name a session by some of {', '.join(sorted(CAN_IDENTIFY))}")
        return names

    def _attribute(self, key: str, name: object) -> str:
        if not isinstance(name, str) or not is_known(name):
            raise ValueError(f"{self.at(key)}: {name!r} is not in the driver's dictionary (drivers/radius/dictionary)")
        return name

    def _value(self, key: str, value: str, places: Sequence[str]) -> str:
        try:
            value.format(**dict.fromkeys(places, ""))
        except (KeyError, IndexError, ValueError):
            allowed = " and ".join(f"{{{place}}}" for place in places)
            raise ValueError(f"{self.at(key)}: {value!r} may hold {allowed} in braces only") from None
        return value

    def _list(self, key: str) -> list[Any]:
        value: Any = self._given.get(key, [])
        require(isinstance(value, list), f"{self.at(key)} must be a list, not {value!r}")
        return list(value)


def _profile(name: str, top: _Table) -> Profile:
    requests, live, setup = top.table("requests", _REQUESTS), top.table("live", _LIVE), top.table("setup", _SETUP)
    profile = Profile(
        name=name,
        title=top.text("title"),
        source=top.text("source"),
        experimental=top.switch("experimental", True),
        port=requests.whole("port", 3799, 1, 65535),
        identifiers=requests.identifiers("identifiers"),
        per_second=requests.whole("per_second", 0, 0, 100_000),
        in_flight=requests.whole("in_flight", 64, 1, 256),
        timeout_s=requests.seconds("timeout_seconds", 2.0),
        tries=requests.whole("tries", 3, 1, 10),
        way=Way(live.one_of("way", Way.DISCONNECT, list(Way))),
        passages=tuple(_passage(one) for one in live.tables("coa", _COA)),
        coa_class=live.one_of("reads_back", "none", _READS_BACK) == "class",
        setup=setup.text("commands", ""),
        setup_note=setup.text("note", ""),
        speed=top.pairs("speed", SPEEDS),
    )
    return _complete(profile, live)


def _passage(given: _Table) -> Passage:
    passage = Passage(
        given.accesses("before"), given.accesses("after"), given.attributes("reply"), given.pairs("fixed", PLACES)
    )
    if not passage.before or not passage.after or not (passage.reply or passage.fixed):
        raise ValueError(f"{given.at('before')}, after, and reply or fixed must each name something")
    return passage


def _complete(profile: Profile, live: _Table) -> Profile:
    """Where it can do CoA, every change of access is brought by one or asks for a Disconnect, and it is said which."""
    ends, between = live.accesses("disconnect"), live.accesses("disconnect_between")
    if profile.passages and profile.way is Way.NONE:
        raise ValueError(f"{live.at('coa')} is given, but {live.at('way')} is {profile.way}")
    if not profile.passages and profile.way is not Way.COA:
        return replace(profile, coa_class=False)
    for before, after in _changes():
        brought = any(one.brings({before}, after) for one in profile.passages)
        cut = bool({before, after} & ends) or {before, after} <= between
        if brought and cut:
            raise ValueError(f"{live.at('disconnect')}: from {before} to {after} is brought by {live.at('coa')} too")
        if not brought and not cut:
            raise ValueError(
                f"{live.at('coa')}: nothing brings a session from {before} to {after};"
                f" add it there, or to {live.at('disconnect')}"
            )
    return profile


def _changes() -> Iterator[tuple[Access, Access]]:
    return ((before, after) for before in LADDER for after in LADDER if before is not after)
