"""Nobody is barred before it is proved that emergency and care numbers pass; restores never wait for that proof."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from drivers.base import Driver, Unsafe
from drivers.sip import probe
from drivers.sip.allowlist import Numbers, Question, Verdict, all_questions, dialled, emergency_of, faults
from drivers.sip.countries import COUNTRIES
from drivers.sip.probe import SipAddress
from drivers.sip.settings import settings_from
from enforcement.access import Access
from enforcement.changes import Result
from enforcement.keys import Key
from enforcement.plan import State
from tests.drivers.sip_switches import (
    CARE,
    OTHER_LINE,
    LabSwitch,
    driver_for,
    entry,
    lab_switch,
    planned,
    real_switch,
    rows,
    settle,
    value,
)
from tests.servers.sipp import passes_every_block

LADDER = (Access.NO_PREMIUM, Access.INCOMING_ONLY, Access.EMERGENCY_ONLY, Access.RELEASED)
QUICK = {"probe_timeout_s": 0.3}


@pytest.fixture
def switch(tmp_path: Path) -> Iterator[LabSwitch]:
    with lab_switch(tmp_path) as switch:
        yield switch


@pytest.fixture
def driver(switch: LabSwitch) -> Iterator[Driver]:
    driver = driver_for(switch, **QUICK)
    yield driver
    driver.close()


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("bars_all", "would bar urn:service:sos"),
        ("bars_none", "not in force"),
        ("missing", "does not use the dial-plan"),
    ],
)
def test_a_dial_plan_that_proves_nothing_bars_nobody(switch: LabSwitch, driver: Driver, fault: str, words: str) -> None:
    switch.switch.misbehave(dial_plan=fault)
    outcomes = settle(driver, entry())
    assert [outcome.result for outcome in outcomes] == [Result.REFUSED]
    assert words in outcomes[0].detail
    assert switch.live() == {}
    assert rows(switch.database) == []
    assert any(words in problem for problem in driver.check())


def test_a_care_line_that_is_not_allowed_bars_nobody(switch: LabSwitch, driver: Driver) -> None:
    switch.switch.take(CARE, "grifo_allow")
    outcomes = settle(driver, entry())
    assert [outcome.result for outcome in outcomes] == [Result.REFUSED]
    assert f"would bar {CARE}" in outcomes[0].detail
    assert switch.live() == {}


def test_a_switch_without_sip_bars_nobody(switch: LabSwitch) -> None:
    driver = driver_for(switch, nodes=[{**switch.node, "sip": "127.0.0.1:9"}], **QUICK)
    outcomes = settle(driver, entry())
    assert [outcome.result for outcome in outcomes] == [Result.REFUSED]
    assert "did not answer the test" in outcomes[0].detail
    assert switch.live() == {}
    driver.close()


def test_a_repair_of_a_barring_needs_the_proof_too(switch: LabSwitch, driver: Driver) -> None:
    switch.hand("+34910000001", value())
    switch.switch.misbehave(dial_plan="bars_all")
    outcomes = settle(driver, entry())
    assert [outcome.result for outcome in outcomes] == [Result.REFUSED]
    assert rows(switch.database) == []


def test_restores_go_on_when_the_proof_fails(switch: LabSwitch, driver: Driver) -> None:
    settle(driver, entry())
    switch.switch.misbehave(dial_plan="bars_all")
    outcomes = settle(driver, entry(Access.FULL), entry(key=OTHER_LINE, binding="b2"))
    assert [outcome.result for outcome in outcomes] == [Result.DONE, Result.REFUSED]
    assert switch.live() == {}


def test_settings_add_to_the_compiled_in_numbers_and_never_take_away() -> None:
    settings = settings_from(
        {
            "nodes": [{"rpc": "http://127.0.0.1:8080/RPC", "sip": "127.0.0.1"}],
            "database": "sqlite:///kamailio.db",
            "country": "ES",
            "care_numbers": ["+34 900 123 456"],
            "emergency_numbers": ["117", "112"],
        }
    )
    assert settings.numbers.allowed == (*emergency_of(COUNTRIES["es"]), "117", "+34900123456")


def test_a_uri_is_not_taken_for_a_number() -> None:
    assert dialled("900-123 456") == "900123456"
    with pytest.raises(ValueError, match="not a number that can be dialled"):
        dialled("sip:112")


NUMBERS = Numbers(emergency=("112", "016"), care=("900",), control="600", premium=("806",))


def _all_right(*accesses: Access) -> dict[Question, Verdict]:
    return {question: question.wanted for question in all_questions(accesses, NUMBERS)}


@pytest.mark.parametrize("access", LADDER)
def test_one_lost_or_wrong_answer_is_no_proof(access: Access) -> None:
    right = _all_right(access)
    assert faults("n", right) == []
    for question in right:
        other = Verdict.BAR if question.wanted is Verdict.PASS else Verdict.PASS
        assert faults("n", {**right, question: Verdict.NO_ANSWER}) == [
            f"node n did not answer for {question.destination}"
        ]
        assert len(faults("n", {**right, question: other})) == 1


def test_what_is_tried_of_an_access_is_what_it_takes_away_and_what_it_must_leave() -> None:
    tried = {access: {(q.destination, q.incoming): q.wanted for q in _all_right(access)} for access in LADDER}
    passes, bars = Verdict.PASS, Verdict.BAR
    allowed = {("112", False): passes, ("016", False): passes}
    care = {("900", False): passes}
    control, called = ("600", False), ("600", True)
    assert tried == {
        Access.NO_PREMIUM: {**allowed, **care, control: passes, ("806", False): bars, called: passes},
        Access.INCOMING_ONLY: {**allowed, **care, control: bars, called: passes},
        Access.EMERGENCY_ONLY: {**allowed, **care, control: bars, called: bars},
        Access.RELEASED: {**allowed, control: bars, called: bars},
    }


def test_a_range_that_the_dial_plan_takes_for_ordinary_bars_nobody_by_tariff(switch: LabSwitch) -> None:
    driver = driver_for(switch, premium_numbers=["806123456", "902123456"], **QUICK)
    outcomes = settle(driver, entry(Access.NO_PREMIUM), entry(key=OTHER_LINE, binding="b2"))
    assert [outcome.result for outcome in outcomes] == [Result.REFUSED, Result.REFUSED]
    assert "does not bar 902123456" in outcomes[0].detail
    outcomes = settle(driver, entry(key=OTHER_LINE, binding="b2"))
    assert [outcome.result for outcome in outcomes] == [Result.DONE]
    driver.close()


def test_a_line_is_raised_to_a_higher_rung_when_the_proof_fails(switch: LabSwitch, driver: Driver) -> None:
    settle(driver, entry())
    switch.switch.misbehave(dial_plan="bars_all")
    outcomes = settle(driver, entry(Access.NO_PREMIUM))
    assert [outcome.result for outcome in outcomes] == [Result.DONE]
    assert switch.live() == {"+34910000001": value(access=Access.NO_PREMIUM)}
    assert [row["key_value"] for row in rows(switch.database)] == [value(access=Access.NO_PREMIUM)]


def test_raising_a_line_lowers_it_nowhere(switch: LabSwitch, driver: Driver) -> None:
    """A place that lost its row has nothing to raise: a row there would be a barring without leave."""
    settle(driver, entry())
    slice = planned(driver, entry(Access.NO_PREMIUM)).changes
    switch.take("+34910000001")
    assert [outcome.result for outcome in driver.apply(slice)] == [Result.DONE]
    assert switch.live() == {}
    assert [row["key_value"] for row in rows(switch.database)] == [value(access=Access.NO_PREMIUM)]


def _given(**more: object) -> dict[str, object]:
    node = {"rpc": "http://127.0.0.1:8080/RPC", "sip": "127.0.0.1"}
    return {"nodes": [node], "database": "sqlite:///kamailio.db", "care_numbers": ["900123456"], **more}


def test_a_switch_of_no_known_country_is_refused_until_its_emergency_numbers_are_listed() -> None:
    with pytest.raises(ValueError, match="country must say whose numbers"):
        settings_from(_given())
    with pytest.raises(ValueError, match="no emergency numbers are compiled in for 'fr'"):
        settings_from(_given(country="fr"))
    listed = {"country": "fr", "emergency_numbers": ["15", "17", "18", "+33112"]}
    with pytest.raises(ValueError, match="control_number must be given for country 'fr'"):
        settings_from(_given(**listed))
    settings = settings_from(_given(**listed, control_number="+33600000000", premium_numbers=["0899123456"]))
    assert {"112", "15", "17", "18", "+33112"} <= set(settings.numbers.emergency)
    assert settings.numbers.defines == {"GRIFO_NATIONAL": "^(15|17|18)$"}
    assert settings.added_emergency == ("15", "17", "18", "+33112")


@pytest.mark.parametrize("name", COUNTRIES)
def test_what_is_compiled_in_for_a_country_fits_together(name: str) -> None:
    country = COUNTRIES[name]
    assert all(re.search(country.defines["GRIFO_NATIONAL"], number) for number in country.emergency)
    assert all(re.search(country.premium_pattern, number) for number in country.premium)
    passes = {*emergency_of(country), country.control.removeprefix(f"+{country.code}")}
    assert not [number for number in passes if re.search(country.premium_pattern, number)]
    assert settings_from(_given(country=name)).numbers.premium == country.premium


def test_a_barred_emergency_number_endangers_those_who_have_that_access() -> None:
    right = _all_right(Access.INCOMING_ONLY, Access.RELEASED)
    wrong = {question: Verdict.BAR if question.destination == "016" else right[question] for question in right}
    (words,) = faults("n", wrong)
    assert isinstance(words, Unsafe)
    assert "would bar 016:" in words
    assert words.accesses == {Access.INCOMING_ONLY, Access.RELEASED}


def test_a_barred_care_line_and_a_lost_answer_are_no_danger_to_life() -> None:
    right = _all_right(Access.INCOMING_ONLY)
    for destination, verdict in (("900", Verdict.BAR), ("112", Verdict.NO_ANSWER)):
        answers = {question: verdict if question.destination == destination else right[question] for question in right}
        (words,) = faults("n", answers)
        assert not isinstance(words, Unsafe)


OTHER_COUNTRIES = [
    ("de", "+493023125001", "110"),
    ("br", "+551130000001", "190, 191, 192, 193"),
    ("pt", "+351210000001", "115"),
]


@pytest.mark.servers
@pytest.mark.parametrize(("country", "number", "barred"), OTHER_COUNTRIES, ids=[case[0] for case in OTHER_COUNTRIES])
def test_a_real_switch_bars_once_its_dial_plan_knows_its_countrys_numbers(
    country: str, number: str, barred: str
) -> None:
    """With the country code alone the dial plan lets Spain's numbers pass: nobody is barred. With what `prepare` prints
    it bars, and the country's own numbers pass."""
    wanted = entry(key=Key.of("msisdn", number))
    with real_switch(options=(f'GRIFO_CC="{COUNTRIES[country].code}"',)) as switch:
        driver = driver_for(switch, country=country)
        (outcome,) = settle(driver, wanted)
        assert outcome.result is Result.REFUSED
        assert barred in outcome.detail
        assert switch.live() == {}
        printed = next(step.text for step in driver.prepare(install=False) if step.where.endswith(": kamailio.cfg"))
        driver.close()
    defines = re.findall('^#!define (\\w+) (".*")$', printed, re.MULTILINE)
    with real_switch(options=tuple(f"{name}={value}" for name, value in defines)) as switch:
        passes_every_block(switch.kamailio)
        driver = driver_for(switch, country=country)
        assert driver.check() == []
        assert [outcome.result for outcome in settle(driver, wanted)] == [Result.DONE]
        assert planned(driver, wanted).states == {"b1": State.VERIFIED}
        node = SipAddress.parse(switch.node["sip"])
        own = {*COUNTRIES[country].emergency, "112", f"+{COUNTRIES[country].code}112"}
        asked = [Question(Access.EMERGENCY_ONLY, one, Verdict.PASS) for one in own]
        assert set(probe.ask(node, asked, 5.0).values()) == {Verdict.PASS}
        driver.close()


