"""A profile for a device of prompts, over real SSH against one that behaves."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.base import Driver, Refused, StepState, Unreachable
from drivers.sip import build
from enforcement.access import Access
from enforcement.changes import Result
from enforcement.keys import Key
from enforcement.plan import State
from tests.drivers.sip_shells import PROFILES, login
from tests.drivers.sip_switches import INSTALLATION, entry, planned, settle, value
from tests.servers import ios_shell
from tests.servers.sshd import running_sshd

pytestmark = pytest.mark.servers

TRUNK = Key.of("trunk", "7001")
OTHERS = Key.of("trunk", "7003")
PEERS = {
    "7001": ["session protocol sipv2"],
    "7002": ["corlist incoming some-other", "session protocol sipv2"],
    "7003": ["description PBX of the town hall", "session protocol sipv2"],
}


@pytest.fixture
def peers(tmp_path: Path) -> Path:
    file = tmp_path / "peers.json"
    file.write_text(json.dumps(PEERS))
    return file


@pytest.fixture
def driver(peers: Path) -> Iterator[Driver]:
    with running_sshd(f"{sys.executable} {ios_shell.__file__} {peers}") as sshd:
        settings = {
            "profile": str(PROFILES / "cube.toml"),
            "experimental": True,
            "nodes": [{"ssh": sshd.address}],
            "country": "es",
            "care_numbers": ["900123456"],
            "read_timeout_s": 10,
            **login(sshd),
        }
        driver = build(settings, INSTALLATION)
        yield driver
        driver.close()


def test_a_trunk_is_barred_read_back_and_left_as_it_was(peers: Path, driver: Driver) -> None:
    assert planned(driver, entry(Access.FULL, key=TRUNK)).states == {"b1": State.VERIFIED}
    outcomes = settle(driver, entry(key=TRUNK))
    assert [(outcome.result, outcome.detail) for outcome in outcomes] == [(Result.DONE, "")]
    after = planned(driver, entry(key=TRUNK))
    assert (after.changes, after.states) == ((), {"b1": State.VERIFIED})
    assert set(json.loads(peers.read_text())["7001"]) == {
        f"description {value()}",
        "corlist incoming grifo-barred",
        "session protocol sipv2",
    }
    settle(driver, entry(Access.FULL, key=TRUNK))
    assert json.loads(peers.read_text()) == PEERS


def test_a_description_of_the_operators_is_never_replaced(peers: Path, driver: Driver) -> None:
    outcomes = settle(driver, entry(key=OTHERS))
    assert [outcome.result for outcome in outcomes] == [Result.REFUSED]
    assert "PBX of the town hall" in outcomes[0].detail
    assert json.loads(peers.read_text()) == PEERS


def test_a_mark_whose_list_somebody_took_away_is_no_barring(peers: Path, driver: Driver) -> None:
    settle(driver, entry(key=TRUNK))
    peers.write_text(json.dumps({**PEERS, "7001": [f"description {value()}"]}))
    assert planned(driver, entry(key=TRUNK)).states == {"b1": State.MISSING}


def test_what_the_device_does_not_take_is_refused_in_its_words_and_the_next_turn_starts_afresh(
    peers: Path, driver: Driver
) -> None:
    with pytest.raises(Refused, match="% Invalid input"):
        settle(driver, entry(key=Key.of("trunk", "7999")))
    settle(driver, entry(key=TRUNK))
    assert planned(driver, entry(key=TRUNK)).states == {"b1": State.VERIFIED}


@pytest.mark.slow
def test_a_late_answer_is_never_taken_for_that_to_another_question(peers: Path, driver: Driver) -> None:
    settle(driver, entry(key=TRUNK))
    slow = peers.with_suffix(".slow")
    slow.write_text("")
    with pytest.raises(Unreachable, match="did not answer over SSH in time"):
        driver.observe({TRUNK})
    slow.unlink()
    assert driver.observe({OTHERS}).of(OTHERS).obstructions
    assert driver.observe({TRUNK}).of(TRUNK).access is Access.INCOMING_ONLY


def test_a_person_is_told_which_numbers_the_switch_must_let_pass(driver: Driver) -> None:
    (step,) = driver.prepare(install=False)
    assert step.state is StepState.BY_HAND
    assert {"112", "+34112", "016", "900123456"} <= set(step.note.removeprefix("what must pass: ").split(", "))
