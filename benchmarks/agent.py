"""The agent as a process of its own: routers far away, dead ones beside healthy ones, a restore in a bulk, its memory.

The controller is the small one of the agent's tests: it permits what it wants and keeps what is reported, so that what
is measured is the agent and its routers. The routers share a process, which works the same in every run compared.
"""

import multiprocessing
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median, quantiles

from benchmarks.routeros import PASSWORD, keys
from benchmarks.rows import Row
from enforcement.access import Access
from lab.box.settings import write_secret
from lab.routeros import RouterOS
from lab.routeros.device import User
from tests.agents.controller import TOKEN, Controller

PATIENCE_S = 600.0
ROUTERS, DEAD = 20, 2
CUSTOMERS = 100
"""Restricted on each of the routers at once."""
ROUNDS = 3

_AS_INSTALLED = {"MALLOC_MMAP_THRESHOLD_": "262144", "MALLOC_ARENA_MAX": "1"}
"""As systemd/grifo-agent.service has it."""

_AGENT = """
controller = "{url}"
token_file = "{folder}/token"
memory = "{folder}/agent.db"
sweep_seconds = {sweep}
guard_per_hour = 1000000
"""
_ROUTER = """
[[devices]]
name = "{name}"
driver = "mikrotik"
host = "127.0.0.1"
port = {port}
tls = false
username = "admin"
password_file = "{folder}/password"
"""


def with_dead_routers() -> list[Row]:
    """The same work on 18 healthy routers, beside 2 that never answer and alone; the best of some rounds in turn."""
    names = [f"router-{number:02}" for number in range(ROUTERS)]
    healthy = names[DEAD:]
    beside, alone = [], []
    with _routers(len(healthy)) as ports, _black_holes(DEAD) as holes:
        for _ in range(ROUNDS):
            alone.append(_work(dict(zip(healthy, ports, strict=True)), healthy))
            beside.append(_work(dict(zip(names, [*holes, *ports], strict=True)), healthy))
    note = f"{ROUTERS} routers at once, {DEAD} of them never answer"
    return [
        Row(f"agent: {CUSTOMERS} {what} on each of {len(healthy)} routers", ours, "the healthy alone", floor, note)
        for what, ours, floor in zip(("restrictions", "restores"), map(min, *beside), map(min, *alone), strict=True)
    ]


def _work(routers: dict[str, int], healthy: Sequence[str]) -> tuple[float, float]:
    """Seconds to restrict and to restore everyone on the healthy ones."""
    with _controller(routers) as controller, _agent(controller, routers):
        _until(lambda: all(controller.last_report(name).get("full_read_age_s") is not None for name in healthy))
        return (
            _timed(lambda: _all_verified(controller, healthy, Access.PORTAL)),
            _timed(lambda: _all_verified(controller, healthy, Access.FULL)),
        )


def _all_verified(controller: Controller, names: Sequence[str], access: Access, customers: int = CUSTOMERS) -> None:
    with controller.changed:
        for name in names:
            _want(controller, name, range(customers), access)
    _until(lambda: all(_verified(controller, name) >= customers for name in names))


def on_a_router_far_away(bulk: int = 10_000, delay_ms: float = 20.0) -> list[Row]:
    """The same work on a router whose every reply is late, and on one nearby; the best of some rounds in turn."""
    near, far = [], []
    for _ in range(ROUNDS):
        near.append(_bulk(bulk, 0.0))
        far.append(_bulk(bulk, delay_ms))
    note = f"{delay_ms:g} ms a reply; permits, reads before and after, and reports included"
    return [
        Row(f"agent: {bulk:,} {what}", ours, "without latency", floor, note)
        for what, ours, floor in zip(("restrictions", "restores"), map(min, *far), map(min, *near), strict=True)
    ]


def _bulk(bulk: int, delay_ms: float) -> tuple[float, float]:
    """Seconds to restrict and to restore `bulk` customers of one router."""
    with _routers(1, delay_ms) as [port], _controller(["router"]) as controller, _agent(controller, {"router": port}):
        _until(lambda: controller.last_report("router").get("full_read_age_s") is not None)
        return (
            _timed(lambda: _all_verified(controller, ["router"], Access.PORTAL, bulk)),
            _timed(lambda: _all_verified(controller, ["router"], Access.FULL, bulk)),
        )


def restore_during_a_bulk(bulk: int = 10_000, paying: int = 200) -> list[Row]:
    """Customers pay one after the other while `bulk` others are being cut on the same router."""
    taken: list[float] = []
    with _routers(1) as [port], _controller({"router": port}) as controller, _agent(controller, {"router": port}):
        _want(controller, "router", range(paying), Access.PORTAL)
        _until(lambda: _verified(controller, "router") >= paying)
        began = time.perf_counter()
        _want(controller, "router", range(paying, paying + bulk), Access.PORTAL)
        for number in range(paying):
            if _verified(controller, "router") >= paying + bulk:
                break
            taken.append(_timed(lambda number=number: _pay(controller, number)))  # type: ignore[misc]
            time.sleep(random.uniform(0.0, 0.02))
        _until(lambda: _verified(controller, "router") >= paying + bulk)
        seconds = time.perf_counter() - began
    note = f"{len(taken)} restores in {seconds:.1f} s of {bulk:,} cuts; payment known to verified; the floor is the aim"
    return [
        Row("agent: a restore during a bulk, p50", median(taken), "p99 shall be below", 0.250, note),
        Row("agent: a restore during a bulk, p99", quantiles(taken, n=100)[98], "p99 shall be below", 0.250, note),
    ]


