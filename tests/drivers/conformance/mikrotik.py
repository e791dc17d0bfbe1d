"""The benches of the MikroTik driver's addresses: the simulated router, and its address lists of both families."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from drivers.base import Driver
from enforcement.access import Access
from enforcement.entries import Entry
from lab.routeros import RouterOS
from tests.drivers.conformance.bench import INSTALLATION, Bench, Kind
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
REMOVED = "a hand removes our entries"
BY_HAND = ("sessions are full", "reboots", "is restored from an old backup", REMOVED)
BRIEFLY = ("refuses every write", "says done and does nothing", "reboots", "is restored from an old backup", REMOVED)
"""What a wire may suffer is the same for every menu and way: the bench of the lists has it all."""
BINDINGS = "/ip/hotspot/ip-binding"
ADDED = (V4, V6, BINDINGS)
"""The menus where items of ours are added."""


class MikrotikBench:
    """One router with a few entries of its operator's. `menu` is where the customers' addresses are listed."""

    def __init__(self, device: RouterOS, menu: str = V4) -> None:
        self._device = device
        self._menu = menu
        self._backup = device.backup()

    @property
    def restricted(self) -> Access:
        return Access.PORTAL

    def driver(self, impatient: bool = False, installation: str = INSTALLATION) -> Driver:
        times = {"reply_seconds": 1, "connect_seconds": 1} if impatient else {"reply_seconds": 30}
        return driver(self._device, installation, **times)

    def entry(self, number: int, access: Access) -> Entry:
        return entry(number, access, f"ipv6_prefix:2001:db8:0:{number}00::/56" if self._menu == V6 else "")

    def enforced(self, number: int) -> Access:
        listed = [row for row in self._ours(self._menu) if row["disabled"] == "false"]
        lists = {row["list"] for row in listed if row["address"] == self._address(number)}
        return self.restricted if lists == {"grifo-portal"} else Access.BLOCKED if lists else Access.FULL

    def _address(self, number: int) -> str:
        return self.entry(number, Access.FULL).key.value

    def _ours(self, menu: str) -> list[dict[str, str]]:
        return [row for row in self._device.rows(menu) if row.get("comment", "").startswith("grifo:v1:")]

    def snapshot(self) -> bytes:
        return repr(sorted(self._device.backup().items())).encode()

    def operators(self) -> bytes:
        ours = {(menu, row[".id"]) for menu in ADDED for row in self._ours(menu)}
        tables = {
            path: [self._as_it_was(path, row) for row in rows if (path, row[".id"]) not in ours]
            for path, rows in self._device.backup().items()
        }
        return repr(sorted(tables.items())).encode()

    def _as_it_was(self, path: str, row: Mapping[str, str]) -> list[tuple[str, str]]:
        """An item of the operator's, without what a way may have to replace on it."""
        return sorted(row.items())

    def obstruct(self, number: int) -> None:
        self._device.add(self._menu, list=OBSTRUCTING, address=self._address(number))

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
                for menu in ADDED:
                    self._device.remove(menu, *(row[".id"] for row in self._ours(menu)))
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


def opener(menu: str) -> Callable[[Path, pytest.FixtureRequest], AbstractContextManager[Bench]]:
    @contextmanager
    def open_bench(folder: Path, request: pytest.FixtureRequest) -> Iterator[MikrotikBench]:
        with router() as device:
            yield MikrotikBench(device, menu)

    return open_bench


LISTS = Kind("mikrotik-lists", opener(V4), BLINDING, (*FAULTS, *BY_HAND))
PREFIXES = Kind("mikrotik-prefixes", opener(V6), ("answers nonsense",), BRIEFLY)
