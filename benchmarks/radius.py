"""10,000 restrictions and 10,000 restores on FreeRADIUS's SQL and a NAS with live sessions, beside the bare floor.

The row ours is what the driver does for the agent: slices of rows with marks, each session told and read back from
radacct, observed again. The floor is a minimal loop in the same run: the same inserts and deletes in slices of the same
size, the same Disconnect-Requests to the same NAS, as many in flight; it judges nothing, and waits once, at the end,
until radacct has all stops, because the RADIUS server's accounting is the device's own speed.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from pyrad.packet import DisconnectRequest
from sqlalchemy.engine import make_url

from benchmarks import bare, coa
from benchmarks.rows import Row
from drivers.radius.driver import SLICE, RadiusDriver
from drivers.radius.settings_file import settings_from
from enforcement.access import Access, Kind, Reason
from enforcement.entries import BindingId, Entry, ServiceId
from enforcement.keys import Key, KeyType
from enforcement.plan import plan
from lab.nas.nas import Nas, NasSettings
from lab.nas.sessions import Subscriber
from tests.servers.freeradius import FreeRadius, running_freeradius
from tests.servers.postgres import running_postgres

CUSTOMERS = 10_000
SECRET = b"testing123"
PASSWORD = "pw"
IN_FLIGHT = 64
TURNS = 30


@dataclass(frozen=True, slots=True)
class Bench:
    """FreeRADIUS on PostgreSQL, a NAS with everyone's session, a driver."""

    server: FreeRadius
    nas: Nas
    driver: RadiusDriver
    names: Sequence[str]


def run(count: int = CUSTOMERS) -> list[Row]:
    """All rows; customers redial only after the measurement, so that each run changes live sessions."""
    with running(count) as lab:
        restrict = _timed(lambda: _enforce(lab, Access.PORTAL))
        redial(lab)
        restore = _timed(lambda: _enforce(lab, Access.FULL))
        redial(lab)
        floor_restrict, floor_restore = floor(lab)
    note = f"{count} live sessions, Disconnect, each read back from radacct; floor: same SQL and packets, one reading"
    return [
        Row("FreeRADIUS SQL + NAS: restrict", restrict, "same SQL and packets, pipelined", floor_restrict, note),
        Row("FreeRADIUS SQL + NAS: restore", restore, "same SQL and packets, pipelined", floor_restore, note),
        *coa.run(count),
    ]


def floor(bench: Bench) -> tuple[float, float]:
    """Seconds of the floor to restrict and to restore everyone; all are online before and after."""
    restrict = _timed(lambda: _bare(bench, _insert))
    redial(bench)
    restore = _timed(lambda: _bare(bench, _delete))
    redial(bench)
    return restrict, restore


@contextmanager
def running(customers: int) -> Iterator[Bench]:
    """Everything started, everyone online."""
    names = [f"user{number:05}@bench" for number in range(customers)]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        postgres = stack.enter_context(running_postgres())
        server = stack.enter_context(running_freeradius(postgres.create_database("radius"), SECRET))
        _seed(server, names)
        nas = stack.enter_context(Nas(NasSettings(server.auth, server.acct, SECRET, redial_s=3600)))
        driver = _driver(server, nas, folder)
        stack.callback(driver.close)
        bench = Bench(server, nas, driver, names)
        redial(bench)
        yield bench


def _seed(server: FreeRadius, names: Sequence[str]) -> None:
    groups = {"plan": "100M/100M", "grifo-portal": "1M/1M"}
    with _connected(server) as connection, connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO radcheck (username, attribute, op, value) VALUES (%s, 'Cleartext-Password', ':=', %s)",
            [(name, PASSWORD) for name in names],
        )
        cursor.executemany(
            "INSERT INTO radusergroup (username, groupname, priority) VALUES (%s, 'plan', 10)", [(n,) for n in names]
        )
        rows = [(group, "Mikrotik-Rate-Limit", rate) for group, rate in groups.items()]
        cursor.executemany(
            "INSERT INTO radgroupreply (groupname, attribute, op, value) VALUES (%s, %s, ':=', %s)",
            [*rows, ("grifo-portal", "Class", "grifo-portal")],
        )


