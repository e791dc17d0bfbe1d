"""A controller of few words on a real loopback port: it speaks the wire format, permits by its own desired state, and
keeps what agents report. It can go away and come back on the same port, be restored from a backup, hold a permit."""

import json
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from enforcement.access import Access
from enforcement.wire import VERSION, Entries, Feed, FeedDevice, Permit, WireEntry
from tests.agents.device import INSTALLATION

TOKEN = "t0ken-of-the-agent"


@dataclass
class Desk:
    """What the controller holds of one device."""

    epoch: str = "e1"
    revision: int = 0
    modes: dict[str, str] = field(default_factory=lambda: {"internet": "enforce"})
    adopts: list[str | int] | None = None
    entries: dict[str, WireEntry] = field(default_factory=dict)
    raw: list[Any] = field(default_factory=list)
    enrolment: dict[str, Any] | None = None
    reports: list[dict[str, Any]] = field(default_factory=list)
    states: dict[str, dict[str, Any]] = field(default_factory=dict)


class Controller:
    """Thread-safe; every change wakes the agents that wait for the feed."""

    def __init__(self, *devices: str) -> None:
        self.changed = threading.Condition(threading.RLock())
        self.desks = {name: Desk() for name in devices}
        self.stopped = False
        self.valid_s = 30.0
        self.before_permit: Callable[[list[str]], None] = lambda bindings: None
        self.after_permit: Callable[[list[str]], None] = lambda granted: None
        self.before_report: Callable[[], None] = lambda: None
        self.after_feed: Callable[[], None] = lambda: None
        self.before_page: Callable[[], None] = lambda: None
        self.refuses: dict[str, str] = {}
        self.others: set[str] = set()
        self.permitted: set[tuple[str, int]] = set()
        self.told_revision: dict[str, int] = {}
        self.port = 0
        self._server: _Server | None = None

    # --- what a billing system and people do -------------------------------------------------------------------------

    def want(self, device: str, binding: str, access: Access, key: str = "", **more: Any) -> None:
        """Decide on an entry; the key is `username:<binding>` unless given."""
        with self.changed:
            desk = self.desks[device]
            desk.revision += 1
            reasons = [] if access is Access.FULL else ["billing"]
            desk.entries[binding] = WireEntry(
                binding,
                f"s-{binding}",
                "internet",
                key or f"username:{binding}",
                access.value,
                reasons,
                desk.revision,
                **more,
            )
            self.changed.notify_all()

    def set(self, device: str, **values: Any) -> None:
        """Change the modes, epoch, revision or adopts of a device."""
        with self.changed:
            self.desks[device] = replace(self.desks[device], **values)
            self.changed.notify_all()

    def stop_restricting(self, stopped: bool) -> None:
        with self.changed:
            self.stopped = stopped
            self.changed.notify_all()

    def state(self, device: str, binding: str) -> str:
        """What the agent last reported of an entry at its present revision; `pending` before that."""
        with self.changed:
            desk = self.desks[device]
            known, entry = desk.states.get(binding), desk.entries.get(binding)
            if known is None or (entry is not None and known["changed_revision"] != entry.changed_revision):
                return "pending"
            return str(known["state"])

    def detail(self, device: str, binding: str) -> str:
        with self.changed:
            return str(self.desks[device].states.get(binding, {}).get("detail", ""))

    def last_report(self, device: str) -> dict[str, Any]:
        with self.changed:
            return self.desks[device].reports[-1] if self.desks[device].reports else {}

    # --- being there -------------------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def come(self) -> None:
        self._server = _Server(("127.0.0.1", self.port), _Handler)
        self._server.controller = self
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def go(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.leaving = True
            with self.changed:
                self.changed.notify_all()
            server.shutdown()
            server.server_close()
            server.hang_up()

    # --- answers -----------------------------------------------------------------------------------------------------

    def feed(self) -> Feed:
        devices = {
            name: FeedDevice(desk.epoch, desk.revision, dict(desk.modes), desk.adopts)
            for name, desk in self.desks.items()
            if desk.enrolment is not None
        }
        return Feed(VERSION, INSTALLATION, self.stopped, devices)

    def wait_for_news(self, ask: dict[str, Any], left: Callable[[], bool]) -> Feed:
        with self.changed:
            at_first = self.feed()

            def news() -> bool:
                feed = self.feed()
                places = {name: [device.epoch, device.revision] for name, device in feed.devices.items()}
                modes = {name: device.modes for name, device in feed.devices.items()}
                seen = {"known": places, "modes": modes, "stopped": feed.stopped}
                return left() or feed != at_first or any(ask[name] != value for name, value in seen.items())

            self.changed.wait_for(news, ask["wait"])
            feed = self.feed()
            self.told_revision.update({name: device.revision for name, device in feed.devices.items()})
            return feed

    def entries(self, device: str, epoch: str, after: int, past: str, limit: int) -> Entries | None:
        with self.changed:
            desk = self.desks[device]
            if epoch != desk.epoch or after > desk.revision:
                return None
            last = (after, past or "\U0010ffff")
            places = {(entry.changed_revision, entry.binding): entry for entry in desk.entries.values()}
            later = sorted(place for place in places if place > last)
            page = [places[place] for place in later[:limit]]
            return Entries(VERSION, device, epoch, desk.revision, page, more=len(later) > limit)

    def permit(self, device: str, asks: list[dict[str, Any]]) -> Permit:
        self.before_permit([ask["binding"] for ask in asks])
        with self.changed:
            granted: list[str] = []
            refused: dict[str, str] = {}
            for ask in asks:
                why = self._refusal(self.desks[device], ask)
                if why:
                    refused[ask["binding"]] = why
                else:
                    granted.append(ask["binding"])
                    self.permitted.add((ask["binding"], ask["changed_revision"]))
        self.after_permit(granted)
        return Permit(granted, refused, self.valid_s)

    def _refusal(self, desk: Desk, ask: dict[str, Any]) -> str:
        entry = desk.entries.get(ask["binding"])
        if self.stopped:
            return "restricting is stopped"
        if entry is None or entry.ended or entry.access == "full":
            return "it is to be open"
        if entry.changed_revision != ask["changed_revision"]:
            return "it has changed since"
        if desk.modes.get(entry.kind) != "enforce":
            return "not in enforce"
        return self.refuses.get(entry.binding, "")

    def save_report(self, device: str, report: dict[str, Any]) -> None:
        self.before_report()
        with self.changed:
            desk = self.desks[device]
            desk.reports.append(report)
            if report["epoch"] == desk.epoch:
                if report["whole"]:
                    desk.states.clear()
                desk.states.update({entry["binding"]: entry for entry in report["entries"]})
            self.changed.notify_all()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64
    controller: Controller
    leaving = False

    def __init__(self, *args: Any) -> None:
        self.open: set[socket.socket] = set()
        super().__init__(*args)

    def hang_up(self) -> None:
        for each in list(self.open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error of ours."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.open.add(self.connection)

    def finish(self) -> None:
        self.server.open.discard(self.connection)
        with suppress(OSError):
            super().finish()

    def log_message(self, format: str, *args: Any) -> None:
        """Silent."""

    def do_GET(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        content = self._content()
        body = json.loads(content) if content else None
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._send(401, {"title": "Unauthorized", "detail": "no such token"})
        if self.server.leaving:
            self.close_connection = True
            return None
        url = urlsplit(self.path)
        return self._route(url.path.strip("/").split("/")[2:], parse_qs(url.query), body)

    def _content(self) -> bytes:
        """The request's body, whole or in chunks (RFC 9112, 7.1)."""
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        chunks = []
        while size := int(self.rfile.readline(), 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _route(self, path: list[str], query: dict[str, list[str]], body: Any) -> None:
        controller = self.server.controller
        match self.command, path:
            case "POST", ["feed"]:
                feed = controller.wait_for_news(body, lambda: self.server.leaving)
                controller.after_feed()
                self._send(200, asdict(feed))
            case "GET", ["devices", device, "entries"]:
                self._entries(device, query)
            case "PUT", ["devices", device] if device in controller.others:
                self._send(403, {"title": "Forbidden", "detail": "the device belongs to another agent"})
            case "PUT", ["devices", device]:
                with controller.changed:
                    controller.desks[device].enrolment = body
                    controller.changed.notify_all()
                self._send(204, None)
            case "POST", ["devices", device, "permits"]:
                self._send(200, asdict(controller.permit(device, body["asks"])))
            case "PUT", ["devices", device, "report"]:
                controller.save_report(device, body)
                self._send(204, None)

    def _entries(self, device: str, query: dict[str, list[str]]) -> None:
        controller = self.server.controller
        controller.before_page()
        place = int(query["after"][0]), query.get("past", [""])[0]
        entries = controller.entries(device, query["epoch"][0], *place, int(query["limit"][0]))
        if entries is None:
            self._send(409, {"title": "Conflict", "detail": "another epoch, or a revision still to come"})
        else:
            answer = asdict(entries)
            answer["entries"] += [] if answer["more"] else controller.desks[device].raw
            self._send(200, answer)

    def _send(self, status: int, body: Any) -> None:
        content = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        if body is not None:
            self.send_header("Content-Type", "application/json" if status < 300 else "application/problem+json")
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
