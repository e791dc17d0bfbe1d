"""The agent's line to its controller: the only HTTP there is here, and it only calls out.

    LinkError
    ├── ControllerAway      no answer, or one that says that the controller itself is in trouble: try again later
    ├── ControllerRefused   it understood and said no (RFC 9457 problem); `status` says how
    └── ControllerGarbled   an answer that makes no sense to this version

TLS is verified always; plain HTTP is for this machine itself (agents/settings.py sees to it). The token is sent as a
header and shown nowhere.
"""

import json
import socket
import ssl
import weakref
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import httpx

from enforcement.wire import VERSION, Enrolment, Feed, FeedAsk, FeedDevice, Permit, PermitRequest, Report

CONNECT_S = 3.0
READ_S = 10.0
READ_ALL_S = 300.0
"""For the answer to a report that names every entry: the controller saves a hundred thousand before it answers."""
WAIT_S = 30.0
"""How long the controller may hold the long poll; the read timeout of that one call is this and READ_S."""
PAGE = 2000
"""Entries in one answer; of so many, no more are at hand at once."""
TOGETHER = 500
"""Entries of a report in one piece of its text."""


class LinkError(Exception):
    """The root; `str()` is one sentence without secrets."""


class ControllerAway(LinkError):
    """No answer, or none that can be used now."""


class ControllerRefused(LinkError):
    """The controller said no."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class ControllerGarbled(LinkError):
    """An answer that is not what this version of the agent understands."""


@dataclass(frozen=True, slots=True)
class FetchedEntries:
    """`enforcement.wire.Entries` with its entries still as they came, so that one unreadable entry spoils no other."""

    epoch: str
    revision: int
    entries: "Pages"


class Pages:
    """Entries as they came, read again page by page when it is their turn: of a hundred thousand, few are at hand."""

    def __init__(self) -> None:
        self._pages: list[bytes] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        for page in self._pages:
            yield from json.loads(zlib.decompress(page))["entries"]

    def add(self, page: bytes, count: int) -> None:
        """Take the text of an answer that has been looked at, and the number of its entries."""
        self._pages.append(zlib.compress(page, level=1))
        self._count += count


class Link:
    """One controller. Safe from any thread; a call raises LinkError and is never repeated in here."""

    def __init__(self, controller: str, token: str, ca_file: Path | None = None) -> None:
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        verify = ssl.create_default_context(cafile=ca_file) if controller.startswith("https") else False
        self._http = httpx.Client(
            base_url=controller,
            headers={"Authorization": f"Bearer {token}"},
            verify=verify,
            timeout=httpx.Timeout(READ_S, connect=CONNECT_S),
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=20, keepalive_expiry=60.0),
            trust_env=False,
        )

    def feed(self, known: Feed | None, wait_s: float) -> Feed:
        """Where all devices of this agent stand, as soon as that differs from `known`, else after `wait_s`."""
        devices = known.devices if known is not None else {}
        ask = FeedAsk(
            wait=wait_s,
            known={name: (device.epoch, device.revision) for name, device in devices.items()},
            modes={name: device.modes for name, device in devices.items()},
            stopped=known is not None and known.stopped,
        )
        timeout = httpx.Timeout(READ_S + wait_s, connect=CONNECT_S)
        return _feed(_json(self._call("POST", "/v1/agent/feed", body=asdict(ask), timeout=timeout)))

    def entries(self, device: str, epoch: str, after: int) -> FetchedEntries:
        """The entries of `device` that changed after a revision of an epoch, page by page.

        What changes in between comes again on a later page, so that all of them together are what the last one saw.
        """
        pages = Pages()
        place: dict[str, Any] = {"after": after}
        while True:
            params = httpx.QueryParams({"epoch": epoch, **place, "limit": PAGE})
            page = self._call("GET", f"/v1/agent/devices/{device}/entries", params=params)
            data = _json(page)
            with _understood("entries"):
                _check_version(data)
                entries = _objects(data["entries"])
                pages.add(page, len(entries))
                if not data.get("more", False):
                    return FetchedEntries(str(data["epoch"]), int(data["revision"]), pages)
                place = _after(entries[-1], place)

    def enrol(self, device: str, enrolment: Enrolment) -> None:
        self._call("PUT", f"/v1/agent/devices/{device}", body=asdict(enrolment))

    def permit(self, device: str, request: PermitRequest) -> Permit:
        data = _json(self._call("POST", f"/v1/agent/devices/{device}/permits", body=asdict(request)))
        with _understood("permit"):
            refused = {str(binding): str(why) for binding, why in data["refused"].items()}
            return Permit([str(binding) for binding in data["granted"]], refused, float(data["valid_s"]))

    def report(self, device: str, report: Report, entries: Iterable[str]) -> None:
        """Send a report whose entries, each written already, are taken one after the other while it is sent."""
        timeout = httpx.Timeout(READ_ALL_S if report.whole else READ_S, connect=CONNECT_S)
        self._call("PUT", f"/v1/agent/devices/{device}/report", content=_written(report, entries), timeout=timeout)

    def interrupt(self) -> None:
        """Make every call that waits for an answer end now; from the thread that stops the agent."""
        for each in list(self._sockets):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._http.close()

    def _call(
        self,
        method: str,
        path: str,
        params: httpx.QueryParams | None = None,
        body: Mapping[str, Any] | None = None,
        content: Iterable[bytes] | None = None,
        timeout: httpx.Timeout | None = None,
    ) -> bytes:
        """What the controller answered. It is not left with httpx' answer, a cycle that outlives many a large one."""
        try:
            with self._http.stream(
                method,
                path,
                params=params,
                json=body,
                content=content,
                headers=None if content is None else {"Content-Type": "application/json"},
                timeout=timeout or self._http.timeout,
                extensions={"trace": self._note_socket},
            ) as answer:
                said = b"".join(answer.iter_bytes())
        except (httpx.HTTPError, httpx.InvalidURL) as wrong:
            raise ControllerAway(f"no answer from the controller: {str(wrong) or type(wrong).__name__}") from wrong
        _judge(answer, said)
        return said

    def _note_socket(self, event: str, details: Mapping[str, Any]) -> None:
        """Remember the connections, which `interrupt` must reach (httpx's documented `trace` extension)."""
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._sockets.add(details["return_value"].get_extra_info("socket"))


