"""10,000 live sessions changed by CoA, ours beside `radclient -p` on the same NAS in the same run.

The NAS is the lab's, in a process of its own. radclient takes an identifier again as soon as it is answered, which a
strict NAS drops without a word, so this NAS takes it again too; ours would pass a strict one, radclient only with 256
requests in five minutes. Two rows: the packets alone, beside radclient; and the whole driver (rows and marks written in
SQLite, sessions told, radacct read until it shows the class of each CoA), beside a loop that writes rows of the same
slices, sends the same packets, and reads radacct once, at the end, until it has all.
"""

import multiprocessing
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from pyrad.packet import CoAACK, CoARequest

from benchmarks import bare
from benchmarks.rows import Row
from drivers.radius.driver import SLICE, RadiusDriver
from drivers.radius.packets import Answer, Ask
from drivers.radius.sender import Sender
from drivers.radius.settings import Nas as NasAddress
from drivers.radius.settings_file import settings_from
from drivers.secret import Secret
from enforcement.access import Access, Kind, Reason
from enforcement.entries import BindingId, Entry, ServiceId
from enforcement.keys import Key, KeyType
from enforcement.plan import plan
from lab.nas.dae import Strictness
from lab.nas.nas import Nas, NasSettings
from lab.nas.run import PASSWORD, seed
from lab.nas.schema import open_database
from lab.nas.server import RadiusServer, ServerSettings
from lab.nas.sessions import Subscriber

SECRET = "testing123"
IN_FLIGHT = 32
SLOW, FAST = "1M/1M", "100M/100M"


@dataclass(frozen=True, slots=True)
class Live:
    """A NAS that listens at `port`; its sessions as (user name, session id)."""

    port: int
    sessions: Sequence[tuple[str, str]]


def run(count: int) -> list[Row]:
    """Both rows. Raises RuntimeError where a session was not changed by anyone."""
    with tempfile.TemporaryDirectory(prefix="grifo-bench-") as folder, _nas(Path(folder), count) as live:
        ours = _timed(lambda: _send(live, SLOW))
        theirs = _timed(lambda: _radclient(live, Path(folder), FAST))
        whole = _timed(lambda: _enforce(live, Path(folder)))
        floor = _timed(lambda: _bare(live, Path(folder) / "radius.db"))
    note = f"{count} live sessions, {count / ours:.0f}/s beside {count / theirs:.0f}/s"
    rate = f"{count} live sessions, {count / whole:.0f}/s; radclient's packets alone {count / theirs:.0f}/s"
    return [
        Row("NAS: CoA, packets", ours, f"radclient -p {IN_FLIGHT}, packets only", theirs, note),
        Row("NAS: CoA, rows written, read back", whole, "same SQL and packets, pipelined", floor, rate),
    ]


@contextmanager
def _nas(folder: Path, count: int) -> Iterator[Live]:
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(folder, count, there))
    process.start()
    try:
        port, sessions = here.recv()
        yield Live(port, sessions)
        here.send("enough")
    finally:
        process.join(30)
        process.kill()


def _serve(folder: Path, count: int, said: Connection) -> None:
    """The NAS with its RADIUS server, until something is said."""
    names = [f"user{number:05}@bench" for number in range(count)]
    database = folder / "radius.db"
    connection = open_database(database)
    seed(connection, names)
    connection.close()
    with RadiusServer(ServerSettings(database, SECRET.encode())) as server:
        forgetful = Strictness(window_s=300.0, identifiers_return=True)
        settings = NasSettings(server.auth, server.acct, SECRET.encode(), strictness=forgetful, redial_s=3600)
        with Nas(settings) as nas:
            nas.dial(Subscriber(name, PASSWORD, name) for name in names)
            said.send((nas.port, [(view.username, view.id) for view in nas.sessions()]))
            said.recv()


