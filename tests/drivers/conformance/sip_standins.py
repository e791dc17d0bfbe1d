"""Small stand-ins for the switches of the experimental profiles, seen past the driver: their tables are files."""

import json
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

from enforcement.keys import Key
from tests.drivers.sip_shells import PROFILES
from tests.servers import ios_shell

OPERATORS_OWN = "+34910000009"
PROGRAMS = Path(ios_shell.__file__).parent
ALLOWED = "^(112|[+]34112|0034112|116[0-9]{3}|0[0-9]{2}|1006|900123456)$"
"""What a small operator lets a barred line call."""


class StandIn(Protocol):
    """One switch, emptied when it is made."""

    def settings(self) -> dict[str, Any]:
        """The profile, and where its program is."""
        ...

    def line(self, number: int) -> Key: ...

    def rows(self) -> Mapping[str, str]:
        """What bars: name to value."""
        ...

    def whole(self) -> bytes:
        """Everything that there is."""
        ...

    def hand(self, name: str, value: str) -> None:
        """Somebody bars a line."""
        ...

    def take(self, name: str) -> None:
        """Somebody lifts a barring."""
        ...

    def fault(self, name: str) -> Any:
        """A context for as long as which something is wrong. Raises KeyError for what is not known."""
        ...


class InFolder:
    """What the commands of a POSIX shell have in common: a folder of a switch, whose rows survive a restart."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder / name
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        (self.folder / "allowed").write_text(ALLOWED)

    def line(self, number: int) -> Key:
        return Key.of("msisdn", f"+3491000000{number}")

    @contextmanager
    def fault(self, name: str) -> Iterator[None]:
        match name:
            case "the switch is away and its shell is not":
                (self.folder / "away").touch()
                yield
                (self.folder / "away").unlink()
            case "the allow-list is lost":
                (self.folder / "allowed").write_text("^nothing$")
                yield
                (self.folder / "allowed").write_text(ALLOWED)
            case _:
                raise KeyError(name)


class Asterisk(InFolder):
    """A file for each row of its own database."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "asterisk")
        (self.folder / "rows").mkdir()
        (self.folder / "started").touch()
        self.hand(OPERATORS_OWN, "fraud")

    def settings(self) -> dict[str, Any]:
        program = f"/bin/sh {PROGRAMS / 'asterisk.sh'} {self.folder}"
        return {"profile": str(PROFILES / "asterisk.toml"), "program": program}

    def rows(self) -> Mapping[str, str]:
        return {file.name: file.read_text() for file in (self.folder / "rows").iterdir()}

    def whole(self) -> bytes:
        return repr(sorted(self.rows().items())).encode()

    def hand(self, name: str, value: str) -> None:
        (self.folder / "rows" / name).write_text(value)

    def take(self, name: str) -> None:
        (self.folder / "rows" / name).unlink()


class FreeSwitch(InFolder):
    """The profile reads the file of its mod_db, at the place where Debian's package has it: here it is elsewhere."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "freeswitch")
        self._file = self.folder / "call_limit.db"
        shipped = (PROFILES / "freeswitch.toml").read_text()
        (self.folder / "freeswitch.toml").write_text(shipped.replace("/var/lib/freeswitch/db", str(self.folder)))
        self._write("CREATE TABLE db_data (hostname TEXT, realm TEXT, data_key TEXT, data TEXT)")
        self.hand(OPERATORS_OWN, "fraud")

    def settings(self) -> dict[str, Any]:
        program = f"/bin/sh {PROGRAMS / 'fs_cli.sh'} {self.folder}"
        return {"profile": str(self.folder / "freeswitch.toml"), "program": program}

    def _write(self, statement: str, *values: str) -> None:
        with closing(sqlite3.connect(self._file)) as database, database:
            database.execute(statement, values)

    def rows(self) -> Mapping[str, str]:
        with closing(sqlite3.connect(self._file)) as database:
            return dict(database.execute("SELECT data_key, data FROM db_data WHERE realm = 'grifo'").fetchall())

    def whole(self) -> bytes:
        return repr(sorted(self.rows().items())).encode()

    def hand(self, name: str, value: str) -> None:
        self._write("INSERT INTO db_data VALUES ('here', 'grifo', ?, ?)", name, value)

    def take(self, name: str) -> None:
        self._write("DELETE FROM db_data WHERE data_key = ?", name)


class Cube:
    """Dial peers, one a customer, in the running configuration alone: a reload opens them."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "peers.json"
        peers = {f"700{number}": ["session protocol sipv2"] for number in range(1, 9)}
        self._startup = peers | {"7009": ["description PBX of the town hall", "session protocol sipv2"]}
        self._write(self._startup)

    def settings(self) -> dict[str, Any]:
        return {"profile": str(PROFILES / "cube.toml")}

    def line(self, number: int) -> Key:
        return Key.of("trunk", f"700{number}")

    def _peers(self) -> dict[str, list[str]]:
        peers: dict[str, list[str]] = json.loads(self._file.read_text())
        return peers

    def _write(self, peers: Mapping[str, list[str]]) -> None:
        self._file.write_text(json.dumps(peers))

    def rows(self) -> Mapping[str, str]:
        described = {
            tag: line.removeprefix("description ")
            for tag, lines in self._peers().items()
            for line in lines
            if line.startswith("description ")
        }
        barred = {tag for tag, lines in self._peers().items() if "corlist incoming grifo-barred" in lines}
        return {tag: text for tag, text in described.items() if tag in barred or ";grifo:" not in text}

    def whole(self) -> bytes:
        return repr(sorted(self._peers().items())).encode()

    def hand(self, name: str, value: str) -> None:
        self._write(self._peers() | {name: [f"description {value}", "corlist incoming fraud"]})

    def take(self, name: str) -> None:
        """The list, and the description that tells of it."""
        kept = [line for line in self._peers()[name] if not line.startswith(("corlist incoming", "description "))]
        self._write(self._peers() | {name: kept})

    @contextmanager
    def fault(self, name: str) -> Iterator[None]:
        bars_all = self._file.with_suffix(".bars-all")
        match name:
            case "restarts":
                self._write(self._startup)
                yield
            case "the allow-list is lost":
                bars_all.touch()
                yield
                bars_all.unlink()
            case _:
                raise KeyError(name)
