"""Judging: what a view means for each key. Ours, somebody else's, or nothing; and whether live traffic obeys (pure).

`Sightings` answers for any key that it is asked about, since a range covers customers that no entry names; what it
counts are the keys at which something of ours, or an obstruction of their own, was found.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

from drivers.mikrotik.allowed import Allowed
from drivers.mikrotik.entries import Row
from drivers.mikrotik.reading import Item, View
from drivers.mikrotik.settings import Rung, Settings
from drivers.mikrotik.spans import Spans
from drivers.mikrotik.ways import HOLDERS, Holder, Way
from enforcement.access import Access, Kind, least, slowest
from enforcement.entries import Mark
from enforcement.keys import Key, KeyType
from enforcement.observed import Live, Seen

_ADDRESSES = frozenset({KeyType.IPV4, KeyType.IPV6_PREFIX})
CANNOT_TELL = Seen(access=None, live=Live.UNKNOWN)


class Sightings(Mapping[Key, Seen]):
    """What was seen for each key of a view; KeyError where nothing was (it is open then, where the view covers it)."""

    def __init__(self, view: View, settings: Settings, installation: str) -> None:
        self._view = view
        self._settings = settings
        self._installation = installation
        self._gives = settings.gives
        self._restricting = settings.obstructing_lists | self._gives.keys()
        self._at: dict[Key, list[Row]] = {}
        self._following: dict[Key, list[Row]] = {}
        self._sort()
        self._allowed = Allowed(view.links, settings)
        self._shut_out = _shut_out(view, settings)
        self._judged: dict[Key, Seen] = {}

    def _sort(self) -> None:
        others: list[Row] = []
        for row in self._view.rows:
            ours = is_ours(row, self._installation)
            if ours and row.holder is not None:
                self._following.setdefault(row.holder, []).append(row)
            if row.key is not None:
                self._at.setdefault(row.key, []).append(row)
            if row.enabled and (row.list in self._restricting or ours) and not (ours and _exact(row)):
                others.append(row)
        self._wide = Spans(others)

    def __getitem__(self, key: Key) -> Seen:
        seen = self._once(key)
        if seen is None:
            raise KeyError(key)
        return seen

    def get(self, key: Key, default: Any = None) -> Any:
        """As a mapping's; most customers are open, and an exception for each would be slow."""
        seen = self._once(key)
        return default if seen is None else seen

    def _once(self, key: Key) -> Seen | None:
        """A key of which there is anything to tell is judged once, however often it is asked for. A sweep asks once for
        each of the others, and they are too many to be kept."""
        seen = self._judged.get(key)
        if seen is None and (seen := self._seen(key)) is not None:
            self._judged[key] = seen
        return seen

    def __iter__(self) -> Iterator[Key]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    @cached_property
    def _found(self) -> Mapping[Key, None]:
        """Keys at which something of theirs was found; a view of some keys counts no others."""
        asked = self._view.asked
        named = (self._at, self._following, self._view.items, self._view.homes, self._shut_out)
        keys = asked if asked is not None else {key: None for its in named for key in its if self._counts(key)}
        return {key: None for key in keys if self._once(key) is not None}

    def _counts(self, key: Key) -> bool:
        """Whether a key is found by itself: an entry that follows somebody is his, not his address'."""
        if key.type not in _ADDRESSES:
            named = (self._following, self._view.items, self._shut_out)
            return any(key in its for its in named) or self._moved(key) != []
        for row in self._at[key]:
            if row.holder is None and (is_ours(row, self._installation) or self._restricts_now(row)):
                return True
        return False

    def _restricts_now(self, row: Row) -> bool:
        return row.enabled and row.list in self._restricting

    def _seen(self, key: Key) -> Seen | None:
        if key.type in self._settings.ways:
            return self._seen_identity(key)
        if key.type not in _ADDRESSES or (key.type is KeyType.IPV6_PREFIX and not self._settings.ipv6):
            return CANNOT_TELL
        rows = [row for row in self._at.get(key, ()) if row.holder is None and is_ours(row, self._installation)]
        access, rate = _least(self._imposed(rows))
        live = Live.STALE if self._allowed.stale(key, access) else Live.APPLIES
        return _worth_telling(Seen(access, live, _marks(rows), self._in_the_way(key, rows), rate))

    # --- identities --------------------------------------------------------------------------------------------------

    def _seen_identity(self, key: Key) -> Seen | None:
        holder = HOLDERS.get((key.type, self._settings.ways[key.type]))
        items = self._view.items.get(key, [])
        if holder is not None and holder.value and not items:
            return CANNOT_TELL
        own = self._following.get(key, [])
        moved = self._moved(key)
        ours = [item for item in items if item.note is not None and item.note.mark.installation == self._installation]
        imposed = [*self._imposed(own), *self._by_items(ours, holder)]
        access, rate = _least([*imposed, *self._imposed(moved)])
        marks = {*_marks(own), *_marks(moved), *(item.note.mark for item in ours if item.note is not None)}
        live = self._live(key, _least(imposed), own, holder, self._others_give([i for i in items if i not in ours]))
        words = [word for home in self._homes(key) for word in self._in_the_way(home, [*own, *moved])]
        words += [word for item in items if (word := self._against(item, holder))]
        words += [f"/ppp/secret {key.value} is disabled"] if key in self._shut_out else []
        seen = Seen(access, live, tuple(sorted(marks)), tuple(dict.fromkeys(words)), rate)
        return _worth_telling(seen)

    def _homes(self, key: Key) -> frozenset[Key]:
        return self._view.homes.get(key, frozenset())

    def _moved(self, key: Key) -> list[Row]:
        """Entries that stand at this customer's addresses and followed another: the address has passed on to him."""
        rows = [row for home in self._homes(key) for row in self._at.get(home, ()) if row.holder is not None]
        return [
            row
            for row in rows
            if row.holder is not None
            and (row.holder.type, row.enabled) == (key.type, True)
            and row.holder != key
            and row.key not in self._homes(row.holder)
            and is_ours(row, self._installation)
        ]

    def _by_items(self, items: Iterable[Item], holder: Holder | None) -> list[Rung]:
        """What our own value on a customer's item imposes."""
        if holder is None:
            return []
        if not holder.value:
            return [(Access.BLOCKED, None) for item in items if item.enabled and item.value == "blocked"]
        return [self._gives[name] for item in items for name in item.value.split(",") if name in self._gives]

    def _others_give(self, items: Iterable[Item]) -> frozenset[str]:
        """Lists of ours that somebody else's value on a customer's item puts a session into."""
        return frozenset(name for item in items for name in item.value.split(",") if name in self._gives)

    def _live(self, key: Key, rung: Rung, own: list[Row], holder: Holder | None, others_give: frozenset[str]) -> Live:
        access = rung[0]
        homes = self._homes(key)
        followed = followed_homes(homes, holder)
        following = [row for row in own if not row.is_record and row.enabled]
        if any(row.key not in followed for row in following):
            return Live.STALE
        if not homes:
            return Live.OFFLINE
        wanted = {(home, name) for home in followed for name in self._lists(rung)}
        if wanted != {(row.key, row.list) for row in following}:
            return Live.STALE
        if holder is not None and holder.value and not self._session_obeys(homes - followed, rung, others_give):
            return Live.STALE
        return Live.STALE if any(self._allowed.stale(home, access) for home in homes) else Live.APPLIES

    def _lists(self, rung: Rung) -> frozenset[str]:
        return frozenset({self._settings.list_of(*rung)}) if rung[0] is not Access.FULL else frozenset()

    def _session_obeys(self, homes: Iterable[Key], rung: Rung, others_give: frozenset[str]) -> bool:
        """Whether the lists that the router itself put a session's addresses into are those of `rung`; of a customer
        whom we leave open also those that another's value gives: a new session would come back into the same."""
        wanted = self._lists(rung) or others_give
        given = (
            {row.list for row in self._at.get(home, ()) if row.dynamic and row.enabled and row.list in self._gives}
            for home in homes
        )
        return all(lists == wanted or (rung[0] is Access.FULL and lists <= wanted) for lists in given)

    # --- somebody else's ---------------------------------------------------------------------------------------------

    def _in_the_way(self, key: Key, own: list[Row]) -> tuple[str, ...]:
        """What restricts an address and is neither of `own` nor put there by the router for our own value."""
        at = self._at.get(key, [])
        if not self._wide and at == own and self._gives.keys() >= {row.list for row in at}:
            return ()
        mine = {(row.path, row.id) for row in own}
        rows = {(row.path, row.id): row for row in (*at, *self._wide.over(key))}
        return tuple(
            _obstruction(row, key)
            for place, row in rows.items()
            if row.enabled and (place not in mine or row.list not in self._gives) and self._restricts(row)
        )

    def _restricts(self, row: Row) -> bool:
        """Whether an entry restricts: it is in a list that does, or it is ours in a list that is no longer named."""
        by_session = row.dynamic and row.list in self._gives and bool(self._settings.ways) and not row.comment
        return not by_session and (row.list in self._restricting or is_ours(row, self._installation))

    def _against(self, item: Item, holder: Holder | None) -> str:
        """What an item says against its customer that is not ours; empty where nothing."""
        where = f"{item.path} {item.id} ({item.comment or 'no comment'})"
        ours = item.note is not None and item.note.mark.installation == self._installation
        if holder is None or (ours and not holder.value):
            return ""
        if not holder.value:
            return f"{where} is of type blocked" if item.enabled and item.value == "blocked" else ""
        if not item.enabled:
            return f"{where} is disabled"
        if item.blocks:
            return f"{where} has block-access"
        names = [name for name in item.value.split(",") if name in self._restricting]
        foreign = [name for name in names if not ours or name not in self._gives]
        return f"{where} has {holder.value} {', '.join(foreign)}" if foreign else ""

    def _imposed(self, rows: Iterable[Row]) -> list[Rung]:
        """A disabled entry of ours enforces nothing, but for a record, which is disabled by nature."""
        return [self._gives[row.list] for row in rows if row.list in self._gives and (row.enabled or row.is_record)]


