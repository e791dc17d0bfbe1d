"""What the SIP driver does when SSH or what is behind it refuses, hangs, ends, changes its key or talks nonsense."""

import logging
import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drivers.base import Driver, Garbled, Refused, Unreachable
from drivers.sip import build
from enforcement.access import Access
from enforcement.changes import Restore, Result
from enforcement.entries import BindingId, Mark, ServiceId
from enforcement.plan import State
from tests.drivers.sip_shells import PROFILES, ShellSwitch, login, shell_driver, shell_switch
from tests.drivers.sip_switches import (
    CARE,
    INSTALLATION,
    LINE,
    OTHER_LINE,
    entry,
    planned,
    real_switch,
    settle,
    value,
)
from tests.servers.sshd import Sshd, running_sshd

pytestmark = pytest.mark.servers

SHORT = {"read_timeout_s": 6}


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


def test_an_error_that_exits_with_zero_is_never_read_as_open(switch: ShellSwitch, tmp_path: Path) -> None:
    profile = tmp_path / "kamcmd.toml"
    profile.write_text((PROFILES / "kamcmd.toml").read_text().replace("grifo_barred", "no_such_table"))
    driver = shell_driver(switch, profile=str(profile))
    for keys in (None, {LINE}):
        with pytest.raises(Refused, match="error: 500 - No such htable"):
            driver.observe(keys)
    driver.close()


@pytest.mark.parametrize(
    ("program", "error", "words"),
    [
        ("/nonexistent/kamcmd", Refused, r"exit status 127"),
        ("/usr/sbin/kamcmd -s unix:/nonexistent", Refused, r"ERROR"),
        ("echo nonsense", Garbled, "neither rows nor empty"),
        ("sleep 600;", Unreachable, "did not answer over SSH in time"),
        ("exit;", Unreachable, "."),
    ],
    ids=["no such command", "no switch behind it", "nonsense", "no answer", "the shell ends"],
)
def test_what_is_no_answer_of_the_switch_is_never_read_as_open(
    switch: ShellSwitch, program: str, error: type[Exception], words: str
) -> None:
    driver = shell_driver(switch, program=program, **(SHORT if error is Unreachable else {}))
    with pytest.raises(error, match=words):
        driver.observe()
    driver.close()


@pytest.mark.slow
def test_a_late_answer_is_never_taken_for_that_to_another_question(switch: ShellSwitch) -> None:
    driver = shell_driver(switch, **SHORT)
    settle(driver, entry())
    group = os.getpgid(switch.real.kamailio.pid)
    os.killpg(group, signal.SIGSTOP)
    try:
        with pytest.raises(Unreachable, match="did not answer over SSH in time"):
            driver.observe({LINE})
    finally:
        os.killpg(group, signal.SIGCONT)
    assert driver.observe({OTHER_LINE}).of(OTHER_LINE).access is Access.FULL
    assert driver.observe({LINE}).of(LINE).access is Access.INCOMING_ONLY
    driver.close()


def test_a_session_that_the_switch_ended_is_opened_anew(switch: ShellSwitch, driver: Driver) -> None:
    settle(driver, entry())
    switch.sshd.end_sessions()
    try:
        seen = driver.observe()
    except Unreachable:
        seen = driver.observe()
    assert seen.of(LINE).access is Access.INCOMING_ONLY


def test_a_changed_host_key_is_refused_and_said_and_nothing_is_sent() -> None:
    with shell_switch() as switch:
        driver = shell_driver(switch)
        settle(driver, entry())
        switch.sshd.change_key()
        for _ in range(2):
            with pytest.raises(Refused, match="another host key than known_hosts_file says"):
                driver.observe()
        assert switch.real.live() == {"+34910000001": value()}
        driver.close()


def test_an_unknown_host_is_refused(switch: ShellSwitch, tmp_path: Path) -> None:
    empty = tmp_path / "known_hosts"
    empty.write_text("")
    driver = shell_driver(switch, known_hosts_file=str(empty))
    with pytest.raises(Refused, match="or none there: nothing was sent"):
        driver.observe()
    driver.close()


def test_a_login_that_is_not_let_in_is_refused(switch: ShellSwitch) -> None:
    with running_sshd() as stranger:
        driver = shell_driver(switch, private_key_file=str(stranger.key_file))
        with pytest.raises(Refused, match="did not let us log in"):
            driver.observe()
        driver.close()


