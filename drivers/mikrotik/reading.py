"""Reading: one look at the router, in at most three batches of commands, into a view that others judge.

First the lists' entries, the identities' addresses and records; then, for a look at a few keys, what stands at the
addresses that these were found to have; then the connections that rules may no longer see. Nothing is remembered
from one look to the next but which ranges a whole look found: a look at a few keys asks for those that cover them. A
whole look is given out once more, for the check of the setup that follows it: a router is not read whole twice.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import NamedTuple

from drivers.base import Refused, Unsupported
from drivers.mikrotik import entries, identities, secrets
from drivers.mikrotik.entries import ASK_SINGLY_UP_TO, Row, either_of, record_name, rows_of, standing_at
from drivers.mikrotik.framing import Words
from drivers.mikrotik.notes import Note, note_in, written
from drivers.mikrotik.settings import Connections, Settings
from drivers.mikrotik.spans import Spans
from drivers.mikrotik.values import host_of, seconds, yes
from drivers.mikrotik.ways import HOLDERS, Holder
from drivers.mikrotik.wire import Connection, Reply
from enforcement.keys import Key, KeyType

LINKS = {KeyType.IPV4: "/ip/firewall/connection", KeyType.IPV6_PREFIX: "/ipv6/firewall/connection"}

_LINK_PROPLIST = "=.proplist=.id,src-address,dst-address,reply-src-address,fasttrack,dstnat"
_UPTIME = ("/system/resource/print", "=.proplist=uptime")
_OPTIONAL = frozenset(
    {identities.HOTSPOT, identities.LEASE, identities.BINDING, identities.PREFIX, secrets.AAA, secrets.SECRET}
)


class Item(NamedTuple):
    """An item where a way keeps its record: a secret, a hotspot user, a lease, a binding."""

    path: str
    id: str
    key: Key
    value: str
    comment: str
    note: Note | None
    enabled: bool
    dynamic: bool
    blocks: bool


class Link(NamedTuple):
    """A connection that the router tracks; `answers` is where its replies come from (another host after dst-nat)."""

    path: str
    id: str
    src: str
    dst: str
    answers: str
    fasttracked: bool
    natted: bool


@dataclass(slots=True)
class View:
    """What one look saw. `asked` is None where it was at everything; `homes` are the addresses of each identity,
    `secrets` whether the router's own secret of a user is enabled, `asks_radius` whether it asks RADIUS for the others.
    """

    asked: frozenset[Key] | None
    rows: list[Row] = field(default_factory=list)
    homes: Mapping[Key, frozenset[Key]] = field(default_factory=dict)
    items: dict[Key, list[Item]] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)
    secrets: Mapping[Key, bool] = field(default_factory=dict)
    asks_radius: bool = False
    up_seconds: float | None = None


class Reader:
    """Looks at one router over its connection."""

    def __init__(self, connection: Connection, settings: Settings) -> None:
        self._connection = connection
        self._settings = settings
        self.types = (KeyType.IPV4, KeyType.IPV6_PREFIX) if settings.ipv6 else (KeyType.IPV4,)
        self._restricting = frozenset(settings.gives) | settings.obstructing_lists
        self._wide = Spans()
        self._sifts = True
        self._last: tuple[int, View] = (0, View(frozenset()))
        self._whole: View | None = None

    def latest(self, keys: Set[Key]) -> View:
        """A look at `keys`: the last one, if it covers them and nothing was said to the router since, else a new one.

        An agent looks, and then acts: to look twice would cost a restore twice, and tell nothing new.
        """
        said, view = self._last
        covers = view.asked is None or keys <= view.asked
        return view if covers and said and said == self._connection.said else self.look(keys)

    def whole(self) -> View:
        """What the last look at everything saw, if that was not given out yet; else what a new one sees."""
        view = self._whole or self.look(None)
        self._whole = None
        return view

    def look(self, keys: Set[Key] | None, with_links: bool = False) -> View:
        """Raises Refused where the account may not read, Unsupported where a menu is missing, Unreachable, Garbled."""
        few = keys is not None and len(keys) <= ASK_SINGLY_UP_TO
        asked = sorted(key for key in keys or () if self._holds(key))
        view = View(frozenset(keys) if keys is not None else None)
        if keys is not None and not asked:
            return view
        self._first(view, asked if keys is not None else None, asked if few else None)
        if few:
            self._at_homes(view, asked)
        if keys is None:
            matter = sum(row.mark is not None or row.list in self._restricting for row in view.rows)
            self._sifts = 2 * matter < len(view.rows)
            self._wide = Spans(
                row for row in view.rows if row.enabled and row.list in self._restricting and _foreign(row)
            )
        if with_links and self._settings.connections is Connections.READ:
            view.links = self.links(("?fasttrack=true", "?dstnat=true", "?#|"))
        self._last = (self._connection.said, view)
        self._whole = view if keys is None else self._whole
        return view

    def links(self, query: Words) -> list[Link]:
        """The connections that `query` names; all where it is empty."""
        return self.links_in(self._connection.run(self.link_questions(query)))

    def link_questions(self, query: Words) -> list[Words]:
        """The commands that ask for connections, one for each table."""
        return [(f"{LINKS[type]}/print", _LINK_PROPLIST, *query) for type in self.types]

    def links_in(self, replies: Iterable[Reply]) -> list[Link]:
        """What was replied to `link_questions`."""
        found: list[Link] = []
        for type, reply in zip(self.types, replies, strict=True):
            found += [_link(LINKS[type], row) for row in _rows(LINKS[type], reply)]
        return found

    def _holds(self, key: Key) -> bool:
        return key.type in self.types or key.type in self._settings.ways

    def _first(self, view: View, asked: Sequence[Key] | None, few: Sequence[Key] | None) -> None:
        """Everything but what stands at the addresses that identities turn out to have."""
        settings = self._settings
        addresses = None if asked is None else self._addresses(asked)
        of_lists = self._of_lists(addresses) if addresses != set() else []
        types = {key.type for key in asked} if asked is not None else set(settings.ways)
        ways = {type: way for type, way in settings.ways.items() if type in types}
        of_homes = identities.questions(ways, settings.ipv6, few)
        holders = {type: HOLDERS[type, way] for type, way in ways.items() if (type, way) in HOLDERS}
        of_items = [_items_of(holder, type, few) for type, holder in holders.items()]
        of_secrets = secrets.questions(ways, few, whole=asked is None)
        last = [_UPTIME] if asked is None else []
        single = addresses if _by_address(asked) else None
        sieve = standing_at(single) if single is not None else None
        asks = [*(words for _, words in of_lists), *of_homes, *of_secrets, *of_items, *last]
        replies = self._connection.run(asks, sieve)
        answers = iter(replies)
        for type, words in of_lists:
            view.rows += rows_of(type, _rows(words[0], next(answers)), single)
        told = {words[0].removesuffix("/print"): _rows(words[0], next(answers)) for words in (*of_homes, *of_secrets)}
        view.homes = identities.addresses(ways, told)
        view.secrets, view.asks_radius = secrets.enabled(told), secrets.asks_radius(told)
        for type, holder in holders.items():
            for item in _items(holder, type, _rows(holder.path, next(answers))):
                view.items.setdefault(item.key, []).append(item)
        for reply in answers:
            view.up_seconds = seconds(reply.rows[0].get("uptime", "")) if reply.rows else None

    def _of_lists(self, addresses: set[str] | None) -> list[tuple[KeyType, Words]]:
        """For many addresses the router sifts out what restricts nobody, if that was most of its lists at the last
        whole look; where almost all of it matters, sifting costs it more than sending."""
        many = addresses is not None and len(addresses) > ASK_SINGLY_UP_TO
        return entries.questions(self.types, None if many and not self._sifts else addresses, self._restricting)

    def _addresses(self, asked: Iterable[Key]) -> set[str]:
        """What to look for in the lists: addresses, the ranges that cover them, the names of identities' records."""
        found: set[str] = set()
        for key in asked:
            if key.type in self._settings.ways:
                found.add(record_name(key))
            else:
                found.add(key.value)
                found |= {row.address for row in self._wide.over(key)}
        return found

    def _at_homes(self, view: View, asked: Sequence[Key]) -> None:
        """The second batch of a look at a few: entries at the identities' addresses, and those that follow them."""
        its = [key for key in asked if key.type in self._settings.ways]
        if not its:
            return
        homes = {home for key in its for home in view.homes.get(key, ())}
        addresses = {home.value for home in homes} | {row.address for home in homes for row in self._wide.over(home)}
        comments = {row.comment for row in view.rows if row.holder is not None}
        comments |= {_following(item) for key in its for item in view.items.get(key, ()) if item.note is not None}
        asks = entries.questions(self.types, addresses, self._restricting, comments)
        known = {(row.path, row.id) for row in view.rows}
        for (type, words), reply in zip(asks, self._connection.run([words for _, words in asks]), strict=True):
            rows = rows_of(type, _rows(words[0], reply))
            view.rows += [row for row in rows if (row.path, row.id) not in known]