def _pay(controller: Controller, number: int) -> None:
    _want(controller, "router", [number], Access.FULL)
    _until(lambda: controller.state("router", f"b{number}") == "verified")


def memory_of_many_entries(count: int = 100_000, restricted: int = 2_000) -> list[Row]:
    """How much an agent holds that has `count` entries on one router, after two more sweeps."""
    with _routers(1) as [port], _controller({"router": port}) as controller:
        _want(controller, "router", range(restricted), Access.PORTAL)
        _want(controller, "router", range(restricted, count), Access.FULL)
        with _agent(controller, {"router": port}, sweep=2) as process:
            seconds = _timed(lambda: _until(lambda: _verified(controller, "router") >= count))
            reads = _reads(controller, "router")
            _until(lambda: _reads(controller, "router") >= reads + 2)
            held, most = _resident(process.pid, "VmRSS"), _resident(process.pid, "VmHWM")
    note = f"seconds are from its start to all verified; the columns' figures are MB; {seconds:.1f} s"
    return [
        Row(f"agent: MB held with {count:,} entries", held, "MB it shall stay below", 100.0, note),
        Row(f"agent: MB at most with {count:,} entries", most, "MB it shall stay below", 100.0, note),
    ]


def run() -> list[Row]:
    """All of them."""
    return on_a_router_far_away() + with_dead_routers() + restore_during_a_bulk() + memory_of_many_entries()


# --- what is beside the agent ----------------------------------------------------------------------------------------


def _serve(pipe: Connection, count: int, delay_ms: float) -> None:
    """The routers' process: tells their ports, ends when told."""
    with ExitStack() as stack:
        routers = [stack.enter_context(RouterOS((User("admin", PASSWORD, "full"),))) for _ in range(count)]
        for router in routers:
            router.misbehave(delay_ms=delay_ms)
        pipe.send([router.port for router in routers])
        pipe.recv()


@contextmanager
def _routers(count: int, delay_ms: float = 0.0) -> Iterator[list[int]]:
    """Routers that work; their ports."""
    context = multiprocessing.get_context("spawn")
    ours, its = context.Pipe()
    process = context.Process(target=_serve, args=(its, count, delay_ms))
    process.start()
    try:
        yield ours.recv()
    finally:
        ours.send("end")
        process.join()


@contextmanager
def _black_holes(count: int) -> Iterator[list[int]]:
    """Routers that take a connection and say nothing ever; their ports."""
    with ExitStack() as stack:
        listening = [stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=128)) for _ in range(count)]
        yield [each.getsockname()[1] for each in listening]


@contextmanager
def _controller(names: Sequence[str] | dict[str, int]) -> Iterator[Controller]:
    controller = Controller(*names)
    controller.come()
    try:
        yield controller
    finally:
        controller.go()


@contextmanager
def _agent(controller: Controller, routers: dict[str, int], sweep: int = 3600) -> Iterator[subprocess.Popen[bytes]]:
    """`grifo agent run`, with a memory of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_secret(folder / "token", TOKEN)
        write_secret(folder / "password", PASSWORD)
        devices = [_ROUTER.format(name=name, port=port, folder=folder) for name, port in routers.items()]
        settings = folder / "agent.toml"
        settings.write_text(_AGENT.format(url=controller.url, folder=folder, sweep=sweep) + "".join(devices))
        command = [sys.executable, "-c", "from cli.main import run; run()", "agent", "run", "--config", str(settings)]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | _AS_INSTALLED)
        try:
            yield process
        finally:
            process.terminate()
            process.wait()


def _want(controller: Controller, device: str, numbers: Sequence[int], access: Access) -> None:
    with controller.changed:
        for number in numbers:
            controller.want(device, f"b{number}", access, key=f"ipv4:{_ADDRESSES[number]}")


_ADDRESSES = [key.value for key in keys(102_000)]


def _verified(controller: Controller, device: str) -> int:
    """How many entries are reported verified as they are wanted now."""
    with controller.changed:
        desk = controller.desks[device]
        return sum(
            state["state"] == "verified" and state["changed_revision"] == desk.entries[binding].changed_revision
            for binding, state in desk.states.items()
        )


def _reads(controller: Controller, device: str) -> int:
    """How many whole reads were told of after the first: each makes the age of the last one fall."""
    with controller.changed:
        ages = [report["full_read_age_s"] for report in controller.desks[device].reports]
    told = [age for age in ages if age is not None]
    return sum(after < before for before, after in pairwise(told))


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        if time.monotonic() > deadline:
            raise RuntimeError("what is measured did not come to an end")
        time.sleep(0.005)


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _resident(pid: int, which: str) -> float:
    """Megabytes that a process holds (`VmRSS`) or has held at most (`VmHWM`), proc_pid_status(5)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{which}:")) * 1024 / 1e6