def test_a_password_is_in_no_log_and_no_error(
    switch: ShellSwitch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    word = tmp_path / "word"
    word.write_text("sesame-open\n")
    given = {**switch.login(), "password_file": str(word)}
    del given["private_key_file"]
    driver = build(
        {
            "profile": str(PROFILES / "kamcmd.toml"),
            "nodes": [switch.node],
            "country": "es",
            "care_numbers": [CARE],
            **given,
        },
        INSTALLATION,
    )
    with pytest.raises(Refused) as refusal:
        driver.observe()
    assert caplog.text
    assert "sesame-open" not in caplog.text
    assert "sesame-open" not in repr([str(refusal.value), refusal.value.__cause__, given])
    driver.close()


def test_a_switch_that_is_away_is_unreachable(switch: ShellSwitch) -> None:
    with running_sshd() as sshd:
        driver = shell_driver(switch, **_behind(sshd, switch))
        driver.observe()
        sshd.stop()
        for _ in range(2):
            with pytest.raises(Unreachable):
                driver.observe()
        driver.close()


@pytest.mark.slow
def test_a_host_that_accepts_and_never_speaks_is_unreachable(switch: ShellSwitch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        node = {**switch.node, "ssh": f"127.0.0.1:{silent.getsockname()[1]}"}
        driver = shell_driver(switch, nodes=[node], connect_timeout_s=1, read_timeout_s=1)
        with pytest.raises(Unreachable):
            driver.observe()
        driver.close()


@pytest.mark.slow
def test_a_host_that_hangs_after_the_login_is_unreachable(switch: ShellSwitch) -> None:
    with running_sshd("/bin/sleep 600") as sshd:
        driver = shell_driver(switch, **_behind(sshd, switch), **SHORT)
        with pytest.raises(Unreachable, match="did not answer over SSH in time"):
            driver.observe()
        driver.close()


def test_while_a_node_is_away_nothing_is_done_and_restores_go_on() -> None:
    with shell_switch() as first, running_sshd() as second_sshd:
        second = {**first.node, "ssh": second_sshd.address}
        both = first.sshd.known_hosts.read_text() + second_sshd.known_hosts.read_text()
        first.sshd.known_hosts.write_text(both)
        second_sshd.key_file.with_suffix(".pub").write_text(first.sshd.key_file.with_suffix(".pub").read_text())
        driver = shell_driver(first, nodes=[first.node, second])
        settle(driver, entry())
        assert planned(driver, entry()).states == {"b1": State.VERIFIED}
        second_sshd.stop()
        assert planned(driver, entry(key=OTHER_LINE, binding="b2")).states == {"b2": State.UNKNOWN}
        outcomes = settle(driver, entry(Access.FULL))
        assert [outcome.result for outcome in outcomes] == [Result.UNKNOWN]
        assert first.real.live() == {}
        assert planned(driver, entry(Access.FULL)).states == {"b1": State.UNKNOWN}
        driver.close()


def test_a_dial_plan_that_proves_nothing_bars_nobody() -> None:
    with real_switch(options=("WITHOUT_FRAGMENT",)) as real, running_sshd() as sshd:
        driver = shell_driver(ShellSwitch(real, sshd))
        outcomes = settle(driver, entry())
        assert [outcome.result for outcome in outcomes] == [Result.REFUSED]
        assert "does not use the dial-plan fragment" in outcomes[0].detail
        assert real.live() == {}
        driver.close()


def _behind(sshd: Sshd, switch: ShellSwitch) -> dict[str, Any]:
    """Settings for the same switch behind another sshd."""
    return {**login(sshd), "nodes": [{**switch.node, "ssh": sshd.address}]}


def test_a_command_that_fails_without_a_word_is_never_read_as_open(switch: ShellSwitch) -> None:
    """FreeSWITCH's profile takes an empty answer for `not barred`; false(1) brings one, and fails."""
    given = {"profile": str(PROFILES / "freeswitch.toml"), "experimental": True, "program": "/bin/false"}
    driver = shell_driver(switch, **given, nodes=[{"ssh": switch.sshd.address}])
    with pytest.raises(Refused, match=r"no words \(exit status 1\)"):
        driver.observe({LINE})
    mark = Mark(INSTALLATION, ServiceId("s1"), BindingId("b1"))
    lift = Restore(entry(Access.FULL), mark, before=Access.INCOMING_ONLY)
    with pytest.raises(Refused, match="exit status 1"):
        driver.apply([lift])
    driver.close()
