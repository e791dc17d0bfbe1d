"""`grifo policy`: what a person who writes rules sees, from a shipped file to one that can be used."""

import json
import tomllib
from pathlib import Path

import pytest

from controller.policies import policy_schema
from tests.cli.conftest import Done, environment, run_inside
from tests.core.policies import put, shipped_text, with_override


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of policies with Spain's, as it is shipped, once its region is said."""
    made = tmp_path / "policies"
    made.mkdir()
    (made / "es.toml").write_text(shipped_text("es"), encoding="utf-8")
    return made


def policy(folder: Path, *arguments: str) -> Done:
    return run_inside("policy", *arguments, env=environment(folder.parent, GRIFO_POLICIES=str(folder)))


def test_a_person_answers_the_open_questions_and_the_policy_can_be_used(folder: Path) -> None:
    asked = policy(folder, "check")
    assert asked.code == 1
    assert "grifo policy choose es internet_month month" in asked.out
    assert policy(folder, "choose", "es", "internet_month", "month", "--by", "Ana López").code == 0
    assert policy(folder, "choose", "es", "mobile_month", "contract", "--by", "Ana López").code == 0
    checked = policy(folder, "check", "--json")
    assert checked.code == 0
    (found,) = json.loads(checked.out)["policies"]
    assert [(one["question"], one["option"], one["chosen_by"]) for one in found["choices"]] == [
        ("internet_month", "month", "Ana López"),
        ("mobile_month", "contract", "Ana López"),
    ]
    written = tomllib.loads((folder / "choices.toml").read_text(encoding="utf-8"))
    assert written["es"]["mobile_month"]["option"] == "contract"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("es", "internet_month", "week", "--by", "Ana"), "'week' is no option of internet_month"),
        (
            ("es", "internet_mont", "month", "--by", "Ana"),
            "asks no 'internet_mont'; it asks internet_month, mobile_month",
        ),
        (("es", "internet_month", "month", "--by", " "), "--by is empty"),
        (("fr", "internet_month", "month", "--by", "Ana"), "fr.toml: cannot be read: No such file"),
    ],
)
def test_an_answer_that_is_none_is_refused_and_nothing_is_written(
    folder: Path, arguments: tuple[str, ...], says: str
) -> None:
    refused = policy(folder, "choose", *arguments)
    assert refused.code == 2
    assert says in refused.err
    assert not (folder / "choices.toml").exists()


def test_a_policy_is_shown_in_words_with_what_is_not_settled_law(folder: Path) -> None:
    text = with_override(shipped_text("operator"))
    put(folder, "operator", text)
    shown = policy(folder, "show", "operator")
    assert shown.code == 0
    assert (
        "LOOSENED:  ladders.internet.throttled.notice.lead = 24 hours until 2027-06-30, by Ana López: a test of"
        in shown.out
    )
    assert "throttled  (not settled law)" in shown.out
    assert "notice at least 24 hours before. Operators' published guides" in shown.out
    as_json = json.loads(policy(folder, "show", "operator", "--json").out)
    assert as_json["ladders"]["internet"][0]["mark"] == "D"


def test_a_draft_is_shown_as_one(folder: Path) -> None:
    text = shipped_text("de").replace('country = "DE"', 'country = "AT"').replace('subdivision = "none"', "")
    draft = '[draft]\naccepted_by = "Ana López"\naccepted_on = 2026-11-22\nreason = "read with our lawyer"\n'
    put(folder, "austria", text + draft)
    (folder / "es.toml").unlink()
    assert "a DRAFT accepted by Ana López)" in policy(folder, "check").out
    shown = policy(folder, "show", "austria").out
    assert "DRAFT:     no floors of law here; accepted by Ana López on 2026-11-22: read with our lawyer" in shown
    assert "A draft: there are no floors of law; accepted by Ana López on Sun 2026-11-22: read with our lawyer" in shown


def test_one_bad_file_is_told_and_the_good_one_too(folder: Path) -> None:
    put(folder, "pt", shipped_text("pt"))
    (folder / "choices.toml").unlink()
    checked = policy(folder, "check", str(folder))
    assert checked.code == 1
    assert checked.out.startswith("pt: in order (PT, 9 stages, version ")
    assert "es.toml: choices.internet_month: is not answered" in checked.out
    assert policy(folder, "check", str(folder / "pt.toml")).code == 0


def test_a_folder_without_policies_and_a_policy_that_is_not_there_are_told(folder: Path) -> None:
    nothing = policy(folder, "check", str(folder / "none"))
    assert (nothing.code, "no policy (*.toml) there" in nothing.err) == (2, True)
    shown = policy(folder, "show", "fr")
    assert (shown.code, "fr.toml: cannot be read" in shown.err) == (1, True)


def test_the_schema_is_printed_for_editors(folder: Path) -> None:
    assert json.loads(policy(folder, "schema").out) == policy_schema()
