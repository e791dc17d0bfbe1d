"""From what was read of a switch to what it enforces. Pure.

The tables in the nodes' memory are what bars calls; the database's rows are what a node has after its next start. When
the two, or two nodes, differ, the record is not in force everywhere: that is `Live.STALE`, and the plan refreshes it.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass

from drivers.sip.values import access_of, compose, depth, key_of, mark_of
from enforcement.access import Access
from enforcement.entries import Mark
from enforcement.keys import Key, KeyType
from enforcement.observed import Live, Observed, Seen

Table = Mapping[str, tuple[str, ...]]
"""Name -> values: one in a node's memory, possibly several in a database table without a unique key."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One read of every place that holds rows. A place that could not be read is in `unread`, with the reason.

    `rows` is None where there is no database of ours, or it could not be read.
    """

    rows: Table | None
    live: Mapping[str, Table]
    unread: Mapping[str, str]
    up_seconds: float | None = None

    @property
    def places(self) -> dict[str, Table]:
        """Every table that was read, by the words that name it to a person."""
        database = {} if self.rows is None else {"the database": self.rows}
        return {**database, **{f"node {node}": table for node, table in self.live.items()}}

    def names(self) -> set[str]:
        return {name for table in self.places.values() for name in table}


def observed(installation: str, types: Set[KeyType], reading: Reading, asked: frozenset[Key] | None) -> Observed:
    """The whole reading in the shared language. It is complete only where every place was read."""
    keys = {key: name for name in reading.names() if (key := key_of(name, types)) is not None}
    seen = {key: seen_of(installation, name, reading) for key, name in keys.items()}
    return Observed(seen, complete=not reading.unread, asked=asked, up_seconds=reading.up_seconds)


def seen_of(installation: str, name: str, reading: Reading) -> Seen:
    """What bars `name`: the least access of ours in any node's memory, and in words whatever else stands there."""
    marks: dict[Mark, None] = {}
    obstructions: list[str] = []
    barring = [Access.FULL]
    recorded = [Access.FULL]
    for place, table in reading.places.items():
        for value in table.get(name, ()):
            mark = mark_of(installation, value)
            if mark is None:
                obstructions.append(f"{place} has a barring of {name} that is not ours: {value!r}")
                continue
            marks[mark] = None
            (recorded if table is reading.rows else barring).append(access_of(value))
    live = _live(name, reading, tuple(marks), max(*barring, *recorded, key=depth))
    return Seen(max(barring, key=depth), live, tuple(marks), tuple(obstructions))


def _live(name: str, reading: Reading, marks: tuple[Mark, ...], least: Access) -> Live:
    """Repairs come before doubt: places that contradict each other are stale even while another can't be read."""
    if marks and any(table.get(name) != (compose(marks[0], least),) for table in reading.places.values()):
        return Live.STALE
    return Live.UNKNOWN if reading.unread else Live.APPLIES
