"""A turn: one slice of changes carried out on one router, and what came of each.

In this order, each step waiting for the former's replies: entries taken away, entries put, entries left behind by
those that moved to another list. So a restore is never behind a restriction, and a customer who moves between two
lists is never in neither. Ids are read in the same turn, over the same connection, or not used.
"""

from collections.abc import Callable, Sequence, Set

from drivers.mikrotik.entries import PATHS, Row, by_key
from drivers.mikrotik.judging import own_rows, whose
from drivers.mikrotik.settings import Settings
from drivers.mikrotik.wire import Connection, Words
from enforcement.access import Access
from enforcement.changes import Change, Outcome, Refresh, Remove, Restore, Restrict, Result, key_of
from enforcement.keys import Key

ALREADY = "already have such entry"
GONE = "no such item"

IDS_AT_ONCE = 100
"""Ids in one `remove`: a command of under a kilobyte, and little to sort out where one of them is missing."""

Read = Callable[[Set[Key]], list[Row]]
Rows = dict[Key, list[Row]]


class Turn:
    """One slice under way. `read` reads the entries of some keys over `connection`."""

    def __init__(self, connection: Connection, read: Read, settings: Settings, slice: Sequence[Change]) -> None:
        self._connection = connection
        self._read = read
        self._settings = settings
        self._slice = slice
        self._refusals: dict[int, str] = {}

    def carry_out(self) -> list[Outcome]:
        """One outcome a change. Raises Unreachable, Refused (the read) or Garbled."""
        for at, change in enumerate(self._slice):
            impossible = self._impossible(change)
            if impossible:
                self._refusals[at] = impossible
        rows = self._rows([change for at, change in self._going() if not _blind(change)])
        doomed = [(at, row) for at, change in self._going() if _takes_away(change) for row in _own(change, rows)]
        self._remove(doomed)
        rows = _without(rows, [row for at, row in doomed if at not in self._refusals])
        self._put([at for at, change in self._going() if _target(change)], rows)
        self._remove([(at, row) for at, change in self._going() if _target(change) for row in self._left(change, rows)])
        return [self._outcome(at, change) for at, change in enumerate(self._slice)]

    def _going(self) -> list[tuple[int, Change]]:
        return [(at, change) for at, change in enumerate(self._slice) if at not in self._refusals]

    def _impossible(self, change: Change) -> str:
        """Why this router cannot carry out a change; empty where it can."""
        key, target = key_of(change), _target(change)
        if key.type not in PATHS or (key.type.value == "ipv6_prefix" and not self._settings.ipv6):
            return f"this router's lists hold no {key.type} key"
        if target and target not in self._settings.lists:
            return f"the settings name no list for {target}"
        return ""

    def _rows(self, changes: Sequence[Change]) -> Rows:
        return by_key(self._read({key_of(change) for change in changes})) if changes else {}

    def _outcome(self, at: int, change: Change) -> Outcome:
        if at in self._refusals:
            return Outcome(change, Result.REFUSED, self._refusals[at])
        return Outcome(change, Result.DONE)

    def _left(self, change: Change, rows: Rows) -> list[Row]:
        """Entries of this change's own mark in another list than the one it is in now."""
        target = self._settings.lists[_target(change) or Access.FULL]
        return [row for row in _own(change, rows) if row.list != target]

    def _put(self, changes: Sequence[int], rows: Rows) -> None:
        """See to it that each key is in its list. An entry that is already there counts only if it is ours."""
        contested = self._send([(at, words) for at in changes if (words := self._words(at, rows))])
        if not contested:
            return
        rows = self._rows([self._slice[at] for at in contested])
        again = [(at, words) for at in contested if (words := self._words(at, rows))]
        for at in self._send(again):
            self._refusals[at] = f"the router says {ALREADY}, but shows none"

    def _send(self, commands: Sequence[tuple[int, Words]]) -> list[int]:
        """Pipeline commands, one a change; note refusals; answer the changes whose entry is already there."""
        already = []
        replies = self._connection.run([words for _, words in commands]) if commands else []
        for (at, _), reply in zip(commands, replies, strict=True):
            if ALREADY in reply.trap:
                already.append(at)
            elif reply.trap:
                self._refusals[at] = reply.trap
        return already

    def _words(self, at: int, rows: Rows) -> Words:
        """The command that puts a change's entry; none where it is there, or where a foreign one is in its place."""
        change = self._slice[at]
        key = key_of(change)
        name = self._settings.lists[_target(change) or Access.FULL]
        path = PATHS[key.type]
        there = [row for row in rows.get(key, ()) if row.list == name]
        ours = own_rows(there, change.mark)
        if any(row.enabled for row in ours):
            return ()
        if ours:
            return (f"{path}/set", f"=.id={ours[0].id}", "=disabled=no")
        if there:
            self._refusals[at] = f"list {name} already has {key.value}, not ours: {whose(there[0])}"
            return ()
        return (f"{path}/add", f"=list={name}", f"=address={key.value}", f"=comment={change.mark}")

    def _remove(self, doomed: Sequence[tuple[int, Row]]) -> None:
        """Remove rows by lists of ids; where the router refuses a list, read again and go on one by one."""
        chunks = _chunks(doomed)
        replies = self._connection.run([_removal(chunk) for chunk in chunks]) if chunks else []
        doubtful = [pair for chunk, reply in zip(chunks, replies, strict=True) if reply.trap for pair in chunk]
        if not doubtful:
            return
        rows = self._rows([self._slice[at] for at, _ in doubtful])
        still = [(at, row) for at, row in doubtful for now in _own(self._slice[at], rows) if _same(now, row)]
        singles = [_removal([pair]) for pair in still]
        for (at, _), reply in zip(still, self._connection.run(singles) if singles else [], strict=True):
            if reply.trap and GONE not in reply.trap:
                self._refusals[at] = reply.trap


def _blind(change: Change) -> bool:
    """Whether a change needs no read before: an entry where nothing of ours was seen. The router tells duplicates."""
    return isinstance(change, Refresh) or (isinstance(change, Restrict) and change.before is Access.FULL)


def _target(change: Change) -> Access | None:
    """The access whose list the key shall be in; None where it shall be in none."""
    match change:
        case Restrict(entry=entry) | Restore(entry=entry) if entry.restricts:
            return entry.access
        case _:
            return None


def _takes_away(change: Change) -> bool:
    return isinstance(change, Remove) or (isinstance(change, Restore) and not change.entry.restricts)


def _own(change: Change, rows: Rows) -> list[Row]:
    return own_rows(rows.get(key_of(change), ()), change.mark)


def _without(rows: Rows, gone: Sequence[Row]) -> Rows:
    """What is left once some rows are gone: a key's former binding makes room for the next in one slice."""
    ids = {(row.path, row.id) for row in gone}
    return {key: [row for row in its if (row.path, row.id) not in ids] for key, its in rows.items()}


def _same(now: Row, before: Row) -> bool:
    return (now.path, now.id) == (before.path, before.id)


def _chunks(doomed: Sequence[tuple[int, Row]]) -> list[list[tuple[int, Row]]]:
    """Pairs by table, at most `IDS_AT_ONCE` each."""
    chunks = []
    for path in PATHS.values():
        its = [pair for pair in doomed if pair[1].path == path]
        chunks += [its[start : start + IDS_AT_ONCE] for start in range(0, len(its), IDS_AT_ONCE)]
    return chunks


def _removal(chunk: Sequence[tuple[int, Row]]) -> Words:
    path = chunk[0][1].path
    return (f"{path}/remove", f"=.id={','.join(row.id for _, row in chunk)}")
