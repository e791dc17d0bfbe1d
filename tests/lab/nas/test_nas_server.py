"""The lab's RADIUS server: rlm_sql's rules, and radacct as FreeRADIUS keeps it."""

import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.nas.main import HELP, obey
from lab.nas.nas import Nas, NasSettings
from lab.nas.processing import authorize
from lab.nas.run import PASSWORD, Running, running
from lab.nas.schema import open_database
from lab.nas.sessions import Subscriber
from tests.drivers.radius.radius_lab import wait_for


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = open_database(tmp_path / "radius.db")
    yield connection
    connection.close()


def group(database: sqlite3.Connection, name: str, priority: int, *items: tuple[str, str, str]) -> None:
    database.execute("INSERT INTO radusergroup (username, groupname, priority) VALUES ('ana', ?, ?)", (name, priority))
    for item in items:
        database.execute(
            "INSERT INTO radgroupreply (groupname, attribute, op, value) VALUES (?, ?, ?, ?)", (name, *item)
        )


def known(database: sqlite3.Connection, *reply: tuple[str, str, str]) -> None:
    password = ("ana", "Cleartext-Password", ":=", "pw")
    database.execute("INSERT INTO radcheck (username, attribute, op, value) VALUES (?, ?, ?, ?)", password)
    for item in reply:
        database.execute("INSERT INTO radreply (username, attribute, op, value) VALUES ('ana', ?, ?, ?)", item)


def replies(database: sqlite3.Connection) -> list[tuple[str, str]]:
    return authorize(database, "ana", {}).reply


def test_the_first_group_by_priority_ends_the_search(database: sqlite3.Connection) -> None:
    known(database)
    group(database, "plan", 10, ("Framed-Pool", ":=", "active"))
    group(database, "portal", 0, ("Filter-Id", ":=", "walled"))
    assert replies(database) == [("Filter-Id", "walled")]


def test_fall_through_goes_on_and_a_later_assignment_wins(database: sqlite3.Connection) -> None:
    known(database)
    group(database, "portal", 0, ("Filter-Id", ":=", "walled"), ("Fall-Through", "=", "Yes"))
    group(database, "plan", 10, ("Filter-Id", ":=", "open"), ("Framed-Pool", ":=", "active"))
    assert replies(database) == [("Filter-Id", "open"), ("Framed-Pool", "active")]


def test_an_equals_sign_does_not_override_the_users_own_reply(database: sqlite3.Connection) -> None:
    known(database, ("Filter-Id", ":=", "mine"))
    group(database, "portal", 0, ("Filter-Id", "=", "walled"), ("Class", "+=", "a"), ("Class", "+=", "b"))
    assert replies(database) == [("Filter-Id", "mine"), ("Class", "a"), ("Class", "b")]


def test_without_radcheck_the_users_reply_is_not_read_and_groups_are(database: sqlite3.Connection) -> None:
    database.execute("INSERT INTO radreply (username, attribute, op, value) VALUES ('ana', 'Filter-Id', '=', 'mine')")
    group(database, "plan", 10, ("Framed-Pool", ":=", "active"))
    assert replies(database) == [("Framed-Pool", "active")]


def test_fall_through_no_in_the_users_reply_keeps_groups_out(database: sqlite3.Connection) -> None:
    known(database, ("Filter-Id", ":=", "mine"), ("Fall-Through", "=", "No"))
    group(database, "portal", 0, ("Filter-Id", ":=", "walled"))
    assert replies(database) == [("Filter-Id", "mine")]


def test_a_group_whose_check_does_not_match_is_passed_over(database: sqlite3.Connection) -> None:
    known(database)
    group(database, "elsewhere", 0, ("Filter-Id", ":=", "walled"))
    group(database, "plan", 10, ("Framed-Pool", ":=", "active"))
    condition = ("elsewhere", "NAS-Identifier", "==", "far")
    database.execute("INSERT INTO radgroupcheck (groupname, attribute, op, value) VALUES (?, ?, ?, ?)", condition)
    assert authorize(database, "ana", {"NAS-Identifier": "near"}).reply == [("Framed-Pool", "active")]
    assert authorize(database, "ana", {"NAS-Identifier": "far"}).reply == [("Filter-Id", "walled")]


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path / "radius.db", ["ana"], b"hush", redial_s=0.05) as started:
        yield started


