"""Named cases of a country's rules, as data that a lawyer can read: tests/core/cases/<policy>.toml."""

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from controller.core.decide import decide
from controller.core.policy import Policy
from tests.core import policies
from tests.core.case_reader import ALLOWED, Reader

FOLDER = Path(__file__).parent / "cases"
FILES = {path.stem: tomllib.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.toml"))}
CASES = [
    pytest.param(name, case, id=f"{name}: {case['name']}") for name, file in FILES.items() for case in file["case"]
]
AT_LEAST = {"es": 40, "br": 25, "pt": 10, "de": 10, "operator": 10}
ALWAYS = {"access": "", "stage": "", "first": False}


@pytest.mark.parametrize(("name", "case"), CASES)
def test_the_case_is_decided_as_written(name: str, case: Mapping[str, Any]) -> None:
    assert not case.keys() - ALLOWED
    rules = _rules(name, case)
    reader = Reader(ZoneInfo(rules.timezone))
    now = reader.instant(case["now"])
    decided = {str(one.service): reader.shown(one) for one in decide(reader.facts(case), rules, now)}
    written = {service: {**ALWAYS, **then} for service, then in case["then"].items()}
    assert {service: _asked(shown, written[service]) for service, shown in decided.items()} == written


@pytest.mark.parametrize("name", sorted(AT_LEAST))
def test_every_shipped_policy_has_its_cases_each_with_a_source(name: str) -> None:
    cases = FILES[name]["case"]
    assert len(cases) >= AT_LEAST[name]
    assert len({case["name"] for case in cases}) == len(cases)
    assert all(case["source"].strip() for case in cases)


def _rules(name: str, case: Mapping[str, Any]) -> Policy:
    rules = policies.policy(name, **case.get("answers", {}))
    return replace(rules, timezone=case.get("timezone", rules.timezone))


def _asked(shown: Mapping[str, Any], written: Mapping[str, Any]) -> dict[str, Any]:
    return {key: shown[key] for key in written}
