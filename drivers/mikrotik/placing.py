"""Placing: which list entries a change wants, which of its own are out of place (pure)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from drivers.mikrotik.entries import PATHS, Row, record_name
from drivers.mikrotik.judging import followed_homes
from drivers.mikrotik.notes import Note, written
from drivers.mikrotik.reading import View
from drivers.mikrotik.settings import Settings
from drivers.mikrotik.ways import HOLDERS, Holder
from enforcement.access import Access
from enforcement.changes import Change, Refresh, Remove, Restore, Restrict, key_of
from enforcement.entries import Mark
from enforcement.keys import Key, KeyType


class Place(NamedTuple):
    """Where an entry shall stand. A record is disabled: it holds nobody."""

    path: str
    list: str
    address: str
    comment: str
    record: bool = False


def target_of(change: Change) -> Access | None:
    """The access that a change writes; None where it writes none."""
    match change:
        case Restrict(entry=entry) | Restore(entry=entry) if entry.restricts:
            return entry.access
        case _:
            return None


def takes_away(change: Change) -> bool:
    """Whether all of the change's own goes."""
    return isinstance(change, Remove) or (isinstance(change, Restore) and not change.entry.restricts)


class Placing:
    """A view, seen from the changes of one slice."""

    def __init__(self, view: View, settings: Settings) -> None:
        self._settings = settings
        self.view = view
        self._by_mark: dict[Mark, list[Row]] = {}
        self._by_place: dict[tuple[str, str, str], list[Row]] = {}
        for row in view.rows:
            if row.mark is not None:
                self._by_mark.setdefault(row.mark, []).append(row)
            self._by_place.setdefault((row.path, row.list, row.address), []).append(row)

    def holder(self, key: Key) -> Holder | None:
        """Where the way of a key keeps its record, beside the lists."""
        return HOLDERS.get((key.type, self._settings.ways[key.type])) if key.type in self._settings.ways else None

    def homes(self, key: Key) -> frozenset[Key]:
        """The addresses of a key: its own, or those that it has now."""
        return self.view.homes.get(key, frozenset()) if key.type in self._settings.ways else frozenset({key})

    def own(self, change: Change) -> list[Row]:
        """The entries of the change's mark that are this key's: its own, those that follow it, and those that followed
        another to an address that is now this one's."""
        key = key_of(change)
        homes = self.homes(key)
        return [
            row
            for row in self._by_mark.get(change.mark, ())
            if row.holder == key
            or (row.holder is None and row.key == key)
            or (row.holder is not None and row.key in homes)
        ]

    def list_for(self, change: Change) -> str | None:
        """The list of the change's entries: its target's; for a refresh what is on record for its mark."""
        target = target_of(change)
        if target is not None and isinstance(change, Restrict | Restore):
            return self._settings.list_of(target, change.entry.rate)
        if not isinstance(change, Refresh):
            return None
        if key_of(change).type not in self._settings.ways:
            return None
        gives = self._settings.gives
        items = [
            item for item in self.view.items.get(key_of(change), ()) if item.note and item.note.mark == change.mark
        ]
        names = [name for item in items for name in item.value.split(",")]
        names += [row.list for row in self.own(change) if row.is_record]
        if Access.BLOCKED in self._settings.lists:
            names += [self._settings.lists[Access.BLOCKED] for item in items if item.value == "blocked"]
        return next((name for name in names if name in gives), None)

    def places(self, change: Change) -> list[Place]:
        """The entries that the change wants."""
        key, name = key_of(change), self.list_for(change)
        if name is None:
            return []
        if key.type not in self._settings.ways:
            return [Place(PATHS[key.type], name, key.value, str(change.mark))]
        comment = written(Note(change.mark, key))
        holder = self.holder(key)
        followed = followed_homes(self.homes(key), holder)
        places = [Place(PATHS[home.type], name, home.value, comment) for home in sorted(followed)]
        record = [Place(PATHS[KeyType.IPV4], name, record_name(key), comment, record=True)] if holder is None else []
        return record + places

    def astray(self, change: Change) -> list[Row]:
        """Own entries at addresses that are no longer the customer's: they go before anything is put."""
        key = key_of(change)
        if key.type not in self._settings.ways:
            return []
        followed = followed_homes(self.homes(key), self.holder(key))
        return [row for row in self.own(change) if not row.is_record and row.key not in followed]

    def at(self, place: Place) -> list[Row]:
        """What stands in a place."""
        return self._by_place.get((place.path, place.list, place.address), [])


def without(view: View, gone: Mapping[tuple[str, str], object]) -> View:
    """The view once some entries are gone, by path and id: a former binding makes room for the next in one slice."""
    rows = [row for row in view.rows if (row.path, row.id) not in gone]
    return replace(view, rows=rows)
