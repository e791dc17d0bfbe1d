"""The bench of the MikroTik driver: the simulated router, and firewall address lists."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from drivers.base import Driver
from enforcement.access import Access
from enforcement.entries import Entry
from lab.routeros import RouterOS
from tests.drivers.conformance.bench import INSTALLATION, Kind
from tests.drivers.mikrotik_routers import OBSTRUCTING, V4, V6, driver, entry, router

FAULTS: dict[str, dict[str, Any]] = {
    "refuses every write": {"refuse": "failure: not permitted"},
    "says done and does nothing": {"lie": True},
    "answers slowly": {"delay_ms": 50.0},
    "resets in mid-sentence": {"drop": True, "after": 3},
    "hangs in mid-reply": {"hang": "reply", "after": 3},
    "hangs after login": {"hang": "login"},
    "resets before the first reply": {"drop": True},
    "answers nonsense": {"garble": True},
}
BLINDING = ("hangs after login", "resets before the first reply", "answers nonsense", "sessions are full")
BY_HAND = ("sessions are full", "reboots", "is restored from an old backup", "a hand removes our entries")


class MikrotikBench:
    """One router with a few entries of its operator's."""

    restricted = Access.PORTAL

    def __init__(self, device: RouterOS) -> None:
        self._device = device
        self._backup = device.backup()

    def driver(self, impatient: bool = False, installation: str = INSTALLATION) -> Driver:
        times = {"reply_seconds": 1, "connect_seconds": 1} if impatient else {"reply_seconds": 30}
        return driver(self._device, installation, **times)

    def entry(self, number: int, access: Access) -> Entry:
        return entry(number, access)

    def enforced(self, number: int) -> Access:
        address = entry(number).key.value
        lists = {row["list"] for row in self._ours() if row["address"] == address and row["disabled"] == "false"}
        return self.restricted if lists == {"grifo-portal"} else Access.BLOCKED if lists else Access.FULL

    def _ours(self) -> list[dict[str, str]]:
        rows = self._device.rows(V4) + self._device.rows(V6)
        return [row for row in rows if row.get("comment", "").startswith("grifo:v1:")]

    def snapshot(self) -> bytes:
        return repr(sorted(self._device.backup().items())).encode()

    def operators(self) -> bytes:
        ours = [(row["list"], row["address"]) for row in self._ours()]
        tables = {
            path: [self._as_it_was(path, row) for row in rows if (row.get("list"), row.get("address")) not in ours]
            for path, rows in self._device.backup().items()
        }
        return repr(sorted(tables.items())).encode()

    def _as_it_was(self, path: str, row: Mapping[str, str]) -> list[tuple[str, str]]:
        """An item of the operator's, without what a way may have to replace on it."""
        return sorted(row.items())

    def obstruct(self, number: int) -> None:
        self._device.add(V4, list=OBSTRUCTING, address=entry(number).key.value)

    @contextmanager
    def fault(self, name: str) -> Iterator[None]:
        match name:
            case "sessions are full":
                yield from self._full_sessions()
            case "reboots":
                self._device.reboot()
                yield
            case "is restored from an old backup":
                self._device.restore(self._backup)
                yield
            case "a hand removes our entries":
                self._device.remove(V4, *(row[".id"] for row in self._ours()))
                yield
            case _:
                self._device.misbehave(**FAULTS[name])
                yield
                self._device.behave()

    def _full_sessions(self) -> Iterator[None]:
        """The limit is met by the sessions that are there: no new one is let in."""
        [service] = [row for row in self._device.rows("/ip/service") if row["name"] == "api"]
        self._device.set("/ip/service", service[".id"], max_sessions="0")
        yield
        self._device.set("/ip/service", service[".id"], max_sessions=service["max-sessions"])


@contextmanager
def open_bench(folder: Path, request: pytest.FixtureRequest) -> Iterator[MikrotikBench]:
    with router() as device:
        yield MikrotikBench(device)


KIND = Kind("mikrotik-lists", open_bench, BLINDING, (*FAULTS, *BY_HAND))
