"""Reading: the address lists' entries, from the router's words to rows, once, here: a pure parser and its questions."""

import re
from collections.abc import Iterable, Sequence, Set
from hashlib import sha256
from sys import intern
from typing import NamedTuple

from drivers.base import Garbled
from drivers.mikrotik.framing import Words
from drivers.mikrotik.notes import note_in
from drivers.mikrotik.values import yes
from drivers.mikrotik.wire import Sieve
from enforcement.entries import Mark
from enforcement.keys import Key, KeyType

PATHS = {KeyType.IPV4: "/ip/firewall/address-list", KeyType.IPV6_PREFIX: "/ipv6/firewall/address-list"}

ASK_SINGLY_UP_TO = 16
"""Keys that are worth a query. A router evaluates a query item by item and word by word, so that n keys cost it n
comparisons an entry, while sending an entry costs about as much as a few dozen: beyond, our lists are read whole."""

RECORD_ENDING = ".grifo.invalid"
"""The name under which the record of an identity stands in a list: it resolves to nothing, ever (RFC 6761, 6.4)."""

_PROPLIST = "=.proplist=.id,list,address,comment,disabled,dynamic,timeout"
_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_PLAIN_IPV4 = re.compile(rf"{_OCTET}\.{_OCTET}\.{_OCTET}\.{_OCTET}")
_ADDRESS = b"=address="
_OURS = ("?>comment=grifo:v1:", "?<comment=grifo:v1;", "?#&")
"""Comments that begin as our marks do: a semicolon follows a colon."""


class Row(NamedTuple):
    """One entry of an address list. `key` is its address; None for what names no single customer: a range, a DNS name.

    `holder` is the identity whose address it follows; its record is an entry, too, whose address is a name.

    A tuple, since a router may have tens of thousands and each sweep makes them all.
    """

    path: str
    id: str
    list: str
    address: str
    key: Key | None
    comment: str
    mark: Mark | None
    holder: Key | None
    enabled: bool
    dynamic: bool

    @property
    def is_record(self) -> bool:
        """Whether it only remembers: it is disabled, and holds nobody."""
        return self.address.endswith(RECORD_ENDING)


def questions(
    types: Iterable[KeyType], addresses: Set[str] | None, lists: Iterable[str] = (), comments: Iterable[str] = ()
) -> list[tuple[KeyType, Words]]:
    """The `print` commands that read the entries of some addresses, or of all where None; one for each table at most.

    Beyond `ASK_SINGLY_UP_TO` addresses the entries of `lists` and all of ours are asked for, without any list of the
    operator's that restricts nobody. `comments` are asked for besides.
    """
    if addresses is None:
        return [(type, (f"{PATHS[type]}/print", _PROPLIST)) for type in types]
    if len(addresses) > ASK_SINGLY_UP_TO:
        named = [f"?list={name}" for name in sorted(lists)]
        words = (*_OURS, *named, f"?#{'|' * len(named)}") if named else _OURS
        return [(type, (f"{PATHS[type]}/print", _PROPLIST, *words)) for type in types]
    asked: list[tuple[KeyType, Words]] = []
    for type in types:
        either = [f"?address={address}" for address in sorted(addresses) if _may_be(type, address)]
        either += [f"?comment={comment}" for comment in sorted(comments)]
        if either:
            asked.append((type, (f"{PATHS[type]}/print", _PROPLIST, *either_of(either))))
    return asked


def either_of(words: Sequence[str]) -> Words:
    """Query words of which one must hold."""
    return (*words, f"?#{'|' * (len(words) - 1)}") if len(words) > 1 else tuple(words)


def _may_be(type: KeyType, address: str) -> bool:
    return (":" in address) == (type is KeyType.IPV6_PREFIX)


def record_name(key: Key) -> str:
    """The address under which the record of an identity stands in a list."""
    return sha256(str(key).encode()).hexdigest()[:32] + RECORD_ENDING


def rows_of(type: KeyType, answers: Iterable[dict[str, str]], addresses: Set[str] | None = None) -> list[Row]:
    """The rows of one table; with `addresses` those alone that stand there, and those that span several.

    Raises Garbled where an entry lacks what every entry has.
    """
    try:
        if addresses is not None:
            answers = [one for one in answers if one["address"] in addresses or _spans(one["address"])]
        return [_row(type, answer) for answer in answers]
    except KeyError as missing:
        raise Garbled(f"{PATHS[type]}: an entry came without its {missing}") from missing


def standing_at(addresses: Set[str]) -> Sieve:
    """Lets through the entries at single addresses, those that span several, and whatever is not plain to see: a value
    may hold what looks like an address, so that the word is taken by its own length."""
    wanted = {address.encode() for address in addresses}

    def may_matter(raw: bytes) -> bool:
        at = raw.find(_ADDRESS)
        value = raw[at + len(_ADDRESS) : at + raw[at - 1]]
        return value in wanted or b"/" in value or b"-" in value or at < 1 or raw.find(_ADDRESS, at + len(_ADDRESS)) > 0

    return may_matter


def _row(type: KeyType, answer: dict[str, str]) -> Row:
    comment = answer.get("comment", "")
    note = note_in(comment) if comment else None
    return Row(
        PATHS[type],
        answer[".id"],
        intern(answer["list"]),
        answer["address"],
        _key(type, answer["address"]),
        comment,
        note.mark if note else None,
        note.key if note else None,
        not yes(answer.get("disabled", "false")),
        yes(answer.get("dynamic", "false")),
    )


def _spans(address: str) -> bool:
    return "/" in address or "-" in address


def _key(type: KeyType, address: str) -> Key | None:
    """The key of an address; almost all are as RouterOS writes a single one, which is how a key is written, too."""
    if type is KeyType.IPV4 and _PLAIN_IPV4.fullmatch(address):
        return Key(type, address)
    try:
        return Key.of(type, address)
    except ValueError:
        return None


def by_key(rows: Iterable[Row]) -> dict[Key, list[Row]]:
    """Rows of each key; those without one are left out."""
    found: dict[Key, list[Row]] = {}
    for row in rows:
        if row.key is not None:
            found.setdefault(row.key, []).append(row)
    return found
