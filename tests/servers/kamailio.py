"""A Kamailio of the tests' own: the product's fragments in a small operator's dial plan, stopped by its process id."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import sqlalchemy as sa

from tests.servers.ports import free_port

FRAGMENTS = Path(__file__).parents[2] / "configs" / "sip" / "kamailio"
_DIAL_PLAN = Path(__file__).with_name("kamailio.cfg")
_READY_S = 20.0


def free_udp_port() -> int:
    """A UDP port of 127.0.0.1 that nobody uses at this moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@dataclass
class Kamailio:
    """One node. `database` is SQLAlchemy's URL of the tables; several nodes may share one."""

    folder: Path
    database: str
    options: tuple[str, ...] = ()
    sip_port: int = field(default_factory=free_udp_port)
    rpc_port: int = field(default_factory=free_port)
    gateway_port: int = field(default_factory=free_udp_port)
    _process: "subprocess.Popen[bytes] | None" = None

    @property
    def rpc_url(self) -> str:
        return f"http://127.0.0.1:{self.rpc_port}/RPC"

    @property
    def ctl_socket(self) -> Path:
        """Where kamcmd finds it."""
        return self.folder / "ctl.sock"

    @property
    def pid(self) -> int:
        """Of the first process; the others are in its group."""
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Started, and neither stopped nor killed since."""
        return self._process is not None

    @property
    def sip_address(self) -> str:
        return f"127.0.0.1:{self.sip_port}"

    def start(self) -> None:
        """Start and wait until it answers RPC. Raises RuntimeError with Kamailio's own words."""
        defines = [
            f"SIP_LISTEN=udp:127.0.0.1:{self.sip_port}",
            f"RPC_LISTEN=tcp:127.0.0.1:{self.rpc_port}",
            f"GATEWAY_PORT={self.gateway_port}",
            f'CTL_SOCKET="unix:{self.ctl_socket}"',
            f'GATEWAY_URI="sip:127.0.0.1:{self.gateway_port}"',
            f'GRIFO_DBURL="{_kamailio_url(self.database)}"',
            *(("WITH_SQLITE",) if self.database.startswith("sqlite") else ()),
            *self.options,
        ]
        command = ["kamailio", "-f", str(self.folder / "kamailio.cfg"), "-Y", str(self.folder), "-w", str(self.folder)]
        command += ["-DD", "-E", "-m", "64", "-M", "8", *(part for define in defines for part in ("-A", define))]
        if os.geteuid() == 0:
            command = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", *command]
        with (self.folder / "log").open("ab") as log:
            # Its own group, so that a kill reaches the workers too.
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder, start_new_session=True
            )
        self._wait_until_ready()

    def stop(self) -> None:
        """A clean stop. Safe to call twice."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """What a power cut does: no process of it lives to save anything."""
        self._signal(signal.SIGKILL)

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """It takes connections, by its kernel, and says nothing: every process of it stands still."""
        group = os.getpgid(self.pid)
        os.killpg(group, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(group, signal.SIGCONT)

    def rpc(self, method: str, *params: str | int) -> httpx.Response:
        """One RPC call, by a client that is not the product's."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        return httpx.post(self.rpc_url, json=body, timeout=10)

    def _signal(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        os.killpg(process.pid, number)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _READY_S
        while time.monotonic() < deadline:
            try:
                self.rpc("core.uptime")
            except httpx.HTTPError:
                if self._process is None or self._process.poll() is not None:
                    break
                time.sleep(0.02)
            else:
                return
        self.kill()
        raise RuntimeError("Kamailio did not start:\n" + (self.folder / "log").read_text(errors="replace")[-3000:])


def create_tables(database: str, allow: tuple[str, ...] = ()) -> None:
    """The product's own SQL, as an operator runs it, in a database of either kind; and the operator's care lines."""
    engine = sa.create_engine(database)
    version = "CREATE TABLE version (table_name VARCHAR(32) NOT NULL UNIQUE, table_version INTEGER DEFAULT 0 NOT NULL)"
    try:
        script = (FRAGMENTS / f"schema-{'sqlite' if engine.dialect.name == 'sqlite' else 'postgres'}.sql").read_text()
        with engine.begin() as connection:
            for statement in (version, *_statements(script)):
                connection.execute(sa.text(statement))
            for number in allow:
                connection.execute(sa.text("INSERT INTO grifo_allow (key_name) VALUES (:number)"), {"number": number})
    finally:
        engine.dispose()


@contextmanager
def running_kamailio(
    database: str = "", options: tuple[str, ...] = (), allow: tuple[str, ...] = ()
) -> Iterator[Kamailio]:
    """A node that runs; on an SQLite database of its own, with `allow` for care lines, where none is given."""
    folder = Path(tempfile.mkdtemp(prefix="grifo-kam-"))
    try:
        for file in (_DIAL_PLAN, FRAGMENTS / "grifo-tables.cfg", FRAGMENTS / "grifo-routes.cfg"):
            shutil.copy(file, folder)
        if not database:
            database = f"sqlite:///{folder / 'kamailio.db'}"
            create_tables(database, allow)
        if os.geteuid() == 0:
            for path in (folder, *folder.iterdir()):
                shutil.chown(path, "nobody", "nogroup")
        node = Kamailio(folder, database, options)
        node.start()
        try:
            yield node
        finally:
            node.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _statements(script: str) -> list[str]:
    bare = "\n".join(line for line in script.splitlines() if not line.startswith("--"))
    return [statement for statement in bare.split(";") if statement.strip()]


def _kamailio_url(database: str) -> str:
    """The same database in Kamailio's way of writing."""
    url = sa.make_url(database)
    if url.get_backend_name() == "sqlite":
        return f"sqlite:///{url.database}"
    return f"postgres://{url.username}@{url.host}:{url.port}/{url.database}"
