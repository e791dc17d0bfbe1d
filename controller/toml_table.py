"""Reading a TOML file that a person wrote: all mistakes at once, each saying where, what, and what is allowed."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime, time
from difflib import get_close_matches
from typing import Any, TypeVar

T = TypeVar("T")


class Unfit(ValueError):
    """A value can't be used; `str()` says what is allowed."""


class Table:
    """One table of the file. What is wrong is added to `problems`, shared by all tables of the file, and read on.

    `where` is the dotted path to the table, empty for the file itself.
    """

    def __init__(self, data: Mapping[str, Any], where: str, problems: list[str]) -> None:
        self._data = data
        self.where = where
        self.problems = problems
        self._asked: list[str] = []

    def path(self, key: str) -> str:
        """`key` as a person finds it in the file."""
        return f"{self.where}.{key}" if self.where else key

    def complain(self, key: str, what: str) -> None:
        """Say what is wrong with a key of this table."""
        self.problems.append(f"{self.path(key)}: {what}")

    def read(self, key: str, parse: Callable[[Any], T], default: T, *, required: bool = True) -> T:
        """The value of `key`, by `parse` (Unfit says what is allowed); `default` where it is absent or wrong."""
        self._asked.append(key)
        if key not in self._data:
            if required:
                self.complain(key, "is missing")
            return default
        value = self._data[key]
        try:
            return parse(value)
        except Unfit as wrong:
            self.complain(key, f"is {_shown(value)}; {wrong}")
            return default

    def table(self, key: str) -> "Table":
        """A table inside this one; an empty one where it is absent or something else."""
        self._asked.append(key)
        data = self._data.get(key)
        if not isinstance(data, Mapping):
            self.complain(key, "is missing" if data is None else f"is {_shown(data)}; it must be a table")
            return Table({}, self.path(key), [])
        return Table(data, self.path(key), self.problems)

    def tables(self, key: str) -> list["Table"]:
        """The tables of an array, counted from 1 as a person counts."""
        self._asked.append(key)
        items = self._data.get(key, [])
        if not isinstance(items, list) or not all(isinstance(item, Mapping) for item in items):
            self.complain(key, f"is {_shown(items)}; it must be an array of tables ([[{self.path(key)}]])")
            return []
        return [Table(item, f"{self.path(key)}[{number}]", self.problems) for number, item in enumerate(items, 1)]

    def done(self) -> None:
        """Refuse what nobody asked for: a misspelt key must not be lost in silence."""
        for key in self._data:
            if key not in self._asked:
                self.complain(key, f"is no key here; {nearest(key, self._asked)}")


def nearest(word: str, allowed: Collection[str]) -> str:
    """The words that are allowed, and the one that was probably meant."""
    meant = get_close_matches(word, allowed, n=1)
    hint = f"did you mean {meant[0]}? " if meant else ""
    return f"{hint}allowed: {', '.join(sorted(allowed))}"


def whole(least: int, most: int) -> Callable[[Any], int]:
    """A whole number between two, both allowed."""

    def parse(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise Unfit(f"it must be a whole number from {least} to {most}")
        return value

    return parse


def number(above: float, most: float) -> Callable[[Any], float]:
    """A number above one and at most another."""

    def parse(value: Any) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool) or not above < value <= most:
            raise Unfit(f"it must be a number above {above:g}, at most {most:g}")
        return float(value)

    return parse


def one_of(allowed: Sequence[str]) -> Callable[[Any], str]:
    """One word of several."""

    def parse(value: Any) -> str:
        if value not in allowed:
            raise Unfit(nearest(str(value), allowed))
        return str(value)

    return parse


def text(value: Any) -> str:
    """Some words."""
    if not isinstance(value, str) or not value.strip():
        raise Unfit("it must be text in quotes, not empty")
    return value.strip()


def flag(value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise Unfit("it must be true or false")
    return value


def day(value: Any) -> date:
    """A date, written without quotes: 2026-11-09."""
    if not isinstance(value, date) or isinstance(value, datetime):
        raise Unfit("it must be a date without quotes, such as 2026-11-09")
    return value


def days(value: Any) -> tuple[date, ...]:
    """A list of dates."""
    if not isinstance(value, list):
        raise Unfit("it must be a list of dates, such as [2026-11-09]")
    return tuple(day(item) for item in value)


def hour(value: Any) -> time:
    """A local time of day, written as 09:00:00 or "09:00"."""
    try:
        found = value if isinstance(value, time) else time.fromisoformat(value)
    except (TypeError, ValueError):
        found = None
    if found is None or found.tzinfo is not None:
        raise Unfit('it must be a local time of day, such as "09:00"')
    return found


def _shown(value: Any) -> str:
    shown = value.isoformat() if isinstance(value, date | time) else repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."
