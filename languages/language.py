"""The languages that grifo speaks. Below the API and the command, which translate what they are about to show.

English is the source: every sentence is written in it where it is made, as a template with names. The other languages
are gettext catalogs beside this file, read when first asked for; figures and dates are written as CLDR says, by Babel.
What a catalog lacks is said in English: an untranslated sentence is better than none.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.dates import format_skeleton, format_time
from babel.lists import format_list
from babel.messages.pofile import read_po
from babel.numbers import format_currency

ENGLISH = "en"

LANGUAGES = (ENGLISH, "es", "pt")
"""What may be asked for; each but the first has a catalog."""

FOLDER = Path(__file__).parent

_RANGE = re.compile(r"(?P<tag>[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*)\s*(?:;\s*q=(?P<q>[01](?:\.[0-9]{0,3})?))?")
"""One member of Accept-Language (RFC 9110, 12.5.4); `*` asks for whatever there is, which is the default."""


@dataclass(frozen=True, slots=True)
class Language:
    """One language as one reader writes figures and dates: `pt` and `pt-PT` share their words."""

    tag: str
    locale: Locale = field(repr=False)

    @property
    def is_source(self) -> bool:
        """Whether this is the language that templates are written in."""
        return self.tag == ENGLISH

    @property
    def wanted(self) -> str:
        """This language as Accept-Language asks for it: `pt-PT`."""
        return str(self.locale).replace("_", "-")

    def sentence(self, template: str, values: Mapping[str, str]) -> str:
        """The template in this language, filled in. Raises KeyError for a value that is missing."""
        return self.word(template).format_map(values)

    def word(self, text: str) -> str:
        """A label or a template in this language; as it is where the catalog lacks it."""
        return _catalog(self.tag).get(text, text)

    def money(self, amount: Decimal, currency: str) -> str:
        """`1.234,50 EUR`: the ISO 4217 code, since a sign may be several countries'; as many decimals as `amount`."""
        decimals = max(-int(amount.as_tuple().exponent), 0)
        pattern = "#,##0" + ("." + "0" * decimals if decimals else "") + " ¤¤"
        return format_currency(amount, currency, pattern, locale=self.locale, currency_digits=False)

    def day(self, on: date) -> str:
        """`mar, 10/11/2026`."""
        return format_skeleton("yMEd", _noon(on), locale=self.locale)

    def instant(self, local: datetime) -> str:
        """`mar, 10/11/2026 09:00 CET`, in the zone that `local` is in."""
        clock = format_time(local, "HH:mm", tzinfo=local.tzinfo, locale=self.locale)
        return f"{self.day(local.date())} {clock} {local:%Z}"

    def together(self, parts: Sequence[str]) -> str:
        """`A, B y C`."""
        return format_list(parts, locale=self.locale)


def language_of(accept_language: str, default: str = ENGLISH) -> Language:
    """The best of the languages that a reader asks for in an Accept-Language; never raises, whatever it says."""
    asked = (_RANGE.fullmatch(part.strip()) for part in accept_language.split(","))
    wanted = [(float(one["q"] or 1), one["tag"]) for one in asked if one is not None]
    for quality, tag in sorted(wanted, key=lambda one: -one[0]):
        if quality > 0 and _base(tag) in LANGUAGES:
            return _language(tag)
    return _language(default)


def is_known(tag: str) -> bool:
    """Whether a tag such as `es` or `pt-BR` names a language that grifo speaks."""
    return _base(tag) in LANGUAGES


def _base(tag: str) -> str:
    return tag.partition("-")[0].lower()


@lru_cache(maxsize=64)
def _language(tag: str) -> Language:
    base, _, rest = tag.partition("-")
    try:
        locale = Locale.parse(f"{base.lower()}_{rest.upper()}" if len(rest) == 2 else base.lower())
    except (UnknownLocaleError, ValueError):
        locale = Locale.parse(base.lower())
    return Language(base.lower(), locale)


@lru_cache
def _catalog(tag: str) -> Mapping[str, str]:
    """What each template is in a language; nothing of English."""
    if tag == ENGLISH:
        return {}
    with (FOLDER / f"{tag}.po").open("rb") as file:
        read = read_po(file, locale=tag)
    return {str(one.id): str(one.string) for one in read if one.id and one.string and not one.fuzzy}


def _noon(on: date) -> datetime:
    """A day as Babel takes it: an instant far from either end of it."""
    return datetime(on.year, on.month, on.day, 12)  # noqa: DTZ001 - a day is in no zone
