"""The MikroTik driver beside a bare loop: entries restricted, restored and read on a simulated router.

The floor sends the same sentences, as ready bytes, as far ahead of the replies as the driver, and looks at nothing in
the replies but how many commands they end. The router runs in a process of its own and is the same for both; both
take turns, and the best of each counts, since the machine may be doing something else.
"""

import itertools
import multiprocessing
import re
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import Any

from benchmarks.rows import Row
from drivers.base import Driver
from drivers.mikrotik.driver import MikrotikDriver
from drivers.mikrotik.ending import IDS_AT_ONCE
from drivers.mikrotik.entries import questions
from drivers.mikrotik.settings import Settings, read
from drivers.mikrotik.wire import WINDOW
from drivers.secret import Secret
from enforcement.access import Access, Kind, Reason
from enforcement.changes import Change, key_of
from enforcement.entries import BindingId, Entry, ServiceId
from enforcement.keys import Key, KeyType
from enforcement.plan import plan
from lab.routeros import RouterOS
from lab.routeros.device import User
from lab.routeros.words import encode

INSTALLATION = "bench"
PASSWORD = "bench"
LIST = "/ip/firewall/address-list"
DONE = re.compile(rb"\x05!done(?:.=ret=(\*[0-9A-F]+))?", re.DOTALL)


DELAYS_MS = (0.0, 5.0, 20.0)
VERBS = ("restrict", "read", "restore")


def run(
    count: int = 10_000, rounds: int = 3, delays_ms: Sequence[float] = DELAYS_MS, entries: int = 100_000
) -> list[Row]:
    """Restrict, read and restore `count` entries with each delay of the router's replies; read `entries` of them."""
    return [row for delay_ms in delays_ms for row in _with_delay(count, rounds, delay_ms)] + [_sweep(entries, rounds)]


def _with_delay(count: int, rounds: int, delay_ms: float) -> list[Row]:
    best: dict[str, float] = {}
    with router(delay_ms) as port:
        for _ in range(rounds):
            for name, seconds in (floor(port, count) | _driver(port, count)).items():
                best[name] = min(seconds, best.get(name, seconds))
    late = [f"{delay_ms:g} ms a reply"] if delay_ms else []
    notes = {
        "restrict": ["ours also looks for connections to end"],
        "read": ["ours also understands and judges what it reads"],
        "restore": ["ours also looks for connections to end"],
    }
    return [
        Row(
            f"RouterOS: {what} {count:,} entries",
            best[f"driver {what}"],
            "same sentences",
            best[f"floor {what}"],
            "; ".join(late + notes[what]),
        )
        for what in VERBS
    ]


def _sweep(count: int, rounds: int) -> Row:
    """A whole look at a router that is full of ours, beside the bare sentences of it."""
    ours: list[float] = []
    bare: list[float] = []
    with router() as port, socket.create_connection(("127.0.0.1", port)) as sock:
        driver = MikrotikDriver(_settings(port), INSTALLATION)
        _pipelined(sock, [encode(("/login", "=name=admin", f"=password={PASSWORD}"))])
        _pipelined(sock, _adds(count))
        for _ in range(rounds):
            bare.append(_timed(lambda: _pipelined(sock, _asks())))
            ours.append(_timed(lambda: len(driver.observe().seen)))
        driver.close()
    return Row(f"RouterOS: sweep of {count:,} entries", min(ours), "same sentences", min(bare), "read and judged")


def _adds(count: int) -> list[bytes]:
    return [
        encode((f"{LIST}/add", "=list=grifo-portal", f"=address={entry.key.value}",
                f"=comment=grifo:v1:{INSTALLATION}:{entry.service}:{entry.binding}", f".tag={n}"))
        for n, entry in enumerate(_entries(count))
    ]  # fmt: skip


def _asks() -> list[bytes]:
    return [encode(words) for _, words in questions((KeyType.IPV4, KeyType.IPV6_PREFIX), None)]


def _serve(pipe: Connection, delay_ms: float) -> None:
    """The router's process: tells its port, ends when told."""
    with RouterOS((User("admin", PASSWORD, "full"),)) as router:
        router.misbehave(delay_ms=delay_ms)
        pipe.send(router.port)
        pipe.recv()


