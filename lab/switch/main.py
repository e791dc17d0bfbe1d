"""`grifo lab switch`: the simulated switch in a terminal, told to misbehave by lines on its standard input."""

import sys
import tempfile
import threading
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TextIO

from lab.switch.faults import BLOCKS
from lab.switch.switch import Switch

HELP = """refuse TEXT          answer every write with this error     (Internal error)
lie                  answer every write Ok and change nothing
hang                 read requests, answer none, RPC and SIP
drop                 close the connection in place of an answer
garble               send nonsense for an answer
after N              let N calls pass before refuse, lie, hang, drop or garble
delay MS             send each answer that many milliseconds later
dialplan bars_all    barred callers reach no number, not even 112
dialplan bars_none   nobody is barred
dialplan missing     the dial plan knows nothing of barring
uncalled BLOCK ...   the dial plan has these blocks and never calls them: barring, incoming, forwarding
ok                   behave again
restart              lose what is in memory, load the tables from the database
bars A B             may A call B now?
show                 what it does now, and the rows in memory
help                 these lines
"""


def run(
    port: int = 8080,
    host: str = "127.0.0.1",
    sip_port: int = 5060,
    database: Path | None = None,
    lines: TextIO = sys.stdin,
) -> None:
    """A SIP switch with Kamailio's JSON-RPC on PORT (path /RPC), until Ctrl-C. Type `help` to see how it can misbehave.

    `database` is the SQLite file with its rows, a temporary one where none is given; `lines` is where commands come
    from. Raises OSError where a port is taken.
    """
    with tempfile.TemporaryDirectory(prefix="grifo-switch-") as folder:
        file = database or Path(folder) / "switch.db"
        with Switch(file, host=host, rpc_port=port, sip_port=sip_port) as switch:
            _say(f"switch: RPC {switch.rpc_url}, SIP udp:{switch.sip_address}, rows in {file}; type help\n")
            try:
                obey(switch, lines, _say)
                threading.Event().wait()
            except KeyboardInterrupt:
                _say("\n")


def obey(switch: Switch, lines: Iterable[str], say: Callable[[str], None]) -> None:
    """Carry out the lines of `HELP` until they end; `say` gets what to show."""
    for line in lines:
        verb, _, rest = line.strip().partition(" ")
        try:
            match verb:
                case "":
                    continue
                case "help":
                    say(HELP)
                case "ok":
                    switch.behave()
                case "restart":
                    switch.restart()
                case "bars":
                    say(f"{_verdict(switch, rest)}\n")
                case "show":
                    say(f"{switch.faults}\n" + "".join(f"{key} => {value}\n" for key, value in switch.rows().items()))
                case _:
                    _misbehave(switch, verb, rest)
        except ValueError as wrong:
            say(f"{wrong}; type help\n")


def _verdict(switch: Switch, rest: str) -> str:
    caller, _, destination = rest.partition(" ")
    if not caller or not destination:
        raise ValueError("bars A B takes a caller and a destination")
    return f"{caller} is kept from {destination}" if switch.bars(caller, destination) else f"{caller} may call"


def _misbehave(switch: Switch, verb: str, rest: str) -> None:
    """One fault more; the others stay. Raises ValueError for what is not in `HELP`."""
    if verb == "dialplan" and rest not in ("bars_all", "bars_none", "missing"):
        raise ValueError("dialplan bars_all, bars_none or missing")
    if verb == "uncalled" and not {*rest.split()} <= {*BLOCKS}:
        raise ValueError(f"uncalled takes some of {', '.join(BLOCKS)}")
    known: dict[str, Callable[[], dict[str, Any]]] = {
        "refuse": lambda: {"refuse": rest or "Internal error"},
        "lie": lambda: {"lie": True},
        "hang": lambda: {"hang": True},
        "drop": lambda: {"drop": True},
        "garble": lambda: {"garble": True},
        "after": lambda: {"after": int(rest)},
        "delay": lambda: {"delay_ms": float(rest)},
        "dialplan": lambda: {"dial_plan": rest},
        "uncalled": lambda: {"uncalled": tuple(rest.split())},
    }
    if verb not in known:
        raise ValueError(f"no such line: {verb}")
    switch.misbehave(**asdict(replace(switch.faults, **known[verb]())))


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
