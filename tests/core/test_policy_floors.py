"""Floors: a policy that is looser than the law or prudence needs a reason in writing; some things no reason reaches."""

import re
from datetime import date
from pathlib import Path

import pytest

from controller.core.policy import Draft
from controller.policies import BadPolicy, load_policy
from enforcement.access import Access, Kind
from tests.core.policies import ANSWERS, REASON, policy, put, shipped_text, with_override

OVERRIDE = (
    '\n[[loosened]]\nkey = "{key}"\nallows = "{allows}"\nreason = "BOE-A-2009-8961, art. 32"\nauthor = "Ana López"\n'
    "signed_on = 2026-11-22\nexpires = 2027-06-30\n"
)

LOOSER = [
    ("es", "lead = 15", "lead = 14", "ladders.internet.throttled.notice.lead", "Orden PRE/361/2002 arts. 20"),
    ("es", "months_since_due = 3", "months_since_due = 2", "ladders.fixed_voice.emergency_only.conditions", "art. 20"),
    (
        "es",
        "earlier_suspensions = 2",
        "earlier_suspensions = 1",
        "ladders.fixed_voice.emergency_only.conditions",
        "[F]",
    ),
    ("es", '"thu"]\nopens = "09:00"', '"thu", "fri"]\nopens = "09:00"', "windows.cut.weekdays", "Friday"),
    ("es", 'opens = "09:00"', 'opens = "07:59"', "windows.cut.opens", "night"),
    ("es", 'opens = "08:30"', 'opens = "07:59"', "windows.messages.opens", "night"),
    ("es", 'transfer = "booked"', 'transfer = "return_window"', "clearing.by_instrument", "booked"),
    ("es", 'other = "booked"', 'other = "return_window"', "clearing.by_instrument", "booked"),
    ("es", "canary = 5", "canary = 26", "brake.canary", "canary of many"),
    ("es", "valid_days = 30", "valid_days = 61", "ladders.internet.throttled.notice.valid_days", "two months ago"),
    (
        "es",
        "consecutive_returns = 3",
        "consecutive_returns = 2",
        "emergency_only.conditions.consecutive_returns",
        "three",
    ),
    ("br", "days_after_due = 5", "days_after_due = 4", "throttled.notice.days_after_due", "five days"),
    ("br", "saturdays = false", "saturdays = true", "calendar.saturdays", "no working day"),
    ("pt", "saturdays = false", "saturdays = true", "calendar.saturdays", "no working day"),
    ("de", "saturdays = false", "saturdays = true", "calendar.saturdays", "no working day"),
    ("pt", "valid_days = 10", "valid_days = 11", "ladders.internet.suspended.notice.valid_days", "ten days"),
    ("es", 'closes = "14:00"', 'closes = "14:01"', "windows.cut.closes", "afternoon"),
    ("es", "on_eves = false", "on_eves = true", "windows.cut.on_eves", "eve"),
    ("es", 'closes = "18:00"', 'closes = "21:30"', "windows.messages.closes", "night"),
    ("es", "trivial_amount = 500", "trivial_amount = 0", "trivial_amount", "cents"),
    ("es", "hours = 26", "hours = 73", "freshness", "stale"),
    ("es", "# sources = { bank = 30 }", "sources = { bank = 96 }", "freshness", "bank 96"),
    ("es", "percent = 5\n", "percent = 11\n", "brake.percent", "mistake"),
    ("es", 'other = "booked"', 'card = "return_window"', "clearing.by_instrument", "card"),
    ("es", "return_window_days = 5", "return_window_days = 6", "clearing.return_window_days", "EPC016-06"),
    ("es", "grace_days = 15", "grace_days = 0", "returns.grace_days", "technical"),
    ("es", 'never = ["wholesale"]', "never = []", "tags", "reseller"),
    ("br", "lead = 15", "lead = 14", "ladders.internet.throttled.notice.lead", "765/2023"),
    (
        "br",
        "days_since_due = 20 ",
        "days_since_due = 19 ",
        "ladders.internet.throttled.conditions.days_since_due",
        "[F2]",
    ),
    ("br", "previous_stage = 60", "previous_stage = 59", "contract_ended.conditions.days_in_previous_stage", "sixty"),
    ("pt", "lead = 30", "lead = 29", "ladders.internet.suspended.notice.lead", "Lei 16/2022"),
    ("pt", '["letter", "email"]', '["letter", "sms"]', "ladders.internet.suspended.notice.channels", "in writing"),
    (
        "pt",
        "previous_stage = 30",
        "previous_stage = 29",
        "contract_ended.conditions.days_in_previous_stage",
        "Lei 16/2022",
    ),
    ("de", "minimum_amount = 10000", "minimum_amount = 9999", "throttled.conditions.minimum_amount", "100 euros"),
    ("de", "unpaid_invoices = 2", "unpaid_invoices = 1", "throttled.conditions.unpaid_invoices", "repeated"),
    ("de", 'channels = ["letter"]', "", "ladders.internet.throttled.notice.channels", "in writing"),
]


