"""The NAS: subscribers dial in through a RADIUS server, stay, are changed or cut off by RFC 5176, and dial again.

It knows of its RADIUS server what any NAS knows: an address and a secret. So it runs against this package's server
and against FreeRADIUS alike, and every session in their radacct is one that this NAS reported.
"""

import asyncio
import ipaddress
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic, time  # noqa: TID251 - accounting carries the real time of the protocol

from lab.nas.background import Background
from lab.nas.client import NoAnswer, RadiusClient
from lab.nas.codec import Attributes, Code, Packet
from lab.nas.dae import DaeListener, Misbehaviour, Strictness
from lab.nas.dictionary import Value
from lab.nas.judge import Vendor, Verdict, judge
from lab.nas.sessions import Session, SessionTable, SessionView, Subscriber

START, STOP, INTERIM, ACCOUNTING_ON = 1, 2, 3, 7
USER_REQUEST, ADMIN_RESET = 1, 6
DIALS_AT_ONCE = 128


@dataclass(frozen=True, slots=True)
class NasSettings:
    """One NAS. `secret` is shared with the RADIUS server and used for dynamic authorisation too, as is usual."""

    auth: tuple[str, int]
    acct: tuple[str, int]
    secret: bytes = field(repr=False)
    nas_ip: str = "127.0.0.1"
    identifier: str = "nas"
    listen: tuple[str, int] = ("127.0.0.1", 0)
    vendor: Vendor = field(default_factory=Vendor)
    strictness: Strictness = field(default_factory=Strictness)
    redial_s: float = 0.2
    retry_s: float = 1.0
    """How long a subscriber waits after a refused login."""
    interim_s: float | None = None
    interim_on_change: bool = True
    """Send an Interim-Update, with the Class of the CoA, right after a CoA was applied."""
    network: str = "10.64.0.0/14"


