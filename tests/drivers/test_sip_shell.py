"""The SIP driver in a shell, over real SSH to real Kamailio: what it leaves there, what it sees, what it refuses."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.base import Driver, Garbled, StepState
from enforcement.access import Access
from enforcement.changes import Remove, Restrict, Result
from enforcement.keys import Key
from enforcement.plan import State
from tests.drivers.sip_shells import ShellSwitch, shell_driver, shell_switch
from tests.drivers.sip_switches import (
    AOR,
    LINE,
    OTHER_LINE,
    entry,
    planned,
    settle,
    value,
)
from tests.servers.sipp import Phone, passes_every_block

pytestmark = pytest.mark.servers

LADDER = (Access.NO_PREMIUM, Access.INCOMING_ONLY, Access.EMERGENCY_ONLY, Access.RELEASED)


@pytest.fixture(scope="module")
def machine() -> Iterator[ShellSwitch]:
    with shell_switch() as switch:
        yield switch


@pytest.fixture
def switch(machine: ShellSwitch) -> Iterator[ShellSwitch]:
    """An empty table."""
    yield machine
    for name in machine.real.live():
        machine.real.take(name)


@pytest.fixture
def driver(switch: ShellSwitch) -> Iterator[Driver]:
    driver = shell_driver(switch)
    yield driver
    driver.close()


def test_every_access_is_read_back_and_leaves_nothing_when_restored(switch: ShellSwitch, driver: Driver) -> None:
    switch.real.hand("+34910000009", "fraud")
    for access in LADDER:
        settle(driver, entry(access), entry(access, key=AOR, binding="b2"))
        after = planned(driver, entry(access), entry(access, key=AOR, binding="b2"))
        assert (after.changes, set(after.states.values())) == ((), {State.VERIFIED})
        assert switch.real.live() == {
            "+34910000001": value(access=access),
            "ana@isp.lab": value("b2", access),
            "+34910000009": "fraud",
        }
    settle(driver, entry(Access.FULL), entry(Access.FULL, key=AOR, binding="b2"))
    assert switch.real.live() == {"+34910000009": "fraud"}


def test_applying_twice_equals_applying_once(switch: ShellSwitch, driver: Driver) -> None:
    restrict = planned(driver, entry()).changes
    for _ in range(2):
        assert [outcome.result for outcome in driver.apply(restrict)] == [Result.DONE]
        assert switch.real.live() == {"+34910000001": value()}
    restore = planned(driver, entry(Access.FULL)).changes
    for _ in range(2):
        assert [outcome.result for outcome in driver.apply(restore)] == [Result.DONE]
        assert switch.real.live() == {}


def test_a_limited_read_says_the_same_as_a_full_one(driver: Driver) -> None:
    settle(driver, entry())
    seen = driver.observe({LINE, OTHER_LINE})
    assert seen.of(LINE) == driver.observe().of(LINE)
    assert seen.of(OTHER_LINE).access is Access.FULL
    assert seen.of(AOR).access is None


def test_somebody_elses_barring_obstructs_and_is_left(switch: ShellSwitch, driver: Driver) -> None:
    switch.real.hand("+34910000001", "fraud")
    assert planned(driver, entry(Access.FULL)).states == {"b1": State.OBSTRUCTED}
    outcomes = settle(driver, entry())
    assert [outcome.result for outcome in outcomes] == [Result.REFUSED]
    assert "not ours: 'fraud'" in outcomes[0].detail
    settle(driver, entry(Access.FULL))
    assert switch.real.live() == {"+34910000001": "fraud"}


def test_a_mark_of_an_unknown_binding_is_stray_and_removed(switch: ShellSwitch, driver: Driver) -> None:
    settle(driver, entry())
    found = planned(driver)
    assert [type(change) for change in found.changes] == [Remove]
    driver.apply(found.changes)
    assert switch.real.live() == {}


def test_more_than_a_slice_is_barred_and_lifted_again(switch: ShellSwitch, driver: Driver) -> None:
    keys = [Key.of("msisdn", f"+3491{number:07d}") for number in range(130)]
    settle(driver, *(entry(key=key, binding=f"b{at}") for at, key in enumerate(keys)))
    assert len(switch.real.live()) == 130
    assert planned(driver, *(entry(key=key, binding=f"b{at}") for at, key in enumerate(keys))).changes == ()
    settle(driver, *(entry(Access.FULL, key=key, binding=f"b{at}") for at, key in enumerate(keys)))
    assert switch.real.live() == {}


def test_a_caller_that_was_barred_in_a_shell_hears_it(switch: ShellSwitch, driver: Driver) -> None:
    settle(driver, entry())
    Phone("34910000001").is_barred(switch.real.kamailio, "912345678")


def test_a_healthy_switch_has_no_problems(switch: ShellSwitch, driver: Driver) -> None:
    passes_every_block(switch.real.kamailio)
    settle(driver, entry())
    assert driver.check() == []


def test_what_is_left_to_a_person_is_said_and_nothing_is_installed(switch: ShellSwitch, driver: Driver) -> None:
    passes_every_block(switch.real.kamailio)
    steps = driver.prepare(install=True)
    assert [step.state for step in steps] == [StepState.PRESENT] * 3 + [StepState.BY_HAND]
    assert "route[GRIFO_BARRING]" in steps[1].text


def test_a_restart_of_the_switch_keeps_nobody_barred_and_is_made_good() -> None:
    with shell_switch() as switch:
        driver = shell_driver(switch)
        settle(driver, entry())
        switch.real.crash()
        found = planned(driver, entry())
        assert found.states == {"b1": State.MISSING}
        assert [type(change) for change in found.changes] == [Restrict]
        settle(driver, entry())
        assert switch.real.live() == {"+34910000001": value()}
        driver.close()


@pytest.mark.parametrize(
    "user",
    [
        "$(touch HERE)",
        "`touch HERE`",
        "a';touch HERE;'",
        "a|touch HERE",
        "a&&touch HERE",
        "-rf",
        "a b",
        'a"b',
        "ñ",
        "a\\",
    ],
)
def test_no_key_becomes_a_command(switch: ShellSwitch, driver: Driver, tmp_path: Path, user: str) -> None:
    proof = tmp_path / "proof"
    key = Key.of("sip_aor", f"{user.replace('HERE', str(proof))}@isp.lab")
    outcomes = settle(driver, entry(key=key), entry(key=OTHER_LINE, binding="b2"))
    assert {outcome.change.mark.binding: outcome.result for outcome in outcomes} == {
        "b1": Result.REFUSED,
        "b2": Result.DONE,
    }
    assert driver.observe({key}).of(key).access is Access.FULL
    assert switch.real.live() == {"+34910000002": value("b2")}
    assert not proof.exists()


def test_what_somebody_wrote_on_the_switch_becomes_no_command(
    switch: ShellSwitch, driver: Driver, tmp_path: Path
) -> None:
    proof = tmp_path / "proof"
    switch.real.hand(f"$(touch {proof})@isp.lab", value("b9"))
    switch.real.hand("+34910000001", f"$(touch {proof})")
    with pytest.raises(Garbled, match="says that it has 2 rows, and 1 were read"):
        driver.observe()
    assert not proof.exists()
