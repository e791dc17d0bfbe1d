"""The benches of the MikroTik driver's other ways: users and MAC addresses, by list, secret, hotspot and lease.

Everybody is connected. Who was disconnected dials in again when somebody looks at what he is given.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from drivers.base import Driver
from enforcement.access import Access
from enforcement.entries import Entry
from lab.routeros import RouterOS
from tests.drivers.conformance.bench import CUSTOMERS, INSTALLATION, Kind
from tests.drivers.conformance.mikrotik import BINDINGS, BRIEFLY, REMOVED, MikrotikBench
from tests.drivers.mikrotik_routers import OBSTRUCTING, V4, driver, entry, router

PLAN, LIST = "plan-100", "grifo-portal"
PPP, HOTSPOT, LEASES = "/ppp/active", "/ip/hotspot/active", "/ip/dhcp-server/lease"
NAMED = {PPP: "name", HOTSPOT: "user", LEASES: "mac-address"}


@dataclass(frozen=True, slots=True)
class Way:
    """How customers are named and connected. `swaps` are the properties, with the operator's own values, that the way
    changes on the operator's items in `menu`; none where items are only added. `blocks`: it knows no portal."""

    key: str
    setting: str
    sessions: str = ""
    menu: str = ""
    swaps: Mapping[str, str] | None = None
    blocks: bool = False

    def name(self, number: int) -> str:
        return f"02:00:00:00:00:0{number}" if self.key == "mac" else f"user{number}"


LISTED = Way("username", "address_list", PPP)
SECRET = Way("username", "ppp_secret", PPP, "/ppp/secret", {"profile": PLAN, "comment": "Calle Mayor, 3ºB"})
HOTSPOT_USER = Way("username", "hotspot", HOTSPOT, "/ip/hotspot/user", {"profile": PLAN, "comment": "habitación 7"})
LEASE = Way("mac", "dhcp_lease", "", LEASES, {"address-lists": "clientes", "comment": "piso 2"})
LISTED_MAC = Way("mac", "address_list", LEASES)
BOUND_MAC = Way("mac", "hotspot", HOTSPOT, blocks=True)


class WayBench(MikrotikBench):
    """A router with the profiles that `prepare` makes, and the customers' own items."""

    def __init__(self, device: RouterOS, way: Way) -> None:
        self._way = way
        for profiles in ("/ppp/profile", "/ip/hotspot/user/profile"):
            device.add(profiles, name=PLAN)
            for access in ("throttled", "portal", "blocked"):
                device.add(profiles, name=f"grifo-{access}", address_list=f"grifo-{access}")
        for number in CUSTOMERS if way.menu else ():
            device.add(way.menu, **self._item(number))
        super().__init__(device)
        self._dial_in()

    def _item(self, number: int) -> dict[str, str]:
        """The customer's own secret, hotspot user or lease, as its operator keeps it."""
        named = {"name": self._way.name(number)}
        if self._way.key == "mac":
            at = self._address(number)
            named = {"mac_address": self._way.name(number), "address": at, "active_address": at, "status": "bound"}
        return named | {name.replace("-", "_"): value for name, value in (self._way.swaps or {}).items()}

    @property
    def restricted(self) -> Access:
        return Access.BLOCKED if self._way.blocks else Access.PORTAL

    def driver(self, impatient: bool = False, installation: str = INSTALLATION) -> Driver:
        times = {"reply_seconds": 1, "connect_seconds": 1} if impatient else {"reply_seconds": 30}
        return driver(self._device, installation, ways={self._way.key: self._way.setting}, **times)

    def entry(self, number: int, access: Access) -> Entry:
        return entry(number, access, f"{self._way.key}:{self._way.name(number)}")

    def enforced(self, number: int) -> Access:
        """By the lists that the address of the customer's session is in, whoever put it there; where MAC addresses are
        blocked, by whether he has a session at all."""
        self._dial_in()
        if self._way.blocks:
            return Access.FULL if self._way.name(number) in self._connected() else Access.BLOCKED
        address = self._address(number)
        rows = [row for row in self._device.rows(V4) if row["address"] == address and row["disabled"] == "false"]
        lists = {row["list"] for row in rows if row["list"].startswith("grifo-")}
        return self.restricted if lists == {LIST} else Access.BLOCKED if lists else Access.FULL

    def _address(self, number: int) -> str:
        return f"10.9.0.{number}"

    def _dial_in(self) -> None:
        """Everybody who is not connected and may."""
        if not self._way.sessions:
            return
        there = self._connected() | {row["mac-address"] for row in self._device.rows(BINDINGS)}
        for number in CUSTOMERS:
            if self._way.name(number) not in there:
                self._connect(number)

    def _connected(self) -> set[str]:
        name = "mac-address" if self._way.key == "mac" else NAMED[self._way.sessions]
        return {row[name] for row in self._device.rows(self._way.sessions)}

    def _connect(self, number: int) -> None:
        name, address = self._way.name(number), self._address(number)
        if self._way.sessions == LEASES:
            bound = {"active_address": address, "status": "bound", "dynamic": "true"}
            self._device.add(LEASES, mac_address=name, address=address, **bound)
        elif self._way.key == "mac":
            self._device.log_in(HOTSPOT, f"user{number}", address, mac_address=name)
        else:
            self._device.log_in(self._way.sessions, name, address)

    def snapshot(self) -> bytes:
        """Sessions come and go by themselves."""
        kept = {path: rows for path, rows in self._device.backup().items() if path not in (PPP, HOTSPOT)}
        return repr(sorted(kept.items())).encode()

    def _as_it_was(self, path: str, row: Mapping[str, str]) -> list[tuple[str, str]]:
        """The former values are part of our mark, and come back with it gone."""
        marked = path == self._way.menu and row.get("comment", "").startswith("grifo:v1:")
        return sorted({**row, **(self._way.swaps or {})}.items() if marked else row.items())

    def obstruct(self, number: int) -> None:
        if self._way.blocks:
            self._device.add(BINDINGS, mac_address=self._way.name(number), type="blocked", comment="a mano")
            return
        self._device.add(V4, list=OBSTRUCTING, address=self._address(number))

    @contextmanager
    def fault(self, name: str) -> Iterator[None]:
        with super().fault(name):
            if name == REMOVED:
                self._undo_swaps()
            yield

    def _undo_swaps(self) -> None:
        """A hand gives every customer the plan again."""
        for row in self._device.rows(self._way.menu) if self._way.menu else ():
            swaps = {name.replace("-", "_"): value for name, value in (self._way.swaps or {}).items()}
            self._device.set(self._way.menu, row[".id"], **swaps)


def opener(way: Way) -> Callable[[Path, pytest.FixtureRequest], AbstractContextManager[WayBench]]:
    @contextmanager
    def open_bench(folder: Path, request: pytest.FixtureRequest) -> Iterator[WayBench]:
        with router() as device:
            yield WayBench(device, way)

    return open_bench


_WAYS = {
    "users": LISTED,
    "secrets": SECRET,
    "hotspot": HOTSPOT_USER,
    "leases": LEASE,
    "macs": LISTED_MAC,
    "hotspot-macs": BOUND_MAC,
}
KINDS = tuple(Kind(f"mikrotik-{name}", opener(way), ("answers nonsense",), BRIEFLY) for name, way in _WAYS.items())
