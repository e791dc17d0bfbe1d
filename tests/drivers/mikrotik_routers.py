"""A simulated router with an operator's own entries and rules, a driver for it, and entries to enforce there."""

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from drivers.base import Driver
from drivers.mikrotik import build
from enforcement.access import Access, Kind, Reason
from enforcement.changes import Change, Outcome
from enforcement.entries import BindingId, Entry, Mark, ServiceId
from enforcement.keys import Key
from enforcement.observed import Observed
from enforcement.plan import plan
from lab.routeros import RouterOS
from lab.routeros.device import User

V4, V6 = "/ip/firewall/address-list", "/ipv6/firewall/address-list"
INSTALLATION = "isp"
USER = User("grifo", "s3cr3t-word", "write")
OBSTRUCTING = "MOROSOS"

OPERATORS = [
    {"list": "ofimatica", "address": "198.51.100.0/24", "comment": "oficina de Logroño"},
    {"list": "grifos", "address": "203.0.113.1"},
    {"list": "noc", "address": "203.0.113.2", "disabled": "yes"},
]


def router(**more: Any) -> RouterOS:
    """A router, not started, with what its operator keeps there."""
    made = RouterOS([USER], **more)
    made.load(V4, OPERATORS)
    made.load(V6, [{"list": "noc", "address": "2001:db8:ffff::/48"}])
    return made


def driver(to: RouterOS, installation: str = INSTALLATION, **settings: Any) -> Driver:
    """A driver for a started router; quick to give up, since nothing here is far away."""
    os.environ["GRIFO_TEST_ROUTER"] = USER.password
    given: Mapping[str, Any] = {
        "host": "127.0.0.1",
        "port": to.port,
        "username": USER.name,
        "password_env": "GRIFO_TEST_ROUTER",
        "tls": False,
        "obstructing_lists": [OBSTRUCTING],
        "reply_seconds": 5,
        **settings,
    }
    return build(given, installation)


def entry(n: int, access: Access = Access.PORTAL, key: str = "") -> Entry:
    """Service n on `203.0.<n>`: its own binding, restricted for billing."""
    return Entry(
        binding=BindingId(f"b{n}"),
        service=ServiceId(f"svc{n}"),
        kind=Kind.INTERNET,
        key=Key.parse(key or f"ipv4:10.{n >> 16}.{n >> 8 & 255}.{n & 255}"),
        access=access,
        reasons=(Reason.BILLING,),
        changed_revision=1,
    )


def mark(of: Entry, installation: str = INSTALLATION) -> Mark:
    return Mark(installation, of.service, of.binding)


def at(access: Access, *entries: Entry) -> list[Entry]:
    """The same entries, wanted at another access."""
    return [replace(entry, access=access) for entry in entries]


def todo(wanted: list[Entry], observed: Observed) -> tuple[Change, ...]:
    """What plan() says is left to do."""
    return plan(INSTALLATION, wanted, observed, {}).changes


def converge(driver: Driver, *wanted: Entry) -> list[Outcome]:
    """Read, plan and apply once, slice by slice, as an agent does."""
    changes = todo(list(wanted), driver.observe())
    size = driver.capabilities.slice_size
    return [outcome for n in range(0, len(changes), size) for outcome in driver.apply(changes[n : n + size])]


def in_list(of: RouterOS, path: str = V4) -> list[tuple[str, str]]:
    """(list, address) of every enabled entry that carries a mark of ours, from the router's own tables."""
    rows = of.rows(path)
    return [
        (row["list"], row["address"])
        for row in rows
        if row.get("comment", "").startswith("grifo:v1:") and row["disabled"] == "false"
    ]
