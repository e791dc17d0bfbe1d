"""What the SIP driver does when the switch refuses, hangs, drops, lies, talks nonsense or is half there."""

import contextlib
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from drivers.base import Driver, Garbled, Refused, Unreachable
from drivers.sip import build
from enforcement.access import Access
from enforcement.changes import Outcome, Result
from enforcement.plan import State
from lab.switch import Switch
from tests.drivers.sip_switches import (
    INSTALLATION,
    LINE,
    OTHER_LINE,
    LabSwitch,
    driver_for,
    entry,
    execute,
    lab_switch,
    planned,
    rows,
    settle,
    value,
    wait_until,
)
from tests.servers.kamailio import create_tables
from tests.servers.postgres import Postgres
from tests.whole.relay import Relay

QUICK = {"connect_timeout_s": 1, "read_timeout_s": 0.3, "probe_timeout_s": 0.3}


@pytest.fixture
def first(tmp_path: Path) -> Iterator[LabSwitch]:
    with lab_switch(tmp_path) as switch:
        yield switch


@pytest.fixture
def second(first: LabSwitch, tmp_path: Path) -> Iterator[LabSwitch]:
    """Another node on the same database."""
    with Switch(tmp_path / "switch.db") as switch:
        yield LabSwitch(switch, first.database)


@pytest.fixture
def driver(first: LabSwitch) -> Iterator[Driver]:
    driver = driver_for(first, **QUICK)
    yield driver
    driver.close()


@pytest.fixture
def pair(first: LabSwitch, second: LabSwitch) -> Iterator[Driver]:
    driver = driver_for(first, second, **QUICK)
    yield driver
    driver.close()


def _results(outcomes: list[Outcome]) -> list[Result]:
    return [outcome.result for outcome in outcomes]


@contextmanager
def _swallowing() -> Iterator[tuple[str, list[socket.socket]]]:
    """A node that takes connections and answers nothing: where it is, and who came."""
    taken: list[socket.socket] = []

    def take() -> None:
        with contextlib.suppress(OSError):
            while True:
                taken.append(listener.accept()[0])

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=take)
        thread.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}", taken
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for one in taken:
                one.close()


def test_a_switch_that_lies_is_seen_through(first: LabSwitch, driver: Driver) -> None:
    first.switch.misbehave(lie=True)
    assert _results(settle(driver, entry())) == [Result.DONE]
    assert planned(driver, entry()).states == {"b1": State.MISSING}


def test_a_switch_that_lies_about_a_restore_is_seen_through(first: LabSwitch, driver: Driver) -> None:
    settle(driver, entry())
    first.switch.misbehave(lie=True)
    assert _results(settle(driver, entry(Access.FULL))) == [Result.DONE]
    assert planned(driver, entry(Access.FULL)).states == {"b1": State.WRONGFUL}


def test_a_switch_that_hangs_is_unreachable_and_usable_again_later(first: LabSwitch, driver: Driver) -> None:
    settle(driver, entry())
    first.switch.misbehave(hang=True)
    with pytest.raises(Unreachable, match=r"did not answer htable\.dump in time"):
        driver.observe()
    first.switch.behave()
    assert driver.observe().of(LINE).access is Access.INCOMING_ONLY


def test_a_switch_that_drops_connections_is_unreachable(first: LabSwitch, driver: Driver) -> None:
    first.switch.misbehave(drop=True)
    with pytest.raises(Unreachable):
        driver.observe()


def test_a_switch_that_is_away_is_unreachable(first: LabSwitch, driver: Driver) -> None:
    first.switch.stop()
    with pytest.raises(Unreachable, match="can't be reached"):
        driver.observe()


def test_nonsense_is_garbled_and_never_read_as_open(first: LabSwitch, driver: Driver) -> None:
    settle(driver, entry())
    first.switch.misbehave(garble=True)
    with pytest.raises(Garbled):
        driver.observe()
    with pytest.raises(Garbled):
        driver.observe({LINE})
    first.switch.behave()
    assert driver.observe().of(LINE).access is Access.INCOMING_ONLY


def test_an_error_500_of_an_unknown_table_is_never_read_as_open(first: LabSwitch) -> None:
    driver = driver_for(first, table="no_such_table")
    for keys in (None, {LINE}):
        with pytest.raises(Refused, match="No such htable"):
            driver.observe(keys)
    driver.close()


def test_a_refusal_is_told_in_the_switchs_own_words(first: LabSwitch, driver: Driver) -> None:
    first.switch.misbehave(refuse="Internal error")
    with pytest.raises(Refused, match="Internal error"):
        settle(driver, entry())
    first.switch.behave()
    settle(driver, entry())
    assert first.live() == {"+34910000001": value()}