def signed(line: str) -> str:
    """The override that a refusal asks for, signed."""
    said = re.search(r'key = "(.*?)"(, floor = ".*?")?, allows = "(.*?)", reason', line)
    assert said is not None
    floor = f"{said[2][2:]}\n" if said[2] else ""
    return OVERRIDE.format(key=said[1], allows=said[3]) + floor


def refused(folder: Path, name: str, text: str) -> list[str]:
    path = put(folder, name, text, **ANSWERS.get(name, {}))
    with pytest.raises(BadPolicy) as raised:
        load_policy(path)
    return [line.removeprefix(f"{path}: ") for line in str(raised.value).splitlines()]


@pytest.mark.parametrize(("name", "right", "wrong", "key", "basis"), LOOSER)
def test_what_is_looser_than_a_floor_is_refused_with_its_source_and_used_with_a_written_reason(
    tmp_path: Path, name: str, right: str, wrong: str, key: str, basis: str
) -> None:
    spoken = shipped_text(name)
    assert right in spoken
    text = spoken.replace(right, wrong, 1)
    lines = refused(tmp_path, name, text)
    assert len(lines) == 1
    told, _, rest = lines[0].partition(": ")
    assert told.endswith(key)
    assert basis in rest
    assert f'key = "{told}"' in rest
    found = load_policy(put(tmp_path, name, text + signed(lines[0]), **ANSWERS.get(name, {})))
    assert [(one.key, one.author) for one in found.loosened] == [(told, "Ana López")]


@pytest.mark.parametrize(("name", "right", "wrong", "key", "basis"), LOOSER)
def test_the_stage_that_is_loosened_is_known(
    tmp_path: Path, name: str, right: str, wrong: str, key: str, basis: str
) -> None:
    text = shipped_text(name).replace(right, wrong, 1)
    line = refused(tmp_path, name, text)[0]
    told = line.partition(": ")[0]
    found = load_policy(put(tmp_path, name, text + signed(line), **ANSWERS.get(name, {})))
    names = [stage.name for ladder in found.ladders.values() for stage in ladder]
    assert (found.loosened[0].stage in names) if told.startswith("ladders.") else (found.loosened[0].stage == "")
    kinds = [kind for kind in Kind if told.startswith(f"ladders.{kind.value}.")]
    assert found.loosened[0].kind is (kinds[0] if kinds else None)


@pytest.mark.parametrize(
    ("name", "right", "wrong", "key"),
    [
        ("es", "previous_stage = 180", "previous_stage = 30", "ladders.fixed_voice.released.conditions"),
        ("es", "approvals = 2", "approvals = 1", "ladders.fixed_voice.emergency_only.approvals"),
        ("de", "approvals = 2", "approvals = 0", "ladders.fixed_voice.contract_ended.approvals"),
        ("pt", 'access = "incoming_only"', 'access = "emergency_only"', "ladders.fixed_voice.incoming_only.access"),
        ("operator", "previous_stage = 31", "previous_stage = 30", "ladders.fixed_voice.released.conditions"),
    ],
)
def test_no_written_reason_reaches_what_protects_a_number(
    tmp_path: Path, name: str, right: str, wrong: str, key: str
) -> None:
    spoken = with_override(shipped_text(name))
    assert right in spoken
    text = spoken.replace(right, wrong, 1)
    before = refused(tmp_path, name, text)
    after = refused(tmp_path, name, text + OVERRIDE.format(key=key, allows="anything"))
    assert set(before) <= set(after)


