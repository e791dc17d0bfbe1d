"""Ending: what is live and no longer as the record says: sessions by a secret or hotspot user, tracked connections.

A FastTracked connection passes every rule by and a dst-natted one keeps its destination until it ends, so that without
this a customer who is cut surfs on, and one who has paid stays on the portal (manual, "FastTrack", "Connection
tracking"). Removal is proven by a second look; what is still there leaves the effect owed.
"""

from collections.abc import Iterable, Sequence

from drivers.mikrotik.allowed import Allowed
from drivers.mikrotik.entries import either_of
from drivers.mikrotik.framing import Words
from drivers.mikrotik.reading import Link, Reader
from drivers.mikrotik.settings import Connections, Settings
from drivers.mikrotik.ways import HOLDERS
from drivers.mikrotik.wire import Connection, Reply
from enforcement.access import Access
from enforcement.changes import Change, Remove, key_of
from enforcement.keys import Key

IDS_AT_ONCE = 100
"""Ids in one `remove`: a command of under a kilobyte, and little to sort out where one of them is missing."""

Live = tuple[int, Change, frozenset[Key]]
"""A change by its place in the slice, and the addresses whose connections it concerns."""

_NATTED: Words = ("?dstnat=true",)
_FAST_OR_NATTED: Words = ("?fasttrack=true", "?dstnat=true", "?#|")


class Ending:
    """Ends what is live on one router and no longer as a slice says.

    Which connections there are is asked in one breath with the slice's writes: they begin in the order in which they
    come, and the look that proves the slice tells of a connection that slipped in between.
    """

    def __init__(self, connection: Connection, reader: Reader, settings: Settings, slice: Sequence[Change]) -> None:
        self._connection = connection
        self._reader = reader
        self._settings = settings
        self._query = _narrowest({_access_after(change) for change in slice})
        self._told: tuple[int, Sequence[Link]] = (0, ())

    @property
    def _ends_connections(self) -> bool:
        return self._settings.connections is not Connections.LEAVE

    def questions(self) -> list[Words]:
        """The commands that ask for the connections that may have to end."""
        return self._reader.link_questions(self._query) if self._ends_connections else []

    def hear(self, replies: Sequence[Reply]) -> None:
        """What was replied to `questions`: it counts until something else is said to the router."""
        if replies:
            self._told = (self._connection.said, self._reader.links_in(replies))

    def end(self, live: Sequence[Live]) -> set[int]:
        """End what the changes have outdated; answers those of which something is still there."""
        left = self._sessions(live)
        if self._ends_connections and live:
            left |= self._connections(live)
        return left

    # --- sessions ----------------------------------------------------------------------------------------------------

    def _sessions(self, live: Sequence[Live]) -> set[int]:
        """Sessions end one menu after the other: a cookie must not bring back what has ended."""
        left: set[int] = set()
        asks: dict[str, list[tuple[int, str]]] = {}
        for at, change, _ in live:
            key = key_of(change)
            holder = HOLDERS.get((key.type, self._settings.ways[key.type])) if key.type in self._settings.ways else None
            for path, name in holder.sessions if holder is not None else ():
                asks.setdefault(path, []).append((at, f"?{name}={key.value}"))
        for path, its in asks.items():
            ids = self._ids(path, [words for _, words in its])
            if not ids:
                continue
            self._remove_singly(path, ids)
            if self._ids(path, [words for _, words in its]) & ids:
                left |= {at for at, _ in its}
        return left

    def _ids(self, path: str, queries: Sequence[str]) -> set[str]:
        chunks = [queries[start : start + 16] for start in range(0, len(queries), 16)]
        replies = self._connection.run([(f"{path}/print", "=.proplist=.id", *either_of(chunk)) for chunk in chunks])
        return {row.get(".id", "") for reply in replies for row in reply.rows}

    def _remove_singly(self, path: str, ids: Iterable[str]) -> None:
        """Remove ids one command each: one that has just ended by itself must not keep the others."""
        self._connection.run([(f"{path}/remove", f"=.id={id}") for id in sorted(ids)])

    # --- connections -------------------------------------------------------------------------------------------------

    def _connections(self, live: Sequence[Live]) -> set[int]:
        doomed = self._doomed(live)
        if not doomed:
            return set()
        by_path: dict[str, list[str]] = {}
        for link in {link for its in doomed.values() for link in its}:
            by_path.setdefault(link.path, []).append(link.id)
        for path, ids in by_path.items():
            self._remove_many(path, sorted(ids))
        still = self._doomed(live)
        return {at for at in doomed if {_id(link) for link in doomed[at]} & {_id(link) for link in still.get(at, ())}}

    def _doomed(self, live: Sequence[Live]) -> dict[int, list[Link]]:
        said, links = self._told
        if said != self._connection.said:
            links = self._reader.links(self._query)
        if not links:
            return {}
        allowed = Allowed(links, self._settings)
        found = {
            at: [link for home in homes for link in allowed.of(home) if allowed.must_end(link, _access_after(change))]
            for at, change, homes in live
        }
        return {at: links for at, links in found.items() if links}

    def _remove_many(self, path: str, ids: Sequence[str]) -> None:
        chunks = [ids[start : start + IDS_AT_ONCE] for start in range(0, len(ids), IDS_AT_ONCE)]
        replies = self._connection.run([(f"{path}/remove", f"=.id={','.join(chunk)}") for chunk in chunks])
        for chunk, reply in zip(chunks, replies, strict=True):
            if reply.trap:
                self._remove_singly(path, chunk)


def _access_after(change: Change) -> Access:
    return Access.FULL if isinstance(change, Remove) else change.entry.access


def _narrowest(accesses: set[Access]) -> Words:
    """The smallest question that finds all that must end: whole tables of connections are long."""
    if accesses <= {Access.FULL}:
        return _NATTED
    return _FAST_OR_NATTED if accesses <= {Access.FULL, Access.THROTTLED} else ()


def _id(link: Link) -> tuple[str, str]:
    return link.path, link.id
