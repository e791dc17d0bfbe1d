"""Judging: what rows mean for a key. Ours, somebody else's, or nothing (pure)."""

from collections.abc import Iterable, Mapping

from drivers.mikrotik.entries import Row, by_key
from drivers.mikrotik.settings import Settings
from enforcement.access import Access, Kind, least
from enforcement.entries import Mark
from enforcement.keys import Key
from enforcement.observed import Seen


def seen_by_key(rows: Iterable[Row], settings: Settings, installation: str) -> dict[Key, Seen]:
    """What the rows enforce, for each key that has any of ours or an obstruction."""
    gives = {name: access for access, name in settings.lists.items()}
    found = {key: _seen(its, gives, settings.obstructing_lists, installation) for key, its in by_key(rows).items()}
    return {key: seen for key, seen in found.items() if seen.marks or seen.obstructions}


def _seen(rows: list[Row], gives: Mapping[str, Access], obstructing: frozenset[str], installation: str) -> Seen:
    """A disabled entry of ours enforces nothing, but it is still ours: its mark is seen, so that it can be removed."""
    ours = [row for row in rows if is_ours(row, installation)]
    acting = [gives[row.list] for row in ours if row.enabled and row.list in gives]
    return Seen(
        access=least(Kind.INTERNET, acting),
        marks=tuple(sorted({row.mark for row in ours if row.mark is not None})),
        obstructions=tuple(_obstruction(row) for row in rows if _obstructs(row, gives, obstructing, installation)),
    )


def is_ours(row: Row, installation: str) -> bool:
    """Whether the entry carries this installation's mark; another installation's is somebody else's."""
    return row.mark is not None and row.mark.installation == installation


def _obstructs(row: Row, gives: Mapping[str, Access], obstructing: frozenset[str], installation: str) -> bool:
    """A foreign entry in a list that restricts; or ours in a list that the settings no longer name."""
    if not row.enabled:
        return False
    if is_ours(row, installation):
        return row.list not in gives
    return row.list in gives or row.list in obstructing


def _obstruction(row: Row) -> str:
    return f"entry {row.id} in list {row.list} ({whose(row)})"


def whose(row: Row) -> str:
    """Who an entry belongs to, as far as it tells."""
    if row.mark is not None:
        return f"marked {row.mark}"
    return f"comment {row.comment!r}" if row.comment else "no comment"


def own_rows(rows: Iterable[Row], mark: Mark) -> list[Row]:
    """The rows that carry exactly `mark`, whatever list they are in."""
    return [row for row in rows if row.mark == mark]