class Nas:
    """Runs in a thread of its own from construction to `close()`; all methods may be called from any thread."""

    def __init__(self, settings: NasSettings) -> None:
        self._settings = settings
        self._sessions = SessionTable()
        self._addresses = ipaddress.ip_network(settings.network)
        self._last_address = 0
        self._dialled: dict[str, Subscriber] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._auth = RadiusClient(settings.auth, settings.secret)
        self._acct = RadiusClient(settings.acct, settings.secret)
        self._background = Background(f"nas-{settings.identifier}")
        try:
            self._listener, self._transport = self._background.run(self._open())
        except OSError:
            self._background.close()
            raise

    async def _open(self) -> tuple[DaeListener, asyncio.DatagramTransport]:
        transport, listener = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: DaeListener(self._settings.secret, self._settings.strictness, self._judge, self._carry_out),
            local_addr=self._settings.listen,
        )
        self._dialling = asyncio.Semaphore(DIALS_AT_ONCE)
        await self._auth.open()
        await self._acct.open()
        self._spawn(self._report_regularly())
        return listener, transport

    @property
    def port(self) -> int:
        """The UDP port of dynamic authorisation."""
        return int(self._transport.get_extra_info("sockname")[1])

    def dial(self, subscribers: Iterable[Subscriber]) -> int:
        """Let them all log in; returns how many have a session afterwards."""
        return self._background.run(self._dial_all(list(subscribers)))

    def sessions(self, username: str | None = None) -> Sequence[SessionView]:
        """What is live now."""
        views = self._background.run(self._views())
        return [view for view in views if username is None or view.username == username]

    def hang_up(self, username: str) -> None:
        """The customer switches the router off: sessions end, and it does not dial again."""
        self._background.run(self._hang_up(username))

    def misbehave(self, how: Misbehaviour) -> None:
        """Behave so from now on; `Misbehaviour()` is to behave."""
        self._background.loop.call_soon_threadsafe(self._listener.misbehave, how)

    def reboot(self, *, announce: bool = True) -> None:
        """Lose all sessions; subscribers dial again. `announce` sends Accounting-On (RFC 2866, 5.1) first."""
        self._background.run(self._reboot(announce))

    @property
    def received(self) -> int:
        """Datagrams that came to the dynamic authorisation port."""
        return self._listener.received

    @property
    def discarded(self) -> int:
        """Those of them that were dropped without a word."""
        return self._listener.discarded

    def close(self) -> None:
        """Switch off: nothing is said to anyone."""
        if not self._background.loop.is_closed():
            self._background.run(self._close())
            self._background.close()

    def __enter__(self) -> "Nas":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _judge(self, request: Packet) -> Verdict:
        itself = {"NAS-IP-Address": self._settings.nas_ip, "NAS-Identifier": self._settings.identifier}
        return judge(request, self._sessions, self._settings.vendor, itself)

    def _carry_out(self, request: Packet, verdict: Verdict) -> None:
        assert verdict.session is not None
        if request.code == Code.DISCONNECT_REQUEST:
            self._end(verdict.session, ADMIN_RESET)
            self._spawn(self._redial(verdict.session.subscriber, self._settings.redial_s))
            return
        verdict.session.change(verdict.changes)
        if self._settings.interim_on_change:
            self._spawn(self._account(verdict.session, INTERIM))

    def _spawn(self, work: "asyncio._CoroutineLike[None]") -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _views(self) -> list[SessionView]:
        return self._sessions.views()

    async def _dial_all(self, subscribers: list[Subscriber]) -> int:
        for subscriber in subscribers:
            self._dialled[subscriber.username] = subscriber
        await asyncio.gather(*(self._dial(subscriber) for subscriber in subscribers))
        return sum(1 for one in subscribers if self._sessions.matching([("User-Name", one.username)]))

    async def _dial(self, subscriber: Subscriber) -> None:
        """One login; refused or unanswered, the router tries again later."""
        async with self._dialling:
            accepted = await self._ask_to_log_in(subscriber)
            if accepted is not None:
                session = self._new_session(subscriber, accepted)
                await self._account(session, START)
                return
        self._spawn(self._redial(subscriber, self._settings.retry_s))

    async def _ask_to_log_in(self, subscriber: Subscriber) -> Packet | None:
        asked: Attributes = [
            ("User-Name", subscriber.username),
            ("User-Password", subscriber.password.encode()),
            *self._about_itself(),
            ("Service-Type", 2),
            ("Framed-Protocol", 1),
            *([("Calling-Station-Id", subscriber.calling_station_id)] if subscriber.calling_station_id else []),
        ]
        try:
            reply = await self._auth.ask(Code.ACCESS_REQUEST, asked)
        except NoAnswer:
            return None
        return reply if reply.code == Code.ACCESS_ACCEPT else None

    def _about_itself(self) -> Attributes:
        return [("NAS-IP-Address", self._settings.nas_ip), ("NAS-Identifier", self._settings.identifier)]

    def _new_session(self, subscriber: Subscriber, accepted: Packet) -> Session:
        given: dict[str, list[Value]] = {}
        for name, value in accepted.attributes:
            if name != "Message-Authenticator":
                given.setdefault(name, []).append(value)
        session = Session(self._sessions.next_id(), subscriber, self._next_address(), given, monotonic())
        self._sessions.add(session)
        return session

    def _next_address(self) -> str:
        self._last_address = self._last_address % (self._addresses.num_addresses - 2) + 1
        return str(self._addresses[self._last_address])

    async def _redial(self, subscriber: Subscriber, after_s: float) -> None:
        await asyncio.sleep(after_s)
        if self._dialled.get(subscriber.username) == subscriber:
            await self._dial(subscriber)

    def _end(self, session: Session, cause: int) -> None:
        if self._sessions.remove(session):
            self._spawn(self._account(session, STOP, cause))

    async def _hang_up(self, username: str) -> None:
        self._dialled.pop(username, None)
        for session in self._sessions.matching([("User-Name", username)]):
            self._sessions.remove(session)
            await self._account(session, STOP, USER_REQUEST)

    async def _reboot(self, announce: bool) -> None:
        lost = self._sessions.clear()
        if announce:
            on: Attributes = [("Acct-Status-Type", ACCOUNTING_ON), *self._about_itself()]
            with suppress(NoAnswer):
                await self._acct.ask(Code.ACCOUNTING_REQUEST, [*on, ("Event-Timestamp", int(time()))])
        for session in lost:
            self._spawn(self._redial(session.subscriber, self._settings.redial_s))

    async def _report_regularly(self) -> None:
        if self._settings.interim_s is None:
            return
        while True:
            await asyncio.sleep(self._settings.interim_s)
            await asyncio.gather(*(self._account(session, INTERIM) for session in self._sessions))

    async def _account(self, session: Session, status: int, cause: int | None = None) -> None:
        """Accounting with the session's Class unmodified (RFC 2865, 5.25); lost if the server stays silent."""
        about: Attributes = [
            ("Acct-Status-Type", status),
            ("User-Name", session.subscriber.username),
            ("Acct-Session-Id", session.id),
            *self._about_itself(),
            ("Framed-IP-Address", session.address),
            ("Acct-Session-Time", int(monotonic() - session.started)),
            ("Event-Timestamp", int(time())),
            *(("Class", value) for value in session.class_),
        ]
        if session.subscriber.calling_station_id:
            about.append(("Calling-Station-Id", session.subscriber.calling_station_id))
        if cause is not None:
            about.append(("Acct-Terminate-Cause", cause))
        with suppress(NoAnswer):
            await self._acct.ask(Code.ACCOUNTING_REQUEST, about)

    async def _close(self) -> None:
        self._transport.close()
        self._auth.close()
        self._acct.close()
