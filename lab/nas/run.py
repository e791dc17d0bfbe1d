"""Start a NAS, and a RADIUS server for it where none is given, and keep them until told to stop: for anyone's tools."""

import ipaddress
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event

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


def run(
    database: Path,
    sessions: int = 100,
    secret: str = "testing123",  # noqa: S107 - the secret of a laboratory, printed in every example
    host: str = "127.0.0.1",
    port: int = 3799,
    stop: Event | None = None,
) -> None:
    """`grifo lab nas`: a server and a NAS with `sessions` live sessions (user001@lab ...) until Ctrl-C or `stop`."""
    names = [f"user{number:03}@lab" for number in range(1, sessions + 1)]
    ipaddress.ip_address(host)
    with running(database, names, secret.encode(), host, port) as lab:
        print(f"NAS {host}: CoA and Disconnect at UDP {lab.nas.port}, {len(lab.nas.sessions())} live sessions")  # noqa: T201
        print(f"RADIUS: authentication at UDP {lab.server.auth[1]}, accounting at UDP {lab.server.acct[1]}")  # noqa: T201
        print(f"tables (FreeRADIUS's SQLite schema): {database}")  # noqa: T201
        with suppress(KeyboardInterrupt):
            (stop or Event()).wait()


def _mac(number: int) -> str:
    digits = f"02{number:010x}"
    return ":".join(digits[at : at + 2] for at in range(0, 12, 2)).upper()
