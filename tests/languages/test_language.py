"""Which language a reader gets, and how figures and dates are written in it."""

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.api.telling import told, told_stored, told_together
from controller.core.wording import At, Money, say, sentences
from controller.said import to_json
from languages.language import LANGUAGES, is_known, language_of

SPANISH = language_of("es")
MADRID = ZoneInfo("Europe/Madrid")
TEN = datetime(2026, 11, 10, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("asked", "tag"),
    [
        ("", "en"),
        ("es", "es"),
        ("es-ES,es;q=0.9,en;q=0.8", "es"),
        ("de, pt-BR;q=0.7, es;q=0.5", "pt"),
        ("en;q=0.1, es;q=0.2", "es"),
        ("es;q=0, pt", "pt"),
        ("es;q=0", "en"),
        ("fr, *", "en"),
        ("ES-es", "es"),
        ("es_ES", "en"),
        ("es;q=9", "en"),
        ("zh-Hant-TW; q=1.000 , pt ; q=0.5", "pt"),
    ],
)
def test_a_reader_gets_the_best_of_what_they_ask_for(asked: str, tag: str) -> None:
    assert language_of(asked).tag == tag


def test_who_asks_for_nothing_gets_the_default() -> None:
    assert language_of("", "pt").tag == "pt"
    assert language_of("fr", "es").tag == "es"


@given(st.text(max_size=60) | st.text("esptn-;=q01.*, ", max_size=60))
def test_whatever_is_asked_for_is_answered(asked: str) -> None:
    assert language_of(asked).tag in LANGUAGES


@pytest.mark.parametrize(("tag", "known"), [("es", True), ("pt-BR", True), ("fr", False), ("", False)])
def test_what_grifo_speaks_is_known(tag: str, known: bool) -> None:
    assert is_known(tag) is known


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [
        (Decimal("1234.50"), "EUR", "1.234,50 EUR"),
        (Decimal("-0.05"), "EUR", "-0,05 EUR"),
        (Decimal(15900), "CLP", "15.900 CLP"),
        (Decimal("1.250"), "TND", "1,250 TND"),
        (Decimal("1.250"), "IQD", "1,250 IQD"),
    ],
)
def test_money_keeps_its_code_and_all_its_decimals(amount: Decimal, currency: str, written: str) -> None:
    assert SPANISH.money(amount, currency) == written


def test_a_country_writes_figures_its_own_way_with_the_words_of_the_language() -> None:
    mexico = language_of("es-MX")
    assert (mexico.tag, mexico.wanted) == ("es", "es-MX")
    assert mexico.money(Decimal("1234.50"), "MXN") == "1,234.50 MXN"


def test_days_and_instants_are_told_in_their_zone() -> None:
    said = say("{owed} past due; old enough for {stage} on {day}.", owed=(), stage="portal", day=date(2026, 11, 10))
    assert told(SPANISH, said) == "Vencido: nada; con edad para portal el mar, 10/11/2026."
    late = say("A part payment keeps the service open until {at}.", at=At(TEN, MADRID))
    assert told(SPANISH, late) == "Un pago parcial mantiene abierto el servicio hasta el mar, 10/11/2026 10:00 CET."


def test_sums_of_two_currencies_are_told_side_by_side() -> None:
    said = say("What is owed is still owed: {owed}.", owed=(Money(2990, "EUR"), Money(500, "USD")))
    assert told(SPANISH, said) == "Lo debido se sigue debiendo: 29,90 EUR y 5,00 USD."
    assert told(language_of("pt"), said) == "O que se deve continua em dívida: 29,90 EUR e 5,00 USD."


def test_a_sentence_within_a_sentence_is_translated_too() -> None:
    until = say("until {at}", at=At(TEN, MADRID))
    said = say(
        "Hold {id} ({kind}, by {author}: {note}) is in force {until}",
        id="h",
        kind="plan",
        author="x",
        note="{y}",
        until=until,
    )
    assert told(SPANISH, sentences([said, "As {it} is."])) == (
        "La pausa h (plan, por x: {y}) está en vigor hasta el mar, 10/11/2026 10:00 CET As {it} is."
    )


def test_english_is_what_was_said_to_the_letter() -> None:
    said = say("{n} days", n=3)
    assert told(language_of("en-GB"), said) == str(said)


def test_what_no_catalog_knows_is_said_in_english() -> None:
    assert told(SPANISH, say("Nobody has translated {this}.", this="this")) == "Nobody has translated this."
    assert told(SPANISH, "a note of a person") == "a note of a person"


def test_stored_sentences_come_in_the_readers_language_without_what_they_were_made_of() -> None:
    stored = {"code": "x", **to_json(say("{n} days", n=3))}
    assert told_stored(SPANISH, stored) == {"code": "x", "text": "3 días"}
    assert told_stored(language_of("en"), stored) == {"code": "x", "text": "3 days"}
    assert told_stored(SPANISH, {"text": "as it is"}) == {"text": "as it is"}
    assert told_together(SPANISH, [stored, {"text": "and more"}]) == "3 días and more"