def _rows(path: str, reply: Reply) -> list[dict[str, str]]:
    """What a `print` said. A menu of a package that is not installed is empty, if we can do without."""
    path = path.removesuffix("/print")
    if "no such command" in reply.trap:
        if path in _OPTIONAL:
            return []
        raise Unsupported(f"the router has no {path}; {_WITHOUT.get(path[:5], 'its ways name one that it lacks')}")
    if reply.trap:
        raise Refused(f"{path}: {reply.trap}")
    return reply.rows


_WITHOUT = {"/ipv6": "set ipv6 = false where it has no IPv6"}


def _following(item: Item) -> str:
    """The comment that entries bear which follow the customer of an item of ours."""
    return written(Note(item.note.mark, item.key)) if item.note is not None else item.comment


def _by_address(asked: Sequence[Key] | None) -> bool:
    """Whether all that was asked stands at the very addresses asked for: single ones, and nobody to be followed."""
    return asked is not None and all(key.type is KeyType.IPV4 and "/" not in key.value for key in asked)


def _foreign(row: Row) -> bool:
    """Whether the entry may restrict customers that no look-up of one address finds it by, or part of a prefix."""
    return row.mark is None or row.key is None or "/" in row.address


def _items_of(holder: Holder, type: KeyType, few: Sequence[Key] | None) -> Words:
    its = [f"?{holder.name}={key.value}" for key in few or () if key.type is type]
    value = holder.value or "type"
    return (f"{holder.path}/print", f"=.proplist=.id,{holder.name},{value},comment,disabled,dynamic,block-access",
            *either_of(its))  # fmt: skip


def _items(holder: Holder, type: KeyType, rows: Iterable[dict[str, str]]) -> Iterable[Item]:
    for row in rows:
        try:
            key = Key.of(type, row.get(holder.name, ""))
        except ValueError:
            continue
        comment = row.get("comment", "")
        yield Item(
            path=holder.path,
            id=row[".id"],
            key=key,
            value=row.get(holder.value or "type", ""),
            comment=comment,
            note=note_in(comment) if comment else None,
            enabled=not yes(row.get("disabled", "false")),
            dynamic=yes(row.get("dynamic", "false")),
            blocks=yes(row.get("block-access", "false")),
        )


def _link(path: str, row: dict[str, str]) -> Link:
    return Link(
        path=path,
        id=row.get(".id", ""),
        src=host_of(row.get("src-address", "")),
        dst=host_of(row.get("dst-address", "")),
        answers=host_of(row.get("reply-src-address", "")),
        fasttracked=yes(row.get("fasttrack", "false")),
        natted=yes(row.get("dstnat", "false")),
    )
