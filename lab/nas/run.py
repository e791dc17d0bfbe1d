"""A NAS with a RADIUS server, a plan, groups of grifo's and live sessions, in one call: for tests, tools, terminals."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.nas.nas import Nas, NasSettings
from lab.nas.schema import open_database
from lab.nas.server import RadiusServer, ServerSettings
from lab.nas.sessions import Subscriber

PLAN, PASSWORD = "plan-100", "grifo"
GROUPS: dict[str, Sequence[tuple[str, str]]] = {
    PLAN: (("Mikrotik-Rate-Limit", "100M/100M"), ("Framed-Pool", "pool-active")),
    "grifo-throttled": (
        ("Mikrotik-Rate-Limit", "1M/1M"),
        ("Framed-Pool", "pool-active"),
        ("Class", "grifo-throttled"),
    ),
    "grifo-portal": (
        ("Mikrotik-Rate-Limit", "1M/1M"),
        ("Mikrotik-Address-List", "portal"),
        ("Framed-Pool", "pool-portal"),
        ("Class", "grifo-portal"),
    ),
}
"""A plan, and the groups that an operator makes once for grifo, each with its Class: sessions tell what they have."""


@dataclass(frozen=True, slots=True)
class Running:
    """A NAS and its RADIUS server, with the addresses that other tools need."""

    nas: Nas
    server: RadiusServer
    database: Path


def seed(database: sqlite3.Connection, usernames: Sequence[str]) -> None:
    """Put the plan, grifo's groups and the customers into empty tables; customers that are there stay as they are."""
    database.execute("BEGIN IMMEDIATE")
    there = {name for (name,) in database.execute("SELECT username FROM radcheck")}
    if not database.execute("SELECT 1 FROM radgroupreply LIMIT 1").fetchone():
        rows = [(group, name, value) for group, items in GROUPS.items() for name, value in items]
        database.executemany("INSERT INTO radgroupreply (groupname, attribute, op, value) VALUES (?, ?, ':=', ?)", rows)
    fresh = [name for name in usernames if name not in there]
    database.executemany(
        "INSERT INTO radcheck (username, attribute, op, value) VALUES (?, 'Cleartext-Password', ':=', ?)",
        [(name, PASSWORD) for name in fresh],
    )
    database.executemany(
        "INSERT INTO radusergroup (username, groupname, priority) VALUES (?, ?, 10)", [(name, PLAN) for name in fresh]
    )
    database.execute("COMMIT")


@contextmanager
def running(
    database: Path,
    usernames: Sequence[str],
    secret: bytes,
    host: str = "127.0.0.1",
    port: int = 0,
    redial_s: float = 0.2,
) -> Iterator[Running]:
    """A RADIUS server on `database` and a NAS listening at `port`, with every customer's session live."""
    connection = open_database(database)
    try:
        seed(connection, usernames)
    finally:
        connection.close()
    with RadiusServer(ServerSettings(database, secret, host)) as server:
        settings = NasSettings(server.auth, server.acct, secret, nas_ip=host, listen=(host, port), redial_s=redial_s)
        with Nas(settings) as nas:
            nas.dial(Subscriber(name, PASSWORD, _mac(at)) for at, name in enumerate(usernames, start=1))
            yield Running(nas, server, database)


def _mac(number: int) -> str:
    digits = f"02{number:010x}"
    return ":".join(digits[at : at + 2] for at in range(0, 12, 2)).upper()
