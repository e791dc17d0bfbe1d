"""The driver of a SIP switch: a row in its database, the same in each node's memory, and both read back.

The dial plan (configs/sip) bars whoever has a row, as far as the row says. Order of writing: the database first, so
that a node that restarts in between comes back as wanted; then each node's memory, which acts at once. A restore goes
as far as it gets: a node or a database that is away keeps no customer barred on the others. Every node is read each
time, and one that can't be read leaves what is known of a line at `unknown`.
"""

import itertools
from collections.abc import Callable, Collection, Mapping, Sequence, Set
from functools import partial

from drivers.base import Capabilities, DriverError, News, Refused, Step, Unsupported
from drivers.sip import check
from drivers.sip.away import Away
from drivers.sip.lifting import Aims, aims_of, deletions, replacements
from drivers.sip.node import Node
from drivers.sip.prepare import steps_of
from drivers.sip.reading import Reading, observed
from drivers.sip.rows import Rows
from drivers.sip.values import compose, mark_of, name_of
from enforcement.access import Access, Kind
from enforcement.changes import Change, Outcome, Remove, Restore, Result, key_of
from enforcement.keys import Key, KeyType
from enforcement.observed import Observed

SLICE = 500
DATABASE = "the database"
PAUSES = 5
"""Timeouts of a connection, for which a place that was asked in vain is not asked again: it takes a fifth at most."""


class SipDriver:
    """One switch of one or more nodes, with the database behind them where it has one. Construction opens nothing.

    A place that did not answer is not asked again for `pause_s`, while a node answers.
    """

    def __init__(
        self,
        installation: str,
        nodes: Sequence[Node],
        rows: Rows | None,
        keys: Set[KeyType],
        access: Set[Access],
        pause_s: float,
        slice_size: int = SLICE,
    ) -> None:
        self._installation = installation
        self._nodes = tuple(nodes)
        self._away = Away((node.name for node in nodes), pause_s)
        self._rows = rows
        voice = frozenset(access)
        self.capabilities = Capabilities(
            keys=frozenset(keys),
            access={Kind.FIXED_VOICE: voice, Kind.MOBILE_VOICE: voice},
            slice_size=slice_size,
            effects=False,
        )
        self.news: Sequence[News] = ()

    def observe(self, keys: Set[Key] | None = None) -> Observed:
        """Every node's memory and the database. One that can't be read makes it incomplete; no node at all, an error.

        While it is incomplete nothing is known of a key without a row, so nobody new is barred, and restores go on.
        """
        asked = None if keys is None else frozenset(keys)
        reading = self._read(None if asked is None else {name_of(key) for key in asked})
        return observed(self._installation, self.capabilities.keys, reading, asked)

    def apply(self, slice: Sequence[Change]) -> Sequence[Outcome]:
        """Restores need no proof; before anything is barred the allow-list is proved on every node, each time."""
        outcomes: list[Outcome] = []
        for bars, run in itertools.groupby(slice, key=_bars):
            changes = list(run)
            outcomes += self._bar(changes) if bars else self._lift(changes)
        return outcomes

    def check(self) -> Sequence[str]:
        """The allow-list, the nodes' setup, what can't be read and where the places differ."""
        try:
            reading = self._read(None)
        except DriverError as wrong:
            return [str(wrong)]
        found = [f"{place} can't be read: {reason}" for place, reason in reading.unread.items()]
        for node in self._nodes:
            if node.name in reading.live:
                found += _words_of(node.setup) + _words_of(node.unproven)
        found += check.differences(self._installation, self.capabilities.keys, reading)
        return [*found, *self._doubts(self.capabilities.access[Kind.FIXED_VOICE])]

    def prepare(self, install: bool) -> Sequence[Step]:
        """The tables, the dial plan's fragments and the care lines; only what stands in the database is installed."""
        return steps_of(self._nodes, self._rows, install)

    def close(self) -> None:
        for node in self._nodes:
            node.close()
        if self._rows is not None:
            self._rows.close()

    def _read(self, names: Collection[str] | None) -> Reading:
        unread: dict[str, str] = {}
        live: dict[str, Mapping[str, tuple[str, ...]]] = {}
        up: list[float] = []
        failures: list[DriverError] = []
        for node in self._nodes:
            try:
                live[node.name] = self._away.ask(node.name, partial(_rows_of, node, names))
                up += _up_seconds(node) if names is None else []
            except DriverError as wrong:
                live.pop(node.name, None)
                unread[node.name] = str(wrong)
                failures.append(wrong)
        if not live:
            raise failures[0]
        # The node that started last tells: were one of several away, another's longer time would look like no restart.
        up_seconds = min(up) if len(up) == len(self._nodes) else None
        try:
            rows = self._away.ask(DATABASE, partial(self._rows.read, names)) if self._rows else None
            return Reading(rows, live, unread, up_seconds)
        except DriverError as wrong:
            return Reading(None, live, {**unread, DATABASE: str(wrong)}, up_seconds)

    def _bar(self, changes: Sequence[Change]) -> list[Outcome]:
        possible = {change: self._cannot(change) for change in changes}
        doubts = self._doubts({_access(change) for change, words in possible.items() if not words})
        if doubts:
            words = f"not barred, the allow-list is not proved: {'; '.join(doubts)}"
            return [_refused(change, possible[change] or words) for change in changes]
        reading = self._read([name_of(key_of(change)) for change, words in possible.items() if not words])
        if reading.unread:
            words = "; ".join(f"{place}: {reason}" for place, reason in reading.unread.items())
            return [_refused(change, f"not barred, the switch can't be read whole: {words}") for change in changes]
        against = {change: words or self._foreign(change, reading) for change, words in possible.items()}
        wanted = {name_of(key_of(c)): compose(c.mark, _access(c)) for c in changes if not against[c]}
        unknown = self._write(wanted, reading) if wanted else ""
        return [_refused(change, against[change]) if against[change] else _done(change, unknown) for change in changes]

    def _cannot(self, change: Change) -> str:
        """Why the device is not able to do this, in words; empty where it is."""
        key = key_of(change)
        if key.type not in self.capabilities.keys:
            return f"device cannot: this switch knows no {key.type} key"
        if _access(change) not in self.capabilities.access[Kind.FIXED_VOICE]:
            return f"device cannot: its dial plan has no {_access(change)}"
        unfit = next((words for node in self._nodes if (words := node.unfit(name_of(key)))), "")
        return f"device cannot: {unfit}" if unfit else ""

    def _foreign(self, change: Change, reading: Reading) -> str:
        """What stands in the way and is not ours, in words; empty where there is nothing."""
        name = name_of(key_of(change))
        for place, table in reading.places.items():
            for value in table.get(name, ()):
                if mark_of(self._installation, value) is None:
                    return f"{place} already has a barring of {name} that is not ours: {value!r}; it is left"
        return ""

    def _write(self, wanted: Mapping[str, str], reading: Reading) -> str:
        """Rows, then memories. What went wrong at a node, in words, where others were written; else it is raised."""
        if self._rows is not None:
            rows = reading.rows or {}
            amiss = {name: value for name, value in wanted.items() if rows.get(name) != (value,)}
            self._rows.replace([(name, value) for name in amiss for value in rows.get(name, ())], amiss)
        failures: list[DriverError] = []
        for node in self._nodes:
            here = reading.live[node.name]
            amiss = {name: value for name, value in wanted.items() if here.get(name) != (value,)}
            try:
                self._away.ask(node.name, partial(node.set_all, amiss))
            except DriverError as wrong:
                failures.append(wrong)
        return _words_unless_all(failures, len(self._nodes))

    def _lift(self, changes: Sequence[Change]) -> list[Outcome]:
        """Rows and memories are compared with the mark first: what is not that binding's is left where it stands."""
        lifted = [change for change in changes if not self._cannot_lift(change)]
        unknown = self._lift_everywhere(aims_of(lifted)) if lifted else ""
        return [
            _refused(change, words) if (words := self._cannot_lift(change)) else _done(change, unknown)
            for change in changes
        ]

    def _cannot_lift(self, change: Change) -> str:
        """A higher rung that the dial plan does not have can't be reached; taking a row away always can."""
        return self._cannot(change) if _access(change) is not Access.FULL else ""

    def _lift_everywhere(self, aims: Aims) -> str:
        failures: list[DriverError] = []
        lifts = {node.name: partial(self._lift_at, node, aims) for node in self._nodes}
        if self._rows is not None:
            lifts = {DATABASE: partial(self._lift_in, self._rows, aims), **lifts}
        for place, lift in lifts.items():
            try:
                self._away.ask(place, lift)
            except DriverError as wrong:
                failures.append(wrong)
        return _words_unless_all(failures, len(lifts))

    def _lift_in(self, rows: Rows, aims: Aims) -> None:
        rows.replace(*replacements(self._installation, aims, rows.read(aims)))

    def _lift_at(self, node: Node, aims: Aims) -> None:
        gone, raised = replacements(self._installation, aims, _rows_of(node, aims.keys()))
        node.delete_all(deletions(gone, raised))
        node.set_all(raised)

    def _doubts(self, accesses: Collection[Access]) -> list[str]:
        """Why the allow-list is not proved, on whichever node; empty where it is."""
        return [words for node in self._nodes for words in self._doubts_of(node, accesses)] if accesses else []

    def _doubts_of(self, node: Node, accesses: Collection[Access]) -> list[str]:
        words = self._away.passed_over(node.name)
        return [words] if words else node.doubts(accesses)