def _driver(server: FreeRadius, nas: Nas, folder: Path) -> RadiusDriver:
    (folder / "secret").write_bytes(SECRET)
    one = {"address": "127.0.0.1", "port": nas.port, "secret_file": str(folder / "secret"), "in_flight": IN_FLIGHT}
    settings = {
        "database": server.database,
        "groups": {"portal": "grifo-portal"},
        "session_class": True,
        "nases": [one],
    }
    return RadiusDriver(settings_from(settings), "bench")


def redial(bench: Bench) -> None:
    """Everyone online again, as after the customers' routers dialled in."""
    live = {view.username for view in bench.nas.sessions()}
    bench.nas.dial(Subscriber(name, PASSWORD, name) for name in bench.names if name not in live)


def _enforce(bench: Bench, access: Access) -> None:
    """What an agent does: observe, plan, slices, observe; until nothing is left."""
    entries = [_entry(name, access) for name in bench.names]
    owed: dict[BindingId, bool] = {}
    for _ in range(TURNS):
        todo = plan("bench", entries, bench.driver.observe(), owed).changes
        if not todo:
            return
        for start in range(0, len(todo), SLICE):
            for outcome in bench.driver.apply(todo[start : start + SLICE]):
                owed[outcome.change.mark.binding] = access is not Access.FULL
                if outcome.effect_done:
                    del owed[outcome.change.mark.binding]
    raise RuntimeError(f"{len(todo)} changes are left after {TURNS} turns")


def _entry(name: str, access: Access) -> Entry:
    binding, service = BindingId(name), ServiceId(name)
    return Entry(binding, service, Kind.INTERNET, Key(KeyType.USERNAME, name), access, (Reason.BILLING,), 1)


def _bare(bench: Bench, change: Callable[["psycopg.Cursor[tuple[str, ...]]", Sequence[str]], None]) -> None:
    """The floor: rows in slices, then one Disconnect for each session of the slice."""
    ids = {view.username: view.id for view in bench.nas.sessions()}
    with _connected(bench.server) as connection:
        for start in range(0, len(bench.names), SLICE):
            names = bench.names[start : start + SLICE]
            with connection.cursor() as cursor:
                change(cursor, names)
            connection.commit()
            _disconnect(bench.nas.port, [(name, ids[name]) for name in names])
        open_sessions = "SELECT count(*) FROM radacct WHERE acctstoptime IS NULL"
        while any(int(row[0]) for row in connection.execute(open_sessions)):
            connection.rollback()
            time.sleep(0.02)


def _insert(cursor: "psycopg.Cursor[tuple[str, ...]]", names: Sequence[str]) -> None:
    cursor.execute(
        "INSERT INTO radusergroup (username, groupname, priority) SELECT unnest(%s::text[]), 'grifo-portal', 0",
        (list(names),),
    )


def _delete(cursor: "psycopg.Cursor[tuple[str, ...]]", names: Sequence[str]) -> None:
    cursor.execute("DELETE FROM radusergroup WHERE priority = 0 AND username = ANY(%s)", (list(names),))


def _disconnect(port: int, sessions: Sequence[tuple[str, str]]) -> None:
    """Every session of a slice."""
    requests: list[bare.Request] = [
        (("User-Name", name), ("Acct-Session-Id", session), ("NAS-IP-Address", "127.0.0.1"))
        for name, session in sessions
    ]
    bare.tell(port, SECRET, DisconnectRequest, requests, IN_FLIGHT)


def _connected(server: FreeRadius) -> "psycopg.Connection[tuple[str, ...]]":
    url = make_url(server.database)
    return psycopg.connect(f"host={url.host} port={url.port} user={url.username} dbname={url.database}")


def _timed(work: Callable[[], None]) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started
