"""The SIP driver against its device, simulated and real alike: what it leaves there, and what it sees."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from drivers.base import Driver
from enforcement.access import Access, Kind
from enforcement.changes import Refresh, Remove, Restore, Restrict, Result
from enforcement.keys import Key
from enforcement.observed import Live
from enforcement.plan import State
from tests.drivers.sip_switches import (
    AOR,
    LINE,
    OTHER_LINE,
    RealSwitch,
    SwitchUnderTest,
    driver_for,
    entry,
    foreign_row,
    lab_switch,
    planned,
    real_switch,
    rows,
    settle,
    value,
    wait_until,
)
from tests.servers.sipp import passes_every_block


@pytest.fixture(
    params=[
        "simulator",
        pytest.param("kamailio-sqlite", marks=pytest.mark.servers),
        pytest.param("kamailio-postgresql", marks=pytest.mark.servers),
    ]
)
def switch(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SwitchUnderTest]:
    with ExitStack() as stack:
        match request.param:
            case "simulator":
                yield stack.enter_context(lab_switch(tmp_path))
            case "kamailio-sqlite":
                yield stack.enter_context(real_switch())
            case _:
                yield stack.enter_context(real_switch(request.getfixturevalue("postgres")))


@pytest.fixture
def driver(switch: SwitchUnderTest) -> Iterator[Driver]:
    driver = driver_for(switch)
    yield driver
    driver.close()


def test_a_restriction_stands_in_the_database_and_in_memory(switch: SwitchUnderTest, driver: Driver) -> None:
    outcomes = settle(driver, entry(), entry(key=AOR, binding="b2"))
    assert {outcome.result for outcome in outcomes} == {Result.DONE}
    assert switch.live() == {"+34910000001": value(), "ana@isp.lab": value("b2")}
    assert {row["key_name"]: row["key_value"] for row in rows(switch.database)} == switch.live()


def test_the_plan_is_empty_after_it_was_applied(driver: Driver) -> None:
    entries = [entry(), entry(key=AOR, binding="b2")]
    settle(driver, *entries)
    after = planned(driver, *entries)
    assert after.changes == ()
    assert set(after.states.values()) == {State.VERIFIED}


def test_a_limited_read_says_the_same_as_a_full_one(driver: Driver) -> None:
    settle(driver, entry())
    seen = driver.observe({LINE, OTHER_LINE})
    assert seen.of(LINE) == driver.observe().of(LINE)
    assert seen.of(OTHER_LINE).access is Access.FULL
    assert seen.of(AOR).access is None


def test_applying_twice_equals_applying_once(switch: SwitchUnderTest, driver: Driver) -> None:
    slice = planned(driver, entry()).changes
    driver.apply(slice)
    once = (switch.live(), rows(switch.database))
    assert [outcome.result for outcome in driver.apply(slice)] == [Result.DONE]
    assert (switch.live(), rows(switch.database)) == once


def test_restricting_and_restoring_leaves_the_switch_as_it_was(switch: SwitchUnderTest, driver: Driver) -> None:
    foreign_row(switch.database, "+34910000009", "fraud")
    switch.hand("+34910000009", "fraud")
    before = (switch.live(), rows(switch.database))
    settle(driver, entry(), entry(key=AOR, binding="b2"))
    settle(driver, entry(Access.FULL), entry(Access.FULL, key=AOR, binding="b2"))
    assert (switch.live(), rows(switch.database)) == before


def test_restoring_what_is_gone_already_is_done(driver: Driver) -> None:
    settle(driver, entry())
    slice = planned(driver, entry(Access.FULL)).changes
    assert isinstance(slice[0], Restore)
    for _ in range(2):
        assert [outcome.result for outcome in driver.apply(slice)] == [Result.DONE]


def test_more_than_a_slice_is_barred_and_lifted_again(switch: SwitchUnderTest, driver: Driver) -> None:
    keys = [Key.of("msisdn", f"+3491{number:07d}") for number in range(620)]
    settle(driver, *(entry(key=key, binding=f"b{at}") for at, key in enumerate(keys)))
    assert len(switch.live()) == len(rows(switch.database)) == 620
    settle(driver, *(entry(Access.FULL, key=key, binding=f"b{at}") for at, key in enumerate(keys)))
    assert switch.live() == {}
    assert rows(switch.database) == []


def test_a_crash_of_the_switch_loses_no_barring(switch: SwitchUnderTest, driver: Driver) -> None:
    settle(driver, entry())
    switch.crash()
    assert switch.live() == {"+34910000001": value()}
    assert planned(driver, entry()).states == {"b1": State.VERIFIED}


def test_a_crash_of_the_switch_brings_no_barring_back(switch: SwitchUnderTest, driver: Driver) -> None:
    settle(driver, entry())
    settle(driver, entry(Access.FULL))
    switch.crash()
    assert switch.live() == {}


def test_a_row_that_a_restart_would_lose_is_missing_and_repaired(switch: SwitchUnderTest, driver: Driver) -> None:
    switch.hand("+34910000001", value())
    assert driver.observe().of(LINE).live is Live.STALE
    found = planned(driver, entry())
    assert [type(change) for change in found.changes] == [Refresh]
    assert found.states == {"b1": State.MISSING}
    settle(driver, entry())
    assert [row["key_value"] for row in rows(switch.database)] == [value()]
    assert planned(driver, entry()).states == {"b1": State.VERIFIED}


def test_a_row_left_in_the_database_of_a_paid_line_is_wrongful_and_removed(
    switch: SwitchUnderTest, driver: Driver
) -> None:
    foreign_row(switch.database, "+34910000001", value())
    assert planned(driver, entry(Access.FULL)).states == {"b1": State.WRONGFUL}
    settle(driver, entry(Access.FULL))
    assert rows(switch.database) == []
    assert planned(driver, entry(Access.FULL)).states == {"b1": State.VERIFIED}


def test_a_barring_deleted_by_a_hand_is_missing_and_repaired(switch: SwitchUnderTest, driver: Driver) -> None:
    settle(driver, entry())
    switch.take("+34910000001")
    found = planned(driver, entry())
    assert found.states == {"b1": State.MISSING}
    assert [type(change) for change in found.changes] == [Restrict]
    settle(driver, entry())
    assert switch.live() == {"+34910000001": value()}


def test_a_mark_of_an_unknown_binding_is_stray_and_removed(switch: SwitchUnderTest, driver: Driver) -> None:
    settle(driver, entry())
    found = planned(driver)
    assert [type(change) for change in found.changes] == [Remove]
    driver.apply(found.changes)
    assert switch.live() == {}
    assert rows(switch.database) == []


def test_a_line_that_changes_hands_carries_the_new_binding_alone(switch: SwitchUnderTest, driver: Driver) -> None:
    settle(driver, entry())
    settle(driver, entry(binding="b2"))
    assert switch.live() == {"+34910000001": value("b2")}
    assert [row["key_value"] for row in rows(switch.database)] == [value("b2")]
    assert planned(driver, entry(binding="b2")).changes == ()


def test_removing_one_binding_leaves_what_another_wrote_meanwhile(switch: SwitchUnderTest, driver: Driver) -> None:
    settle(driver, entry())
    late = planned(driver).changes
    settle(driver, entry(binding="b2"))
    driver.apply(late)
    assert switch.live() == {"+34910000001": value("b2")}


def test_somebody_elses_barring_obstructs_a_paid_line(switch: SwitchUnderTest, driver: Driver) -> None:
    switch.hand("+34910000001", "fraud")
    found = planned(driver, entry(Access.FULL))
    assert found.states == {"b1": State.OBSTRUCTED}
    assert found.changes == ()
    assert "'fraud'" in driver.observe().of(LINE).obstructions[0]


@pytest.mark.parametrize(
    "foreign",
    ["fraud", "incoming_only", "incoming_only;grifo:v1:another-isp:s1:b1"],
    ids=["a word", "our word without a mark", "another installation"],
)
def test_somebody_elses_barring_is_neither_overwritten_nor_deleted(
    switch: SwitchUnderTest, driver: Driver, foreign: str
) -> None:
    foreign_row(switch.database, "+34910000001", foreign)
    switch.hand("+34910000001", foreign)
    before = rows(switch.database)
    outcomes = settle(driver, entry(), entry(key=OTHER_LINE, binding="b2"))
    assert {outcome.change.mark.binding: outcome.result for outcome in outcomes} == {
        "b1": Result.REFUSED,
        "b2": Result.DONE,
    }
    settle(driver, entry(Access.FULL), entry(Access.FULL, key=OTHER_LINE, binding="b2"))
    assert switch.live() == {"+34910000001": foreign}
    assert rows(switch.database) == before


def test_an_access_that_the_dial_plan_lacks_is_refused_in_words(switch: SwitchUnderTest) -> None:
    driver = driver_for(switch, access=["incoming_only"])
    assert driver.capabilities.access == {
        Kind.FIXED_VOICE: {Access.INCOMING_ONLY},
        Kind.MOBILE_VOICE: {Access.INCOMING_ONLY},
    }
    outcomes = settle(driver, entry(Access.NO_PREMIUM))
    assert [outcome.result for outcome in outcomes] == [Result.REFUSED]
    assert "device cannot" in outcomes[0].detail
    assert switch.live() == {}
    driver.close()


LADDER = (Access.NO_PREMIUM, Access.INCOMING_ONLY, Access.EMERGENCY_ONLY, Access.RELEASED)


@pytest.mark.parametrize("access", LADDER)
def test_each_access_is_read_back_and_leaves_nothing_when_restored(
    switch: SwitchUnderTest, driver: Driver, access: Access
) -> None:
    settle(driver, entry(access))
    assert switch.live() == {"+34910000001": value(access=access)}
    assert [row["key_value"] for row in rows(switch.database)] == [value(access=access)]
    assert driver.observe().of(LINE).access is access
    after = planned(driver, entry(access))
    assert (after.changes, after.states) == ((), {"b1": State.VERIFIED})
    settle(driver, entry(Access.FULL))
    assert (switch.live(), rows(switch.database)) == ({}, [])


def test_a_line_goes_down_the_ladder_and_up_again(switch: SwitchUnderTest, driver: Driver) -> None:
    for access in (*LADDER, *reversed(LADDER)):
        settle(driver, entry(access))
        assert switch.live() == {"+34910000001": value(access=access)}
        assert [row["key_value"] for row in rows(switch.database)] == [value(access=access)]
        assert planned(driver, entry(access)).changes == ()


def test_a_word_that_nobody_knows_bars_outgoing_calls_and_is_put_right(switch: SwitchUnderTest, driver: Driver) -> None:
    odd = value().replace("incoming_only", "odd")
    foreign_row(switch.database, "+34910000001", odd)
    switch.hand("+34910000001", odd)
    assert driver.observe().of(LINE).access is Access.INCOMING_ONLY
    settle(driver, entry())
    assert switch.live() == {"+34910000001": value()}


@pytest.mark.slow
def test_a_restart_is_told_by_a_time_that_fell(switch: SwitchUnderTest, driver: Driver) -> None:
    wait_until(lambda: (driver.observe().up_seconds or 0) >= 2)
    began = time.monotonic()
    switch.crash()
    up_seconds = driver.observe().up_seconds
    assert up_seconds is not None
    assert up_seconds <= time.monotonic() - began + 1


def test_a_key_that_a_switch_does_not_know_is_refused_in_words(switch: SwitchUnderTest, driver: Driver) -> None:
    outcomes = settle(driver, entry(key=Key.of("username", "ana")))
    assert [outcome.result for outcome in outcomes] == [Result.REFUSED]
    assert switch.live() == {}


def test_a_healthy_switch_has_no_problems(switch: SwitchUnderTest, driver: Driver) -> None:
    if isinstance(switch, RealSwitch):
        passes_every_block(switch.kamailio)
    settle(driver, entry())
    assert driver.check() == []
