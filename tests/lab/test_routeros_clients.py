"""The simulated router as two independent client libraries see it: alike, over plain API and over TLS."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import librouteros
import pytest
import routeros_api
from librouteros.exceptions import TrapError
from librouteros.login import plain, token
from routeros_api.exceptions import RouterOsApiCommunicationError

from lab.routeros import RouterOS
from lab.routeros.device import User
from tests.lab.certificates import Certificate

V4, V6 = "/ip/firewall/address-list", "/ipv6/firewall/address-list"
USER = User("grifo", "c0rtar", "write")


class Client(Protocol):
    """What both libraries can do, in one form."""

    refusals: type[Exception]

    def rows(self, path: str, **equal: str) -> list[dict[str, str]]: ...
    def add(self, path: str, **properties: str) -> None: ...
    def set(self, path: str, id: str, **properties: str) -> None: ...
    def remove(self, path: str, ids: str) -> None: ...


class Librouteros:
    """librouteros; its values are cast, so they are made text again."""

    refusals = TrapError

    def __init__(self, api: Any) -> None:
        self._api = api

    def rows(self, path: str, **equal: str) -> list[dict[str, str]]:
        words = [f"?{name}={value}" for name, value in equal.items()]
        found = self._api.rawCmd(f"{path}/print", *words)
        return [{name: _text(value) for name, value in row.items()} for row in found]

    def add(self, path: str, **properties: str) -> None:
        self._api.path(path).add(**properties)

    def set(self, path: str, id: str, **properties: str) -> None:
        self._api.path(path).update(**{".id": id}, **properties)

    def remove(self, path: str, ids: str) -> None:
        self._api.path(path).remove(*ids.split(","))


class RouterosApi:
    """RouterOS-api, which tags its commands."""

    refusals = RouterOsApiCommunicationError

    def __init__(self, api: Any) -> None:
        self._api = api

    def rows(self, path: str, **equal: str) -> list[dict[str, str]]:
        return [{_id(name): value for name, value in row.items()} for row in self._api.get_resource(path).get(**equal)]

    def add(self, path: str, **properties: str) -> None:
        self._api.get_resource(path).add(**properties)

    def set(self, path: str, id: str, **properties: str) -> None:
        self._api.get_resource(path).set(id=id, **properties)

    def remove(self, path: str, ids: str) -> None:
        self._api.get_resource(path).remove(id=ids)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _id(name: str) -> str:
    return ".id" if name == "id" else name


@contextmanager
def _librouteros(port: int, login: Callable[..., None], ssl_context: ssl.SSLContext | None = None) -> Iterator[Client]:
    wrap = (lambda sock: ssl_context.wrap_socket(sock, server_hostname="127.0.0.1")) if ssl_context else None
    api = librouteros.connect(
        "127.0.0.1", USER.name, USER.password, port=port, login_method=login, encoding="utf-8", ssl_wrapper=wrap
    )
    try:
        yield Librouteros(api)
    finally:
        api.close()


@contextmanager
def _routeros_api(port: int, plaintext: bool, ssl_context: ssl.SSLContext | None = None) -> Iterator[Client]:
    pool = routeros_api.RouterOsApiPool(
        "127.0.0.1", USER.name, USER.password, port=port, plaintext_login=plaintext, ssl_context=ssl_context
    )
    try:
        yield RouterosApi(pool.get_api())
    finally:
        pool.disconnect()


CLIENTS = [
    pytest.param(lambda port, **more: _librouteros(port, plain, **more), id="librouteros-plain"),
    pytest.param(lambda port, **more: _librouteros(port, token, **more), id="librouteros-challenge"),
    pytest.param(lambda port, **more: _routeros_api(port, True, **more), id="routeros-api-plain"),
    pytest.param(lambda port, **more: _routeros_api(port, False, **more), id="routeros-api-challenge"),
]
Connect = Callable[..., Any]


@pytest.fixture
def router() -> Iterator[RouterOS]:
    with RouterOS([USER]) as running:
        yield running


@pytest.mark.parametrize("connect", CLIENTS)
def test_a_client_adds_finds_changes_and_removes(router: RouterOS, connect: Connect) -> None:
    with connect(router.port) as client:
        client.add(V4, list="mora", address="192.0.2.1/32", comment="año")
        client.add(V4, list="mora", address="192.0.2.2")
        client.add(V6, list="mora", address="2001:db8::1")
        [row] = client.rows(V4, address="192.0.2.1")
        assert (row[".id"], row["list"], row["comment"], row["dynamic"]) == ("*1", "mora", "año", "false")
        assert [row["address"] for row in client.rows(V6)] == ["2001:db8::1/128"]
        client.set(V4, "*1", disabled="yes")
        assert [row["disabled"] for row in client.rows(V4)] == ["true", "false"]
        client.remove(V4, "*1,*2")
        assert client.rows(V4) == []


@pytest.mark.parametrize("connect", CLIENTS)
def test_a_client_is_told_of_a_duplicate_and_goes_on(router: RouterOS, connect: Connect) -> None:
    with connect(router.port) as client:
        client.add(V4, list="mora", address="192.0.2.1")
        with pytest.raises(client.refusals, match="failure: already have such entry"):
            client.add(V4, list="mora", address="192.0.2.1")
        with pytest.raises(client.refusals, match="no such item"):
            client.remove(V4, "*77")
        assert [row["address"] for row in client.rows(V4)] == ["192.0.2.1"]


@pytest.mark.parametrize("connect", CLIENTS)
def test_both_libraries_read_the_same_rows(router: RouterOS, connect: Connect) -> None:
    router.load(V4, [{"list": "a", "address": f"10.0.{n // 250}.{n % 250}"} for n in range(1200)])
    with connect(router.port) as client:
        assert client.rows(V4) == router.rows(V4)
        assert client.rows("/ip/service") == router.rows("/ip/service")


@pytest.mark.parametrize("connect", CLIENTS)
def test_a_client_is_served_over_tls_with_the_given_certificate(certificate: Certificate, connect: Connect) -> None:
    with RouterOS([USER], certificate=certificate.pair) as router:
        context = ssl.create_default_context(cafile=certificate.file)
        with connect(router.tls_port, ssl_context=context) as client:
            client.add(V4, list="mora", address="192.0.2.1")
        assert [row["address"] for row in router.rows(V4)] == ["192.0.2.1"]


def test_a_wrong_password_lets_nobody_in(router: RouterOS) -> None:
    pool = routeros_api.RouterOsApiPool("127.0.0.1", USER.name, "guess", port=router.port, plaintext_login=True)
    with pytest.raises(RouterOsApiCommunicationError, match="invalid user name or password"):
        pool.get_api()
    pool.disconnect()