def test_spain_bars_incoming_calls_only_where_two_people_end_the_contract(tmp_path: Path) -> None:
    text = re.sub(r"(?ms)^# The number is given back.*?(?=^# ---|\Z)", "", shipped_text("es"))
    lines = refused(tmp_path, "es", text.replace("approvals = 2", "approvals = 1", 1))
    assert len(lines) == 1
    assert lines[0].startswith("ladders.fixed_voice.emergency_only.approvals: is 1; the floor is 2")
    assert lines[0].endswith("No override loosens this.")


def test_an_override_that_loosens_nothing_is_refused(tmp_path: Path) -> None:
    lines = refused(tmp_path, "pt", shipped_text("pt") + OVERRIDE.format(key="trivial_amount", allows="0"))
    assert lines == [
        "loosened: trivial_amount is no key at which this policy is looser than a floor; remove the override"
    ]


@pytest.mark.parametrize("blank", ['reason = ""', 'author = ""'])
def test_an_override_without_a_reason_or_a_name_is_none(tmp_path: Path, blank: str) -> None:
    text = with_override(shipped_text("operator"))
    word = blank.split()[0]
    filled = f'reason = "{REASON}"' if word == "reason" else 'author = "Ana López"'
    lines = refused(tmp_path, "operator", text.replace(filled, blank, 1))
    assert lines[0] == f"loosened[1].{word}: is ''; it must be text in quotes, not empty"


def test_the_guides_own_rules_are_not_used_in_spain_as_they_are(tmp_path: Path) -> None:
    lines = refused(tmp_path, "operator", shipped_text("operator"))
    assert len(lines) == 22
    assert all("[[loosened]]" in line for line in lines)
    assert any(line.startswith("ladders.fixed_voice.released.conditions: ") for line in lines)


def test_the_guides_own_rules_are_used_once_a_person_has_said_why(tmp_path: Path) -> None:
    found = policy("operator")
    assert len(found.loosened) == 22
    assert {one.author for one in found.loosened} == {"Ana López"}
    assert [stage.access for stage in found.ladders[Kind.INTERNET]] == [Access.THROTTLED, Access.PORTAL]


def test_stricter_is_free(tmp_path: Path) -> None:
    text = shipped_text("es").replace("lead = 15", "lead = 40").replace("trivial_amount = 500", "trivial_amount = 5000")
    assert load_policy(put(tmp_path, "es", text, **ANSWERS["es"])).trivial_amount == 5000


def test_so_many_days_are_no_working_days(tmp_path: Path) -> None:
    text = shipped_text("es").replace('unit = "working_days"', 'unit = "days"', 1)
    (line,) = refused(tmp_path, "es", text)
    assert line.startswith("ladders.internet.throttled.notice.lead: is 15 days; the floor is 15 working days")


@pytest.mark.parametrize(
    ("right", "stricter"),
    [
        ('lead = 15\nunit = "working_days"', 'lead = 60\nunit = "days"'),
        ('lead = 15\nunit = "working_days"', 'lead = 2000\nunit = "hours"'),
        ("months_since_presented = 1", "months_since_due = 2"),
        ("months_since_presented = 1", "days_since_presented = 32"),
        ("months_since_due = 3", "days_since_due = 94"),
    ],
)
def test_what_is_stricter_in_another_unit_is_free(tmp_path: Path, right: str, stricter: str) -> None:
    text = shipped_text("es")
    assert right in text
    assert load_policy(put(tmp_path, "es", text.replace(right, stricter), **ANSWERS["es"])).loosened == ()


@pytest.mark.parametrize(
    ("right", "looser"),
    [
        ('lead = 15\nunit = "working_days"', 'lead = 30\nunit = "days"'),
        ('lead = 15\nunit = "working_days"', 'lead = 360\nunit = "hours"'),
        ("months_since_presented = 1", "days_since_presented = 31"),
        ("months_since_presented = 1", "days_since_due = 31"),
        ("months_since_due = 3", "days_since_due = 93"),
    ],
)
def test_what_may_be_shorter_in_another_unit_is_refused(tmp_path: Path, right: str, looser: str) -> None:
    assert refused(tmp_path, "es", shipped_text("es").replace(right, looser, 1))


