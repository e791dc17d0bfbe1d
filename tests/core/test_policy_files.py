"""Policy files: what is right becomes a policy, what is wrong is named in full, with what is allowed there."""

from datetime import date, time
from pathlib import Path

import pytest

from controller.core.calendar import DayUnit
from controller.core.facts import HoldKind, Instrument
from controller.core.policy import Clears, HoldBound, PartialRule, Track
from controller.policies import BadPolicy, load_policies, load_policy
from enforcement.access import LADDERS, Access, Kind, Rate
from tests.core.policies import ANSWERS, as_shipped, policy, put, shipped_text, with_madrid, with_override

SPAIN = shipped_text("es")


def wrongs(folder: Path, text: str, name: str = "mine") -> list[str]:
    """What is said about a policy file, without its path."""
    path = put(folder, name, text, **ANSWERS["es"])
    with pytest.raises(BadPolicy) as raised:
        load_policy(path)
    lines = str(raised.value).splitlines()
    assert all(line.startswith(f"{path}: ") for line in lines)
    return [line.removeprefix(f"{path}: ") for line in lines]


def test_spain_has_the_floors_of_its_law() -> None:
    spain = policy("es")
    assert (spain.name, spain.timezone) == ("es", "Europe/Madrid")
    assert spain.window.weekdays == {1, 2, 3, 4}
    assert (spain.window.opens, spain.window.closes, spain.window.on_eves) == (time(9), time(14), False)
    assert [stage.access for stage in spain.ladders[Kind.INTERNET]] == [Access.THROTTLED, Access.PORTAL]
    for kind in (Kind.FIXED_VOICE, Kind.MOBILE_VOICE):
        assert [stage.access for stage in spain.ladders[kind]] == list(LADDERS[kind][1:])
    for ladder in spain.ladders.values():
        for stage in ladder:
            ends = stage.access in (Access.EMERGENCY_ONLY, Access.RELEASED)
            for one in stage.conditions:
                age = one.months_since_due >= 3 if ends else one.months_since_presented >= 1
                assert age or (ends and one.earlier_suspensions >= 2)
            assert stage.notice.unit is DayUnit.WORKING_DAYS
            assert stage.notice.lead >= 15
            assert stage.source.text


@pytest.mark.parametrize("name", ["es", "br", "pt", "de", "operator"])
def test_every_shipped_policy_can_be_used(name: str) -> None:
    assert policy(name).name == name


@pytest.mark.parametrize("day", [date(2020, 1, 6), date(2026, 10, 12), date(2026, 12, 8), date(2035, 12, 25)])
def test_national_holidays_are_known_for_all_years(day: date) -> None:
    assert day in policy("es").calendar.holidays


def test_a_region_and_a_town_add_their_days_and_make_another_version(tmp_path: Path) -> None:
    text = SPAIN.replace('subdivision = "none"', 'subdivision = "MD"').replace(
        "municipal = []", "municipal = [2026-11-09]"
    )
    path = put(tmp_path, "madrid", text, **ANSWERS["es"])
    madrid, spain = load_policy(path), policy("es")
    assert {date(2026, 5, 2), date(2026, 11, 9)} <= madrid.calendar.holidays - spain.calendar.holidays
    assert madrid.version != spain.version


def test_the_same_content_is_the_same_version(tmp_path: Path) -> None:
    one, other = (put(tmp_path, name, SPAIN, **ANSWERS["es"]) for name in ("one", "other"))
    (tmp_path / "choices.toml").write_text((tmp_path / "choices.toml").read_text().replace('["other"', '["one"'))
    version = load_policy(one).version
    put(tmp_path, "other", SPAIN, **ANSWERS["es"])
    assert load_policy(other).version == version


