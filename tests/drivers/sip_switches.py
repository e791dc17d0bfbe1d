"""The switches that the SIP driver is tested on: the simulator, and real Kamailio on either database."""

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import sqlalchemy as sa

from drivers.base import Driver
from drivers.sip import build
from enforcement.access import Access, Kind, Reason
from enforcement.changes import Outcome
from enforcement.entries import BindingId, Entry, Mark, ServiceId
from enforcement.keys import Key
from enforcement.plan import Plan, plan
from lab.switch import Switch
from tests.servers.kamailio import Kamailio, create_tables, running_kamailio
from tests.servers.postgres import Postgres

INSTALLATION = "isp"
CARE = "900123456"
LINE = Key.of("msisdn", "+34910000001")
OTHER_LINE = Key.of("msisdn", "+34910000002")
AOR = Key.of("sip_aor", "sip:ana@ISP.lab")


class SwitchUnderTest(Protocol):
    """One node, seen past the driver."""

    database: str

    @property
    def node(self) -> dict[str, str]: ...

    def live(self) -> dict[str, str]: ...

    def hand(self, name: str, value: str) -> None:
        """Somebody writes to the node's memory alone."""
        ...

    def take(self, name: str) -> None:
        """Somebody deletes from the node's memory alone."""
        ...

    def crash(self) -> None:
        """The process is gone at once, and starts again."""
        ...


class LabSwitch:
    """The simulator."""

    def __init__(self, switch: Switch, database: str) -> None:
        self.switch = switch
        self.database = database

    @property
    def node(self) -> dict[str, str]:
        return {"rpc": self.switch.rpc_url, "sip": self.switch.sip_address}

    def live(self) -> dict[str, str]:
        return {name: str(value) for name, value in self.switch.rows().items()}

    def hand(self, name: str, value: str) -> None:
        self.switch.put(name, value)

    def take(self, name: str) -> None:
        self.switch.take(name)

    def crash(self) -> None:
        self.switch.restart()


class RealSwitch:
    """A Kamailio."""

    def __init__(self, kamailio: Kamailio) -> None:
        self.kamailio = kamailio
        self.database = kamailio.database

    @property
    def node(self) -> dict[str, str]:
        return {"rpc": self.kamailio.rpc_url, "sip": self.kamailio.sip_address}

    def live(self) -> dict[str, str]:
        slots = self.kamailio.rpc("htable.dump", "grifo_barred").json()["result"]
        return {item["name"]: str(item["value"]) for slot in slots for item in slot["slot"]}

    def hand(self, name: str, value: str) -> None:
        assert self.kamailio.rpc("htable.sets", "grifo_barred", name, value).status_code == 200

    def take(self, name: str) -> None:
        assert self.kamailio.rpc("htable.delete", "grifo_barred", name).status_code == 200

    def crash(self) -> None:
        self.kamailio.kill()
        self.kamailio.start()


@contextmanager
def lab_switch(folder: Path) -> Iterator[LabSwitch]:
    """A simulator with the care line allowed."""
    file = folder / "switch.db"
    with Switch(file) as switch:
        switch.put(CARE, "1", "grifo_allow")
        database = f"sqlite:///{file}"
        execute(database, f"INSERT INTO grifo_allow (key_name, key_value) VALUES ('{CARE}', '1')")
        yield LabSwitch(switch, database)


@contextmanager
def real_switch(postgres: Postgres | None = None, options: tuple[str, ...] = ()) -> Iterator[RealSwitch]:
    """A Kamailio with the care line allowed, on SQLite or on a database of that cluster."""
    if postgres is None:
        with running_kamailio(options=options, allow=(CARE,)) as node:
            yield RealSwitch(node)
        return
    name = f"kamailio_{uuid.uuid4().hex}"
    database = postgres.create_database(name)
    try:
        create_tables(database, (CARE,))
        with running_kamailio(database, options) as node:
            yield RealSwitch(node)
    finally:
        postgres.drop_database(name)


def driver_for(*switches: SwitchUnderTest, **settings: Any) -> Driver:
    """A driver of one or more nodes behind the first one's database."""
    nodes = [switch.node for switch in switches]
    given = {"nodes": nodes, "database": switches[0].database, "country": "es", "read_timeout_s": 5}
    given |= {"care_numbers": ["900 123 456"]}
    return build({**given, **settings}, INSTALLATION)


def entry(access: Access = Access.INCOMING_ONLY, key: Key = LINE, binding: str = "b1", revision: int = 1) -> Entry:
    return Entry(
        BindingId(binding), ServiceId("s1"), Kind.FIXED_VOICE, key, access, (Reason.BILLING,), revision, first=True
    )


def value(binding: str = "b1", access: Access = Access.INCOMING_ONLY) -> str:
    """What a row of ours holds."""
    return f"{access};{Mark(INSTALLATION, ServiceId('s1'), BindingId(binding))}"


def wait_until(holds: Callable[[], bool]) -> None:
    """Look again and again. Raises AssertionError where it does not come to hold."""
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline, "what was waited for did not come"
        time.sleep(0.05)


def planned(driver: Driver, *entries: Entry) -> Plan:
    return plan(INSTALLATION, entries, driver.observe(), {})


def settle(driver: Driver, *entries: Entry) -> list[Outcome]:
    """One turn of an agent: look, plan, change."""
    changes = planned(driver, *entries).changes
    size = driver.capabilities.slice_size
    return [
        outcome for start in range(0, len(changes), size) for outcome in driver.apply(changes[start : start + size])
    ]


def rows(database: str, table: str = "grifo_barred") -> list[Mapping[str, Any]]:
    """The database's rows, every column but the row's own number, in order."""
    engine = sa.create_engine(database)
    try:
        with engine.connect() as connection:
            query = f"SELECT key_name, key_type, value_type, key_value, expires FROM {table} ORDER BY key_name, id"
            return [dict(row) for row in connection.execute(sa.text(query)).mappings()]
    finally:
        engine.dispose()


def execute(database: str, statement: str) -> None:
    engine = sa.create_engine(database)
    try:
        with engine.begin() as connection:
            connection.execute(sa.text(statement))
    finally:
        engine.dispose()


def foreign_row(database: str, name: str, barring: str) -> None:
    """The operator's own row, in the database alone."""
    execute(database, f"INSERT INTO grifo_barred (key_name, key_value) VALUES ('{name}', '{barring}')")
