"""The switch: RPC over HTTP on one TCP port, SIP on one UDP port, tables in between."""

import threading
from pathlib import Path
from types import TracebackType
from typing import Any

from lab.switch import sip
from lab.switch.dialplan import Rules
from lab.switch.faults import Faults
from lab.switch.listeners import Listeners
from lab.switch.rpc import Rpc
from lab.switch.tables import Tables, Value

BARRED, ALLOWED = "grifo_barred", "grifo_allow"


class Switch:
    """One node. `database` is an SQLite file, made where it is missing; several nodes may share one.

    Port 0 takes a free one. Starts in `with` or by `start()`; `restart()` is what a crash and a new start do.
    """

    def __init__(self, database: Path, *, host: str = "127.0.0.1", rpc_port: int = 0, sip_port: int = 0) -> None:
        self._tables = Tables(database, (BARRED, ALLOWED))
        self._rpc = Rpc(self._tables)
        self._host = host
        self._ports = (rpc_port, sip_port)
        self._faults = Faults()
        self._calls = 0
        self._counting = threading.Lock()
        self._running: Listeners | None = None

    @property
    def rpc_url(self) -> str:
        return f"http://{self._host}:{self._ports[0]}/RPC"

    @property
    def sip_address(self) -> str:
        return f"{self._host}:{self._ports[1]}"

    @property
    def faults(self) -> Faults:
        return self._faults

    def misbehave(self, **faults: Any) -> None:
        """From now on these faults of `Faults` and no others; `after` counts from here."""
        with self._counting:
            self._faults, self._calls = Faults(**faults), 0

    def behave(self) -> None:
        self.misbehave()

    def rows(self, table: str = BARRED) -> dict[str, Value]:
        """A table as it is in memory."""
        return self._tables.items(table)

    def put(self, key: str, value: Value, table: str = BARRED) -> None:
        """A hand at the switch: memory alone, past every fault."""
        self._tables.set(table, key, value)

    def take(self, key: str, table: str = BARRED) -> None:
        """A hand at the switch: gone from memory alone."""
        self._tables.delete(table, key)

    def bars(self, caller: str, destination: str) -> bool:
        """May A call B now? `destination` is a number or a URI."""
        uri = destination if ":" in destination else f"sip:{destination}@{self._host}"
        return self._rules().bars(caller, uri)

    def bars_incoming(self, callee: str) -> bool:
        """May B be called now?"""
        return self._rules().bars_incoming(callee)

    def start(self) -> None:
        """Load the tables and listen. Raises OSError where a port is taken."""
        self._tables.load()
        self._rpc.restarted()
        self._running = Listeners(self, self._host, *self._ports)
        self._ports = self._running.ports

    def stop(self) -> None:
        """No listener, no connection. Safe to call twice."""
        running, self._running = self._running, None
        if running is not None:
            running.stop()

    def restart(self) -> None:
        """Everything in memory is lost and loaded again from the database, on the same ports."""
        self.stop()
        self.start()

    def __enter__(self) -> "Switch":
        self.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.stop()

    def answer_rpc(self, body: bytes, faults: Faults) -> tuple[int, dict[str, Any]] | None:
        """Used by the HTTP side."""
        return self._rpc.answer(body, faults)

    def answer_sip(self, datagram: bytes) -> bytes | None:
        """Used by the SIP side."""
        request = sip.parse(datagram)
        return None if request is None or self._faults.hang else sip.answer(request, self._rules())

    def strikes(self) -> Faults:
        """The faults that hold for the call that comes now; asked once a call."""
        with self._counting:
            self._calls += 1
            faults, early = self._faults, self._calls <= self._faults.after
        as_ever = Faults(delay_ms=faults.delay_ms, dial_plan=faults.dial_plan, uncalled=faults.uncalled)
        return as_ever if early else faults

    @property
    def delay_s(self) -> float:
        return self._faults.delay_ms / 1000

    def _rules(self) -> Rules:
        return Rules(
            self._tables.items(BARRED), self._tables.items(ALLOWED), self._faults.dial_plan, self._faults.uncalled
        )
