"""Questions that the law leaves open: a policy waits until a person has put a name to an answer."""

from datetime import date
from pathlib import Path

import pytest

from controller.core.policy import Choice
from controller.policies import BadPolicy, load_policies, load_policy
from controller.policies.choices import read_choices, write_choice
from enforcement.access import Kind
from tests.core.policies import ANSWERS, policy, put, shipped_text

ANA = Choice("internet_month", "month", 'Ana "la jefa" López', date(2026, 11, 22))


def said(path: Path) -> str:
    with pytest.raises(BadPolicy) as raised:
        load_policy(path)
    return str(raised.value)


def test_an_unanswered_question_is_told_with_its_options_and_the_command(tmp_path: Path) -> None:
    path = put(tmp_path, "es", shipped_text("es"), mobile_month="month")
    lines = said(path).splitlines()
    assert len(lines) == 1
    for part in (
        "choices.internet_month: is not answered",
        "Does the month hold for internet access?",
        "month (it is taken to hold",
        "contract (it does not",
        f'grifo policy choose es internet_month month --by "YOUR NAME" --folder {tmp_path}',
    ):
        assert part in lines[0]


@pytest.mark.parametrize("name", ["es", "br"])
def test_what_is_shipped_waits_for_a_person(tmp_path: Path, name: str) -> None:
    assert "is not answered" in said(put(tmp_path, name, shipped_text(name)))


@pytest.mark.parametrize("name", ["pt", "de"])
def test_a_policy_without_questions_needs_no_answers(tmp_path: Path, name: str) -> None:
    assert load_policy(put(tmp_path, name, shipped_text(name))).choices == ()


def test_an_answer_that_is_none_of_the_options_is_refused(tmp_path: Path) -> None:
    path = put(tmp_path, "es", shipped_text("es"), internet_month="week", mobile_month="month")
    assert "is answered 'week', which is none of its options" in said(path)


def test_an_answer_to_what_nobody_asked_is_refused(tmp_path: Path) -> None:
    path = put(tmp_path, "es", shipped_text("es"), **ANSWERS["es"], fixed_month="month")
    assert "choices.toml answers fixed_month, which this policy does not ask" in said(path)


def test_the_answer_decides_which_stages_there_are_and_is_kept_with_its_name(tmp_path: Path) -> None:
    month, contract = policy("es"), policy("es", internet_month="contract")
    assert month.ladders[Kind.INTERNET][0].conditions[0].months_since_presented == 1
    assert contract.ladders[Kind.INTERNET][0].conditions[0].months_since_presented == 0
    assert contract.ladders[Kind.FIXED_VOICE] == month.ladders[Kind.FIXED_VOICE]
    assert contract.version != month.version
    assert ("Ana López", date(2026, 11, 22)) in [(one.chosen_by, one.chosen_on) for one in month.choices]


def test_the_month_is_a_floor_until_a_person_reads_the_law_otherwise(tmp_path: Path) -> None:
    text = shipped_text("es").replace("months_since_presented = 1  ", "days_since_presented = 20  ", 1)
    path = put(tmp_path, "es", text, **ANSWERS["es"])
    assert "ladders.internet.throttled.conditions.months_since_presented: is 0; the floor is 1" in said(path)


def test_an_answer_is_written_beside_those_that_stand_there(tmp_path: Path) -> None:
    put(tmp_path, "my.isp", "", mobile_month="contract")
    write_choice(tmp_path, "es", ANA)
    write_choice(tmp_path, "es", Choice("mobile_month", "month", "Luis", date(2026, 11, 23)))
    write_choice(tmp_path, "es", Choice("mobile_month", "contract", "Eva", date(2026, 11, 24)))
    found = read_choices(tmp_path)
    assert found["my.isp"] == (Choice("mobile_month", "contract", "Ana López", date(2026, 11, 22)),)
    assert found["es"] == (ANA, Choice("mobile_month", "contract", "Eva", date(2026, 11, 24)))


def test_a_folder_of_policies_with_its_answers_is_read(tmp_path: Path) -> None:
    put(tmp_path, "pt", shipped_text("pt"))
    put(tmp_path, "es", shipped_text("es"), **ANSWERS["es"])
    assert sorted(load_policies(tmp_path)) == ["es", "pt"]


def test_answers_that_cannot_be_read_are_told_once(tmp_path: Path) -> None:
    put(tmp_path, "pt", shipped_text("pt"))
    put(tmp_path, "es", shipped_text("es"))
    (tmp_path / "choices.toml").write_text("[es.internet_month]\noption = 3\nchosen_by = ''\n")
    with pytest.raises(BadPolicy) as raised:
        load_policies(tmp_path)
    lines = str(raised.value).splitlines()
    assert len(lines) == 3
    assert f"{tmp_path}/choices.toml: es.internet_month.option: is 3" in lines[0]
    assert f"{tmp_path}/choices.toml: es.internet_month.chosen_on: is missing" in lines


def test_a_question_with_one_answer_is_none(tmp_path: Path) -> None:
    text = shipped_text("br").replace('keep = "they', '# "they')
    assert "choices.incoming_calls.options: has one option" in said(put(tmp_path, "br", text))
