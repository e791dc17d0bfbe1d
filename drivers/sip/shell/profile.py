"""A profile: what to type on a kind of switch, and how to read what it answers. Data, checked when it is loaded.

A switch answers in words made for people. A profile therefore brings an example of its `list`, and is refused unless
its own patterns read that example back as the rows that it says: what can't be read back can't be trusted to bar.
"""

import re
import string
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drivers.sip.values import ENFORCED
from enforcement.access import Access
from enforcement.keys import KeyType

_TABLES = frozenset({"commands", "patterns", "proof", "example", "needs"})
_PLAIN = frozenset({"name", "experimental", "device_type", "shell", "program", "keys", "access", "slice_size"})
_COMMANDS = {"list": set[str](), "verify": {"name"}, "set": {"name", "value"}, "clear": {"name"}}


@dataclass(frozen=True, slots=True)
class Proof:
    """A command that tells whether the allow-list has a number, for switches that can't be asked over SIP."""

    command: str
    passes: re.Pattern[str]
    bars: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Need:
    """What an operator installs by hand: `where`, and the `text` to add there."""

    where: str
    text: str


@dataclass(frozen=True, slots=True)
class Profile:
    """One profile. Commands are templates with {name}, {value}, {number} and {program}.

    `posix` tells a shell that can be asked for exit codes from a device of prompts. `row` has the groups name and
    value; `one` has value, in an answer to `verify`. `count` finds the numbers that add up to the rows of a list;
    `empty` is what a list without rows looks like, for nonsense is no empty list. `proof` is None where the switch is
    asked over SIP, as Kamailio's fragment answers.
    """

    name: str
    experimental: bool
    device_type: str
    posix: bool
    program: str
    keys: frozenset[KeyType]
    access: frozenset[Access]
    slice_size: int
    commands: Mapping[str, tuple[str, ...]]
    row: re.Pattern[str]
    one: re.Pattern[str]
    count: re.Pattern[str] | None
    empty: re.Pattern[str]
    errors: re.Pattern[str]
    absent: re.Pattern[str]
    done: re.Pattern[str] | None
    uptime: re.Pattern[str] | None
    proof: Proof | None
    needs: tuple[Need, ...]


def load(path: Path) -> Profile:
    """Read and check a file. Raises ValueError with one sentence that names the file and the key."""
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as wrong:
        raise ValueError(f"profile {path} can't be read: {wrong}") from wrong
    try:
        profile = _profile(given)
        _reads_its_example(profile, given.get("example"))
    except ValueError as wrong:
        raise ValueError(f"profile {path}: {wrong}") from wrong
    return profile


def rows_in(profile: Profile, text: str) -> dict[str, str]:
    """The rows of a list, name to value. Raises ValueError where the list is not whole or names one twice."""
    found = [(match["name"], match["value"].strip()) for match in profile.row.finditer(text)]
    rows = dict(found)
    if len(rows) != len(found):
        raise ValueError("a name stands twice in the list")
    counts = [int(match[1]) for match in profile.count.finditer(text)] if profile.count else []
    if not rows and not counts and not profile.empty.search(text):
        raise ValueError(f"the list is neither rows nor empty: {text.strip()[:120]!r}")
    if profile.count and sum(counts) != len(rows):
        raise ValueError(f"the list says that it has {sum(counts)} rows, and {len(rows)} were read")
    return rows


def _reads_its_example(profile: Profile, example: object) -> None:
    shown = dict(example) if isinstance(example, Mapping) else {}
    if not shown.get("rows"):
        raise ValueError("example.list and example.rows must show a list and what is to be read in it")
    wanted = dict(shown["rows"])
    read = rows_in(profile, _text(shown, "list"))
    if read != wanted:
        raise ValueError(f"its list can't be read back: patterns.row reads {read} in example.list, not {wanted}")


