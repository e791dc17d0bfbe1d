"""The whole product: from 10,000 events in to 10,000 entries read back on the device, beside the device's bare floor.

Restricting is timed from the first of 10,000 notices sent (the fact that was still missing) to the last entry verified;
restoring from the first of 10,000 payments. Controller (SQLite), agent and device are processes of their own. The floor
is the one of `routeros` and `radius`, in the same run: it sends the same sentences or packets and decides nothing.
"""

import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks import radius, routeros
from benchmarks.rows import Row
from controller.administration import add_token, migrate_database
from controller.app import spare_the_collector
from controller.settings import load_settings
from lab.box.clock import MovedClock
from lab.box.launch import running_agent, running_controller
from lab.box.month import TUESDAY, Event, at, event, fresh
from lab.box.noc import Noc
from lab.box.settings import write_secret
from tests.controller.live import POLICY
from tests.servers.ports import free_port

COUNT = 10_000
DEVICE = "device-1"
_PATIENCE_S = 300.0
_NOW = at(TUESDAY, 10)
_BEGAN = _NOW - timedelta(days=60)

_AGENT = """
controller = "{url}"
token_file = "{folder}/agent.token"
memory = "{folder}/agent.db"
sweep_seconds = 3600
guard_per_hour = 1000000
[[devices]]
name = "{device}"
{driver}
"""
_ROUTER = """driver = "mikrotik"
host = "127.0.0.1"
port = {port}
tls = false
username = "admin"
password_file = "{folder}/password"
lists = {{ throttled = "grifo-portal", portal = "grifo-throttled" }}
"""
_RADIUS = """driver = "radius"
database = "{database}"
groups = {{ throttled = "grifo-portal" }}
session_class = true
[[devices.nases]]
address = "127.0.0.1"
port = {port}
secret_file = "{folder}/password"
in_flight = 64
"""


def on_routeros(count: int = COUNT) -> list[Row]:
    """Address list entries on one simulated router."""
    with tempfile.TemporaryDirectory() as name, routeros.router() as port:
        folder = Path(name)
        write_secret(folder / "password", routeros.PASSWORD)
        floor = routeros.floor(port, count)
        keys = [f"ipv4:{key.value}" for key in routeros.keys(count)]
        seconds = _timed(folder, _ROUTER.format(port=port, folder=folder), keys)
    return _rows("RouterOS", "same sentences", seconds, (floor["floor restrict"], floor["floor restore"]), count)


def on_radius(count: int = COUNT) -> list[Row]:
    """FreeRADIUS SQL on PostgreSQL and a NAS with `count` live sessions, each disconnected; customers dial again."""
    with tempfile.TemporaryDirectory() as name, radius.running(count) as bench:
        folder = Path(name)
        write_secret(folder / "password", radius.SECRET.decode())
        floor = radius.floor(bench)
        driver = _RADIUS.format(database=bench.server.database, port=bench.nas.port, folder=folder)
        keys = [f"username:{name}" for name in bench.names]
        seconds = _timed(folder, driver, keys, lambda: radius.redial(bench))
    return _rows("FreeRADIUS SQL + NAS", "same SQL and packets", seconds, floor, count)


def _rows(
    device: str, floor_name: str, seconds: tuple[float, float], floor: tuple[float, float], count: int
) -> list[Row]:
    note = "events in to verified on the device"
    return [
        Row(f"whole, {device}: {count:,} {what}", ours, floor_name, least, note)
        for what, ours, least in zip(("restrictions", "restores"), seconds, floor, strict=True)
    ]


def _timed(
    folder: Path, driver: str, keys: list[str], between: Callable[[], None] = lambda: None
) -> tuple[float, float]:
    """Seconds to restrict and to restore everyone."""
    with _operator(folder, driver) as noc:
        noc.tell(one for number, key in enumerate(keys) for one in _debtor(number, key))
        noc.tell([fresh(_NOW)])
        _wait(noc, lambda: len(noc.status()["devices"]) == 1)
        noc.set_mode(DEVICE, "enforce")
        _wait(noc, lambda: _states(noc) in ({"verified": len(keys)}, {"armed": len(keys)}))
        restrict = _until_all(noc, "throttled", [_notice(number) for number in range(len(keys))])
        between()
        restore = _until_all(noc, "full", [_payment(number) for number in range(len(keys))])
    return restrict, restore


