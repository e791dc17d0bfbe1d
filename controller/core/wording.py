"""The words of a decision: templates with values, so that they can be said in another language later.

Every sentence that a person may read is made by `say`. It is English text, and remembers how it was made: who shows it
in Spanish translates the template and formats the values anew. Money, days and instants read the same everywhere.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from controller.core.calendar import in_zone

_DECIMALS = dict.fromkeys(("CLP", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", "XAF", "XOF", "XPF"), 0) | dict.fromkeys(
    ("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3
)
"""ISO 4217 currencies whose minor unit is not a hundredth."""

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def decimals_of(currency: str) -> int:
    """How many digits of an amount in minor units stand after the point."""
    return _DECIMALS.get(currency, 2)


def money(amount: int, currency: str) -> str:
    """`29.90 EUR` for 2990 minor units."""
    decimals = decimals_of(currency)
    if not decimals:
        return f"{amount} {currency}"
    whole, rest = divmod(abs(amount), 10**decimals)
    return f"{'-' if amount < 0 else ''}{whole}.{rest:0{decimals}d} {currency}"


def sums(amounts: Mapping[str, int]) -> str:
    """Sums of several currencies, side by side: they are never added together."""
    return " and ".join(money(amount, currency) for currency, amount in sorted(amounts.items())) or "nothing"


def day(on: date) -> str:
    """`Tue 2026-11-10`."""
    return f"{_WEEKDAYS[on.weekday()]} {on.isoformat()}"


def instant(at: datetime, zone: ZoneInfo) -> str:
    """`Tue 2026-11-10 09:00 CET`, in the policy's zone."""
    local = in_zone(at, zone)
    return f"{day(local.date())} {local:%H:%M %Z}"


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of minor units in a currency, as a value of a sentence."""

    amount: int
    currency: str


@dataclass(frozen=True, slots=True)
class At:
    """An instant, told in a zone, as a value of a sentence."""

    at: datetime
    zone: ZoneInfo


Value = str | int | date | Money | At | tuple["Money | str", ...]


class Said(str):
    """A sentence in English, with the template and the values that it was made of."""

    __slots__ = ("template", "values")

    template: str
    values: Mapping[str, Value]

    def __new__(cls, template: str, values: Mapping[str, Value]) -> "Said":
        made = super().__new__(cls, template.format_map({name: shown(value) for name, value in values.items()}))
        made.template, made.values = template, values
        return made


def say(template: str, **values: Value) -> Said:
    """`say("{n} invoices of {owed}", n=3, owed=Money(2990, "EUR"))`. The template is a literal: translators find it."""
    return Said(template, values)


def sentences(texts: Iterable[str], between: str = " ") -> Said:
    """Whole sentences, one after the other; there is nothing to translate `between` them."""
    values: dict[str, Value] = {f"s{number}": text for number, text in enumerate(texts)}
    return Said(between.join(f"{{{name}}}" for name in values), values)


def shown(value: Value) -> str:
    """A value in English."""
    match value:
        case Money():
            return money(value.amount, value.currency)
        case At():
            return instant(value.at, value.zone)
        case date():
            return day(value)
        case tuple():
            return " and ".join(map(shown, value)) or "nothing"
    return str(value)


def owed(amounts: Mapping[str, int]) -> tuple[Money, ...]:
    """Sums of several currencies as a value: they are never added together."""
    return tuple(Money(amount, currency) for currency, amount in sorted(amounts.items()))