def test_a_connection_lost_in_mid_slice_is_made_good_by_the_next_turn(first: LabSwitch, driver: Driver) -> None:
    entries = [entry(), entry(key=OTHER_LINE, binding="b2")]
    first.switch.misbehave(drop=True, after=5)
    with pytest.raises(Unreachable):
        settle(driver, *entries)
    assert len(first.live()) == 1
    first.switch.behave()
    settle(driver, *entries)
    assert set(planned(driver, *entries).states.values()) == {State.VERIFIED}


def test_a_database_that_refuses_keeps_memory_untouched(first: LabSwitch, driver: Driver) -> None:
    slice = planned(driver, entry()).changes
    execute(first.database, "ALTER TABLE grifo_barred RENAME TO moved")
    assert _results(list(driver.apply(slice))) == [Result.REFUSED]
    assert first.live() == {}


def test_the_row_comes_before_the_memory(first: LabSwitch, driver: Driver) -> None:
    """What the database would not keep must not be barred either: a restart would bring the two apart."""
    refuse = "CREATE TRIGGER full BEFORE INSERT ON grifo_barred BEGIN SELECT RAISE(ABORT, 'disk quota'); END"
    execute(first.database, refuse)
    with pytest.raises(Refused, match="disk quota"):
        settle(driver, entry())
    assert first.live() == {}


def test_a_database_that_is_away_keeps_nobody_barred(first: LabSwitch, driver: Driver) -> None:
    settle(driver, entry())
    execute(first.database, "ALTER TABLE grifo_barred RENAME TO moved")
    assert _results(settle(driver, entry(Access.FULL))) == [Result.UNKNOWN]
    assert first.live() == {}
    execute(first.database, "ALTER TABLE moved RENAME TO grifo_barred")
    assert planned(driver, entry(Access.FULL)).states == {"b1": State.WRONGFUL}
    settle(driver, entry(Access.FULL))
    assert rows(first.database) == []


def test_every_node_of_a_switch_is_written(first: LabSwitch, second: LabSwitch, pair: Driver) -> None:
    settle(pair, entry())
    assert first.live() == second.live() == {"+34910000001": value()}
    settle(pair, entry(Access.FULL))
    assert first.live() == second.live() == {}


def test_nodes_that_differ_are_not_verified_and_are_repaired(first: LabSwitch, second: LabSwitch, pair: Driver) -> None:
    settle(pair, entry())
    second.take("+34910000001")
    assert planned(pair, entry()).states == {"b1": State.MISSING}
    assert any("differ in 1 rows" in problem for problem in pair.check())
    settle(pair, entry())
    assert second.live() == {"+34910000001": value()}


@pytest.mark.slow
def test_a_node_that_is_away_keeps_nobody_barred_on_the_other(
    first: LabSwitch, second: LabSwitch, pair: Driver
) -> None:
    settle(pair, entry())
    second.switch.stop()
    assert _results(settle(pair, entry(Access.FULL))) == [Result.UNKNOWN]
    assert first.live() == {}
    assert rows(first.database) == []
    assert planned(pair, entry(Access.FULL)).states == {"b1": State.UNKNOWN}
    second.switch.start()
    wait_until(lambda: planned(pair, entry(Access.FULL)).states == {"b1": State.VERIFIED})


def test_a_node_that_swallows_what_it_is_sent_costs_a_restore_one_wait(first: LabSwitch) -> None:
    """It is asked once; the other node is read, opened and read again meanwhile."""
    alone = driver_for(first)
    settle(alone, entry())
    alone.close()
    with _swallowing() as (address, connections):
        dead = {"rpc": f"http://{address}/RPC", "sip": address}
        driver = driver_for(first, nodes=[dead, first.node], read_timeout_s=1, connect_timeout_s=60)
        assert _results(settle(driver, entry(Access.FULL))) == [Result.UNKNOWN]
        assert first.live() == {}
        assert rows(first.database) == []
        assert planned(driver, entry(Access.FULL)).states == {"b1": State.UNKNOWN}
        driver.close()
        assert len(connections) == 1


def test_a_switch_whose_only_node_is_away_is_asked_each_time(first: LabSwitch, driver: Driver) -> None:
    """How often is the agent's to say, which pauses by itself."""
    first.switch.stop()
    for _ in range(2):
        with pytest.raises(Unreachable, match="can't be reached"):
            driver.observe()
    first.switch.start()
    assert driver.observe().complete