def open_rows(lab: Running) -> list[tuple[str, str, str | None]]:
    connection = open_database(lab.database)
    try:
        asked = "SELECT username, acctsessionid, class FROM radacct WHERE acctstoptime IS NULL ORDER BY radacctid"
        return connection.execute(asked).fetchall()
    finally:
        connection.close()


def test_a_wrong_password_and_a_refused_account_get_no_session(lab: Running) -> None:
    assert lab.nas.dial([Subscriber("ana2", "wrong")]) == 0
    lab.nas.hang_up("ana")
    connection = open_database(lab.database)
    connection.execute(
        "INSERT INTO radcheck (username, attribute, op, value) VALUES ('ana', 'Auth-Type', ':=', 'Reject')"
    )
    connection.close()
    assert lab.nas.dial([Subscriber("ana", PASSWORD)]) == 0


@pytest.mark.slow
def test_a_nas_with_another_secret_is_not_heard(lab: Running) -> None:
    with Nas(NasSettings(lab.server.auth, lab.server.acct, b"other", nas_ip="192.0.2.1", retry_s=3600)) as nas:
        assert nas.dial([Subscriber("ana", PASSWORD)]) == 0


def test_accounting_opens_and_closes_rows(lab: Running) -> None:
    (session,) = lab.nas.sessions("ana")
    assert open_rows(lab) == [("ana", session.id, None)]
    lab.nas.hang_up("ana")
    assert open_rows(lab) == []


def test_an_announced_reboot_closes_what_was_open_and_subscribers_come_back(lab: Running) -> None:
    (before,) = lab.nas.sessions("ana")
    lab.nas.reboot()
    (after,) = wait_for(lambda: open_rows(lab))
    assert after[1] != before.id


def test_a_power_cut_leaves_the_row_open_behind_the_new_one(lab: Running) -> None:
    lab.nas.reboot(announce=False)
    assert len(wait_for(lambda: len(rows) == 2 and rows if (rows := open_rows(lab)) else None)) == 2


@pytest.mark.servers
def test_radclient_is_answered_by_the_server_and_by_the_nas(lab: Running) -> None:
    where = f"127.0.0.1:{lab.server.auth[1]}"
    login = _radclient(where, "auth", f"User-Name=ana,User-Password={PASSWORD}")
    assert "Access-Accept" in login
    assert 'Mikrotik-Rate-Limit = "100M/100M"' in login
    dae = f"127.0.0.1:{lab.nas.port}"
    changed = _radclient(dae, "coa", 'User-Name=ana,Mikrotik-Rate-Limit="3M/3M"')
    assert "Received CoA-ACK" in changed
    assert lab.nas.sessions("ana")[0].given["Mikrotik-Rate-Limit"] == ("3M/3M",)
    refused = _radclient(dae, "disconnect", "User-Name=nobody")
    assert "Error-Cause = Session-Context-Not-Found" in refused


def _radclient(where: str, what: str, asked: str) -> str:
    command = ["radclient", "-x", where, what, "hush"]
    return subprocess.run(command, input=asked, capture_output=True, text=True, check=False).stdout


def test_lines_in_the_terminal_make_the_nas_misbehave(lab: Running) -> None:
    said: list[str] = []
    (before,) = lab.nas.sessions("ana")
    obey(lab.nas, ["show", "refuse 506", "delay 5", "ok", "dance", "refuse much", "powercut", "help"], said.append)
    assert "ana" in said[0]
    assert "no such line: dance" in said[1]
    assert "much" in said[2]
    assert said[3] == HELP
    assert wait_for(lambda: [one for one in lab.nas.sessions("ana") if one.id != before.id])
