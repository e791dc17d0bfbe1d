"""Machines that take long to start: one for each worker."""

from collections.abc import Iterator

import pytest

from tests.drivers.conformance.sip_shell import keep_the_operators_own
from tests.drivers.sip_shells import ShellSwitch, shell_switch


@pytest.fixture(scope="session")
def kamcmd_machine() -> Iterator[ShellSwitch]:
    with shell_switch() as machine:
        keep_the_operators_own(machine)
        yield machine
