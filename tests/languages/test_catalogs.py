"""The catalogs say all that the code says, with the same figures in it, and nothing that nobody looked at."""

from pathlib import Path
from string import Formatter

import pytest
from babel.messages.pofile import read_po

from languages.gathering import TEMPLATE, catalog_of, gathered, template_of
from languages.language import LANGUAGES

TRANSLATED = LANGUAGES[1:]


def placeholders(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in Formatter().parse(text) if name is not None)


def texts() -> set[str]:
    return {one.text for one in gathered()}


@pytest.mark.parametrize("tag", TRANSLATED)
def test_a_catalog_translates_every_text_of_the_code_and_no_other(tag: str) -> None:
    translated = {str(one.id) for one in catalog_of(tag) if one.id and one.string}
    assert (texts() - translated, translated - texts()) == (set(), set()), "run `make words` and translate"


@pytest.mark.parametrize("tag", TRANSLATED)
def test_a_translation_has_the_values_of_its_template(tag: str) -> None:
    wrong = [one.id for one in catalog_of(tag) if one.id and placeholders(str(one.id)) != placeholders(str(one.string))]
    assert wrong == []


@pytest.mark.parametrize("tag", TRANSLATED)
def test_no_translation_is_a_guess_or_left_over(tag: str) -> None:
    catalog = catalog_of(tag)
    assert [one.id for one in catalog if one.id and one.fuzzy] == []
    assert list(catalog.obsolete) == []


@pytest.mark.parametrize("tag", TRANSLATED)
def test_a_translation_ends_as_its_template_does(tag: str) -> None:
    """A space or a full stop that is lost runs two texts together."""
    wrong = [
        one.id
        for one in catalog_of(tag)
        if one.id and str(one.id)[-1] in " .:" and str(one.string)[-1:] != str(one.id)[-1]
    ]
    assert wrong == []


def test_what_translators_start_from_is_up_to_date() -> None:
    with TEMPLATE.open("rb") as file:
        written = {str(one.id) for one in read_po(file) if one.id}
    assert written == {str(one.id) for one in template_of(gathered()) if one.id}


@pytest.mark.parametrize(
    ("package", "code", "found"),
    [
        ("controller", 'say("{n} days", n=1)', ["{n} days"]),
        ("controller", 'self.say("no template")', []),
        ("controller", 'say("one " "text")', ["one text"]),
        ("cli", 'screen.phrase("stage {stage}", stage="x")', ["stage {stage}"]),
        ("cli", 'screen.table("device", key, "", "mode")', ["device", "mode"]),
        ("cli", 'marked("invoice")', ["invoice"]),
        ("cli", 'screen.say("not a template")', []),
    ],
)
def test_templates_are_found_in_code(tmp_path: Path, package: str, code: str, found: list[str]) -> None:
    (tmp_path / package).mkdir()
    (tmp_path / package / "one.py").write_text(code)
    assert [one.text for one in gathered(tmp_path)] == found


@pytest.mark.parametrize("code", ["say(words)", 'say(f"{n} days")', 'say("a" if b else "c")', "say()"])
def test_a_template_that_nobody_could_translate_is_refused(tmp_path: Path, code: str) -> None:
    (tmp_path / "controller").mkdir()
    (tmp_path / "controller" / "one.py").write_text(f"\n{code}\n")
    with pytest.raises(ValueError, match=r"controller/one\.py:2: the template must be a literal"):
        gathered(tmp_path)
