"""`grifo lab nas`: the simulated NAS with its RADIUS server in a terminal, told to misbehave by lines on its input."""

import sys
import tempfile
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TextIO

from lab.nas.dae import Misbehaviour
from lab.nas.nas import Nas
from lab.nas.run import PASSWORD, running

HELP = """refuse CAUSE    answer every CoA and Disconnect with this Error-Cause (503, 506, ...)
lie             acknowledge and change nothing
agree           the same, of sessions too that there are not
silent          answer nothing
drop N          lose the next N datagrams
delay MS        send each reply that many milliseconds later
ok              behave again
reboot          announce it, lose all sessions; subscribers dial again
powercut        lose all sessions without a word; subscribers dial again
show            the live sessions
help            these lines
"""


def run(
    port: int = 3799,
    host: str = "127.0.0.1",
    secret: str = "testing123",  # noqa: S107 - a laboratory's secret, printed in every example
    sessions: int = 100,
    database: Path | None = None,
    lines: TextIO = sys.stdin,
) -> None:
    """A NAS by RFC 5176 at UDP `port` with live sessions, and its RADIUS server on FreeRADIUS's SQLite schema.

    Customers user001@lab and so on are put into `database`, an SQLite file (a temporary one where none is given).
    `lines` is where commands come from. Raises OSError where the port is taken.
    """
    names = [f"user{number:03}@lab" for number in range(1, sessions + 1)]
    with tempfile.TemporaryDirectory(prefix="grifo-nas-") as folder:
        tables = database or Path(folder) / "radius.db"
        with running(tables, names, secret.encode(), host, port) as lab:
            _say(f"NAS {host}: CoA and Disconnect at UDP {lab.nas.port}, secret {secret}; type help\n")
            _say(f"RADIUS: logins at UDP {lab.server.auth[1]}, accounting at {lab.server.acct[1]}; tables {tables}\n")
            _say(f"{len(lab.nas.sessions())} live sessions, password {PASSWORD}\n")
            try:
                obey(lab.nas, lines, _say)
                threading.Event().wait()
            except KeyboardInterrupt:
                _say("\n")


def obey(nas: Nas, lines: Iterable[str], say: Callable[[str], None]) -> None:
    """Carry out the lines of `HELP` until they end; `say` gets what to show."""
    for line in lines:
        verb, _, rest = line.strip().partition(" ")
        try:
            match verb:
                case "":
                    continue
                case "help":
                    say(HELP)
                case "reboot" | "powercut":
                    nas.reboot(announce=verb == "reboot")
                case "show":
                    say(_state(nas))
                case _:
                    nas.misbehave(_misbehaviour(verb, rest))
        except ValueError as wrong:
            say(f"{wrong}; type help\n")


def _misbehaviour(verb: str, rest: str) -> Misbehaviour:
    """How to misbehave, from a line. Raises ValueError for what is not in `HELP`."""
    match verb:
        case "ok":
            return Misbehaviour()
        case "lie":
            return Misbehaviour(lie=True)
        case "agree":
            return Misbehaviour(agree=True)
        case "silent":
            return Misbehaviour(silent=True)
        case "refuse":
            return Misbehaviour(refuse=int(rest))
        case "drop":
            return Misbehaviour(drop_first=int(rest))
        case "delay":
            return Misbehaviour(delay_s=float(rest) / 1000)
    raise ValueError(f"no such line: {verb}")


def _state(nas: Nas) -> str:
    rows = [f"{one.username:24} {one.id:10} {one.address:16} {dict(one.given)}" for one in nas.sessions()]
    return "\n".join([*rows, f"{len(rows)} sessions, {nas.received} datagrams, {nas.discarded} of them dropped\n"])


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
