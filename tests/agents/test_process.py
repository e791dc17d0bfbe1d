"""The agent as a process: it starts from its file, serves its metrics, stops when told, and shows no secret."""

import logging
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from agents.guard import Limits
from agents.link import ControllerAway, ControllerGarbled, ControllerRefused, Link
from agents.memory import Memory, MemoryUnusable
from agents.setup import check
from enforcement.access import Access
from tests.agents.conftest import Site, until
from tests.agents.controller import TOKEN, Controller

pytestmark = pytest.mark.slow

SETTINGS = """
controller = "{url}"
token_file = "{folder}/token"
memory = "{folder}/agent.db"
metrics_listen = "127.0.0.1:{port}"
[[devices]]
name = "box"
driver = "mikrotik"
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_an_agent_stops_at_a_signal_even_while_its_device_hangs(
    tmp_path: Path, controller: Controller, signal_number: signal.Signals
) -> None:
    port = free_port()
    (tmp_path / "token").write_text(TOKEN, encoding="ascii")
    settings = tmp_path / "agent.toml"
    settings.write_text(SETTINGS.format(url=controller.url, folder=tmp_path, port=port), encoding="utf-8")
    command = [sys.executable, "-m", "tests.agents.process", str(settings)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        until(lambda: controller.desks["box"].enrolment is not None)
        metrics = httpx.get(f"http://127.0.0.1:{port}/metrics").text
        process.send_signal(signal_number)
        _, said = process.communicate(timeout=10)
    assert process.returncode == 0
    assert "grifo_agent_controller_reachable 1.0" in metrics
    assert TOKEN not in said


def test_the_log_has_one_line_for_a_turn_and_shows_no_secret(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    site.controller.want("box", "ana", Access.BLOCKED)
    site.start()
    site.until_state("ana", "verified")
    site.stop()
    lines = [record.getMessage() for record in caplog.records if "planned=1" in record.getMessage()]
    assert len(lines) == 1
    assert lines[0].startswith("device=box revision=1 planned=1 applied=1 left=0 ms=")
    assert TOKEN not in caplog.text


def test_metrics_count_turns_and_errors_of_each_device(site: Site) -> None:
    site.controller.want("box", "ana", Access.BLOCKED)
    agent = site.start()
    site.until_state("ana", "verified")
    registry = agent.metrics.registry
    until(lambda: (registry.get_sample_value("grifo_agent_changes_total", {"device": "box"}) or 0) == 1)
    site.box.faults.unreachable = True
    site.controller.want("box", "ana", Access.FULL)
    labels = {"device": "box", "kind": "Unreachable"}
    until(lambda: (registry.get_sample_value("grifo_agent_device_errors_total", labels) or 0) >= 1)


def test_checking_names_what_is_wrong_with_the_settings(tmp_path: Path) -> None:
    (problem,) = check(tmp_path / "nowhere.toml")
    assert "nowhere.toml" in problem


def test_a_controller_that_says_no_is_understood(controller: Controller) -> None:
    link = Link(controller.url, "another-token")
    try:
        with pytest.raises(ControllerRefused, match=r"refused \(401\): no such token"):
            link.feed(None, 0)
    finally:
        link.close()


def test_a_controller_that_is_not_there_is_away(controller: Controller) -> None:
    controller.go()
    link = Link(controller.url, TOKEN)
    try:
        with pytest.raises(ControllerAway, match="no answer from the controller"):
            link.feed(None, 0)
    finally:
        link.close()


def test_an_answer_of_another_shape_is_garbled_not_guessed(controller: Controller) -> None:
    controller.desks["box"].raw.append(["no", "entry"])
    link = Link(controller.url, TOKEN)
    try:
        with pytest.raises(ControllerGarbled, match="entries can't be understood"):
            link.entries("box", "e1", 0)
    finally:
        link.close()


def test_a_memory_file_that_is_none_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "agent.db"
    path.write_text("not a database, " * 100, encoding="ascii")
    with pytest.raises(MemoryUnusable, match="move the file away"):
        Memory(path, 0.0)


def test_a_memory_of_before_a_reboot_counts_as_of_now(tmp_path: Path) -> None:
    path = tmp_path / "agent.db"
    memory = Memory(path, 900_000.0)
    limits = Limits("porto", 8, "box", 8)
    memory.take_room(5, limits, now=900_000.0)
    memory.close()
    memory = Memory(path, 10.0)
    try:
        assert memory.room(limits, now=20.0) == 3
        assert memory.room(limits, now=10.0 + 3600.0) == 8
    finally:
        memory.close()