REAL = [
    (("WITHOUT_FRAGMENT",), "does not use the dial-plan fragment"),
    (('GRIFO_NATIONAL="^(061)$"',), "would bar 016, 024, 062"),
    (('GRIFO_AGENTS="^(127[.]0[.]0[.]1|::1)$"', 'GRIFO_CC="39"'), "would bar +34112, 0034112"),
]


@pytest.mark.servers
@pytest.mark.parametrize(("options", "words"), REAL, ids=["no fragment", "numbers cut out", "another country's code"])
def test_a_real_dial_plan_that_fails_the_test_bars_nobody(options: tuple[str, ...], words: str) -> None:
    with ExitStack() as stack:
        switch = stack.enter_context(real_switch(options=options))
        driver = driver_for(switch)
        stack.callback(driver.close)
        outcomes = settle(driver, entry())
        assert [outcome.result for outcome in outcomes] == [Result.REFUSED]
        assert words in outcomes[0].detail
        assert switch.live() == {}


@pytest.mark.servers
def test_a_real_table_that_is_saved_at_stop_is_a_problem_in_words() -> None:
    with real_switch(options=("WITH_SAVING_TABLE",)) as switch:
        driver = driver_for(switch, table="grifo_saved")
        assert any("dbmode=1" in problem for problem in driver.check())
        driver.close()


@pytest.mark.servers
def test_an_agent_that_is_not_listed_is_told_so() -> None:
    with real_switch() as switch:
        driver = driver_for(switch, nodes=[{**switch.node, "rpc": switch.node["rpc"].replace("/RPC", "/elsewhere")}])
        assert driver.check() == [f"node {switch.node['rpc'][7:-4]} let no RPC through: HTTP 404"]
        driver.close()
