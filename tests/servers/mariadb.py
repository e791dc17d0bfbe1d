"""A MariaDB server of the tests' own: in a temporary folder, on a free port, gone when they end."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from tests.servers.ports import free_port

MEMORY = Path("/dev/shm")
"""Where there is one, the tables lie in memory: MariaDB has no way to do without waiting for a disk."""
_READY_S = 60
_SMALL = ("--innodb-log-file-size=8M", "--innodb-buffer-pool-size=32M", "--innodb-use-native-aio=0")
_FAST = (*_SMALL, "--innodb-flush-log-at-trx-commit=0", "--skip-log-bin")


@dataclass
class MariaDb:
    """A running server; everyone on this host may connect as `grifo`, without a password."""

    port: int
    folder: Path
    _process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        """On the data as it was left, at the same port. Raises RuntimeError with the server's own words."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *_as_user(),
                    "/usr/sbin/mariadbd",
                    "--no-defaults",
                    f"--datadir={self.folder / 'data'}",
                    f"--tmpdir={self.folder}",
                    f"--socket={self.folder / 'socket'}",
                    f"--pid-file={self.folder / 'pid'}",
                    "--bind-address=127.0.0.1",
                    f"--port={self.port}",
                    "--skip-grant-tables",
                    "--skip-networking=0",
                    *_FAST,
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd="/",
            )
        self._wait_until_ready(self._process)

    def stop(self) -> None:
        """At once, as a power cut does: connections end in mid-sentence. Safe to call twice."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def _wait_until_ready(self, process: "subprocess.Popen[bytes]") -> None:
        deadline = time.monotonic() + _READY_S
        while True:
            try:
                self.execute("SELECT 1")
            except OperationalError:
                if process.poll() is not None or time.monotonic() > deadline:
                    words = (self.folder / "log").read_text(errors="replace")[-3000:]
                    raise RuntimeError(f"MariaDB did not start:\n{words}") from None
                time.sleep(0.05)
            else:
                return

    def url(self, database: str) -> str:
        """SQLAlchemy's URL of one of its databases."""
        return f"mysql+pymysql://grifo@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: str) -> None:
        """Run one statement as the server's own administrator."""
        engine = create_engine(self.url(""), poolclass=NullPool)
        with engine.begin() as connection:
            connection.exec_driver_sql(statement)

    def create_database(self, name: str) -> str:
        """A new, empty database; its URL. Its collation takes a letter and its capital for one, as is usual."""
        self.execute(f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4")
        return self.url(name)


@contextmanager
def running_mariadb() -> Iterator[MariaDb]:
    """Start a server, and stop it whatever happens."""
    folder = Path(tempfile.mkdtemp(prefix="grifo-maria-", dir=MEMORY if os.access(MEMORY, os.W_OK) else None))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, "mysql", "mysql")
        _install(folder / "data")
        server = MariaDb(free_port(), folder)
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _install(data: Path) -> None:
    """With a folder for temporary tables of its own: two that start at once in /tmp take away each other's."""
    command = ["mariadb-install-db", "--no-defaults", f"--datadir={data}", f"--tmpdir={data.parent}", "--skip-test-db"]
    done = subprocess.run(
        [*_as_user(), *command, *_SMALL], stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd="/", check=False
    )
    if done.returncode:
        raise RuntimeError(f"MariaDB's tables can't be made:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def _as_user() -> list[str]:
    """MariaDB refuses root: then it runs as its own user."""
    return ["setpriv", "--reuid=mysql", "--regid=mysql", "--init-groups"] if os.geteuid() == 0 else []
