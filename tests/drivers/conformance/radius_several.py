"""The bench of two RADIUS servers behind one driver, each with tables of its own; a NAS of the second connects all.

What holds for a customer is what both give him, and each of the two is left as it was.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from drivers.base import Driver
from drivers.radius import build
from enforcement.access import Access
from enforcement.entries import Entry
from tests.drivers.conformance.bench import INSTALLATION, Kind
from tests.drivers.conformance.radius import BY_HAND, TABLES_GONE, RadiusBench, lab_of_ours
from tests.drivers.radius.radius_lab import RadiusLab

AT_FIRST = "at the first server "
SILENT = "the NAS is silent"
FAULTS = (*BY_HAND, AT_FIRST + TABLES_GONE, SILENT)


class SeveralBench:
    """Faults and the operator's hand are at the second server, unless they say otherwise."""

    restricted = Access.PORTAL

    def __init__(self, first: RadiusLab, second: RadiusLab) -> None:
        self._urls = (first.url, second.url)
        self._opened = second.opened
        self._first = RadiusBench(first, None)
        self._second = RadiusBench(second, second.nas())

    def driver(self, impatient: bool = False, installation: str = INSTALLATION) -> Driver:
        given: dict[str, Any] = {
            "database": self._urls[0],
            "other_databases": [{"database": self._urls[1]}],
            "groups": {"throttled": "grifo-throttled", "portal": "grifo-portal"},
            "obstructing_groups": ["suspended"],
            "nases": self._second.nases(impatient),
            "session_class": True,
            "read_back_seconds": 1 if impatient else 10,
        }
        made = build(given, installation)
        self._opened.append(made)
        return made

    def entry(self, number: int, access: Access) -> Entry:
        return self._second.entry(number, access)

    def enforced(self, number: int) -> Access:
        """What both give, now and at the next login; `blocked`, which nobody is to be, where they differ."""
        given = {self._first.at_login(number), self._second.at_login(number), self._second.enforced(number)}
        return given.pop() if len(given) == 1 else Access.BLOCKED

    def snapshot(self) -> bytes:
        return self._first.snapshot() + self._second.snapshot()

    def operators(self) -> bytes:
        return self._first.operators() + self._second.operators()

    def obstruct(self, number: int) -> None:
        self._second.obstruct(number)

    def fault(self, name: str) -> AbstractContextManager[None]:
        if name.startswith(AT_FIRST):
            return self._first.fault(name.removeprefix(AT_FIRST))
        return self._second.fault(name)


@contextmanager
def open_bench(folder: Path, request: pytest.FixtureRequest) -> Iterator[SeveralBench]:
    for name in ("first", "second"):
        (folder / name).mkdir()
    with lab_of_ours(folder / "first") as first, lab_of_ours(folder / "second") as second:
        yield SeveralBench(first, second)


KIND = Kind("radius-several", open_bench, (TABLES_GONE, AT_FIRST + TABLES_GONE), FAULTS)