def _bars(change: Change) -> bool:
    """Whether something may be taken away: only then is the proof of the allow-list needed."""
    return not isinstance(change, Remove | Restore) and change.entry.restricts


def _access(change: Change) -> Access:
    return Access.FULL if isinstance(change, Remove) else change.entry.access


def _rows_of(node: Node, names: Collection[str] | None) -> dict[str, tuple[str, ...]]:
    return {name: (value,) for name, value in node.read(names).items()}


def _up_seconds(node: Node) -> list[float]:
    """Nothing where the node has no words for it, or keeps them from us: that makes no reading of its rows doubtful."""
    try:
        seconds = node.up_seconds()
    except (Refused, Unsupported):
        return []
    return [] if seconds is None else [seconds]


def _words_of(look: Callable[[], list[str]]) -> list[str]:
    try:
        return look()
    except DriverError as wrong:
        return [str(wrong)]


def _refused(change: Change, detail: str) -> Outcome:
    return Outcome(change, Result.REFUSED, detail)


def _done(change: Change, unknown: str) -> Outcome:
    return Outcome(change, Result.UNKNOWN, unknown) if unknown else Outcome(change, Result.DONE)


def _words_unless_all(failures: Sequence[DriverError], places: int) -> str:
    """Nothing done anywhere is the caller's error to hear; done in part is an unknown outcome with these words."""
    if len(failures) == places:
        raise failures[0]
    return "; ".join(str(failure) for failure in failures)
