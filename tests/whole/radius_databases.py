"""The databases that FreeRADIUS may be on, as those who run them treat them: stopped, started, put back."""

import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lab.nas.server import RadiusServer, ServerSettings
from tests.drivers.radius.radius_lab import SECRET, RadiusLab, on_freeradius
from tests.servers.freeradius import running_freeradius
from tests.servers.mariadb import MariaDb, running_mariadb
from tests.servers.postgres import Postgres, running_postgres


class RadiusDatabase(Protocol):
    """What a town's RADIUS stands on."""

    def serve(self, stack: ExitStack) -> RadiusLab:
        """A RADIUS server on it, until the stack is left."""
        ...

    def backup(self) -> Path:
        """A copy of all that is in it now."""
        ...

    def restore(self, backup: Path) -> None:
        """All that came after the backup is gone."""
        ...


@dataclass
class SqliteDatabase:
    """A file under the lab's own RADIUS server."""

    folder: Path

    @property
    def file(self) -> Path:
        return self.folder / "radius.db"

    def serve(self, stack: ExitStack) -> RadiusLab:
        server = RadiusServer(ServerSettings(self.file, SECRET))
        lab = RadiusLab(server.auth, server.acct, f"sqlite:///{self.file}", self.folder, is_freeradius=False)
        lab.opened.append(server)
        stack.callback(lab.close)
        return lab

    def backup(self) -> Path:
        kept = self.folder / "yesterday.db"
        _copy(self.file, kept)
        return kept

    def restore(self, backup: Path) -> None:
        _copy(backup, self.file)


def _copy(source: Path, target: Path) -> None:
    """While others read and write, as `sqlite3 .backup` does."""
    with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target)) as other:
        one.backup(other)


@dataclass
class ServerDatabase:
    """A server of the town's own under a FreeRADIUS. Its disk is copied and put back while it is stopped."""

    folder: Path
    server: Postgres | MariaDb

    def serve(self, stack: ExitStack) -> RadiusLab:
        radius = stack.enter_context(running_freeradius(self.server.create_database("radius"), SECRET))
        lab = on_freeradius(radius, self.folder)
        stack.callback(lab.close)
        return lab

    @contextmanager
    def away(self) -> Iterator[None]:
        """It was stopped at once, and is started again."""
        self.server.stop()
        try:
            yield
        finally:
            self.server.start()

    @property
    def _data(self) -> Path:
        return self.server.folder / "data"

    def backup(self) -> Path:
        kept = self.server.folder / "yesterday"
        with self.away():
            _replace(kept, self._data)
        return kept

    def restore(self, backup: Path) -> None:
        with self.away():
            _replace(self._data, backup)


def _replace(target: Path, source: Path) -> None:
    """With the owners of the files."""
    subprocess.run(["rm", "-rf", str(target)], check=True)
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)


@contextmanager
def on_postgresql(folder: Path) -> Iterator[RadiusDatabase]:
    with running_postgres() as server:
        yield ServerDatabase(folder, server)


@contextmanager
def on_mariadb(folder: Path) -> Iterator[RadiusDatabase]:
    with running_mariadb() as server:
        yield ServerDatabase(folder, server)