@pytest.mark.parametrize(
    ("right", "wrong", "says"),
    [
        ("trivial_amount = 500", "", "trivial_amount: is missing"),
        ("trivial_amount = 500", 'trivial_amount = "5 EUR"', "trivial_amount: is '5 EUR'; it must be a whole number"),
        ("trivial_amount = 500", "trivial_amount = true", "trivial_amount: is True; it must be a whole number"),
        ("trivial_amount", "trivial_amont", "trivial_amont: is no key here; did you mean trivial_amount?"),
        ('"Europe/Madrid"', '"Europe/Madird"', "timezone: is 'Europe/Madird'; it must be a name of the IANA"),
        ('country = "ES"', 'country = "XX"', "calendar.country: is 'XX'; allowed: "),
        ('subdivision = "none"', "subdivision = 'MAD'", "calendar.subdivision: is 'MAD'; did you mean MD?"),
        ("municipal = []", 'municipal = ["9 Nov"]', "calendar.municipal: is ['9 Nov']; it must be a date"),
        (
            '["mon", "tue", "wed", "thu"]',
            '["mon", "sun"]',
            "nothing begins on a Sunday",
        ),
        ('"09:00"', '"9 am"', "windows.cut.opens: is '9 am'; it must be a local time of day"),
        ('"14:00"', '"08:00"', "windows.cut.closes: is 08:00; it must be later than opens, 09:00"),
        ("canary = 5", "canary = 501", "brake.canary: is 501; it must not be more than number, 500"),
        ("percent = 5", "percent = 0", "brake.percent: is 0; it must be a number above 0, at most 100"),
        ('access = "portal"', 'access = "prtal"', "ladders.internet[3].access: is 'prtal'; did you mean portal?"),
        ('access = "portal"', 'access = "throttled"', "ladders.internet[3].access: is 'throttled'; it must be lower"),
        (
            'access = "incoming_only"',
            'access = "released"',
            "ladders.fixed_voice[2].access: is 'released'; the stage before it must be 'emergency_only'",
        ),
        ('name = "portal"', 'name = "throttled"', "ladders.internet[3].name: is 'throttled'; another stage"),
        (
            "days_in_previous_stage = 7",
            "days_in_previous_stage = 0",
            "days_in_previous_stage: is 0; it must be at least 1",
        ),
        ("lead = 15", "lead = 0", "ladders.internet[1].notice.lead: is 0; it must be a whole number from 1"),
        ('unit = "working_days"', 'unit = "workdays"', "notice.unit: is 'workdays'; did you mean working_days?"),
        ('mark = "D"', 'mark = "sure"', "source.mark: is 'sure'; allowed: D, F, F2, R"),
        ("[ladders.internet.notice]", "[ladders.internet.notices]", "ladders.internet[1].notice: is missing"),
        ("[ladders.internet.notice]", "[ladders.internet.notices]", "did you mean notice?"),
        (
            'unit = "working_days"',
            'unit = "hours"',
            "ladders.internet.throttled.notice.lead: is 15 hours; the floor is 15",
        ),
        (
            'transfer = "booked"',
            'transfer = "paid"',
            "clearing.by_instrument.transfer: is 'paid'; allowed: at_once",
        ),
        (
            'transfer = "booked"',
            'wire = "booked"',
            "clearing.by_instrument.wire: is no key here; allowed: bizum",
        ),
        ("promise = { days = 10", "promise = { day = 10", "holds.promise.day: is no key here; did you mean days?"),
        (
            "review_days = 180",
            "dispute = { days = 3 }",
            "holds.dispute: is no key here; allowed: claimed_payment, courtesy",
        ),
        ("percent = 0\ndays = 0", "percent = 50\ndays = 0", "partial.days: is missing: percent and days go together"),
        (
            "# down_kbps = 1024",
            "down_kbps = 1024 #",
            "ladders.internet[1].up_kbps: is missing: down_kbps and up_kbps go",
        ),
        ("valid_from = 2009-08-30", "valid_to = 2009-01-01\nvalid_from = 2009-08-30", "must not be before valid_from"),
        ("[[ladders.fixed_voice.conditions]]", "[ladders.fixed_voice.conditions]", "is not TOML"),
        ('track = "premium"  ', "", "fixed_voice[1].track: is 'service'; with access no_premium it must be 'premium'"),
        ("approvals = 2", "approvals = 1", "ladders.fixed_voice[3].approvals: is 1; a number is given back by 2"),
        ("days_in_previous_stage = 180", "days_in_previous_stage = 30", "is 30; a number rests for at least 31 days"),
        (
            '# [calendar.towns.Madrid]\n# subdivision = "MD"\n# days',
            "[calendar.towns.Madrid]\nday",
            "towns.Madrid.days: is",
        ),
        ("only_if = { internet_month", "only_if = { internet_moth", "is no option of [choices.internet_moth]"),
    ],
)
def test_a_mistake_is_named_with_its_place_and_what_is_allowed(
    tmp_path: Path, right: str, wrong: str, says: str
) -> None:
    assert right in SPAIN
    found = wrongs(tmp_path, SPAIN.replace(right, wrong, 1))
    assert any(says in line for line in found), found


def test_all_mistakes_are_named_at_once(tmp_path: Path) -> None:
    text = SPAIN.replace("lead = 15", "lead = -1").replace("number = 500", "number = 0").replace('"14:00"', '"noon"')
    places = [line.split(":")[0] for line in wrongs(tmp_path, text)]
    assert {"windows.cut.closes", "brake.number", "ladders.internet[1].notice.lead"} <= set(places)
    assert len(places) == len(set(places))


def test_a_stage_without_a_notice_is_refused(tmp_path: Path) -> None:
    start = SPAIN.index("[ladders.mobile_voice.notice]")
    text = SPAIN[:start] + SPAIN[SPAIN.index("[ladders.mobile_voice.source]") :]
    assert wrongs(tmp_path, text) == ["ladders.mobile_voice[1].notice: is missing"]


def test_a_policy_without_ladders_is_refused(tmp_path: Path) -> None:
    text = SPAIN[: SPAIN.index("[[ladders.internet]]")] + "[ladders]\n"
    assert wrongs(tmp_path, text) == ["ladders: at least one ladder is needed, such as [[ladders.internet]]"]


def test_a_misspelt_kind_of_service_is_named(tmp_path: Path) -> None:
    found = wrongs(tmp_path, SPAIN.replace("ladders.mobile_voice", "ladders.mobile"))
    assert (
        "ladders.mobile: is no key here; did you mean mobile_voice? allowed: fixed_voice, internet, mobile_voice"
        in found
    )


