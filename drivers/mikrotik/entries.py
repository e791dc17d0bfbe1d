"""Reading: the address lists' entries, from the router's words to rows, once, here: a pure parser and its questions."""

from collections.abc import Iterable, Sequence, Set
from functools import lru_cache
from typing import NamedTuple

from drivers.base import Garbled
from drivers.mikrotik.wire import Words
from enforcement.entries import Mark
from enforcement.keys import Key, KeyType

PATHS = {KeyType.IPV4: "/ip/firewall/address-list", KeyType.IPV6_PREFIX: "/ipv6/firewall/address-list"}

ASK_SINGLY_UP_TO = 16
"""Keys that are worth a query. A router evaluates a query item by item and key by key, so that n keys cost it n
comparisons an entry, while sending an entry costs about as much as a few dozen: beyond, the whole list is cheaper."""

_PROPLIST = "=.proplist=.id,list,address,comment,disabled,dynamic,timeout"


class Row(NamedTuple):
    """One entry of an address list. `key` is None for what names no single customer: a range, a DNS name.

    A tuple, since a router may have tens of thousands and each sweep makes them all.
    """

    path: str
    id: str
    list: str
    address: str
    key: Key | None
    comment: str
    mark: Mark | None
    enabled: bool
    dynamic: bool


def questions(types: Iterable[KeyType], keys: Set[Key] | None) -> list[tuple[KeyType, Words]]:
    """The `print` commands that read `keys`, or everything where None: one for each table at most."""
    asked: list[tuple[KeyType, Words]] = []
    for type in types:
        command = (f"{PATHS[type]}/print", _PROPLIST)
        if keys is None or len(keys) > ASK_SINGLY_UP_TO:
            asked.append((type, command))
            continue
        addresses = sorted(key.value for key in keys if key.type is type)
        if addresses:
            either = (f"?#{'|' * (len(addresses) - 1)}",) if len(addresses) > 1 else ()
            asked.append((type, (*command, *[f"?address={address}" for address in addresses], *either)))
    return asked


def rows_of(type: KeyType, answers: Sequence[dict[str, str]], keys: Set[Key] | None) -> list[Row]:
    """The rows of one table, of `keys` alone unless None. Raises Garbled where an entry lacks what every entry has."""
    try:
        return [_row(type, answer) for answer in answers if keys is None or _key(type, answer["address"]) in keys]
    except KeyError as missing:
        raise Garbled(f"{PATHS[type]}: an entry came without its {missing}") from missing


def _row(type: KeyType, answer: dict[str, str]) -> Row:
    comment = answer.get("comment", "")
    return Row(
        path=PATHS[type],
        id=answer[".id"],
        list=answer["list"],
        address=answer["address"],
        key=_key(type, answer["address"]),
        comment=comment,
        mark=_mark(comment),
        enabled=answer.get("disabled", "false") not in ("true", "yes"),
        dynamic=answer.get("dynamic", "false") in ("true", "yes"),
    )


@lru_cache(65536)
def _key(type: KeyType, address: str) -> Key | None:
    try:
        return Key.of(type, address)
    except ValueError:
        return None


@lru_cache(65536)
def _mark(comment: str) -> Mark | None:
    return Mark.parse(comment)


def by_key(rows: Iterable[Row]) -> dict[Key, list[Row]]:
    """Rows of each key; those without one are left out."""
    found: dict[Key, list[Row]] = {}
    for row in rows:
        if row.key is not None:
            found.setdefault(row.key, []).append(row)
    return found
