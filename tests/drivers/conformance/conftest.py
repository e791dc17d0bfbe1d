"""Machines that take long to start: one for each worker."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.drivers.conformance.sip_shell import keep_the_operators_own
from tests.drivers.sip_shells import ShellSwitch, shell_switch
from tests.servers import ios_shell
from tests.servers.sshd import Sshd, running_sshd


@pytest.fixture(scope="session")
def kamcmd_machine() -> Iterator[ShellSwitch]:
    with shell_switch() as machine:
        keep_the_operators_own(machine)
        yield machine


@pytest.fixture(scope="session")
def shells(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sshd, Path]]:
    """Logins to a POSIX shell, and a folder for what switches have there."""
    with running_sshd() as sshd:
        yield sshd, tmp_path_factory.mktemp("shells")


@pytest.fixture(scope="session")
def prompts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sshd, Path]]:
    """Logins to a device of prompts, whose dial peers are in `peers.json`."""
    folder = tmp_path_factory.mktemp("prompts")
    with running_sshd(f"{sys.executable} {ios_shell.__file__} {folder / 'peers.json'}") as sshd:
        yield sshd, folder
