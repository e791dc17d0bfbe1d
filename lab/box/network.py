"""The operator's network in the box: a router, a RADIUS server with a NAS and live sessions, a SIP switch.

Set up as an operator would set up real ones before letting grifo near them: rules that act on the lists, groups with
their replies, numbers that may always be called.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.box.month import Customer
from lab.nas.nas import Nas
from lab.nas.run import running
from lab.routeros import RouterOS
from lab.routeros.device import User
from lab.switch.switch import Switch

API_USER = "grifo"
API_PASSWORD = "lab-router"
RADIUS_SECRET = "lab-radius"
CARE_NUMBER = "900100200"


@dataclass(frozen=True, slots=True)
class Network:
    """The started devices, and what an agent's settings have to say of them."""

    router: RouterOS
    radius_database: Path
    nas: Nas
    switch: Switch
    switch_database: Path


@contextmanager
def network(folder: Path, people: list[Customer]) -> Iterator[Network]:
    """All of it, started, with everyone connected; stopped at the end."""
    with ExitStack() as stack:
        router = stack.enter_context(_router())
        dialling = [person.username for person in people if person.by_radius]
        radius_database = folder / "radius.db"
        radius = stack.enter_context(running(radius_database, dialling, RADIUS_SECRET.encode(), redial_s=0.03))
        switch_database = folder / "switch.db"
        switch = stack.enter_context(_switch(switch_database))
        yield Network(router, radius_database, radius.nas, switch, switch_database)


def _router() -> RouterOS:
    router = RouterOS([User(API_USER, API_PASSWORD, "write")], identity="router-1")
    for family in ("/ip", "/ipv6"):
        for list_name in ("grifo-portal", "grifo-blocked"):
            rule = {"chain": "forward", "action": "reject", "src-address-list": list_name}
            router.load(f"{family}/firewall/filter", [rule])
        mark = {"chain": "forward", "action": "mark-packet", "src-address-list": "grifo-throttled"}
        router.load(f"{family}/firewall/mangle", [mark])
    return router


def _switch(path: Path) -> Switch:
    """Its own dial plan lets everyone reach the care line, barred or not."""
    switch = Switch(path)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("INSERT INTO grifo_allow (key_name, key_value) VALUES (?, '1')", (CARE_NUMBER,))
    return switch
