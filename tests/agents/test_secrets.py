"""No secret is shown: neither by a log at its most talkative, the libraries' own included, nor by any repr."""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import pytest

from drivers.base import Driver, DriverError
from drivers.catalog import NAMES, driver
from enforcement.access import LADDERS, Access
from enforcement.changes import Restrict
from enforcement.entries import BindingId, Entry, Mark, ServiceId
from enforcement.keys import Key, KeyType
from lab.nas.server import RadiusServer, ServerSettings
from lab.routeros import RouterOS
from lab.routeros.device import User
from lab.switch import Switch

pytestmark = pytest.mark.slow

RIGHT, WRONG = "s3cr3t-of-the-device", "s3cr3t-that-is-wrong"
KEYS = {
    KeyType.IPV4: Key.of(KeyType.IPV4, "10.0.0.7"),
    KeyType.USERNAME: Key.of(KeyType.USERNAME, "ana@isp"),
    KeyType.MSISDN: Key.of(KeyType.MSISDN, "+34910000001"),
}


def mikrotik(folder: Path, stack: ExitStack) -> dict[str, Any]:
    device = stack.enter_context(RouterOS([User("grifo", RIGHT, "write")]))
    return {"host": "127.0.0.1", "port": device.port, "username": "grifo", "tls": False, "password_env": "SECRET"}


def radius(folder: Path, stack: ExitStack) -> dict[str, Any]:
    path = folder / "radius.db"
    stack.enter_context(RadiusServer(ServerSettings(path, RIGHT.encode())))
    nas = {"address": "127.0.0.1", "port": 9, "secret_env": "SECRET", "timeout_seconds": 0.1, "tries": 1}
    return {"database": f"sqlite:///{path}", "groups": {"portal": "grifo-portal"}, "nases": [nas]}


def sip(folder: Path, stack: ExitStack) -> dict[str, Any]:
    path = folder / "switch.db"
    switch = stack.enter_context(Switch(path))
    node = {"rpc": switch.rpc_url, "sip": switch.sip_address}
    numbers = {"country": "es", "care_numbers": ["900123456"]}
    return {"nodes": [node], "database": f"sqlite:///{path}", "rpc_token_env": "SECRET", **numbers}


DEVICES: dict[str, Callable[[Path, ExitStack], dict[str, Any]]] = {"mikrotik": mikrotik, "radius": radius, "sip": sip}


def test_every_driver_is_tried_here() -> None:
    assert set(DEVICES) == set(NAMES)


@pytest.fixture(params=DEVICES)
def options(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """A driver's name, and settings of a device for it whose secret is in the variable SECRET."""
    with ExitStack() as stack:
        yield request.param, DEVICES[request.param](tmp_path, stack)


def use(built: Driver) -> None:
    """Everything that an agent does with a device; what fails, fails in words."""
    able = built.capabilities
    kind, accesses = next(iter(able.access.items()))
    key = next(KEYS[type] for type in KEYS if type in able.keys)
    access = max(accesses, key=lambda each: LADDERS[kind].index(each))
    entry = Entry(BindingId("b1"), ServiceId("s1"), kind, key, access, (), 1)
    change = Restrict(entry, Mark("isp", entry.service, entry.binding), Access.FULL)
    for call in (built.check, built.observe, lambda: built.apply([change]), lambda: built.prepare(install=False)):
        try:
            call()
        except DriverError:
            logging.getLogger("test").exception("with all that led to it")


def everything_shown(of: object, depth: int = 6) -> str:
    """The repr of an object and of all that hangs on it."""
    if depth == 0 or type(of).__module__.split(".")[0] not in ("drivers", "builtins"):
        return ""
    inside: list[object] = list(of.values()) if isinstance(of, dict) else []
    inside += list(of) if isinstance(of, (list, tuple, set, frozenset)) else []
    with suppress(TypeError):
        inside += [value for name, value in vars(of).items() if name != "_value"]
    slots = [name for name in getattr(type(of), "__slots__", ()) if name != "_value"]
    inside += [getattr(of, name) for name in slots if hasattr(of, name)]
    return "\n".join([repr(of), *(everything_shown(each, depth - 1) for each in inside)])


@pytest.mark.parametrize("secret", [RIGHT, WRONG], ids=["right", "wrong"])
def test_no_log_and_no_repr_shows_a_secret(
    options: tuple[str, dict[str, Any]],
    secret: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("SECRET", secret)
    caplog.set_level(logging.DEBUG)
    for name in ("librouteros", "netmiko", "paramiko", "sqlalchemy", "httpx", "httpcore", "pyrad", "grifo.agent"):
        caplog.set_level(logging.DEBUG, logger=name)
    name, given = options
    with closing(driver(name, given, "isp")) as built:
        use(built)
        shown = everything_shown(built)
    assert secret not in caplog.text
    assert secret not in shown
    assert shown
