"""A turn: one slice of changes carried out on one router, and what came of each.

In this order, each step waiting for the former's replies: what is taken away, what is put, entries left behind by
those that moved to another list; then what is live is ended where it no longer is as the record says. So a restore is
never behind a restriction, and a customer who moves between two lists is never in neither. Ids are read in the same
turn, over the same connection, or not used.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from drivers.mikrotik.ending import IDS_AT_ONCE, Ending
from drivers.mikrotik.entries import PATHS, Row
from drivers.mikrotik.framing import Words
from drivers.mikrotik.judging import own_rows, whose
from drivers.mikrotik.placing import Place, Placing, takes_away, target_of, without
from drivers.mikrotik.reading import Reader, View
from drivers.mikrotik.settings import Settings
from drivers.mikrotik.swaps import Write, bound, restored, restricted, unbound
from drivers.mikrotik.wire import Connection, Reply
from enforcement.access import Access
from enforcement.changes import Change, Outcome, Refresh, Restrict, Result, key_of

ALREADY = "already have such entry"
GONE = "no such item"

Doomed = list[tuple[int, Row]]


class Turn:
    """One slice under way over `connection`."""

    def __init__(self, connection: Connection, reader: Reader, settings: Settings, slice: Sequence[Change]) -> None:
        self._connection = connection
        self._reader = reader
        self._settings = settings
        self._slice = slice
        self._names = frozenset(settings.gives)
        self._ending = Ending(connection, reader, settings, slice)
        self._refusals: dict[int, str] = {}
        self._details: dict[int, str] = {}
        self._touched: set[int] = set()

    def carry_out(self) -> list[Outcome]:
        """One outcome a change. Raises Unreachable, Refused (the read) or Garbled."""
        for at, change in enumerate(self._slice):
            impossible = self._impossible(change)
            if impossible:
                self._refusals[at] = impossible
        keys = frozenset(key_of(change) for _, change in self._going() if not self._blind(change))
        before = Placing(self._reader.latest(keys) if keys else View(keys), self._settings)
        before = self._take_away(before)
        self._put([at for at, change in self._going() if not takes_away(change)], before)
        self._remove([(at, row) for at, change in self._going() for row in self._left(change, before)])
        going = [(at, change) for at, change in self._going() if at in self._touched or isinstance(change, Refresh)]
        left = self._ending.end([(at, change, before.homes(key_of(change))) for at, change in going])
        return [self._outcome(at, change, at not in left) for at, change in enumerate(self._slice)]

    def _going(self) -> list[tuple[int, Change]]:
        return [(at, change) for at, change in enumerate(self._slice) if at not in self._refusals]

    def _impossible(self, change: Change) -> str:
        """Why this router cannot carry out a change; empty where it can."""
        key, target = key_of(change), target_of(change)
        if key.type not in self._reader.types and key.type not in self._settings.ways:
            return f"this router's lists hold no {key.type} key"
        if target and target not in self._settings.lists:
            return f"the settings name no list for {target}"
        return ""

    def _blind(self, change: Change) -> bool:
        """Whether a change needs no look before: an address' entry where nothing of ours was seen. The router tells
        duplicates; an identity's addresses must be known first."""
        if key_of(change).type in self._settings.ways:
            return False
        return isinstance(change, Refresh) or (isinstance(change, Restrict) and change.before is Access.FULL)

    def _placing(self, changes: Iterable[Change]) -> Placing:
        keys = frozenset(key_of(change) for change in changes)
        return Placing(self._reader.look(keys) if keys else View(keys), self._settings)

    def _outcome(self, at: int, change: Change, done: bool) -> Outcome:
        if at in self._refusals:
            return Outcome(change, Result.REFUSED, self._refusals[at])
        return Outcome(change, Result.DONE, self._details.get(at, ""), effect_done=done)

    # --- taking away -------------------------------------------------------------------------------------------------

    def _take_away(self, before: Placing) -> Placing:
        """Remove what goes; answers how things stand then."""
        doomed: Doomed = []
        for at, change in self._going():
            doomed += [(at, row) for row in (before.own(change) if takes_away(change) else before.astray(change))]
        self._remove(doomed)
        freed = self._give_back(before)
        gone = {(row.path, row.id): None for at, row in doomed if at not in self._refusals}
        if freed:
            return self._placing(change for _, change in self._going() if not self._blind(change))
        return Placing(without(before.view, gone), self._settings) if gone else before

    def _give_back(self, before: Placing) -> bool:
        """Items that bear the mark of a change that takes away get their former value. Whether there were any."""
        writes: list[tuple[int, Write]] = []
        for at, change in self._going():
            holder = before.holder(key_of(change))
            if holder is None or not takes_away(change):
                continue
            items = before.view.items.get(key_of(change), ())
            own = [item for item in items if item.note is not None and item.note.mark == change.mark]
            back = (restored(item, self._names, holder) if holder.value else unbound(item) for item in own)
            writes += [(at, write) for write in back]
        self._details |= {at: write.detail for at, write in writes if write.detail}
        self._send([(at, write.words) for at, write in writes])
        return bool(writes)

    def _left(self, change: Change, before: Placing) -> list[Row]:
        """Entries of this change's own mark in another list than the one it is in now."""
        name = before.list_for(change) if before.view.rows else None
        if name is None or takes_away(change):
            return []
        return [row for row in before.own(change) if row.list != name]

    # --- putting -----------------------------------------------------------------------------------------------------

    def _put(self, changes: Sequence[int], before: Placing) -> None:
        """See to it that each key is where it shall be. An entry that is already there counts only if it is ours."""
        contested = self._send((at, words) for at in changes for words in self._words(at, before))
        if not contested:
            return
        now = self._placing(self._slice[at] for at in contested)
        again = [(at, words) for at in contested if at not in self._refusals for words in self._words(at, now)]
        for at in self._send(again):
            self._refusals[at] = f"the router says {ALREADY}, but shows none"

    def _words(self, at: int, now: Placing) -> list[Words]:
        """The commands that put what a change wants; none where it is there, or where something foreign is."""
        change = self._slice[at]
        record = self._record(change, now)
        if record.refusal:
            self._refusals[at] = record.refusal
            return []
        words = [record.words] if record.words else []
        for place in now.places(change):
            words += self._entry(at, place, now)
        return words if at not in self._refusals else []

    def _record(self, change: Change, now: Placing) -> Write:
        """The write that records a change on its customer's own item."""
        key, target = key_of(change), target_of(change)
        holder, name = now.holder(key), now.list_for(change)
        if holder is None or target is None or name is None:
            return Write()
        items = now.view.items.get(key, [])
        if not holder.value:
            return bound(key, items, change.mark, target, holder)
        return restricted(key, items, change.mark, name, self._names, holder)

    def _entry(self, at: int, place: Place, now: Placing) -> list[Words]:
        there = [row for row in now.at(place) if not row.dynamic or row.mark is not None]
        ours = own_rows(there, self._slice[at].mark)
        if any(row.enabled or place.record for row in ours):
            return []
        if ours:
            return [(f"{place.path}/set", f"=.id={ours[0].id}", "=disabled=no")]
        if there:
            self._refusals[at] = f"list {place.list} already has {place.address}, not ours: {whose(there[0])}"
            return []
        words = (f"{place.path}/add", f"=list={place.list}", f"=address={place.address}", f"=comment={place.comment}")
        return [(*words, "=disabled=yes") if place.record else words]

    # --- sending -----------------------------------------------------------------------------------------------------

    def _send(self, commands: Iterable[tuple[int, Words]]) -> list[int]:
        """Pipeline commands, each composed while those before it are on their way; note refusals; answer the changes
        whose entry is already there."""
        sent: list[int] = []
        already: dict[int, None] = {}
        replies = self._replies(commands, sent)
        for at, reply in zip(sent, replies, strict=True):
            self._touched.add(at)
            if ALREADY in reply.trap:
                already[at] = None
            elif reply.trap:
                self._refusals[at] = reply.trap
        return list(already)

    def _replies(self, commands: Iterable[tuple[int, Words]], sent: list[int]) -> list[Reply]:
        """Write, if there is anything to; `sent` grows by the change of each command."""

        def composed() -> Iterator[Words]:
            for at, words in commands:
                sent.append(at)
                yield words

        its = composed()
        first = next(its, None)
        return self._write(chain([first], its)) if first is not None else []

    def _write(self, commands: Iterable[Words]) -> list[Reply]:
        """Run commands that write, and ask with them which connections they have outlived."""
        asks = self._ending.questions()
        replies = self._connection.run(chain(commands, asks))
        writes = len(replies) - len(asks)
        self._ending.hear(replies[writes:])
        return replies[:writes]

    def _remove(self, doomed: Doomed) -> None:
        """Remove rows by lists of ids; where the router refuses a list, read again and go on one by one."""
        chunks = _chunks(doomed)
        self._touched |= {at for at, _ in doomed}
        replies = self._write([_removal(chunk) for chunk in chunks]) if chunks else []
        doubtful = [pair for chunk, reply in zip(chunks, replies, strict=True) if reply.trap for pair in chunk]
        if not doubtful:
            return
        now = self._placing(self._slice[at] for at, _ in doubtful)
        there = {(row.path, row.id, row.mark) for row in now.view.rows}
        still = [(at, row) for at, row in doubtful if (row.path, row.id, row.mark) in there]
        singles = [_removal([pair]) for pair in still]
        for (at, _), reply in zip(still, self._write(singles) if singles else [], strict=True):
            if reply.trap and GONE not in reply.trap:
                self._refusals[at] = reply.trap


def _chunks(doomed: Doomed) -> list[Doomed]:
    """Pairs by table, at most `IDS_AT_ONCE` each."""
    chunks = []
    for path in PATHS.values():
        its = [pair for pair in doomed if pair[1].path == path]
        chunks += [its[start : start + IDS_AT_ONCE] for start in range(0, len(its), IDS_AT_ONCE)]
    return chunks


def _removal(chunk: Doomed) -> Words:
    path = chunk[0][1].path
    return (f"{path}/remove", f"=.id={','.join(row.id for _, row in chunk)}")
