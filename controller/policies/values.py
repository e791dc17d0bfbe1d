"""The kinds of value in a policy file: how each is read, what is said of one that is not fit, and its JSON schema.

One definition serves the controller, which reads with it, and editors, which complete and check with its schema.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from difflib import get_close_matches
from re import fullmatch
from typing import Any, Generic, TypeVar

T = TypeVar("T")

Schema = dict[str, Any]


class Unfit(ValueError):
    """A value can't be used; `str()` says what is allowed."""


@dataclass(frozen=True, slots=True)
class Value(Generic[T]):
    """A kind of value: `parse` raises Unfit; `schema` is draft-07 JSON schema of the same."""

    parse: Callable[[Any], T]
    schema: Mapping[str, Any]


def nearest(word: str, allowed: Collection[str]) -> str:
    """The words that are allowed, and the one that was probably meant."""
    meant = get_close_matches(word, allowed, n=1)
    hint = f"did you mean {meant[0]}? " if meant else ""
    return f"{hint}allowed: {', '.join(sorted(allowed))}"


def shown(value: Any) -> str:
    """A value of the file, in an error: short."""
    text = value.isoformat() if isinstance(value, date | time) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def whole(least: int, most: int) -> Value[int]:
    """A whole number between two, both allowed."""

    def parse(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise Unfit(f"it must be a whole number from {least} to {most}")
        return value

    return Value(parse, {"type": "integer", "minimum": least, "maximum": most})


def number(above: float, most: float) -> Value[float]:
    """A number above one and at most another."""

    def parse(value: Any) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool) or not above < value <= most:
            raise Unfit(f"it must be a number above {above:g}, at most {most:g}")
        return float(value)

    return Value(parse, {"type": "number", "exclusiveMinimum": above, "maximum": most})


def one_of(allowed: Sequence[str]) -> Value[str]:
    """One word of several."""

    def parse(value: Any) -> str:
        if value not in allowed:
            raise Unfit(nearest(str(value), allowed))
        return str(value)

    return Value(parse, {"type": "string", "enum": list(allowed)})


def matching(pattern: str, why: str) -> Value[str]:
    """Text that matches a regular expression as a whole."""

    def parse(value: Any) -> str:
        if fullmatch(pattern, _text(value)) is None:
            raise Unfit(f"it must match {pattern}, {why}")
        return _text(value)

    return Value(parse, {"type": "string", "pattern": f"^(?:{pattern})$"})


def checked(kind: Value[str], fits: Callable[[str], bool], otherwise: str) -> Value[str]:
    """The same, and something more that a schema can't say."""

    def parse(value: Any) -> str:
        found = kind.parse(value)
        if not fits(found):
            raise Unfit(otherwise)
        return found

    return Value(parse, kind.schema)


def long_enough(least: int) -> Value[str]:
    """Text of at least so many characters: a dot is no reason and no name."""
    otherwise = f"it must have {least} characters at least"
    found = checked(TEXT, lambda text: len(text) >= least, otherwise)
    return Value(found.parse, {**TEXT.schema, "minLength": least})


def some(item: Value[T], *, least: int = 0) -> Value[frozenset[T]]:
    """A list whose order says nothing."""

    def parse(value: Any) -> frozenset[T]:
        if not isinstance(value, list) or len(value) < least:
            raise Unfit("it must be a list in brackets" + (", not empty" if least else ""))
        return frozenset(item.parse(one) for one in value)

    return Value(parse, {"type": "array", "items": dict(item.schema), "minItems": least, "uniqueItems": True})


def mapping(item: Value[T]) -> Value[Mapping[str, T]]:
    """Any names, each with a value."""

    def parse(value: Any) -> Mapping[str, T]:
        if not isinstance(value, Mapping):
            raise Unfit("it must be a table")
        return {name: _named(name, item, one) for name, one in value.items()}

    return Value(parse, {"type": "object", "additionalProperties": dict(item.schema)})


def _named(name: str, item: Value[T], value: Any) -> T:
    try:
        return item.parse(value)
    except Unfit as wrong:
        raise Unfit(f"{name} is {shown(value)}; {wrong}") from wrong


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise Unfit("it must be text in quotes, not empty")
    return value.strip()


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Unfit("it must be true or false")
    return value


def _day(value: Any) -> date:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise Unfit("it must be a date without quotes, such as 2026-11-09")
    return value


def _hour(value: Any) -> time:
    try:
        found = value if isinstance(value, time) else time.fromisoformat(value)
    except (TypeError, ValueError):
        found = None
    if found is None or found.tzinfo is not None:
        raise Unfit('it must be a local time of day, such as "09:00"')
    return found


TEXT = Value(_text, {"type": "string", "pattern": r"\S"})
FLAG = Value(_flag, {"type": "boolean"})
DAY = Value(_day, {"type": "string", "format": "date"})
"""A date, written without quotes: 2026-11-09. Editors see TOML's dates as text in JSON schema's format `date`."""
HOUR = Value(_hour, {"type": "string", "pattern": r"^[0-2][0-9]:[0-5][0-9](:[0-5][0-9])?$"})
"""A local time of day, written as 09:00:00 or "09:00"."""
