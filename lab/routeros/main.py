"""`grifo lab routeros`: the simulated router in a terminal, told to misbehave by lines on its standard input."""

import sys
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

from lab.routeros.device import User
from lab.routeros.faults import Faults
from lab.routeros.server import RouterOS

HELP = """refuse TEXT     answer every write with this trap        (not enough permissions (9))
lie             answer every write !done and change nothing
only TEXT       limit refuse and lie to sentences with this text in a word
hang login      answer the login and nothing after it
hang reply      send half of a reply, then nothing
drop            send half of a reply, then reset the connection
garble          send nonsense for a reply
after N         let N replies pass before hang reply, drop or garble
delay MS        send each reply that many milliseconds later
ok              behave again
reboot          lose sessions and dynamic entries, number anew
backup          remember the configuration as it is
restore         put the remembered configuration back
show            what it does now, and how many sessions and entries it has
help            these lines
"""


def run(
    port: int = 8728,
    host: str = "127.0.0.1",
    user: str = "admin",
    password: str = "",
    tls_port: int = 8729,
    certificate: Path | None = None,
    key: Path | None = None,
    version: str = "7.20.1",
    max_sessions: int = 20,
    lines: TextIO = sys.stdin,
) -> None:
    """A router that speaks the RouterOS API on PORT, until Ctrl-C. Type `help` to see how it can misbehave.

    `user` and `password` may log in with all rights; `api-ssl` listens on TLS_PORT where a certificate and key (PEM)
    are given; `lines` is where commands come from. Raises OSError where a port is taken.
    """
    pair = (str(certificate), str(key)) if certificate and key else None
    router = RouterOS(
        (User(user, password, "full"),),
        host=host,
        port=port,
        tls_port=tls_port,
        certificate=pair,
        version=version,
        max_sessions=max_sessions,
    )
    with router:
        _say(f"RouterOS {version} API on {host}:{router.port}, user {user}; type help\n")
        try:
            obey(router, lines, _say)
            threading.Event().wait()
        except KeyboardInterrupt:
            _say("\n")


def obey(router: RouterOS, lines: Iterable[str], say: Callable[[str], None]) -> None:
    """Carry out the lines of `HELP` until they end; `say` gets what to show."""
    backup = router.backup()
    for line in lines:
        verb, _, rest = line.strip().partition(" ")
        try:
            match verb:
                case "":
                    continue
                case "help":
                    say(HELP)
                case "reboot":
                    router.reboot()
                case "backup":
                    backup = router.backup()
                case "restore":
                    router.restore(backup)
                case "show":
                    say(_state(router))
                case "ok":
                    router.behave()
                case _:
                    _misbehave(router, verb, rest)
        except ValueError as wrong:
            say(f"{wrong}; type help\n")


def _misbehave(router: RouterOS, verb: str, rest: str) -> None:
    """One fault more; the others stay. Raises ValueError for what is not in `HELP`."""
    if verb == "hang" and rest not in ("login", "reply"):
        raise ValueError("hang login or hang reply")
    known: dict[str, Callable[[], dict[str, Any]]] = {
        "refuse": lambda: {"refuse": rest or "not enough permissions (9)"},
        "lie": lambda: {"lie": True},
        "only": lambda: {"only": rest},
        "hang": lambda: {"hang": rest},
        "drop": lambda: {"drop": True},
        "garble": lambda: {"garble": True},
        "after": lambda: {"after": int(rest)},
        "delay": lambda: {"delay_ms": float(rest)},
    }
    if verb not in known:
        raise ValueError(f"no such line: {verb}")
    wanted = replace(router.faults, **known[verb]())
    router.misbehave(**{name: getattr(wanted, name) for name in Faults.__dataclass_fields__})


def _state(router: RouterOS) -> str:
    entries = [len(router.rows(f"/{family}/firewall/address-list")) for family in ("ip", "ipv6")]
    return f"{router.faults}\n{router.sessions()} sessions, {entries[0]} IPv4 and {entries[1]} IPv6 list entries\n"


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
