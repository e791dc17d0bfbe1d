"""Sentences in the language of whoever asks. Between what a decision said, which the store keeps as it was made, and
the answer: templates are translated and figures written anew; texts that nobody made from a template stay as they are.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from fastapi import Depends, Header, Response

from controller.api.paths import Given
from controller.core.calendar import in_zone
from controller.core.wording import At, Money, Said, Value, decimals_of, say, sentences, shown
from controller.said import from_json
from languages.language import Language, language_of


def language_asked(
    context: Given,
    response: Response,
    accept_language: Annotated[
        str | None,
        Header(max_length=500, description="`en`, `es` or `pt`; default: the controller's setting `language`."),
    ] = None,
) -> Language:
    """The language that the answer's sentences come in; Content-Language says which."""
    found = language_of(accept_language or "", context.settings.language)
    response.headers.update(headers_of(found))
    return found


Tongue = Annotated[Language, Depends(language_asked)]


def headers_of(language: Language) -> dict[str, str]:
    """What says in an answer that it was told in this language."""
    return {"Content-Language": language.tag, "Vary": "Accept-Language"}


def told(language: Language, text: str) -> str:
    """A sentence in a language; one that was not made by `say` as it is."""
    if language.is_source or not isinstance(text, Said):
        return str(text)
    values = {name: _value(language, value) for name, value in text.values.items()}
    return language.sentence(text.template, values)


def told_stored(language: Language, stored: Mapping[str, Any]) -> dict[str, Any]:
    """What `said.to_json` wrote, with its `text` in a language; the rest of it as it is, but for `say`."""
    rest = {name: value for name, value in stored.items() if name != "say"}
    return rest if language.is_source else rest | {"text": told(language, from_json(stored))}


def line_told(language: Language, line: Mapping[str, Any]) -> dict[str, Any]:
    """A line of the timeline, whose `detail` keeps what its text was made of where that is known."""
    detail = {name: value for name, value in line["detail"].items() if name != "say"}
    if "say" in line["detail"]:
        stored = {"text": line["text"], "say": line["detail"]["say"]}
        return {**line, "detail": detail, "text": told_stored(language, stored)["text"]}
    return dict(line)


def told_together(language: Language, stored: Iterable[Mapping[str, Any]]) -> str:
    """Several of these as one text."""
    return told(language, sentences(from_json(one) for one in stored))


def _value(language: Language, value: Value) -> str:
    match value:
        case Said():
            return told(language, value)
        case Money():
            return language.money(Decimal(value.amount).scaleb(-decimals_of(value.currency)), value.currency)
        case At():
            return language.instant(in_zone(value.at, value.zone))
        case date():
            return language.day(value)
        case tuple():
            return language.together([_value(language, part) for part in value]) or told(language, say("nothing"))
    return shown(value)
