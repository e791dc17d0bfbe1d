"""The benches of the experimental profiles: a small stand-in for each switch, behind a real sshd of each worker's.

That a stand-in behaves as the manual says proves the profile and the driver, and nothing of the switch: experimental
they stay. Asterisk and FreeSWITCH are commands in a POSIX shell, CUBE is a device of prompts.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from drivers.base import Driver
from drivers.sip import build
from enforcement.access import Access
from enforcement.entries import Entry
from tests.drivers.conformance.bench import INSTALLATION, Kind
from tests.drivers.conformance.sip_standins import Asterisk, Cube, FreeSwitch, StandIn
from tests.drivers.sip_shells import login
from tests.drivers.sip_switches import CARE, entry
from tests.servers.sshd import Sshd

GONE, AWAY = "nobody is let in", "the switch is away and its shell is not"
RESTARTS, REMOVED, BARS_ALL = "restarts", "a hand removes our entries", "the allow-list is lost"
MARKED = f";grifo:v1:{INSTALLATION}:"


class ProfileBench:
    """A switch where the operator bars one line of its own."""

    restricted = Access.INCOMING_ONLY

    def __init__(self, sshd: Sshd, switch: StandIn) -> None:
        self._sshd = sshd
        self._switch = switch

    def driver(self, impatient: bool = False, installation: str = INSTALLATION) -> Driver:
        """Never impatient: a login over SSH takes as long as the machine is busy."""
        given: dict[str, Any] = {
            "experimental": True,
            "nodes": [{"ssh": self._sshd.address}],
            "country": "es",
            "care_numbers": [CARE],
            "connect_timeout_s": 20,
            "read_timeout_s": 30,
            **self._switch.settings(),
            **login(self._sshd),
        }
        return build(given, installation)

    def entry(self, number: int, access: Access) -> Entry:
        return entry(access, self._switch.line(number), f"b{number}")

    def enforced(self, number: int) -> Access:
        value = self._switch.rows().get(self._switch.line(number).value, "")
        return Access(value.partition(";")[0]) if value else Access.FULL

    def snapshot(self) -> bytes:
        return self._switch.whole()

    def operators(self) -> bytes:
        rows = self._switch.rows().items()
        return repr(sorted(row for row in rows if MARKED not in row[1])).encode()

    def obstruct(self, number: int) -> None:
        self._switch.hand(self._switch.line(number).value, "fraud")

    @contextmanager
    def fault(self, name: str) -> Iterator[None]:
        match name:
            case "nobody is let in":
                self._sshd.stop()
                yield
                self._sshd.start()
            case "a hand removes our entries":
                for key, value in self._switch.rows().items():
                    if MARKED in value:
                        self._switch.take(key)
                yield
            case _:
                with self._switch.fault(name):
                    yield


def opener(
    fixture: str, made: Callable[[Path], StandIn]
) -> Callable[[Path, pytest.FixtureRequest], AbstractContextManager[ProfileBench]]:
    @contextmanager
    def open_bench(folder: Path, request: pytest.FixtureRequest) -> Iterator[ProfileBench]:
        machine: tuple[Sshd, Path] = request.getfixturevalue(fixture)
        yield ProfileBench(machine[0], made(machine[1]))

    return open_bench


SERVERS = (pytest.mark.servers,)
ASTERISK = Kind("sip-asterisk", opener("shells", Asterisk), (AWAY,), (AWAY, BARS_ALL, REMOVED), SERVERS)
FREESWITCH = Kind("sip-freeswitch", opener("shells", FreeSwitch), (GONE,), (AWAY, REMOVED), SERVERS)
CUBE = Kind("sip-cube", opener("prompts", Cube), (GONE,), (BARS_ALL, RESTARTS, REMOVED), SERVERS)
KINDS = (ASTERISK, FREESWITCH, CUBE)