def _until_all(noc: Noc, access: str, events: list[Event]) -> float:
    began = time.monotonic()
    noc.tell(events)
    _wait(noc, lambda: _decided(noc) == {access: len(events)} and _done(_states(noc), len(events)))
    return time.monotonic() - began


def _done(states: dict[str, int], count: int) -> bool:
    """Read back, or on record for the next login of who was disconnected and has not dialled again."""
    return states.get("verified", 0) + states.get("armed", 0) == count


def _decided(noc: Noc) -> dict[str, int]:
    return {row["access"]: row["services"] for row in noc.status()["services"] if row["services"]}


def _states(noc: Noc) -> dict[str, int]:
    return {state: count for state, count in noc.status()["devices"][0]["states"].items() if count}


def _wait(noc: Noc, true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not true():
        if time.monotonic() > deadline:
            raise RuntimeError(f"not done within {_PATIENCE_S:.0f} s: {noc.status()}")
        time.sleep(0.1)


@contextmanager
def _operator(folder: Path, driver: str) -> Iterator[Noc]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    (folder / "policies").mkdir()
    (folder / "policies" / "es.toml").write_text(POLICY.replace("= 1000\n", "= 1000000\n"))
    (folder / "controller.toml").write_text(
        f'installation = "bench"\ndatabase = "sqlite:///{folder}/grifo.db"\nlisten = "127.0.0.1:{port}"\n'
        'policies = "policies"\ndefault_policy = "es"\n'
    )
    settings = load_settings(folder / "controller.toml")
    migrate_database(settings)
    write_secret(folder / "agent.token", add_token(settings, "agent", "agent"))
    (folder / "agent.toml").write_text(_AGENT.format(url=url, folder=folder, device=DEVICE, driver=driver))
    with ExitStack() as stack:
        stack.enter_context(_controller_process(folder / "controller.toml", url))
        stack.enter_context(running_agent(folder / "agent.toml", folder / "agent.log"))
        noc = Noc(url, add_token(settings, "crm", "billing"), add_token(settings, "boss", "admin"))
        yield stack.enter_context(closing(noc))


def _serve(pipe: Connection, path: Path, url: str) -> None:
    """The controller's process: says when it is ready, ends when told. Its clock shows a lawful hour."""
    spare_the_collector()
    with running_controller(load_settings(path), MovedClock(_NOW), url):
        pipe.send("ready")
        pipe.recv()


@contextmanager
def _controller_process(path: Path, url: str) -> Iterator[None]:
    context = multiprocessing.get_context("spawn")
    ours, its = context.Pipe()
    process = context.Process(target=_serve, args=(its, path, url))
    process.start()
    try:
        ours.recv()
        yield
    finally:
        ours.send("end")
        process.join()


def _debtor(number: int, key: str) -> Iterator[Event]:
    """A customer who owes and has not been warned."""
    account, bound = f"a{number}", [{"device": DEVICE, "key": key}]
    yield event("account", f"acc-{number}", _BEGAN, {"account": account})
    service = {"service": f"s{number}", "account": account, "kind": "internet", "bindings": bound}
    yield event("service", f"svc-{number}", _BEGAN, service)
    dates = {"presented_on": _BEGAN.date().isoformat(), "due_on": _BEGAN.date().isoformat()}
    bill = {"invoice": f"f{number}", "account": account, "amount": 3000, "currency": "EUR", **dates}
    yield event("invoice", f"inv-{number}", _BEGAN, bill)


def _notice(number: int) -> Event:
    told = (_NOW - timedelta(days=10)).isoformat()
    named = (_NOW - timedelta(days=5)).date().isoformat()
    about = {"notice": f"n{number}", "account": f"a{number}", "stage": "throttle", "channel": "sms"}
    data = {**about, "sent_at": told, "delivered_at": told, "names_date": named}
    return event("notice", f"not-{number}", _NOW, data)


def _payment(number: int) -> Event:
    money = {"amount": 3000, "currency": "EUR", "instrument": "card", "received_at": _NOW.isoformat()}
    return event("payment", f"pay-{number}", _NOW, {"payment": f"p{number}", "account": f"a{number}", **money})
