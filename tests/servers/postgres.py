"""A PostgreSQL cluster of the tests' own: in a temporary folder, on a free port, gone when they end."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.servers.ports import free_port

BINARIES = Path("/usr/lib/postgresql/15/bin")
_FAST = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c shared_buffers=64MB -c max_connections=100"


@dataclass(frozen=True, slots=True)
class Postgres:
    """A running cluster; everyone on this host may connect as `grifo`, without a password."""

    port: int
    folder: Path

    def start(self) -> None:
        """On the data as it was left, at the same port."""
        options = f"-p {self.port} -k {self.folder} -h 127.0.0.1 {_FAST}"
        _run("pg_ctl", *self._data, "-w", "-t", "60", "-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self) -> None:
        """At once, as a power cut does: connections end in mid-sentence."""
        _run("pg_ctl", *self._data, "-w", "-m", "immediate", "stop")

    @property
    def _data(self) -> tuple[str, str]:
        return "-D", str(self.folder / "data")

    def url(self, database: str) -> str:
        """SQLAlchemy's URL of one of its databases."""
        return f"postgresql+psycopg://grifo@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: str) -> None:
        """Run one statement outside of a transaction, such as CREATE DATABASE."""
        where = f"host=127.0.0.1 port={self.port} user=grifo dbname=postgres"
        with psycopg.connect(where, autocommit=True) as connection:
            connection.execute(statement.encode())

    def create_database(self, name: str, template: str = "template0") -> str:
        """A new database, a copy of `template`; its URL."""
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Gone, whoever is still connected to it."""
        self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """Start a cluster, and stop it whatever happens. Raises CalledProcessError with PostgreSQL's own words."""
    folder = Path(tempfile.mkdtemp(prefix="grifo-pg-"))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        data = str(folder / "data")
        _run("initdb", "-D", data, "-A", "trust", "-U", "grifo", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        cluster = Postgres(free_port(), folder)
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(program: str, *arguments: str) -> None:
    """PostgreSQL refuses root: then it runs as its own user."""
    command = [str(BINARIES / program), *arguments]
    if os.geteuid() == 0:
        command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", *command]
    # pg_ctl leaves the server behind with our pipes open, so that waiting for their end would wait for ever.
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd="/")