@contextmanager
def router(delay_ms: float = 0.0) -> Iterator[int]:
    """A router in a process of its own; its port."""
    context = multiprocessing.get_context("spawn")
    ours, its = context.Pipe()
    process = context.Process(target=_serve, args=(its, delay_ms))
    process.start()
    try:
        yield ours.recv()
    finally:
        ours.send("end")
        process.join()


def _timed(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def keys(count: int) -> list[Key]:
    """`count` customers' addresses."""
    return [Key(KeyType.IPV4, f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}") for n in range(count)]


def _entries(count: int) -> list[Entry]:
    return [
        Entry(BindingId(f"b{n}"), ServiceId(f"s{n}"), Kind.INTERNET, key, Access.PORTAL, (Reason.BILLING,), 1)
        for n, key in enumerate(keys(count))
    ]


def _settings(port: int) -> Settings:
    given = {"host": "127.0.0.1", "port": port, "username": "admin", "password_env": "PATH", "tls": False}
    return replace(read(given), password=Secret(PASSWORD))


def _driver(port: int, count: int) -> dict[str, float]:
    """The driver, slice by slice, from the changes that plan() asks for."""
    driver = MikrotikDriver(_settings(port), INSTALLATION)
    wanted = _entries(count)
    try:
        restricting = plan(INSTALLATION, wanted, driver.observe(), {}).changes
        restrict = _timed(lambda: _apply(driver, restricting))
        reading = _timed(driver.observe)
        paid = [replace(entry, access=Access.FULL) for entry in wanted]
        restoring = plan(INSTALLATION, paid, driver.observe(), {}).changes
        restore = _timed(lambda: _apply(driver, restoring, looks=True))
        if plan(INSTALLATION, paid, driver.observe(), {}).changes:
            raise RuntimeError("the router is not as it was")
    finally:
        driver.close()
    return {"driver restrict": restrict, "driver read": reading, "driver restore": restore}


def _apply(driver: Driver, changes: Sequence[Change], looks: bool = False) -> None:
    """Slice by slice; `looks` before each as an agent does, which tells the ids that are to go."""
    size = driver.capabilities.slice_size
    for start in range(0, len(changes), size):
        slice = changes[start : start + size]
        if looks:
            driver.observe({key_of(change) for change in slice})
        for outcome in driver.apply(slice):
            if outcome.result != "done":
                raise RuntimeError(f"not done: {outcome.detail}")


def floor(port: int, count: int) -> dict[str, float]:
    """The least that can be done: ready sentences out, replies counted."""
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _pipelined(sock, [encode(("/login", "=name=admin", f"=password={PASSWORD}"))])
        ids: list[bytes] = []
        adds, asks = _adds(count), _asks()
        restrict = _timed(lambda: ids.extend(_pipelined(sock, adds)))
        reading = _timed(lambda: _pipelined(sock, asks))
        slices = list(
            _removals([id.decode() for id in ids], MikrotikDriver(_settings(port), "").capabilities.slice_size)
        )
        restore = _timed(lambda: [(_pipelined(sock, asks), _pipelined(sock, removals)) for removals in slices])
    return {"floor restrict": restrict, "floor read": reading, "floor restore": restore}


def _removals(ids: Sequence[str], slice_size: int) -> Iterator[list[bytes]]:
    """The removals of each slice."""
    tags = itertools.count()
    for start in range(0, len(ids), slice_size):
        its = ids[start : start + slice_size]
        yield [
            encode((f"{LIST}/remove", f"=.id={','.join(its[at : at + IDS_AT_ONCE])}", f".tag={next(tags)}"))
            for at in range(0, len(its), IDS_AT_ONCE)
        ]


def _pipelined(sock: socket.socket, sentences: Sequence[bytes]) -> list[bytes]:
    """Send, at most a window ahead; answers the ids that the router gave."""
    sent, ended, ids, rest = 0, 0, [], b""
    while ended < len(sentences):
        if sent < len(sentences) and sent - ended <= WINDOW // 2:
            more = WINDOW - (sent - ended)
            sock.sendall(b"".join(sentences[sent : sent + more]))
            sent = min(sent + more, len(sentences))
        heard = rest + sock.recv(65536)
        whole = heard.rfind(b"\0") + 1
        found = [match[1] for match in DONE.finditer(heard, 0, whole)]
        ended += len(found)
        ids += [id for id in found if id]
        rest = heard[whole:]
    return ids
