"""Starting the processes, and what is done on the controller's host before it serves anybody."""

import signal
import subprocess
import time
from pathlib import Path

import httpx
import pytest

from tests.cli.conftest import GRIFO, Done, environment, run
from tests.controller.live import POLICY
from tests.servers.ports import free_port

pytestmark = pytest.mark.slow


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A controller's settings, of a database that is not there yet."""
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies/es.toml").write_text(POLICY)
    file = tmp_path / "controller.toml"
    file.write_text(
        f'installation = "test"\ndatabase = "sqlite:///{tmp_path}/grifo.db"\nlisten = "127.0.0.1:{free_port()}"\n'
        f'policies = "policies"\ndefault_policy = "es"\ntimezone = "Europe/Madrid"\n'
    )
    return file


def controller(config: Path, *arguments: str) -> Done:
    return run("controller", *arguments, "--config", str(config), env=environment(config.parent))


def test_a_controller_is_migrated_given_tokens_run_and_ended(config: Path) -> None:
    assert controller(config, "migrate").code == 0
    token = controller(config, "token", "add", "ana", "--role", "noc").out.strip()
    listed = controller(config, "token", "list").out
    assert "ana" in listed
    assert token not in listed
    listen = next(line for line in config.read_text().splitlines() if line.startswith("listen"))
    url = "http://" + listen.split('"')[1]
    command = [*GRIFO, "controller", "run", "--config", str(config)]
    process = subprocess.Popen(command, env=environment(config.parent), stderr=subprocess.PIPE, text=True)
    try:
        wait_for(url)
        asking = environment(config.parent, GRIFO_URL=url, GRIFO_TOKEN=token)
        assert run("status", env=asking).code == 0
        assert controller(config, "token", "revoke", "ana").code == 0
        assert run("status", env=asking).code == 4
    finally:
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert "Traceback" not in said


def wait_for(url: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            if httpx.get(f"{url}/readyz", trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            pass
        assert time.monotonic() < deadline, "the controller did not become ready"
        time.sleep(0.05)


def test_check_names_the_policies(config: Path) -> None:
    assert "policies: es" in controller(config, "check").out


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ('default_policy = "es"', 'default_policy = "pt"', "pt"),
        ("installation", "instalation", "instalation"),
        ("127.0.0.1", "0.0.0.0", "tls_certificate"),
        ("Europe/Madrid", "Madrid", "Madrid"),
    ],
)
def test_a_mistake_in_the_settings_is_one_sentence(config: Path, before: str, after: str, told: str) -> None:
    config.write_text(config.read_text().replace(before, after))
    done = controller(config, "check")
    assert done.code == 2
    assert told in done.err


def test_a_controller_on_a_database_that_was_not_migrated_says_what_to_run(config: Path) -> None:
    done = controller(config, "run")
    assert done.code == 2
    assert "grifo controller migrate" in done.err


def test_a_token_needs_a_role_and_a_new_name(config: Path) -> None:
    controller(config, "migrate")
    assert "read, noc, admin" in controller(config, "token", "add", "ana", "--role", "boss").err
    assert controller(config, "token", "add", "ana", "--role", "read").code == 0
    assert "is taken" in controller(config, "token", "add", "ana", "--role", "read").err
    assert controller(config, "token", "revoke", "nobody").code == 2


def test_the_version_is_told(tmp_path: Path) -> None:
    assert run("--version", env=environment(tmp_path)).out.startswith("grifo 0.")


@pytest.mark.parametrize("verb", ["", "restore", "device", "controller", "controller token", "event send"])
def test_help_is_there_for_every_verb(tmp_path: Path, verb: str) -> None:
    done = run(*verb.split(), "--help", env=environment(tmp_path))
    assert done.code == 0
    assert "Usage: grifo" in done.out or "Usage: -c" in done.out


def test_noc_verbs_need_neither_controller_nor_agent_installed(tmp_path: Path) -> None:
    probe = (
        "import sys, cli.main; loaded = {name.partition('.')[0] for name in sys.modules};"
        "print(sorted(loaded & {'controller', 'agents', 'drivers', 'lab', 'fastapi', 'sqlalchemy', 'librouteros'}))"
    )
    done = subprocess.run([GRIFO[0], "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