def followed_homes(homes: frozenset[Key], holder: Holder | None) -> frozenset[Key]:
    """The addresses that entries of ours follow: IPv6 alone where a holder already acts on IPv4."""
    return homes if holder is None else frozenset(home for home in homes if home.type is KeyType.IPV6_PREFIX)


def _shut_out(view: View, settings: Settings) -> frozenset[Key]:
    """Users whose own secret is disabled where nothing else lets them in."""
    if settings.ways.get(KeyType.USERNAME) is not Way.ADDRESS_LIST or view.asks_radius:
        return frozenset()
    return frozenset(key for key, enabled in view.secrets.items() if not enabled)


def _worth_telling(seen: Seen) -> Seen | None:
    told = seen.marks or seen.obstructions or seen.live is not Live.APPLIES
    return seen if told else None


def _exact(row: Row) -> bool:
    """Whether a look-up of the very address finds all that the entry restricts."""
    return row.key is not None and "/" not in row.address


def is_ours(row: Row, installation: str) -> bool:
    """Whether the entry carries this installation's mark; another installation's is somebody else's."""
    return row.mark is not None and row.mark.installation == installation


_OPEN: Rung = (Access.FULL, None)


def _least(rungs: list[Rung]) -> Rung:
    """The lowest; almost always there is none or one. Of several rates the slowest: rules ask for it first."""
    if len(rungs) < 2:
        return rungs[0] if rungs else _OPEN
    access = least(Kind.INTERNET, (each for each, _ in rungs))
    return access, slowest(rate for each, rate in rungs if each is access)


def _marks(rows: Iterable[Row]) -> tuple[Mark, ...]:
    marks = {row.mark for row in rows if row.mark is not None}
    return tuple(sorted(marks)) if len(marks) > 1 else tuple(marks)


def _obstruction(row: Row, key: Key) -> str:
    covers = f" covers it with {row.address}" if row.key != key else ""
    return f"entry {row.id} in list {row.list}{covers} ({whose(row)})"


def whose(row: Row) -> str:
    """Who an entry belongs to, as far as it tells."""
    if row.mark is not None:
        return f"marked {row.mark}"
    return f"comment {row.comment!r}" if row.comment else "no comment"


def own_rows(rows: Iterable[Row], mark: Mark) -> list[Row]:
    """The rows that carry exactly `mark`, whatever list they are in."""
    return [row for row in rows if row.mark == mark]
