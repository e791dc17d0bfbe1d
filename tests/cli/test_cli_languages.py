"""The command in the language of whoever runs it, and the API's texts with it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cli.client import access_from
from cli.errors import Failed
from tests.cli.conftest import Done, environment, run_inside
from tests.controller.live import Live

Speaks = Callable[..., Done]


@pytest.fixture
def speaks(live: Live, tmp_path: Path) -> Speaks:
    """Runs the command in a language."""

    def call(language: str, *arguments: str) -> Done:
        env = environment(tmp_path, GRIFO_URL=live.url, GRIFO_TOKEN=live.secrets["admin"], GRIFO_LANG=language)
        return run_inside(*arguments, env=env)

    return call


@pytest.mark.slow
def test_why_is_told_in_spanish_and_portuguese(live: Live, speaks: Speaks) -> None:
    live.report("verified", *live.entries())
    spanish = speaks("es", "why", "s1").out
    assert "s1  internet, cuenta a1: throttled; etapa throttle desde el 2026-03-03 11:00:00; comprobado" in spanish
    assert "throttle por impago desde el mar, 3/3/2026: 30,00 EUR vencidos" in spanish
    assert "qué lo repondría:\n  Pagar lo vencido (factura f1)" in spanish
    portuguese = speaks("pt_PT.UTF-8", "why", "s1").out
    assert "30,00 EUR vencidos, o mais antigo desde sábado, 10/01/2026" in portuguese
    assert "because" not in spanish + portuguese


@pytest.mark.slow
def test_json_has_the_same_keys_and_codes_in_every_language(live: Live, speaks: Speaks) -> None:
    live.tell(live.billing.invoice("a2", "f2"))
    live.until(lambda: bool(live.service("s2")["blocks"]))
    english, spanish = speaks("en", "why", "s2", "--json").json, speaks("es", "why", "s2", "--json").json
    assert english.keys() == spanish.keys()
    assert [one["code"] for one in english["blocks"]] == [one["code"] for one in spanish["blocks"]]
    assert spanish["blocks"][0]["text"] == "No se ha enviado aviso de throttle; necesita 24 horas y prueba de entrega."


@pytest.mark.slow
def test_every_screen_has_its_labels_in_the_language(speaks: Speaks) -> None:
    assert "desviación: ninguna" in speaks("es", "status").out
    assert "retido: nada" in speaks("pt", "drift").out
    assert "Nada espera a nadie." in speaks("es", "tasks").out
    assert speaks("pt", "timeline", "s1").out.split()[:3] == ["quando", "o", "quê"]
    assert "s1 há de ter throttled: throttle por falta de pagamento" in speaks("pt", "timeline", "s1").out


@pytest.mark.slow
def test_what_would_happen_is_told_in_the_language(live: Live, speaks: Speaks) -> None:
    live.tell(*live.billing.debtor(3)[:3])
    live.until(lambda: bool(live.service("s3")["next_stage"]))
    told = speaks("es", "simulate", "--until", "30d").out
    assert "El aviso indica el jue, 5/3/2026." in told
    assert "2026-03-03 11:00:00 a 2026-04-02 12:00:00: warn 1, cut 1" in told


@pytest.mark.slow
def test_the_api_says_which_language_came(live: Live) -> None:
    def asked(path: str, language: str) -> tuple[str, str]:
        answer = live.as_("read").get(path, headers={"Accept-Language": language})
        return answer.headers["Content-Language"], answer.text

    assert asked("/v1/services/s1", "es-MX, en;q=0.5")[0] == "es"
    assert asked("/v1/today", "pt")[0] == "pt"
    assert asked("/v1/tasks", "fr")[0] == "en"
    tag, text = asked("/v1/services/s1/timeline", "es")
    assert (tag, "por impago" in text, "crm told" in text) == ("es", True, True)


@pytest.mark.slow
def test_an_order_sent_again_gets_its_first_words(live: Live) -> None:
    def ordered(language: str) -> str:
        body, headers = {"note": "x", "reason": "abuse"}, {"Idempotency-Key": "k", "Accept-Language": language}
        answer = live.as_("noc").post("/v1/services/s2/suspend", json=body, headers=headers)
        return str(answer.json()["restored_by"][0])

    assert ordered("es") == "Terminar la orden: grifo restore s2 --reason abuse --note ..."
    assert ordered("pt") == ordered("es")


def language_in(folder: Path, written: str = "", **variables: str) -> str:
    config = folder / "cli.toml"
    config.write_text(f'url = "http://x"\n{written}')
    return access_from({"GRIFO_TOKEN": "t", **variables}, config).language.wanted


@pytest.mark.parametrize(
    ("written", "variables", "wanted"),
    [
        ("", {}, "en"),
        ("", {"LANG": "es_ES.UTF-8"}, "es-ES"),
        ("", {"LANG": "es_ES.UTF-8", "LC_ALL": "C"}, "en"),
        ("", {"LANG": "pt_BR", "LC_MESSAGES": "es_MX@euro"}, "es-MX"),
        ("", {"LANG": "de_DE.UTF-8"}, "en"),
        ('language = "pt"', {"LANG": "es_ES.UTF-8"}, "pt"),
        ('language = "pt"', {"GRIFO_LANG": "es"}, "es"),
    ],
    ids=str,
)
def test_the_language_is_what_was_chosen_else_the_locales(
    tmp_path: Path, written: str, variables: dict[str, str], wanted: str
) -> None:
    assert language_in(tmp_path, written, **variables) == wanted


def test_a_chosen_language_that_grifo_does_not_speak_is_refused_with_those_it_does(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="GRIFO_LANG 'fr' is not one of en, es, pt"):
        language_in(tmp_path, GRIFO_LANG="fr")
    with pytest.raises(Failed, match="language 'klingon' is not one of"):
        language_in(tmp_path, 'language = "klingon"')
