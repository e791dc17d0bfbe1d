"""An operator's RADIUS for tests: a server, its tables with a plan and customers, a NAS with their sessions."""

import io
import re
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyrad.client import Client
from pyrad.dictionary import Dictionary
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.pool import NullPool

from drivers.radius import attributes
from drivers.radius.driver import RadiusDriver
from drivers.radius.settings_file import settings_from
from enforcement.access import Access, Kind, Reason
from enforcement.changes import Outcome
from enforcement.entries import BindingId, Entry, ServiceId
from enforcement.keys import Key, KeyType
from enforcement.plan import Plan, State, plan
from lab.nas.nas import Nas, NasSettings
from lab.nas.sessions import SessionView, Subscriber
from tests.servers.freeradius import FreeRadius

SECRET = b"testing123"
PASSWORD = "pw"
TABLES = ("radcheck", "radreply", "radusergroup", "radgroupreply", "radgroupcheck")
DEADLINE_S = 15.0
PREFIX = "isp_"
"""Before the names of the tables of the server on MariaDB, as operators who share a database have it."""

GROUPS = {
    "plan-100": [("Mikrotik-Rate-Limit", ":=", "100M/100M"), ("Framed-Pool", ":=", "pool-active")],
    "grifo-throttled": [
        ("Mikrotik-Rate-Limit", ":=", "1M/1M"),
        ("Framed-Pool", ":=", "pool-active"),
        ("Class", ":=", "grifo-throttled"),
    ],
    "grifo-portal": [
        ("Mikrotik-Rate-Limit", ":=", "512k/512k"),
        ("Mikrotik-Address-List", ":=", "portal"),
        ("Framed-Pool", ":=", "pool-walled"),
        ("Class", ":=", "grifo-portal"),
    ],
}


def wait_for(condition: Callable[[], Any]) -> Any:
    """What `condition` returns once it is true. Raises AssertionError after a generous deadline."""
    deadline = time.monotonic() + DEADLINE_S
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)
    return found


def entry(username: str, access: Access, revision: int = 1, *, ended: bool = False) -> Entry:
    """What is wanted for one customer."""
    return Entry(
        binding=BindingId(f"b-{username}"),
        service=ServiceId(f"s-{username}"),
        kind=Kind.INTERNET,
        key=Key(KeyType.USERNAME, username),
        access=access,
        reasons=(Reason.BILLING,) if access is not Access.FULL else (),
        changed_revision=revision,
        ended=ended,
    )


