"""The device on the network: its listeners, its sessions, and the Python API of tests and of the lab."""

import asyncio
import copy
import ssl
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from lab.routeros.device import Device, User
from lab.routeros.faults import Faults
from lab.routeros.members import login_list
from lab.routeros.packets import Packet, Verdict, Walk
from lab.routeros.session import Session
from lab.routeros.tables import Row

T = TypeVar("T")

ADMIN = User("admin", "", "full")


class Server:
    """What the sessions of one device share. Lives in one event loop."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.faults = Faults()
        self.open: set[Session] = set()
        self.sessions: dict[Session, str] = {}
        self._passing = 0

    def admit(self, session: Session, service: str) -> bool:
        """Whether `max-sessions` of the service leaves room: further connections are closed without a word."""
        self.open.add(session)
        row = self.device.service(service)
        if row["disabled"] == "true" or list(self.sessions.values()).count(service) >= int(row["max-sessions"]):
            return False
        self.sessions[session] = service
        return True

    def dismiss(self, session: Session) -> None:
        self.open.discard(session)
        self.sessions.pop(session, None)

    def misbehave(self, faults: Faults) -> None:
        self.faults, self._passing = faults, faults.after

    def strikes(self) -> bool:
        """Whether the fault strikes this reply sentence; counts those that still pass."""
        self._passing -= 1
        return self._passing < 0

    def reboot(self) -> None:
        self.device.reboot()
        for session in list(self.sessions):
            session.abort()


class RouterOS:
    """A simulated router: `start()` it, point a RouterOS API client at `port`, `stop()` it.

    users            who may log in; the default is `admin` without a password, in group `full`
    port, tls_port   0 takes a free port; `tls_port` listens only where `certificate` or `anonymous` is given
    certificate      (certificate, key) files in PEM for api-ssl
    anonymous        api-ssl listens without a certificate, as it does on a router that was given none
    version          7.18 and later say `!empty`
    max_sessions     of each service, as in `/ip/service`

    Its methods may be called from any thread while it runs. Usable as a context manager.
    """

    def __init__(
        self,
        users: Iterable[User] = (ADMIN,),
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls_port: int = 0,
        certificate: tuple[str, str] | None = None,
        anonymous: bool = False,
        version: str = "7.20.1",
        max_sessions: int = 20,
        identity: str = "MikroTik",
    ) -> None:
        self.host, self.port, self.tls_port = host, port, tls_port
        self._certificate = certificate
        self._anonymous = anonymous
        self._device = Device(users, version, max_sessions, identity)
        self._server = Server(self._device)
        self._listeners: list[asyncio.Server] = []
        self._thread: threading.Thread | None = None

    def start(self) -> "RouterOS":
        """Listen; `port` and `tls_port` are known when it returns. Raises OSError where a port is taken."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="routeros", daemon=True)
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Close every session and listener. Safe to call twice."""
        if self._thread is None:
            return
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._thread = None

    def __enter__(self) -> "RouterOS":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def misbehave(self, **faults: Any) -> None:
        """Misbehave from now on; names and values are those of `Faults`, what is not named works."""
        wanted = replace(Faults(), **faults)
        self._call(lambda: self._server.misbehave(wanted))

    def behave(self) -> None:
        """Work again. Sessions that were hung stay hung until they are closed."""
        self.misbehave()

    @property
    def faults(self) -> Faults:
        return self._server.faults

    def rows(self, path: str) -> list[Row]:
        """The items of a path, ids included, in order."""
        return self._call(lambda: [dict(row) for row in self._expired(path)])

    def add(self, path: str, **properties: str) -> str:
        """An item as somebody at the device would add it; `place_before` is written so. Answers its id."""
        return self._call(lambda: self._device.tables[path].add(_dashed(properties)))

    def set(self, path: str, id: str, **properties: str) -> None:
        """Change an item as somebody at the device would."""
        self._call(lambda: self._device.tables[path].set([id], _dashed(properties)))

    def remove(self, path: str, *ids: str) -> None:
        """Remove items as somebody at the device would."""
        self._call(lambda: self._device.tables[path].remove(ids))

    def load(self, path: str, rows: Sequence[Mapping[str, str]]) -> list[str]:
        """Items as an older configuration brings them: duplicates are let in."""
        return self._call(lambda: self._device.tables[path].load(rows))

    def log_in(self, path: str, user: str, address: str, **more: str) -> str:
        """A customer logs in: `path` is /ppp/active or /ip/hotspot/active. Answers the session's id.

        A user of the router's own gets his profile's list, anyone else (RADIUS) none.
        """
        name = "user" if path == "/ip/hotspot/active" else "name"
        row = {name: user, "address": address, **_dashed(more)}

        def enter() -> str:
            given = login_list(self._device.tables, path, user) or ""
            return self._device.tables[path].add({**row, "login-list": given})

        return self._call(enter)

    def send(self, packet: Packet) -> Verdict:
        """What becomes of a packet through the router; a connection that it opens is there afterwards."""
        return self._call(lambda: Walk(self._device.tables, packet).verdict())

    def use_radius(self, yes: bool) -> None:
        """Whether PPP asks RADIUS for those whom no secret of its own knows."""
        self._call(lambda: self._device.ppp_aaa.update({"use-radius": "true" if yes else "false"}))

    def atomic_removal(self, atomic: bool) -> None:
        """Whether a `remove` of several ids with one missing removes none of them, or those before the missing one."""

        def choose() -> None:
            for table in self._device.tables.values():
                table.atomic = atomic

        self._call(choose)

    def reboot(self) -> None:
        """Sessions, connections and dynamic entries vanish, ids and uptime start anew."""
        self._call(self._server.reboot)

    def backup(self) -> dict[str, list[Row]]:
        """The configuration, for `restore`."""
        return self._call(self._device.backup)

    def restore(self, backup: dict[str, list[Row]]) -> None:
        """Put an old configuration back and reboot."""
        kept = copy.deepcopy(backup)

        def put_back() -> None:
            self._device.restore(kept)
            self._server.reboot()

        self._call(put_back)

    def sessions(self) -> int:
        """How many connections are open."""
        return self._call(lambda: len(self._server.sessions))

    def _expired(self, path: str) -> Iterable[Row]:
        table = self._device.tables[path]
        table.expire()
        return table

    def _call(self, work: Callable[[], T]) -> T:
        """Carry out `work` in the loop's thread, which owns the device."""
        if self._thread is None:
            return work()

        async def run() -> T:
            return work()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result()

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        plain = await loop.create_server(lambda: Session(self._server, "api"), self.host, self.port)
        self._listeners.append(plain)
        self.port = plain.sockets[0].getsockname()[1]
        self._device.service("api")["port"] = str(self.port)
        if self._certificate is None and not self._anonymous:
            return
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if self._certificate is not None:
            context.load_cert_chain(*self._certificate)
        else:
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.set_ciphers("aNULL:@SECLEVEL=0")
        secure = await loop.create_server(
            lambda: Session(self._server, "api-ssl"), self.host, self.tls_port, ssl=context
        )
        self._listeners.append(secure)
        self.tls_port = secure.sockets[0].getsockname()[1]
        self._device.service("api-ssl").update(
            port=str(self.tls_port), certificate="api-ssl" if self._certificate else "none"
        )

    async def _close(self) -> None:
        for listener in self._listeners:
            listener.close()
        for session in list(self._server.open):
            session.abort()
        await asyncio.gather(*[session.closed for session in self._server.open])


def _dashed(properties: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in properties.items()}
