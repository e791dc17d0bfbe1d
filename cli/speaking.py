"""Which language the command speaks with whoever runs it: theirs, as their environment says it, or what they chose."""

from collections.abc import Mapping

from cli.errors import Exit, Failed
from languages.language import LANGUAGES, Language, is_known, language_of

_LOCALES = ("LC_ALL", "LC_MESSAGES", "LANG")
"""In the order of POSIX.1-2017, XBD 8.2."""


def language_from(environment: Mapping[str, str], written: str | None) -> Language:
    """GRIFO_LANG, else what is `written` in the file, else the locale's, English where unknown. Raises Failed."""
    for where, chosen in (("GRIFO_LANG", environment.get("GRIFO_LANG")), ("language", written)):
        if chosen and not is_known(_tag(chosen)):
            raise Failed(f"{where} {chosen!r} is not one of {', '.join(LANGUAGES)}.", Exit.USAGE)
        if chosen:
            return language_of(_tag(chosen))
    return language_of(_tag(next((found for name in _LOCALES if (found := environment.get(name))), "")))


def _tag(locale: str) -> str:
    """`es-ES` of `es_ES.UTF-8`."""
    return locale.partition(".")[0].partition("@")[0].replace("_", "-")
