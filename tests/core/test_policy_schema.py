"""The schema that editors complete policies with is made by the reader itself, and the shipped files fit it."""

import json
import tomllib
from datetime import date, time
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from controller.policies import policy_schema
from tests.core.policies import SHIPPED, as_shipped, shipped_text, with_override

FILES = sorted(path.stem for path in Path(SHIPPED).glob("*.toml"))


def as_editors_see(value: Any) -> Any:
    """TOML's dates and times as text, as JSON schema knows them."""
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: as_editors_see(item) for key, item in value.items()}
    return [as_editors_see(item) for item in value] if isinstance(value, list) else value


def wrongs(text: str) -> list[str]:
    validator = jsonschema_rs.validator_for(policy_schema(), validate_formats=True)
    return [error.message for error in validator.iter_errors(as_editors_see(tomllib.loads(text)))]


def test_the_shipped_schema_is_what_the_reader_asks() -> None:
    assert json.loads((SHIPPED / "policy.schema.json").read_text(encoding="utf-8")) == policy_schema()


@pytest.mark.parametrize("name", FILES)
def test_the_shipped_policies_fit_the_schema_and_name_it_for_editors(name: str) -> None:
    text = as_shipped(name)
    assert text.startswith("#:schema ./policy.schema.json\n")
    assert wrongs(with_override(text)) == []


def test_every_shipped_policy_is_known() -> None:
    assert FILES == ["br", "de", "es", "operator", "pt"]


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("trivial_amount = 500", "trivial_amount = -1"),
        ("trivial_amount = 500", "trivial_amont = 500"),
        ("trivial_amount = 500", ""),
        ('weekdays = ["mon"', 'weekdays = ["sun"'),
        ('opens = "09:00"', 'opens = "9 am"'),
        ("verified_on = 2026-11-22", 'verified_on = "yesterday"'),
        ('access = "portal"', 'access = "incoming_only"'),
        ('unit = "working_days"', 'unit = "workdays"'),
        ("consecutive_returns = 3", 'consecutive_returns = "three"'),
        ("promise = { days = 10", "promise = { day = 10"),
        ("[ladders.internet.conditions]", "[ladders.internet.condition]"),
    ],
)
def test_what_the_reader_refuses_an_editor_marks(right: str, wrong: str) -> None:
    spain = shipped_text("es")
    assert right in spain
    assert wrongs(spain.replace(right, wrong, 1))
