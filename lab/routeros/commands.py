"""Commands: what a sentence asks for, and the answers of everything but login, tags and streams.

`print` itself is carried out in `session`, which sends its rows bit by bit.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from lab.routeros import traps
from lab.routeros.device import Device
from lab.routeros.tables import Row, Table
from lab.routeros.values import duration

READS = frozenset({"print", "getall", "listen"})
PRINT_ARGUMENTS = frozenset({".proplist", "count-only", "detail", "stats", "brief", "terse", "without-paging"})


@dataclass(frozen=True, slots=True)
class Sentence:
    """A command as it came: `path` and `verb` of its first word, its arguments, query words and tag."""

    path: str
    verb: str
    args: Mapping[str, str]
    query: tuple[str, ...]
    tag: str


def parse(words: list[str]) -> Sentence:
    """Words to a sentence; a word of no known kind makes the command fail, and so stands as an argument."""
    path, _, verb = words[0].rpartition("/")
    args: dict[str, str] = {}
    query: list[str] = []
    tag = ""
    for word in words[1:]:
        if word[0] == "=":
            name, _, value = word[1:].partition("=")
            args[name] = value
        elif word[0] == "?":
            query.append(word)
        elif word.startswith(".tag="):
            tag = word[5:]
        else:
            args[word] = ""
    return Sentence(path, verb, args, tuple(query), tag)


def table_for(device: Device, sentence: Sentence) -> Table | None:
    """The table that a sentence is about; None where its path is no table."""
    table = device.tables.get(sentence.path)
    if table is not None:
        if sentence.verb not in table.schema.verbs and sentence.verb not in READS:
            raise traps.no_such_command()
        table.expire()
    return table


def write(table: Table, sentence: Sentence) -> str | None:
    """Carry out a writing verb; answers the new id for `add`. Raises Trap."""
    if sentence.query:
        raise traps.unknown_parameter(sentence.query[0])
    args = dict(sentence.args)
    if sentence.verb == "add":
        return table.add(args)
    listed = args.pop(".id", None) or args.pop("numbers", None)
    if not listed:
        raise traps.missing_values([".id"])
    ids = listed.split(",")
    match sentence.verb:
        case "set":
            table.set(ids, args)
            return None
        case "enable" | "disable":
            _only(args)
            table.set(ids, {"disabled": "no" if sentence.verb == "enable" else "yes"})
        case _:
            _only(args)
            table.remove(ids)
    return None


def _only(args: Mapping[str, str]) -> None:
    for name in args:
        raise traps.unknown_parameter(name)


def single(device: Device, sentence: Sentence) -> Row | None:
    """The one row of a path that is no list, or None after changing it. Raises Trap."""
    match sentence.path, sentence.verb:
        case "/system/resource", "print" | "getall":
            return {
                "uptime": duration(device.uptime),
                "version": f"{device.version} (stable)",
                "board-name": "CHR",
                "platform": "MikroTik",
                "architecture-name": "x86_64",
            }
        case "/system/identity", "print" | "getall":
            return {"name": device.identity}
        case "/ppp/aaa", "print" | "getall":
            return dict(device.ppp_aaa)
        case "/system/identity", "set":
            for name in sentence.args.keys() - {"name"}:
                raise traps.unknown_parameter(name)
            device.identity = sentence.args.get("name", device.identity)
            return None
        case "/system/resource" | "/system/identity" | "/ppp/aaa", _:
            raise traps.no_such_command()
    known = any(path.startswith(f"{sentence.path}/") for path in (*device.tables, "/system/resource"))
    raise traps.no_such_command() if known else traps.no_such_prefix()


def properties(sentence: Sentence) -> frozenset[str] | None:
    """The properties that a print asks for; None for all. Raises Trap for an argument it does not have."""
    for name in sentence.args.keys() - PRINT_ARGUMENTS:
        raise traps.unknown_parameter(name)
    listed = sentence.args.get(".proplist")
    return frozenset(listed.split(",")) if listed else None