def test_a_node_that_comes_back_with_an_old_memory_is_wrongful(
    first: LabSwitch, second: LabSwitch, pair: Driver
) -> None:
    settle(pair, entry())
    settle(pair, entry(Access.FULL))
    second.hand("+34910000001", value())
    assert planned(pair, entry(Access.FULL)).states == {"b1": State.WRONGFUL}
    settle(pair, entry(Access.FULL))
    assert second.live() == {}


@pytest.mark.slow
def test_a_restart_of_one_node_of_several_is_told(second: LabSwitch, pair: Driver) -> None:
    wait_until(lambda: (pair.observe().up_seconds or 0) >= 2)
    began = time.monotonic()
    second.crash()
    up_seconds = pair.observe().up_seconds
    assert up_seconds is not None
    assert up_seconds <= time.monotonic() - began + 1
    second.switch.stop()
    assert pair.observe().up_seconds is None


def test_while_a_node_is_away_nobody_new_is_barred(first: LabSwitch, second: LabSwitch, pair: Driver) -> None:
    slice = planned(pair, entry()).changes
    second.switch.stop()
    assert planned(pair, entry()).changes == ()
    assert _results(list(pair.apply(slice))) == [Result.REFUSED]
    assert first.live() == {}
    assert rows(first.database) == []


def test_closing_twice_is_safe_and_the_next_call_connects_anew(driver: Driver) -> None:
    driver.observe()
    driver.close()
    driver.close()
    assert driver.observe().complete


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"nodes": []}, "nodes must list"),
        ({"nodes": [{"rpc": "http://a/RPC"}]}, "nodes: "),
        ({"nodes": [{"rpc": "ftp://a/RPC", "sip": "a:5060"}]}, "must be http"),
        ({"nodes": [{"rpc": "http://a/RPC", "sip": "a:99999"}]}, "is not host:port"),
        ({"nodes": [{"rpc": "http://a/RPC", "sip": "a"}, {"rpc": "http://a/RPC", "sip": "b"}]}, "twice"),
        ({"database": "nonsense"}, "database must be a URL"),
        ({"database": "postgresql+psycopg://grifo:word@db/kamailio"}, "must not hold a password"),
        ({"database": "mysql://grifo@db/kamailio"}, "mysql is not supported"),
        ({"database_password": "word"}, "database_password is no setting"),
        ({"database_password_file": "/nonexistent"}, "database_password_file"),
        ({"care_numbers": []}, "care_numbers must list"),
        ({"care_numbers": ["call us"]}, "care_numbers: 'call us'"),
        ({"control_number": "900123456"}, "control_number"),
        ({"emergency_numbers": "112"}, "emergency_numbers must be a list"),
        ({"table": "a b"}, "table must be a plain name"),
        ({"read_timeout_s": 0}, "read_timeout_s must be seconds"),
        ({"ca_file": "/nonexistent"}, "ca_file"),
        ({"passwort": "x"}, "passwort is no setting"),
    ],
    ids=lambda given: "-".join(given) if isinstance(given, dict) else "",
)
def test_a_wrong_setting_is_named_in_one_sentence(change: dict[str, object], words: str) -> None:
    right = {
        "nodes": [{"rpc": "http://127.0.0.1:8080/RPC", "sip": "127.0.0.1:5060"}],
        "database": "sqlite:///kamailio.db",
        "country": "es",
        "care_numbers": ["900123456"],
    }
    with pytest.raises(ValueError, match=words):
        build({**right, **change}, INSTALLATION)


@pytest.mark.servers
@pytest.mark.slow
def test_a_database_that_hangs_keeps_nobody_barred(first: LabSwitch, postgres: Postgres) -> None:
    """Behind a firewall that went dark: what was sent is never answered, nor refused."""
    name = f"kamailio_{uuid.uuid4().hex}"
    create_tables(database := postgres.create_database(name))
    relay = Relay(lambda: postgres.port)
    driver = driver_for(first, database=f"postgresql+psycopg://grifo@127.0.0.1:{relay.port}/{name}", read_timeout_s=1)
    try:
        settle(driver, entry())
        slice = planned(driver, entry(Access.FULL)).changes
        with relay.dark():
            assert _results(list(driver.apply(slice))) == [Result.UNKNOWN]
            assert first.live() == {}
            assert planned(driver, entry(Access.FULL)).states == {"b1": State.UNKNOWN}
        wait_until(lambda: planned(driver, entry(Access.FULL)).states == {"b1": State.WRONGFUL})
        settle(driver, entry(Access.FULL))
        assert rows(database) == []
    finally:
        driver.close()
        relay.close()
        postgres.drop_database(name)