def _send(live: Live, rate: str) -> None:
    nas = NasAddress("127.0.0.1", "127.0.0.1", Secret(SECRET), live.port, in_flight=IN_FLIGHT)
    asks = [
        Ask(nas, CoARequest, (("User-Name", name), ("Acct-Session-Id", id), ("Mikrotik-Rate-Limit", rate)))
        for name, id in live.sessions
    ]
    sender = Sender()
    answers = sender.send(asks)
    sender.close()
    if answers != [Answer(CoAACK)] * len(asks):
        raise RuntimeError(f"{sum(one != Answer(CoAACK) for one in answers)} of {len(asks)} CoAs were not acknowledged")


def _radclient(live: Live, folder: Path, rate: str) -> None:
    requests = folder / "requests"
    lines = [f'User-Name={name}\nAcct-Session-Id={id}\nMikrotik-Rate-Limit="{rate}"\n' for name, id in live.sessions]
    requests.write_text("\n".join(lines))
    where = f"127.0.0.1:{live.port}"
    command = ["radclient", "-q", "-s", "-p", str(IN_FLIGHT), "-f", str(requests), where, "coa", SECRET]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    accepted = [line.split()[-1] for line in done.stdout.splitlines() if "Accepted" in line]
    if accepted != [str(len(live.sessions))]:
        raise RuntimeError(f"radclient: {done.stdout[-500:]}{done.stderr[-500:]}")


def _enforce(live: Live, folder: Path) -> None:
    """What an agent does: observe, plan, slices, observe; until nothing is left."""
    (folder / "secret").write_text(SECRET)
    rate = ["Mikrotik-Rate-Limit"]
    nas = {
        "address": "127.0.0.1",
        "port": live.port,
        "secret_file": str(folder / "secret"),
        "live": "coa",
        "changes": {"full": rate, "throttled": rate},
        "coa_class": True,
        "in_flight": IN_FLIGHT,
    }
    settings = {
        "database": f"sqlite:///{folder / 'radius.db'}",
        "groups": {"throttled": "grifo-throttled", "portal": "grifo-portal"},
        "session_class": True,
        "read_back_seconds": 20,
        "nases": [nas],
    }
    driver = RadiusDriver(settings_from(settings), "bench")
    entries = [_entry(name) for name, _ in live.sessions]
    for _ in range(5):
        todo = plan("bench", entries, driver.observe(), {}).changes
        for start in range(0, len(todo), SLICE):
            driver.apply(todo[start : start + SLICE])
        if not todo:
            driver.close()
            return
    raise RuntimeError(f"{len(todo)} changes are left")


def _bare(live: Live, database: Path) -> None:
    """The floor: rows in slices, one CoA for each session of the slice; at the end, until radacct shows every class."""
    with closing(sqlite3.connect(database, isolation_level=None, timeout=10)) as rows:
        for start in range(0, len(live.sessions), SLICE):
            slice = live.sessions[start : start + SLICE]
            rows.execute("BEGIN IMMEDIATE")
            rows.executemany(
                "INSERT INTO radusergroup (username, groupname, priority) VALUES (?, 'floor', 0)",
                [(name,) for name, _ in slice],
            )
            rows.execute("COMMIT")
            requests: list[bare.Request] = [
                (("User-Name", name), ("Acct-Session-Id", id), ("Mikrotik-Rate-Limit", FAST), ("Class", b"floor"))
                for name, id in slice
            ]
            bare.tell(live.port, SECRET.encode(), CoARequest, requests, IN_FLIGHT)
        others = "SELECT count(*) FROM radacct WHERE acctstoptime IS NULL AND class IS NOT ?"
        while rows.execute(others, ("0x" + b"floor".hex(),)).fetchone()[0]:
            time.sleep(0.02)


def _entry(name: str) -> Entry:
    key = Key(KeyType.USERNAME, name)
    return Entry(BindingId(name), ServiceId(name), Kind.INTERNET, key, Access.THROTTLED, (Reason.BILLING,), 1)


def _timed(work: Callable[[], None]) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started
