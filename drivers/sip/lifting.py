"""Which rows a restore takes away, and which it raises to a higher access. Pure.

Only where a row of that binding stands is anything done: a place without one has nothing to raise, and a row there
would take something away that nobody gave leave for.
"""

from collections.abc import Iterable, Mapping

from drivers.sip.values import compose, mark_of, name_of
from enforcement.access import Access
from enforcement.changes import Change, Remove, key_of
from enforcement.entries import Mark

Aims = Mapping[str, Mapping[Mark, str]]
"""Name -> mark -> the value that its row is to have; empty where the row is to go."""


def aims_of(changes: Iterable[Change]) -> Aims:
    """What restores and removals want of each row."""
    aims: dict[str, dict[Mark, str]] = {}
    for change in changes:
        access = Access.FULL if isinstance(change, Remove) else change.entry.access
        value = "" if access is Access.FULL else compose(change.mark, access)
        aims.setdefault(name_of(key_of(change)), {})[change.mark] = value
    return aims


def replacements(
    installation: str, aims: Aims, table: Mapping[str, tuple[str, ...]]
) -> tuple[list[tuple[str, str]], dict[str, str]]:
    """The rows (name, value) of `table` to take away, and the values to put in their place, by name."""
    gone: list[tuple[str, str]] = []
    raised: dict[str, str] = {}
    for name, values in table.items():
        for value in values:
            mark = mark_of(installation, value)
            aim = aims.get(name, {}).get(mark) if mark is not None else None
            if aim is None or aim == value:
                continue
            gone.append((name, value))
            if aim:
                raised[name] = aim
    return gone, raised


def deletions(gone: Iterable[tuple[str, str]], raised: Mapping[str, str]) -> list[str]:
    """The names to delete where a set overwrites: those that get no other value."""
    return [name for name, _ in gone if name not in raised]