def test_a_town_has_its_own_days_and_an_unknown_town_those_of_all() -> None:
    spain = policy("es")
    almudena, andalusia = date(2026, 11, 9), date(2026, 12, 7)
    assert almudena in spain.days_of("Madrid").holidays
    assert almudena not in spain.days_of("").holidays
    assert {almudena, andalusia} <= spain.days_of("Sevilla").holidays


def test_a_day_that_is_added_for_everybody_is_kept_in_every_town(tmp_path: Path) -> None:
    text = with_madrid(SPAIN).replace("municipal = []", "municipal = [2026-11-10]")
    found = load_policy(put(tmp_path, "mine", text, **ANSWERS["es"]))
    for town in ("", "Madrid", "Sevilla"):
        assert date(2026, 11, 10) in found.days_of(town).holidays


@pytest.mark.parametrize("name", ["es", "br", "pt", "de", "operator"])
def test_a_policy_waits_until_a_person_has_said_whose_regional_holidays_count(tmp_path: Path, name: str) -> None:
    path = put(tmp_path, name, with_override(as_shipped(name)), **ANSWERS.get(name, {}))
    with pytest.raises(BadPolicy) as raised:
        load_policy(path)
    (line,) = str(raised.value).splitlines()
    assert line.startswith(f"{path}: calendar.subdivision: is missing: nothing begins on a region's holidays; whose")
    assert line.endswith("or 'none', those of no region")


def test_banks_settle_on_no_target_holiday() -> None:
    assert date(2026, 4, 6) in policy("es").calendar.bank
    assert date(2026, 4, 6) not in policy("es").calendar.holidays


def test_what_a_file_does_not_say_of_instruments_stays_as_it_is(tmp_path: Path) -> None:
    text = SPAIN.replace(
        'transfer = "booked"\nother = "booked"\ndirect_debit = "return_window"\n', 'other = "at_once"\n'
    )
    clears = load_policy(put(tmp_path, "mine", text, **ANSWERS["es"])).clearing.by_instrument
    assert clears[Instrument.OTHER] is Clears.AT_ONCE
    assert clears[Instrument.TRANSFER] is Clears.BOOKED
    assert clears[Instrument.DIRECT_DEBIT] is Clears.RETURN_WINDOW


def test_everything_that_a_file_can_say_is_read(tmp_path: Path) -> None:
    text = SPAIN.replace("# down_kbps", "down_kbps").replace("# up_kbps", "up_kbps")
    text = text.replace("# sources = { bank = 30 }", "sources = { bank = 30 }")
    text = text.replace("after_last_hours = 24 ", 'template = "slow"\nchannels = ["sms"]\nafter_last_hours = 24 ', 1)
    text = text.replace("percent = 0\ndays = 0", "percent = 50\ndays = 7")
    text = text.replace("months_since_presented = 1 ", 'tags_without = ["vip"]\nmonths_since_presented = 1 ', 1)
    found = load_policy(put(tmp_path, "mine", text, **ANSWERS["es"]))
    slow = found.ladders[Kind.INTERNET][0]
    assert slow.rate == Rate(1024, 256)
    assert (slow.notice.template, slow.notice.after_last_hours) == ("slow", 24)
    assert slow.notice.channels == {"sms"}
    assert slow.conditions[0].tags_without == {"vip"}
    assert slow.source.valid_from == date(2009, 8, 30)
    assert found.freshness.sources == {"bank": 30}
    assert found.partial == PartialRule(50, 7)
    assert found.holds.bounds[HoldKind.PROMISE] == HoldBound(days=10, times_a_year=3)
    assert found.tags.person == {"sla"}
    assert found.messages.weekdays == {2, 3, 4}
    assert found.messages.on_eves
    assert (found.country, found.approval_days, found.returns.grace_days) == ("ES", 30, 15)
    release = found.ladders[Kind.FIXED_VOICE][2]
    assert [one.earlier_suspensions for one in release.conditions] == [0, 2]
    assert (release.approvals, release.track) == (2, Track.SERVICE)


def test_what_is_not_toml_is_refused_with_its_line(tmp_path: Path) -> None:
    assert "line 2" in wrongs(tmp_path, "timezone = 'Europe/Madrid'\npayments fresh = 1\n")[0]


def test_a_file_name_that_no_account_could_name_is_refused(tmp_path: Path) -> None:
    assert "'my policy'" in wrongs(tmp_path, SPAIN, "my policy")[0]


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadPolicy, match=r"none\.toml: cannot be read: No such file"):
        load_policy(tmp_path / "none.toml")


def test_a_folder_without_policies_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadPolicy, match=r"no policy \(\*\.toml\)"):
        load_policies(tmp_path)


def test_the_mistakes_of_all_files_are_named_together(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.toml").write_text("timezone = 1\n", encoding="utf-8")
    with pytest.raises(BadPolicy) as raised:
        load_policies(tmp_path)
    assert f"{tmp_path / 'a.toml'}: timezone" in str(raised.value)
    assert f"{tmp_path / 'b.toml'}: timezone" in str(raised.value)
