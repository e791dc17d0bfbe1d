"""The simulated switch misbehaves as it is told, loses what a crash loses, and behaves again."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from lab.switch import Switch
from lab.switch.main import HELP, obey

TABLE = "grifo_barred"


@pytest.fixture
def switch(tmp_path: Path) -> Iterator[Switch]:
    with Switch(tmp_path / "switch.db") as switch:
        yield switch


def _call(switch: Switch, method: str, *params: str) -> Any:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
    return httpx.post(switch.rpc_url, json=body, timeout=1).json()


def test_refusing_answers_every_write_with_an_error(switch: Switch) -> None:
    switch.misbehave(refuse="Internal error")
    for method, params in (("htable.sets", ("x", "y")), ("htable.delete", ("x",)), ("htable.flush", ())):
        assert _call(switch, method, TABLE, *params)["error"]["message"] == "Internal error"
    assert "result" in _call(switch, "htable.dump", TABLE)


def test_lying_says_ok_and_changes_nothing(switch: Switch) -> None:
    switch.put("z", "y")
    switch.misbehave(lie=True)
    assert _call(switch, "htable.sets", TABLE, "x", "y")["result"] == "Ok. Key set to new value."
    assert _call(switch, "htable.delete", TABLE, "z")["result"] == "Ok. Key deleted."
    assert switch.rows() == {"z": "y"}


def test_hanging_answers_nothing_and_behaving_answers_again(switch: Switch) -> None:
    switch.misbehave(hang=True)
    with pytest.raises(httpx.ReadTimeout):
        _call(switch, "core.uptime")
    switch.behave()
    assert _call(switch, "core.uptime")["id"] == 1


def test_dropping_closes_without_an_answer(switch: Switch) -> None:
    switch.misbehave(drop=True)
    with pytest.raises(httpx.RemoteProtocolError):
        _call(switch, "core.uptime")


def test_garbling_sends_what_is_no_json(switch: Switch) -> None:
    switch.misbehave(garble=True)
    with pytest.raises(ValueError, match="Unterminated"):
        _call(switch, "core.uptime")


def test_a_fault_can_wait_for_some_calls(switch: Switch) -> None:
    switch.misbehave(lie=True, after=1)
    _call(switch, "htable.sets", TABLE, "x", "y")
    _call(switch, "htable.sets", TABLE, "z", "y")
    assert switch.rows() == {"x": "y"}


def test_a_restart_keeps_what_the_database_holds_and_no_more(switch: Switch, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "switch.db")) as connection, connection:
        connection.execute("INSERT INTO grifo_barred (key_name, key_value) VALUES ('kept', 'y')")
    switch.put("lost", "y")
    url = switch.rpc_url
    switch.restart()
    assert switch.rows() == {"kept": "y"}
    assert switch.rpc_url == url


def test_lines_tell_the_switch_how_to_misbehave(switch: Switch) -> None:
    said: list[str] = []
    switch.put("+34910000001", "x")
    lines = ["delay 1", "refuse not now", "show", "dialplan bars_all", "bars +34910000001 112", "ok"]
    obey(switch, [*lines, "bars +34910000001 112", "restart", "help", "after x", "nonsense", "bars"], said.append)
    assert "refuse='not now'" in said[0]
    assert "delay_ms=1.0" in said[0]
    assert "+34910000001 => x" in said[0]
    assert said[1:3] == ["+34910000001 is kept from 112\n", "+34910000001 may call\n"]
    assert said[3] == HELP
    assert all("type help" in words for words in said[4:])
    assert len(said) == 7
    assert switch.rows() == {}