def _objects(entries: list[Any]) -> list[dict[str, Any]]:
    """Raises TypeError for an entry that is no JSON object."""
    if not all(isinstance(each, dict) for each in entries):
        raise TypeError("an entry is no object")
    return entries


def _after(entry: Mapping[str, Any], former: Mapping[str, Any]) -> dict[str, Any]:
    """From where to ask on after the last entry of a page. Raises ValueError where that leads no further."""
    place = {"after": int(entry["changed_revision"]), "past": str(entry["binding"])}
    if place == former:
        raise ValueError("a page ends where it began")
    return place


def _written(report: Report, entries: Iterable[str]) -> Iterator[bytes]:
    """A report in JSON, some entries at a time."""
    rest = {name: value for name, value in asdict(report).items() if name != "entries"}
    yield f'{json.dumps(rest)[:-1]}, "entries": ['.encode()
    between, left = "", iter(entries)
    while some := list(islice(left, TOGETHER)):
        yield (between + ", ".join(some)).encode()
        between = ", "
    yield b"]}"


def _judge(answer: httpx.Response, said: bytes) -> None:
    if answer.status_code >= 500:
        raise ControllerAway(f"the controller answered {answer.status_code}: {_problem(answer, said)}")
    if answer.status_code >= 300:
        refusal = f"the controller refused ({answer.status_code}): {_problem(answer, said)}"
        raise ControllerRefused(refusal, answer.status_code)


def _json(said: bytes) -> Any:
    try:
        return json.loads(said)
    except ValueError as wrong:
        raise ControllerGarbled("the controller's answer is not JSON") from wrong


def _problem(answer: httpx.Response, said: bytes) -> str:
    """RFC 9457, 3.1: `detail` is for this occurrence, `title` for its kind."""
    try:
        problem = json.loads(said)
    except ValueError:
        return answer.reason_phrase
    if not isinstance(problem, dict):
        return answer.reason_phrase
    return str(problem.get("detail") or problem.get("title") or answer.reason_phrase)


@contextmanager
def _understood(what: str) -> Iterator[None]:
    """Whatever a wrongly shaped answer raises is ControllerGarbled."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as wrong:
        raise ControllerGarbled(f"the controller's {what} can't be understood: {wrong!r}") from wrong


def _check_version(data: Mapping[str, Any]) -> None:
    """N understands N-1, and is understood by N+1, whose new fields it does not know."""
    if abs(int(data["version"]) - VERSION) > 1:
        raise ValueError(f"version {data['version']}, this agent speaks {VERSION}")


def _feed(data: Any) -> Feed:
    with _understood("feed"):
        _check_version(data)
        devices = {str(name): _feed_device(device) for name, device in data["devices"].items()}
        return Feed(int(data["version"]), str(data["installation"]), bool(data["stopped"]), devices)


def _feed_device(data: Mapping[str, Any]) -> FeedDevice:
    modes = {str(kind): str(mode) for kind, mode in data["modes"].items()}
    return FeedDevice(str(data["epoch"]), int(data["revision"]), modes, data.get("adopts"))
