"""JSON-RPC over HTTP with one Kamailio node (modules xhttp and jsonrpcs of 5.6; htable's RPC commands).

Kamailio answers every error as HTTP 500 or 404 with a JSON error, a table that does not exist as much as a key that
does not: only the text tells them apart, so an error is never read as "not barred". It answers an array of calls with
an empty result and does none of them, and malformed JSON not at all: hence one call at a time, its id wanted back, and
a timeout always.
"""

import itertools
import ssl
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Timer
from typing import Any, TypeVar

import httpx

from drivers.base import DriverError, Garbled, Refused, Unreachable, Unsupported
from drivers.secret import Secret

_AT_ONCE = 6
"""Connections for many writes: a node far away answers each a round trip later. Kamailio has few workers for TCP."""

_T = TypeVar("_T")
_NO_KEY = ("Key name doesn't exist in htable.", "Key not found in htable.")


class NodeRpc:
    """One node's RPC, on connections that are kept. One caller at a time; what it starts for many writes is its own."""

    def __init__(self, name: str, url: str, connect_s: float, read_s: float, tls: ssl.SSLContext, token: Secret | None):
        self.name = name
        self._url = url
        self._timeout = httpx.Timeout(read_s, connect=connect_s)
        self._deadline_s = connect_s + 2 * read_s
        self._tls = tls
        self._token = token
        self._client: httpx.Client | None = None
        self._ids = itertools.count(1)

    def call(self, method: str, *params: str) -> Any:
        """The `result` of one call. Raises a DriverError; after Unreachable or Garbled the connection is closed."""
        try:
            return self._call(method, *params)
        except (Unreachable, Garbled):
            self.close()
            raise

    def get(self, table: str, name: str) -> str | None:
        """The value that `name` has in a table; None where it has none."""
        try:
            result = self.call("htable.get", table, name)
        except _NoKey:
            return None
        item = result.get("item") if isinstance(result, dict) else None
        if not isinstance(item, dict) or item.get("name") != name or "value" not in item:
            self.close()
            raise self._garbled(f"htable.get of {name} answered {result!r}")
        return str(item["value"])

    def dump(self, table: str) -> dict[str, str]:
        """A whole table. Kamailio gives {} to what it did not understand: that is no empty table, which is []."""
        result = self.call("htable.dump", table)
        try:
            items = [item for entry in result for item in entry["slot"]]
            values = {str(item["name"]): str(item["value"]) for item in items}
            whole = isinstance(result, list) and len(values) == sum(entry["size"] for entry in result)
        except (TypeError, KeyError) as wrong:
            self.close()
            raise self._garbled(f"htable.dump of {table} is not a list of slots") from wrong
        if not whole:
            self.close()
            raise self._garbled(f"htable.dump of {table} is not whole")
        return values

    def values(self, table: str, names: Iterable[str]) -> dict[str, str]:
        """The values of those of `names` that have one, asked one by one."""
        found = ((name, self.get(table, name)) for name in names)
        return {name: value for name, value in found if value is not None}

    def set_all(self, table: str, values: Mapping[str, str]) -> None:
        """Set every name to its value, some at once. After an error nothing is known of any of them."""

        def set_one(pair: tuple[str, str]) -> None:
            self._wants_ok("htable.sets", self._call("htable.sets", table, *pair))

        self._each(set_one, tuple(values.items()))

    def delete_all(self, table: str, names: Iterable[str]) -> None:
        """Delete every name, some at once; absent already is done. After an error nothing is known of any of them."""

        def delete_one(name: str) -> None:
            try:
                self._wants_ok("htable.delete", self._call("htable.delete", table, name))
            except _NoKey:
                return

        self._each(delete_one, tuple(names))

    def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _each(self, do: Callable[[_T], None], items: Collection[_T]) -> None:
        """The first error ends it: what has not begun is not done, what has begun is waited for."""
        self._connected()
        try:
            with ThreadPoolExecutor(_AT_ONCE) as workers:
                for _ in workers.map(do, items):
                    continue
        except (Unreachable, Garbled):
            self.close()
            raise

    def _call(self, method: str, *params: str) -> Any:
        return self._judge(method, *self._exchange(method, params))

    def _exchange(self, method: str, params: tuple[str, ...]) -> tuple[int, httpx.Response]:
        number = next(self._ids)
        body = {"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)}
        client = self._connected()
        try:
            with self._in_time():
                return number, client.post(self._url, json=body)
        except (httpx.HTTPError, RuntimeError) as wrong:
            if client.is_closed:
                raise Unreachable(f"node {self.name} did not answer {method} in time: it was hung up on") from wrong
            if isinstance(wrong, RuntimeError):
                raise
            raise _translated(self.name, method, wrong) from wrong

    @contextmanager
    def _in_time(self) -> Iterator[None]:
        """httpx bounds each read, not the call: a node that answers a byte a second is hung up on by this."""
        timer = Timer(self._deadline_s, self.close)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _connected(self) -> httpx.Client:
        if self._client is None:
            headers = {"Authorization": f"Bearer {self._token.reveal()}"} if self._token else {}
            # The environment's proxies are for the web; a switch's RPC is reached directly.
            self._client = httpx.Client(timeout=self._timeout, verify=self._tls, headers=headers, trust_env=False)
        return self._client

    def _judge(self, method: str, number: int, response: httpx.Response) -> Any:
        try:
            answer = response.json()
        except ValueError:
            if response.status_code in (401, 403, 404):
                raise Refused(f"node {self.name} let no RPC through: HTTP {response.status_code}") from None
            raise self._garbled(f"{method} was answered with HTTP {response.status_code} and no JSON") from None
        if not isinstance(answer, dict) or answer.get("jsonrpc") != "2.0" or answer.get("id") != number:
            raise self._garbled(f"{method} number {number} was answered {str(answer)[:120]!r}")
        if "error" in answer:
            raise self._error(method, answer["error"])
        if response.status_code != httpx.codes.OK or "result" not in answer:
            raise self._garbled(f"{method} was answered with HTTP {response.status_code} and no result")
        return answer["result"]

    def _error(self, method: str, error: Any) -> DriverError:
        """The node's own refusal, by its text: the code is 500 for nearly all."""
        message = error.get("message") if isinstance(error, dict) else None
        if not isinstance(message, str):
            return self._garbled(f"{method} failed without saying why: {error!r}")
        if message in _NO_KEY:
            return _NoKey(f"node {self.name}, {method}: {message}")
        if message == "Method Not Found":
            return Unsupported(f"node {self.name} does not know {method}: is its module loaded?")
        return Refused(f"node {self.name} refused {method}: {message}")

    def _wants_ok(self, method: str, result: Any) -> None:
        if not isinstance(result, str) or not result.startswith("Ok"):
            raise self._garbled(f"{method} was answered {result!r} in place of Ok")

    def _garbled(self, what: str) -> Garbled:
        return Garbled(f"node {self.name}: {what}")


class _NoKey(Refused):
    """The table exists, and the key is not in it."""


def _translated(node: str, method: str, wrong: httpx.HTTPError) -> DriverError:
    """The one table from httpx's errors to ours."""
    match wrong:
        case httpx.TimeoutException():
            return Unreachable(f"node {node} did not answer {method} in time ({type(wrong).__name__})")
        case httpx.RemoteProtocolError() if "disconnected" not in str(wrong) and "closed" not in str(wrong):
            return Garbled(f"node {node} answered {method} with something that is not HTTP: {wrong}")
        case httpx.DecodingError():
            return Garbled(f"node {node} answered {method} in an encoding that can't be read: {wrong}")
        case _:
            return Unreachable(f"node {node} can't be reached: {wrong}")
