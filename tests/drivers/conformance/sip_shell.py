"""The bench of the SIP driver in a shell: a real Kamailio, its own command, a real sshd. One machine for each worker.

`kamcmd` writes the table in memory alone: the operator's own row is in the database too, and survives a restart.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from drivers.base import Driver
from tests.drivers.conformance.bench import INSTALLATION, Kind
from tests.drivers.conformance.sip import SipBench, line
from tests.drivers.sip_shells import ShellSwitch, shell_driver_of
from tests.drivers.sip_switches import foreign_row

OPERATORS_OWN = "+34910000009"
GONE, RESTARTS, REMOVED = "nobody is let in", "restarts", "a hand removes our entries from memory"
MARKED = f";grifo:v1:{INSTALLATION}:"


def keep_the_operators_own(machine: ShellSwitch) -> None:
    """One line that the operator bars, in memory and in the database: once for each machine."""
    foreign_row(machine.real.database, OPERATORS_OWN, "fraud")
    machine.real.hand(OPERATORS_OWN, "fraud")


class ShellBench(SipBench):
    """The machine, as a test before may have left it, emptied."""

    def __init__(self, machine: ShellSwitch) -> None:
        self._machine = machine
        self._switch = machine.real
        for name in machine.real.live():
            if name != OPERATORS_OWN:
                machine.real.take(name)

    def driver(self, impatient: bool = False, installation: str = INSTALLATION) -> Driver:
        """Never impatient for a login over SSH, which takes as long as the machine is busy."""
        return shell_driver_of(installation, self._machine, **({"read_timeout_s": 6} if impatient else {}))

    def snapshot(self) -> bytes:
        return repr(sorted(self._machine.real.live().items())).encode()

    def operators(self) -> bytes:
        return repr(sorted(item for item in self._machine.real.live().items() if MARKED not in item[1])).encode()

    def obstruct(self, number: int) -> None:
        self._machine.real.hand(line(number).value, "fraud")

    @contextmanager
    def fault(self, name: str) -> Iterator[None]:
        match name:
            case "nobody is let in":
                self._machine.sshd.stop()
                yield
                self._machine.sshd.start()
            case "hangs after login":
                with self._machine.sshd.running("/bin/sleep 600"):
                    yield
            case "answers nonsense":
                with self._machine.sshd.running("/bin/sh -c 'while read asked; do echo nonsense; done'"):
                    yield
            case "another machine answers":
                with self._machine.sshd.with_another_key():
                    yield
            case "its sessions are ended":
                self._machine.sshd.end_sessions()
                yield
            case "restarts":
                self._machine.real.crash()
                yield
            case "a hand removes our entries from memory":
                for key, value in self._machine.real.live().items():
                    if MARKED in value:
                        self._machine.real.take(key)
                yield
            case _:
                raise KeyError(name)


@contextmanager
def open_bench(folder: Path, request: pytest.FixtureRequest) -> Iterator[ShellBench]:
    yield ShellBench(request.getfixturevalue("kamcmd_machine"))


FAULTS = (GONE, "its sessions are ended", RESTARTS, REMOVED)
BLINDING = (GONE, "hangs after login", "answers nonsense", "another machine answers")
KIND = Kind("sip-kamcmd", open_bench, BLINDING, FAULTS, (pytest.mark.servers,))
