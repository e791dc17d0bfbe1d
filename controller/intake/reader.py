"""Reading somebody else's JSON object field by field: each refusal is one sentence, and no unknown field is lost."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, TypeVar

from enforcement.entries import ID_PATTERN

Enum = TypeVar("Enum", bound=StrEnum)
Read = TypeVar("Read")

_MOST = 2**62
"""No amount comes near it, and every database can hold it."""

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


class EventRefused(ValueError):
    """An event, or a file, that can't be taken; says what was wrong, where, and what is expected."""


class Reader:
    """The fields of one JSON object; `where` names it in errors. Ends with `done()`, which refuses what nobody read."""

    def __init__(self, data: object, where: str) -> None:
        if not isinstance(data, Mapping):
            raise EventRefused(f"{where} must be a JSON object")
        self._data = data
        self._where = where
        self._read: set[str] = set()

    def identity(self, name: str) -> str:
        """The id of an account, service or device: it must survive a URL and a comment on a router."""
        value = self.text(name, 64)
        if not re.fullmatch(ID_PATTERN, value):
            raise self.refused(
                name, value, "an id of letters, digits and . _ @ + -, at most 64, beginning with neither"
            )
        return value

    def text(self, name: str, most: int = 64) -> str:
        """Printable text of 1 to `most` characters."""
        value = self._value(name)
        if not isinstance(value, str) or not value.strip() or len(value) > most or not value.isprintable():
            raise self.refused(name, value, f"a printable text of 1 to {most} characters")
        return value

    def note(self, name: str) -> str:
        """Free words of a person, line ends allowed; may be empty."""
        value = self._value(name)
        if not isinstance(value, str) or len(value) > 4000 or not value.replace("\n", " ").isprintable():
            raise self.refused(name, value, "printable text of at most 4000 characters")
        return value

    def texts(self, name: str) -> list[str]:
        """A list of texts."""
        values = self.items(name)
        for value in values:
            if not isinstance(value, str) or not value or len(value) > 64 or not value.isprintable():
                raise self.refused(name, value, "a list of texts of 1 to 64 characters")
        return sorted(set(values))

    def identities(self, name: str) -> list[str]:
        """A list of ids."""
        values = self.items(name)
        for value in values:
            if not isinstance(value, str) or not re.fullmatch(ID_PATTERN, value):
                raise self.refused(name, value, "a list of ids of letters, digits and . _ @ + -, at most 64 each")
        return values

    def items(self, name: str) -> list[Any]:
        """A list; an absent one is empty."""
        value = self._value(name, [])
        if not isinstance(value, list) or len(value) > 1000:
            raise self.refused(name, value, "a list of at most 1000")
        return value

    def objects(self, name: str) -> list["Reader"]:
        """A list of JSON objects, each to be read and `done()` by the caller; an absent one is empty."""
        return [Reader(value, f"{self._where}.{name}[{index}]") for index, value in enumerate(self.items(name))]

    def amount(self, name: str, least: int = 0) -> int:
        """Money in minor units: an integer, since 12.30 is no sum of cents."""
        value = self._value(name)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= _MOST:
            raise self.refused(name, value, f"a whole number of minor units (cents), {least} or more")
        return value

    def currency(self, name: str) -> str:
        """An ISO 4217 code."""
        value = self.text(name, 3)
        if not re.fullmatch(r"[A-Z]{3}", value):
            raise self.refused(name, value, "an ISO 4217 code such as EUR")
        return value

    def flag(self, name: str) -> bool:
        """true or false; absent is false."""
        value = self._value(name, False)
        if not isinstance(value, bool):
            raise self.refused(name, value, "true or false")
        return value

    def day(self, name: str) -> date:
        """An ISO date."""
        value = self._value(name)
        if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value):
            try:
                return date.fromisoformat(value)
            except ValueError:
                pass
        raise self.refused(name, value, "a date such as 2026-03-31")

    def instant(self, name: str) -> datetime:
        """An RFC 3339 instant with its offset, in UTC."""
        value = self._value(name)
        if isinstance(value, str) and _RFC3339.fullmatch(value):
            try:
                return datetime.fromisoformat(value.upper()).astimezone(UTC)
            except (ValueError, OverflowError):
                pass
        raise self.refused(name, value, "an instant with its offset, such as 2026-03-31T12:00:00Z")

    def one_of(self, name: str, choices: type[Enum]) -> Enum:
        """One of the words of an enumeration."""
        value = self._value(name)
        try:
            return choices(value)
        except ValueError:
            raise self.refused(name, value, f"one of {', '.join(choices)}") from None

    def optional(self, name: str, read: Callable[[str], Read]) -> Read | None:
        """The field as `read` reads it; None where it is absent or null."""
        if self._data.get(name) is None:
            self._read.add(name)
            return None
        return read(name)

    def refused(self, name: str, value: object, expected: str) -> EventRefused:
        """The refusal of one field."""
        shown = "missing" if value is None else f"{str(value)[:80]!r}"
        return EventRefused(f"{self._where}.{name} is {shown}; expected {expected}")

    def done(self) -> None:
        """Refuse fields that nobody has read: a misspelt one must not be lost."""
        unknown = sorted(str(name) for name in self._data if name not in self._read)
        if unknown:
            raise EventRefused(
                f"{self._where}.{unknown[0]} is not a field here; known are {', '.join(sorted(self._read))}"
            )

    def _value(self, name: str, default: object = None) -> Any:
        self._read.add(name)
        value = self._data.get(name)
        return default if value is None else value
