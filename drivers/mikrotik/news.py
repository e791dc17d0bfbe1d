"""News: an address that passes to another customer is his at once, by the accounting of a RADIUS server.

The router itself tells addresses when it is looked at; accounting tells when to look, and at whom: whoever logs in
with an address at which an entry of ours follows another, that other, and whoever has a record of ours and comes or
goes. Nothing is written by what accounting says.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import Any

from drivers.accounting import Accounting, Changed, Word
from drivers.base import DriverError
from drivers.mikrotik.followed import Followed
from drivers.radius_sql import url_from
from enforcement.keys import Key, KeyType

AT_MOST = 2000
"""Sessions that are followed beyond the newest: the latest of them."""
_SECRET = frozenset({"database_password_file", "database_password_env", "database_password_credential"})
_OTHER = _SECRET | {"database", "database_password"}
_KNOWN = _OTHER | {"tables", "other_databases"}


class RouterNews:
    """One database's (drivers.base.News). `types` are the identities that the router's settings name a way for."""

    def __init__(self, accounting: Accounting, followed: Followed, types: Set[KeyType]) -> None:
        self._accounting = accounting
        self._followed = followed
        self._types = types
        self._awaited: set[int] = set()
        """Sessions that will have more to tell: they have no address yet, which may come with the first Interim-Update,
        or are of a customer of ours, whose address is free when they end."""

    @property
    def name(self) -> str:
        return self._accounting.name

    def keys(self) -> Set[Key] | None:
        if not self._followed.swept:
            return frozenset()
        changed = self._accounting.changes(self._awaited)
        if changed is None:
            return None
        self._await(changed)
        return {key for one in changed for key in self._concerned(one.now)}

    def _await(self, changed: Iterable[Changed]) -> None:
        for one in changed:
            ours = self._followed.among(_keys(self._types, one.now))
            if one.now.ended or (one.now.address and not ours):
                self._awaited.discard(one.id)
            else:
                self._awaited.add(one.id)
        self._awaited = set(sorted(self._awaited)[-AT_MOST:])

    def _concerned(self, word: Word) -> Iterator[Key]:
        whose = frozenset(_keys(self._types, word))
        yield from self._followed.among(whose)
        for address in () if word.ended else _key(KeyType.IPV4, word.address):
            others = self._followed.at(address) - whose
            yield from others | whose if others else ()

    def check(self) -> Sequence[str]:
        try:
            return [f"accounting: {problem}" for problem in self._accounting.check()]
        except DriverError as wrong:
            return [f"accounting can't be read: {self.name}: {wrong}"]

    def close(self) -> None:
        self._accounting.close()


def news_from(given: Any, followed: Followed, types: Set[KeyType]) -> list[RouterNews]:
    """One for each database that the setting `accounting` names. Raises ValueError naming the key."""
    _only("accounting", given, _KNOWN)
    if not types:
        raise ValueError("accounting tells of users and MAC addresses: name their ways under ways, or leave it out")
    others = given.get("other_databases", [])
    if not isinstance(others, list):
        raise ValueError(  # noqa: TRY004  # build() promises ValueError for every wrong setting
            "accounting.other_databases must be a list of tables"
        )
    for at, other in enumerate(others, start=1):
        _only(f"accounting.other_databases[{at}]", other, _OTHER)
    radacct = _radacct(given.get("tables", {}))
    try:
        return [RouterNews(Accounting(url_from(one), radacct), followed, types) for one in (given, *others)]
    except ValueError as wrong:
        raise ValueError(f"accounting: {wrong}") from None


def _only(where: str, given: Any, known: Set[str]) -> None:
    if not isinstance(given, Mapping):
        raise ValueError(  # noqa: TRY004  # build() promises ValueError for every wrong setting
            f"{where} must be a table that names the database of the RADIUS server, not {given!r}"
        )
    for key in sorted(given.keys() - known):
        raise ValueError(f"{where}.{key} is no setting; known are {', '.join(sorted(known - {'database_password'}))}")


def _radacct(tables: Any) -> str:
    if not isinstance(tables, Mapping) or not tables.keys() <= {"radacct"}:
        raise ValueError("accounting.tables may rename radacct")
    name = tables.get("radacct", "radacct")
    if not isinstance(name, str) or not name:
        raise ValueError(f"accounting.tables: radacct must be a table's name, not {name!r}")
    return name


def _keys(types: Set[KeyType], word: Word) -> Iterator[Key]:
    """The identities that a session may be known by: its user, and the MAC address that called, which a DHCP server
    gives as the user and a client's identifier as the caller."""
    for type, value in (
        (KeyType.USERNAME, word.username),
        (KeyType.MAC, word.calling),
        (KeyType.MAC, word.username),
    ):
        if type in types:
            yield from _key(type, value)


def _key(type: KeyType, value: str) -> Iterator[Key]:
    """Nothing where a session tells no such thing: a telephone number for a MAC address, no address yet."""
    try:
        yield Key.of(type, value)
    except ValueError:
        return