@dataclass
class RadiusLab:
    """One server with its tables. `make_database_url` is a copy of what an operator would configure."""

    auth: tuple[str, int]
    acct: tuple[str, int]
    url: str
    folder: Path
    is_freeradius: bool
    prefix: str = ""
    """Stands before the names of `TABLES` in the database; statements of tests go without it."""
    engine: Engine = field(init=False)
    opened: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        one_connection = (
            {"pool_size": 1, "max_overflow": 0, "pool_pre_ping": True}
            if self.is_freeradius
            else {"poolclass": NullPool}
        )
        self.engine = create_engine(self.url, **one_connection)
        (self.folder / "secret").write_text(SECRET.decode() + "\n")

    def sql(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        """Run a statement as the operator would; its rows."""
        named = re.sub(rf"\b({'|'.join(TABLES)})\b", rf"{self.prefix}\1", statement)
        with self.engine.begin() as connection:
            result = connection.execute(text(named), values)
            return [tuple(row) for row in result] if result.returns_rows else []

    def seed(self, *usernames: str) -> None:
        """A plan, grifo's groups, and customers of that plan with an attribute of their own."""
        for group, items in GROUPS.items():
            for attribute, op, value in items:
                self.set_item("radgroupreply", "groupname", group, attribute, op, value)
        for username in usernames:
            self.set_item("radcheck", "username", username, "Cleartext-Password", ":=", PASSWORD)
            self.set_item("radreply", "username", username, "Session-Timeout", "=", "86400")
            self.put_into(username, "plan-100", 10)

    def set_item(self, table: str, column: str, name: str, attribute: str, op: str, value: str) -> None:
        self.sql(
            f"INSERT INTO {table} ({column}, attribute, op, value) VALUES (:n, :a, :o, :v)",
            n=name,
            a=attribute,
            o=op,
            v=value,
        )

    def put_into(self, username: str, group: str, priority: int) -> None:
        self.sql(
            "INSERT INTO radusergroup (username, groupname, priority) VALUES (:u, :g, :p)",
            u=username,
            g=group,
            p=priority,
        )

    def dump(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of the operator's tables, ids and order included."""
        return {table: self.sql(f"SELECT * FROM {table} ORDER BY id") for table in TABLES}

    def marks(self) -> list[tuple[Any, ...]]:
        return self.sql("SELECT username, mark, groupname FROM grifo_marks ORDER BY username, mark")

    def login(self, username: str) -> list[str]:
        """What a login is given now, as an independent client sees it; ["rejected"] where it is refused."""
        return self._radclient(username) if self.is_freeradius else self._pyrad(username)

    def _radclient(self, username: str) -> list[str]:
        asked = f"User-Name={username},User-Password={PASSWORD},NAS-IP-Address=127.0.0.1"
        where = f"{self.auth[0]}:{self.auth[1]}"
        done = subprocess.run(
            ["radclient", "-x", where, "auth", SECRET.decode()],
            input=asked,
            capture_output=True,
            text=True,
            check=False,
        )
        received = done.stdout.partition("Received ")[2]
        if not received.startswith("Access-Accept"):
            return ["rejected"]
        given = [line.strip() for line in received.splitlines()[1:] if " = " in line]
        return sorted(line.replace('"', "") for line in given if not line.startswith("Message-Authenticator"))

    def _pyrad(self, username: str) -> list[str]:
        client = Client(self.auth[0], authport=self.auth[1], secret=SECRET, dict=_with_passwords())
        request = client.CreateAuthPacket(User_Name=username, NAS_IP_Address="127.0.0.1")
        request["User-Password"] = request.PwCrypt(PASSWORD)
        try:
            reply = client.SendPacket(request)
        finally:
            client._CloseSocket()
        if reply.code != 2:
            return ["rejected"]
        given = [(name, value) for name in list(reply.keys()) for value in reply[name]]
        return sorted(f"{name} = {_shown(value)}" for name, value in given if name != "Message-Authenticator")

    def nas(self, **settings: Any) -> Nas:
        """A NAS of this server; closed with the lab."""
        defaults: dict[str, Any] = {"redial_s": 0.05, "retry_s": 0.2}
        nas = Nas(NasSettings(auth=self.auth, acct=self.acct, secret=SECRET, **(defaults | settings)))
        self.opened.append(nas)
        return nas

    def driver(self, *nases: dict[str, Any], installation: str = "op-1", **settings: Any) -> RadiusDriver:
        """A driver as an operator would set it up; closed with the lab."""
        defaults: dict[str, Any] = {
            "database": self.url,
            "groups": {"throttled": "grifo-throttled", "portal": "grifo-portal"},
            "obstructing_groups": ["suspended"],
            "nases": list(nases),
            "session_class": True,
            "read_back_seconds": 5,
            "tables": {table: self.prefix + table for table in TABLES},
        }
        driver = RadiusDriver(settings_from(defaults | settings), installation)
        self.opened.append(driver)
        return driver

    def nas_settings(self, nas: Nas, **settings: Any) -> dict[str, Any]:
        """How the driver is told of `nas`."""
        defaults = {"address": "127.0.0.1", "port": nas.port, "secret_file": str(self.folder / "secret")}
        return defaults | {"timeout_seconds": 0.3, "tries": 2} | settings

    def close(self) -> None:
        for one in reversed(self.opened):
            one.close()
        self.engine.dispose()


def on_freeradius(server: FreeRadius, folder: Path, prefix: str = "") -> RadiusLab:
    """The lab of a real server, its tables emptied."""
    lab = RadiusLab(server.auth, server.acct, server.database, folder, is_freeradius=True, prefix=prefix)
    lab.sql("DROP TABLE IF EXISTS grifo_marks")
    for table in (*TABLES, "radacct", "nasreload"):
        lab.sql(f"DELETE FROM {table}")
    return lab


def ago(lab: RadiusLab, seconds: int) -> str:
    """SQL for a moment past, as FreeRADIUS writes times in this database."""
    if not lab.is_freeradius:
        return f"(CAST(strftime('%s', 'now') AS INTEGER) - {seconds})"
    return f"(CURRENT_TIMESTAMP - INTERVAL '{seconds}' SECOND)"


def _with_passwords() -> Any:
    """The driver's dictionary knows no passwords, for it sends none."""
    more = io.StringIO("ATTRIBUTE User-Password 2 string\nATTRIBUTE Framed-Protocol 7 integer\n")
    return Dictionary(str(Path(attributes.__file__).with_name("dictionary")), more)


def _shown(value: object) -> str:
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)


@dataclass
class Enforcer:
    """observe, plan, apply, observe, plan: what the agent does, with its memory of owed effects."""

    driver: RadiusDriver
    installation: str = "op-1"
    owed: dict[BindingId, bool] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)

    def plan(self, *entries: Entry, full: bool = False) -> Plan:
        keys = None if full else frozenset(one.key for one in entries)
        return plan(self.installation, entries, self.driver.observe(keys), self.owed)

    def state(self, wanted: Entry, *, full: bool = False) -> State:
        """What a read says of one customer."""
        return self.plan(wanted, full=full).states[wanted.binding]

    def enforce(self, *entries: Entry) -> Plan:
        """One slice; the plan that is left."""
        todo = self.plan(*entries)
        for change in todo.changes:
            self.owed[change.mark.binding] = True
        self.outcomes = list(self.driver.apply(todo.changes))
        for outcome in self.outcomes:
            if outcome.effect_done:
                self.owed.pop(outcome.change.mark.binding, None)
        return self.plan(*entries)


def subscribers(usernames: Iterable[str]) -> list[Subscriber]:
    return [
        Subscriber(name, PASSWORD, f"02:00:00:00:{at // 256:02x}:{at % 256:02x}") for at, name in enumerate(usernames)
    ]


def given(nas: Nas, username: str, attribute: str) -> object:
    """The value of `attribute` that the customer's live session has now; None without a session or a value."""
    views: list[SessionView] = list(nas.sessions(username))
    return views[-1].given.get(attribute, (None,))[0] if views else None