def test_a_contract_that_says_at_once_is_refused(tmp_path: Path) -> None:
    text = shipped_text("es").replace("days_since_due = 15", "days_since_due = 0", 1)
    path = put(tmp_path, "es", text, internet_month="contract", mobile_month="month")
    with pytest.raises(BadPolicy, match=r"ladders\.internet\.throttled\.conditions: is days_since_due 0 or .*at once"):
        load_policy(path)


def test_an_override_is_for_the_value_that_was_signed_and_for_no_other(tmp_path: Path) -> None:
    ten = shipped_text("es").replace("lead = 15", "lead = 10", 1)
    override = signed(refused(tmp_path, "es", ten)[0])
    assert 'allows = "10 working days"' in override
    assert load_policy(put(tmp_path, "es", ten + override, **ANSWERS["es"])).loosened[0].allows == "10 working days"
    (line,) = refused(tmp_path, "es", ten.replace("lead = 10", "lead = 1", 1) + override)
    assert "is 1 working days; the floor is 15 working days" in line
    assert "What is signed allows 10 working days." in line


def test_where_several_floors_stand_at_a_key_each_is_told_and_needs_its_own_override(tmp_path: Path) -> None:
    text = shipped_text("br").replace("days_in_previous_stage = 60", "days_in_previous_stage = 1", 1)
    lines = refused(tmp_path, "br", text)
    assert ["is 1; the floor is 60" in lines[0], "is 1; the floor is 30" in lines[1], len(lines)] == [True, True, 2]
    once = signed(lines[0])
    assert 'floor = "sixty_days"' in once
    assert refused(tmp_path, "br", text + once) == lines[1:]
    assert refused(tmp_path, "br", text + once.replace('floor = "sixty_days"\n', "")) == lines
    assert len(load_policy(put(tmp_path, "br", text + once + signed(lines[1]), **ANSWERS["br"])).loosened) == 2


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        (f'reason = "{REASON}"', 'reason = "."', "loosened[1].reason: is '.'; it must have 10 characters at least"),
        ('author = "Ana López"', 'author = "."', "loosened[1].author: is '.'; it must have 3 characters at least"),
        (
            "expires = 2027-06-30",
            "expires = 9999-12-31",
            "loosened[1].expires: is 9999-12-31; it must be from 2026-11-22",
        ),
        (
            "expires = 2027-06-30",
            "expires = 2028-11-23",
            "loosened[1].expires: is 2028-11-23; it must be from 2026-11-22",
        ),
        (
            "expires = 2027-06-30",
            "expires = 2026-11-21",
            "loosened[1].expires: is 2026-11-21; it must be from 2026-11-22",
        ),
        ("signed_on = 2026-11-22\n", "", "loosened[1].signed_on: is missing"),
    ],
)
def test_an_override_is_signed_by_somebody_with_a_reason_for_two_years_at_most(
    tmp_path: Path, right: str, wrong: str, says: str
) -> None:
    text = with_override(shipped_text("operator"))
    assert right in text
    assert any(line.startswith(says) for line in refused(tmp_path, "operator", text.replace(right, wrong, 1)))


DRAFT = '\n[draft]\naccepted_by = "Ana López"\naccepted_on = 2026-11-22\nreason = "our lawyer has read the law"\n'


def test_a_country_without_floors_is_only_used_as_a_draft_under_a_name(tmp_path: Path) -> None:
    text = re.sub(r'subdivision = "none".*\n', "", shipped_text("operator"))
    text = text[: text.index("# --- fixed telephony")].replace('country = "ES"', 'country = "FR"')
    (line,) = refused(tmp_path, "france", text)
    assert line.startswith("draft: is missing: nobody has written floors of law for country FR.")
    found = load_policy(put(tmp_path, "france", text + DRAFT))
    assert found.draft == Draft("Ana López", date(2026, 11, 22), "our lawyer has read the law")
    assert "draft.reason: is missing" in refused(tmp_path, "france", text + DRAFT.rpartition("reason")[0])


def test_a_country_with_floors_has_no_drafts(tmp_path: Path) -> None:
    (line,) = refused(tmp_path, "pt", shipped_text("pt") + DRAFT)
    assert line == "draft: is for countries without floors of law; PT has them: remove it"
