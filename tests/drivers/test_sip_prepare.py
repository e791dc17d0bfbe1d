"""What `prepare` says of a switch, and what it installs: the operator's own is never changed."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.base import Driver, StepState, Unreachable
from enforcement.plan import State
from tests.drivers.sip_switches import (
    CARE,
    LabSwitch,
    RealSwitch,
    driver_for,
    entry,
    execute,
    lab_switch,
    planned,
    real_switch,
    rows,
    settle,
)
from tests.servers.kamailio import running_kamailio
from tests.servers.postgres import Postgres
from tests.servers.sipp import passes_every_block

TABLES = ("the switch's database: table grifo_barred", "the switch's database: table grifo_allow")
CARE_ROWS = "the switch's database: rows of grifo_allow"


@pytest.fixture
def switch(tmp_path: Path) -> Iterator[LabSwitch]:
    with lab_switch(tmp_path) as switch:
        yield switch


@pytest.fixture
def driver(switch: LabSwitch) -> Iterator[Driver]:
    driver = driver_for(switch, emergency_numbers=["117"], probe_timeout_s=0.3)
    yield driver
    driver.close()


def states(driver: Driver, install: bool = False) -> dict[str, StepState]:
    return {step.where: step.state for step in driver.prepare(install)}


def test_a_switch_that_has_all_needs_nothing(switch: LabSwitch) -> None:
    driver = driver_for(switch)
    assert set(states(driver).values()) == {StepState.PRESENT}
    driver.close()


def test_what_is_missing_is_said_and_left_until_it_is_to_be_installed(switch: LabSwitch, driver: Driver) -> None:
    execute(switch.database, "DROP TABLE grifo_barred")
    execute(switch.database, "DROP TABLE grifo_allow")
    for _ in range(2):
        found = states(driver)
        assert [found[where] for where in (*TABLES, CARE_ROWS)] == [StepState.MISSING] * 3
    found = states(driver, install=True)
    assert [found[where] for where in (*TABLES, CARE_ROWS)] == [StepState.INSTALLED] * 3
    found = states(driver)
    assert [found[where] for where in (*TABLES, CARE_ROWS)] == [StepState.PRESENT] * 3
    allowed = {row["key_name"]: row["key_value"] for row in rows(switch.database, "grifo_allow")}
    assert allowed == {CARE: "1", "117": "emergency"}


def test_the_operators_own_rows_stay_as_they_are(switch: LabSwitch, driver: Driver) -> None:
    execute(switch.database, "INSERT INTO grifo_allow (key_name, key_value) VALUES ('1004', 'ours')")
    before = rows(switch.database, "grifo_allow")
    assert states(driver, install=True)[CARE_ROWS] is StepState.INSTALLED
    after = rows(switch.database, "grifo_allow")
    assert [row for row in after if row in before] == before
    assert [row["key_name"] for row in after if row not in before] == ["117"]


def test_what_is_printed_for_a_table_makes_that_table(switch: LabSwitch) -> None:
    driver = driver_for(switch, database_table="grifo_second")
    step = next(step for step in driver.prepare(install=False) if step.where.endswith("table grifo_second"))
    assert step.state is StepState.MISSING
    execute(switch.database, step.text)
    assert states(driver)[step.where] is StepState.PRESENT
    driver.close()


def test_a_dial_plan_is_left_to_a_person(switch: LabSwitch, driver: Driver) -> None:
    switch.switch.misbehave(dial_plan="missing")
    node = switch.node["rpc"][7:-4]
    steps = {step.where: step for step in driver.prepare(install=True)}
    routes = steps[f"node {node}: grifo-routes.cfg beside kamailio.cfg"]
    assert routes.state is StepState.BY_HAND
    assert "route[GRIFO_BARRING]" in routes.text
    calls = steps[f"node {node}: kamailio.cfg"]
    assert calls.state is StepState.BY_HAND
    assert "route(GRIFO_FORWARDING)" in calls.text
    assert steps[f"node {node}: grifo-tables.cfg beside kamailio.cfg"].state is StepState.PRESENT


def test_a_node_that_is_away_is_an_error_and_what_was_installed_stays(switch: LabSwitch, driver: Driver) -> None:
    switch.switch.stop()
    with pytest.raises(Unreachable):
        driver.prepare(install=True)
    assert {row["key_name"] for row in rows(switch.database, "grifo_allow")} == {CARE, "117"}


def test_a_block_that_no_call_has_passed_is_left_to_a_person_and_a_problem(switch: LabSwitch, driver: Driver) -> None:
    switch.switch.misbehave(uncalled=("incoming",))
    node = switch.node["rpc"][7:-4]
    steps = {step.where: step for step in driver.prepare(install=True)}
    calls = steps[f"node {node}: kamailio.cfg"]
    assert calls.state is StepState.BY_HAND
    assert "no call has passed route(GRIFO_INCOMING) since" in calls.note
    assert calls.note in driver.check()
    assert steps[f"node {node}: grifo-routes.cfg beside kamailio.cfg"].state is StepState.PRESENT


@pytest.mark.parametrize(
    ("settings", "uncalled"),
    [
        ({"forwards_calls": False}, ("forwarding",)),
        ({"access": ["incoming_only", "no_premium"]}, ("incoming",)),
    ],
    ids=["a switch that forwards nothing", "a switch that keeps nobody from being called"],
)
def test_a_block_that_the_switch_does_not_need_is_not_missed(
    switch: LabSwitch, settings: dict[str, object], uncalled: tuple[str, ...]
) -> None:
    switch.switch.misbehave(uncalled=uncalled)
    driver = driver_for(switch, **settings)
    assert driver.check() == []
    assert set(states(driver).values()) == {StepState.PRESENT}
    driver.close()


BLOCKS = ("BARRING", "INCOMING", "FORWARDING")


@pytest.mark.servers
def test_a_real_dial_plan_is_proven_by_the_calls_that_pass_it() -> None:
    with real_switch() as switch:
        driver = driver_for(switch)
        (words,) = driver.check()
        assert all(f"route(GRIFO_{block})" in words for block in BLOCKS)
        assert StepState.BY_HAND in states(driver).values()
        passes_every_block(switch.kamailio)
        assert driver.check() == []
        assert set(states(driver).values()) == {StepState.PRESENT}
        driver.close()


@pytest.mark.servers
@pytest.mark.parametrize("block", BLOCKS)
def test_a_block_that_a_real_dial_plan_never_calls_is_named(block: str) -> None:
    with real_switch(options=(f"WITHOUT_{block}",)) as switch:
        driver = driver_for(switch)
        passes_every_block(switch.kamailio)
        (words,) = driver.check()
        assert f"no call has passed route(GRIFO_{block}) since" in words
        assert [step.where for step in driver.prepare(install=True) if step.state is StepState.BY_HAND] == [
            f"node {switch.node['rpc'][7:-4]}: kamailio.cfg"
        ]
        driver.close()


@pytest.mark.servers
def test_a_real_switch_that_was_prepared_bars(postgres: Postgres) -> None:
    """On an empty database: what is installed is what Kamailio loads at its next start."""
    name = f"kamailio_{uuid.uuid4().hex}"
    database = postgres.create_database(name)
    execute(database, "CREATE TABLE version (table_name VARCHAR(32) UNIQUE, table_version INTEGER DEFAULT 0 NOT NULL)")
    try:
        with real_switch() as other:
            driver = driver_for(other, database=database)
            assert states(driver, install=True)[TABLES[0]] is StepState.INSTALLED
            driver.close()
        with running_kamailio(database) as node:
            passes_every_block(node)
            driver = driver_for(RealSwitch(node))
            assert set(states(driver).values()) == {StepState.PRESENT}
            assert driver.check() == []
            settle(driver, entry())
            assert planned(driver, entry()).states == {"b1": State.VERIFIED}
            driver.close()
    finally:
        postgres.drop_database(name)


@pytest.mark.servers
def test_a_real_switch_without_the_fragment_is_said_to_need_it() -> None:
    with real_switch(options=("WITHOUT_FRAGMENT",)) as switch:
        driver = driver_for(switch)
        by_hand = [step.where for step in driver.prepare(install=True) if step.state is StepState.BY_HAND]
        assert [where.partition(": ")[2] for where in by_hand] == [
            "grifo-routes.cfg beside kamailio.cfg",
            "kamailio.cfg",
        ]
        driver.close()