def _profile(given: Mapping[str, Any]) -> Profile:
    unknown = sorted(set(given) - _PLAIN - _TABLES)
    if unknown:
        raise ValueError(f"{unknown[0]} is no key of a profile; it knows {', '.join(sorted(_PLAIN | _TABLES))}")
    for key in ("keys", "access"):
        if not isinstance(given.get(key), list) or not given[key]:
            raise ValueError(f"{key} must be a list of one or more, not {given.get(key)!r}")
    patterns = _table(given, "patterns")
    row = _pattern(patterns, "row", "name", "value")
    assert row is not None
    return Profile(
        name=_text(given, "name"),
        experimental=_flag(given, "experimental"),
        device_type=_text(given, "device_type"),
        posix=_choice(given, "shell", "posix", "prompt") == "posix",
        program=given.get("program", ""),
        keys=frozenset(KeyType(_choice({"keys": key}, "keys", "msisdn", "sip_aor", "trunk")) for key in given["keys"]),
        access=frozenset(Access(_choice({"access": one}, "access", *sorted(ENFORCED))) for one in given["access"]),
        slice_size=_size(given),
        commands=_commands(_table(given, "commands")),
        row=row,
        one=_pattern(patterns, "one", "value", optional=True) or row,
        count=_pattern(patterns, "count", optional=True),
        empty=_pattern(patterns, "empty", optional=True) or re.compile(r"\A\s*\Z"),
        errors=_any_of(patterns, "errors"),
        absent=_any_of(patterns, "absent"),
        done=_pattern(patterns, "done", optional=True),
        uptime=_pattern(patterns, "uptime", "seconds", optional=True),
        proof=_proof(given.get("proof"), given["access"]),
        needs=tuple(Need(_text(need, "where"), _text(need, "text")) for need in given.get("needs", ())),
    )


def _commands(given: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Each a text, or a list of texts to be typed one after the other."""
    unknown = sorted(set(given) - {*_COMMANDS, "uptime"})
    if unknown:
        raise ValueError(f"commands.{unknown[0]} is no command of a profile")
    found = {name: _lines(given, name) for name in (*_COMMANDS, "uptime") if name in _COMMANDS or name in given}
    for name, wanted in _COMMANDS.items():
        used = {field for line in found[name] for _, field, _, _ in string.Formatter().parse(line) if field}
        if used - {"program"} != wanted:
            raise ValueError(f"commands.{name} must use {sorted(wanted) or 'no field'}, and uses {sorted(used)}")
    return found


def _lines(given: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = given.get(name)
    lines = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else ()
    if not lines or not all(isinstance(line, str) and line and line.isprintable() for line in lines):
        raise ValueError(f"commands.{name} must be a line to type, or a list of lines")
    return lines


def _proof(given: object, access: object) -> Proof | None:
    if given is None:
        raise ValueError("proof must say how the allow-list is proved: 'probe', or a command and its patterns")
    if given == "probe":
        return None
    table = _table({"proof": given}, "proof")
    if access != ["incoming_only"]:
        raise ValueError("access must be incoming_only alone where a command proves: it tells nothing of the others")
    passes, bars = _pattern(table, "passes"), _pattern(table, "bars")
    assert passes is not None
    assert bars is not None
    command = _text(table, "command")
    if "{number}" not in command:
        raise ValueError("proof.command must use {number}")
    return Proof(command, passes, bars)


def _pattern(given: Mapping[str, Any], key: str, *groups: str, optional: bool = False) -> re.Pattern[str] | None:
    if optional and key not in given:
        return None
    try:
        pattern = re.compile(_text(given, key), re.MULTILINE)
    except re.error as wrong:
        raise ValueError(f"{key} is no regular expression: {wrong}") from wrong
    missing = set(groups) - set(pattern.groupindex)
    if missing:
        raise ValueError(f"{key} must have the group {min(missing)}")
    return pattern


def _any_of(given: Mapping[str, Any], key: str) -> re.Pattern[str]:
    listed = given.get(key)
    if not isinstance(listed, list) or not listed:
        raise ValueError(f"patterns.{key} must list the words by which it is known")
    joined = "|".join(f"(?:{one})" for one in listed)
    found = _pattern({key: joined}, key)
    assert found is not None
    return found


def _table(given: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    if key not in given:
        raise ValueError(f"[{key}] is missing")
    if isinstance(given[key], Mapping):
        return dict(given[key])
    raise ValueError(f"{key} must be a table, not {given[key]!r}")


def _text(given: Mapping[str, Any], key: str) -> str:
    value = given.get(key)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{key} must be a text, not {value!r}")
    return value


def _flag(given: Mapping[str, Any], key: str) -> bool:
    value = given.get(key)
    if isinstance(value, bool):
        return value
    raise ValueError(f"{key} must be true or false, not {value!r}")


def _choice(given: Mapping[str, Any], key: str, *allowed: str) -> str:
    value = given.get(key)
    if value not in allowed:
        raise ValueError(f"{key} must be one of {', '.join(allowed)}, not {value!r}")
    return str(value)


def _size(given: Mapping[str, Any]) -> int:
    size = given.get("slice_size", 100)
    if isinstance(size, bool) or not isinstance(size, int) or not 0 < size <= 500:
        raise ValueError(f"slice_size must be a number from 1 to 500, not {size!r}")
    return size
