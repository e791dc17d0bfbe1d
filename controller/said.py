"""Sentences of a decision as they are stored: the English text, and beside it what it was made of.

Whoever shows a decision in another language translates the template and formats the values anew; whoever does not
reads `text`.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from controller.core.wording import At, Money, Said, Value

Json = dict[str, Any]


def to_json(text: str) -> Json:
    """`{"text": ..., "say": [template, values]}`; `say` is left out of a text that nobody made by `say`."""
    if not isinstance(text, Said):
        return {"text": text}
    return {"text": str(text), "say": [text.template, {name: _stored(value) for name, value in text.values.items()}]}


def from_json(stored: Mapping[str, Any]) -> str:
    """The sentence again: a `Said` where it was one. Raises KeyError or ValueError for what `to_json` never wrote."""
    if "say" not in stored:
        return str(stored["text"])
    template, values = stored["say"]
    return Said(template, {name: _value(value) for name, value in values.items()})


def _stored(value: Value) -> Any:
    match value:
        case Said():
            return to_json(value)
        case Money():
            return {"money": [value.amount, value.currency]}
        case At():
            return {"at": value.at.isoformat(), "zone": value.zone.key}
        case date():
            return {"day": value.isoformat()}
        case tuple():
            return {"all": [_stored(part) for part in value]}
    return value


def _value(stored: Any) -> Value:
    match stored:
        case {"text": str(), "say": list()}:
            return from_json(stored)
        case {"money": [amount, currency]}:
            return Money(amount, currency)
        case {"at": at, "zone": zone}:
            return At(datetime.fromisoformat(at), ZoneInfo(zone))
        case {"day": day}:
            return date.fromisoformat(day)
        case {"all": parts}:
            return _parts(parts)
        case str() | int():
            return stored
    raise ValueError(f"no value of a sentence: {stored!r}")


def _parts(stored: Sequence[Any]) -> tuple[Money | str, ...]:
    parts = (_value(part) for part in stored)
    return tuple(part for part in parts if isinstance(part, Money | str))
