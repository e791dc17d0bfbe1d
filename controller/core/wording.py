"""Money, days and instants as a person reads them: the same way in every decision, at three in the morning too."""

from collections.abc import Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

_DECIMALS = dict.fromkeys(("CLP", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", "XAF", "XOF", "XPF"), 0) | dict.fromkeys(
    ("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3
)
"""ISO 4217 currencies whose minor unit is not a hundredth."""

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def money(amount: int, currency: str) -> str:
    """`29.90 EUR` for 2990 minor units."""
    decimals = _DECIMALS.get(currency, 2)
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
    local = at.astimezone(zone)
    return f"{day(local.date())} {local:%H:%M %Z}"
