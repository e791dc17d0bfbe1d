"""Starting and ending the box: devices, a controller whose clock is moved to the Tuesday, and an agent process."""

import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from controller.administration import add_token, migrate_database
from controller.app import make_server
from controller.settings import Settings, load_settings
from lab.box.clock import MovedClock
from lab.box.month import TUESDAY, Customer, at
from lab.box.network import Network, network
from lab.box.noc import Noc
from lab.box.settings import Files, write_secret, write_settings

_PATIENCE_S = 30.0
_GRIFO = [sys.executable, "-c", "from cli.main import run; run()"]


@dataclass(frozen=True, slots=True)
class Box:
    """The running operator: what the story needs, and what a person at the terminal may try."""

    noc: Noc
    clock: MovedClock
    network: Network
    files: Files


@contextmanager
def box(people: list[Customer]) -> Iterator[Box]:
    """An operator whose Tuesday has just struck ten; everything in it ends with the block."""
    with tempfile.TemporaryDirectory(prefix="grifo-lab-") as name, network(Path(name), people) as net:
        files = write_settings(Path(name), net)
        settings = load_settings(files.controller)
        migrate_database(settings)
        tokens = {role: _token(settings, files.folder, role) for role in ("billing", "admin", "agent")}
        clock = MovedClock(at(TUESDAY, 10))
        with running_controller(settings, clock, files.url), running_agent(files.agent, files.folder / "agent.log"):
            noc = Noc(files.url, tokens["billing"], tokens["admin"])
            try:
                yield Box(noc, clock, net, files)
            finally:
                noc.close()


def _token(settings: Settings, folder: Path, role: str) -> str:
    token = add_token(settings, f"lab-{role}", role)
    write_secret(folder / f"{role}.token", token)
    return token


@contextmanager
def running_controller(settings: Settings, clock: MovedClock, url: str) -> Iterator[None]:
    """The controller in a thread of this process, which owns its clock, until the block ends."""
    server = make_server(settings, clock)
    thread = threading.Thread(target=server.run, name="controller")
    thread.start()
    try:
        _wait_until_ready(url)
        yield
    finally:
        server.should_exit = True
        thread.join()


def _wait_until_ready(url: str) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    with httpx.Client(base_url=url) as client:
        while time.monotonic() < deadline:
            try:
                if client.get("/readyz").status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                time.sleep(0.02)
    raise RuntimeError(f"the controller did not become ready at {url} within {_PATIENCE_S:.0f} s")


@contextmanager
def running_agent(settings: Path, log: Path) -> Iterator[None]:
    """`grifo agent run`, as systemd would run it, until the block ends."""
    command = [*_GRIFO, "agent", "run", "--config", str(settings)]
    with log.open("w") as output:
        # A session of its own: Ctrl-C in the terminal is for the lab, which ends the agent itself.
        agent = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)  # noqa: S603 - our own command
        try:
            yield
        finally:
            agent.terminate()
            try:
                agent.wait(timeout=10)
            except subprocess.TimeoutExpired:
                agent.kill()
                agent.wait()
