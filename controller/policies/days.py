"""A policy's calendar and hours, as its file tells them: holidays by country, region and town, days of banks, windows.

Holidays come from the `holidays` library for a fixed span of years; the days of towns, which no library knows, from the
operator. Who is told to live in a town has its days, and who is not has the country's.
"""

from collections.abc import Mapping
from datetime import date, time
from functools import cache
from typing import Any

import holidays

from controller.core.calendar import Calendar, Window
from controller.policies.table import Table
from controller.policies.values import DAY, FLAG, HOUR, TEXT, Unfit, Value, one_of, some

YEARS = range(2020, 2036)
"""The years whose holidays are known to a policy: fixed, so that the same file is the same policy on every day."""

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat")
"""Those on which anything may begin. There is no Sunday: nothing is restricted, and nobody is reminded, on one."""

_REGIONS = holidays.list_supported_countries()
_BANKS = tuple(sorted(holidays.list_supported_financial()))
_REGION = 'The region by its code in the holidays library (ISO 3166-2 without the country), or "none".'
REGIONAL = frozenset({"ES", "BR", "PT", "DE"})
"""Countries whose regions have holidays of their own: a policy says whose count, or that none does."""

NONE = "none"
_SATURDAYS = "Whether a Saturday is a working day: it is in Spain, and is not in Brazil, Portugal and Germany."


def read_calendar(table: Table) -> tuple[str, Calendar]:
    """The country, and its days."""
    country = table.read("country", one_of(sorted(_REGIONS)), "", "Whose holidays, and whose floors of law.")
    region = table.read(
        "subdivision", _region_of(country), "", _REGION, required=country in REGIONAL, ask=_which(country)
    )
    own = table.read("municipal", some(DAY), frozenset(), "Days added for everybody.", required=False)
    bank = table.read("bank", one_of(_BANKS), "", "Whose days banks settle on; ECB is TARGET.", required=False)
    saturdays = table.read("saturdays", FLAG, default=True, about=_SATURDAYS, required=False)
    towns = {name: days | own for name, days in _towns(table, country, region).items()}
    table.done()
    if not country:
        return "", Calendar(frozenset())
    return country, Calendar(_holidays(country, region) | own, towns, _bank_days(bank), saturdays)


def read_window(table: Table, *, on_eves: bool) -> Window:
    """A window; `on_eves` where the file does not say."""
    weekdays = table.read("weekdays", some(_WEEKDAY, least=1), frozenset({"mon"}), _WEEKDAYS)
    opens = table.read("opens", HOUR, time(9), "Local time.")
    closes = table.read("closes", HOUR, time(14), "Local time; nothing begins at it or later.")
    eves = table.read("on_eves", FLAG, default=on_eves, about=_EVES, required=False)
    if opens >= closes:
        table.complain("closes", f"is {closes:%H:%M}; it must be later than opens, {opens:%H:%M}")
    table.done()
    return Window(frozenset(WEEKDAYS.index(day) + 1 for day in weekdays), opens, closes, eves)


_WEEKDAYS = "Never on a Sunday, nor on a holiday."
_EVES = "Whether on the day before a Sunday or a holiday too."


def _towns(table: Table, country: str, region: str) -> Mapping[str, frozenset[date]]:
    found = {}
    for name, town in table.named("towns").items():
        own_region = town.read("subdivision", _region_of(country), region, _REGION, required=False)
        days = town.read("days", some(DAY), frozenset(), "The town's own holidays.")
        town.done()
        found[name] = (_holidays(country, own_region) if country else frozenset()) | days
    return found


def _weekday(value: Any) -> str:
    if value not in WEEKDAYS:
        raise Unfit(f"it must be a list of {', '.join(WEEKDAYS)}; nothing begins on a Sunday")
    return str(value)


_WEEKDAY = Value(_weekday, one_of(WEEKDAYS).schema)


def _region_of(country: str) -> Value[str]:
    """A region of the country, or none; a schema can't tell which country that will be."""
    return Value(one_of([*_REGIONS[country], NONE]).parse, TEXT.schema) if country else TEXT


def _which(country: str) -> str:
    regions = ", ".join(sorted(_REGIONS.get(country, ())))
    return f"nothing begins on a region's holidays; whose count here? One of {regions}; or {NONE!r}, those of no region"


@cache
def _holidays(country: str, region: str) -> frozenset[date]:
    return frozenset(holidays.country_holidays(country, subdiv=None if region in ("", NONE) else region, years=YEARS))


@cache
def _bank_days(bank: str) -> frozenset[date]:
    return frozenset(holidays.financial_holidays(bank, years=YEARS)) if bank else frozenset()
