"""A RADIUS authentication and accounting server over SQLite, on FreeRADIUS's schema: the lab needs no package for it.

It does what FreeRADIUS's stock configuration with `sql` in authorize and accounting does, with the Class section of
queries.conf enabled, and one thing more: an Interim-Update refreshes radacct.class, as docs tell operators to do
where a CoA is to be read back.
"""

import asyncio
import hashlib
import hmac
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from time import time  # noqa: TID251 - accounting rows carry real time
from typing import cast

from lab.nas.background import Background
from lab.nas.codec import (
    Attributes,
    Code,
    Malformed,
    Packet,
    decode,
    encode_reply,
    message_authenticator_fits,
    request_is_authentic,
    reveal_password,
)
from lab.nas.dictionary import ATTRIBUTES, value_from_text
from lab.nas.processing import Answer, authorize
from lab.nas.schema import open_database

START, STOP, INTERIM, ACCOUNTING_ON, ACCOUNTING_OFF = 1, 2, 3, 7, 8
KEPT_REPLIES = 4096


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """`secret` is that of every client, for all come from the lab."""

    database: Path
    secret: bytes
    host: str = "127.0.0.1"
    auth_port: int = 0
    acct_port: int = 0
    record_class: bool = True
    """Write radacct.class at Start and Interim; False is FreeRADIUS as Debian ships it."""


class _Port(asyncio.DatagramProtocol):
    """One UDP port; a packet that comes again gets its reply again (RFC 5080, 2.2.2)."""

    def __init__(self, server: "RadiusServer") -> None:
        self._server = server
        self._transport: asyncio.DatagramTransport | None = None
        self._replies: dict[tuple[tuple[str, int], bytes], bytes] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        assert self._transport is not None
        same = (addr, data[:20])
        reply = self._replies.get(same) or self._server.answer(data)
        if reply is None:
            return
        self._replies[same] = reply
        if len(self._replies) > KEPT_REPLIES:
            del self._replies[next(iter(self._replies))]
        self._transport.sendto(reply, addr)


class RadiusServer:
    """Runs in a thread of its own from construction to `close()`."""

    def __init__(self, settings: ServerSettings) -> None:
        self._settings = settings
        self._database = open_database(settings.database)
        self._background = Background("radius-server")
        try:
            self._transports = self._background.run(self._open())
        except OSError:
            self._background.close()
            self._database.close()
            raise

    async def _open(self) -> list[asyncio.DatagramTransport]:
        loop = asyncio.get_running_loop()
        opened = []
        for port in (self._settings.auth_port, self._settings.acct_port):
            transport, _ = await loop.create_datagram_endpoint(
                lambda: _Port(self), local_addr=(self._settings.host, port)
            )
            opened.append(transport)
        return opened

    @property
    def auth(self) -> tuple[str, int]:
        return self._settings.host, int(self._transports[0].get_extra_info("sockname")[1])

    @property
    def acct(self) -> tuple[str, int]:
        return self._settings.host, int(self._transports[1].get_extra_info("sockname")[1])

    def close(self) -> None:
        if self._background.loop.is_closed():
            return
        for transport in self._transports:
            self._background.loop.call_soon_threadsafe(transport.close)
        self._background.close()
        self._database.close()

    def __enter__(self) -> "RadiusServer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def answer(self, data: bytes) -> bytes | None:
        """The reply to a datagram, or None where it must be dropped without a word."""
        try:
            request = decode(data)
        except Malformed:
            return None
        if request.code == Code.ACCESS_REQUEST:
            return self._log_in(request)
        if request.code == Code.ACCOUNTING_REQUEST and request_is_authentic(request, self._settings.secret):
            account(self._database, request, self._settings.record_class)
            return encode_reply(Code.ACCOUNTING_RESPONSE, request, [], self._settings.secret)
        return None

    def _log_in(self, request: Packet) -> bytes | None:
        secret = self._settings.secret
        if message_authenticator_fits(request, secret, request.authenticator) is False:
            return None
        compared = {name: value for name, value in request.attributes if isinstance(value, str)}
        answer = authorize(self._database, request.text("User-Name"), compared)
        if not _password_fits(request, answer, secret):
            return encode_reply(Code.ACCESS_REJECT, request, [], secret)
        reply: Attributes = [(name, value_from_text(name, value)) for name, value in answer.reply if name in ATTRIBUTES]
        return encode_reply(Code.ACCESS_ACCEPT, request, reply, secret)


def _password_fits(request: Packet, answer: Answer, secret: bytes) -> bool:
    control = dict(answer.control)
    match control.get("Auth-Type"):
        case "Reject":
            return False
        case "Accept":
            return True
    hidden = request.first("User-Password")
    known = control.get("Cleartext-Password")
    if known is None or not isinstance(hidden, bytes):
        return False
    return hmac.compare_digest(reveal_password(hidden, secret, request.authenticator), known.encode())


def account(database: sqlite3.Connection, request: Packet, record_class: bool) -> None:
    """One accounting record into radacct, times in seconds since 1970 as FreeRADIUS's SQLite queries write them."""
    when = request.number("Event-Timestamp") or int(time())
    status = request.number("Acct-Status-Type")
    if status in (ACCOUNTING_ON, ACCOUNTING_OFF):
        database.execute(
            "UPDATE radacct SET acctstoptime = ?, acctterminatecause = 'NAS-Reboot'"
            " WHERE acctstoptime IS NULL AND nasipaddress = ? AND acctstarttime <= ?",
            (when, request.text("NAS-IP-Address"), when),
        )
        return
    unique = _unique_id(request)
    if status in (START, INTERIM):
        _insert_or_refresh(database, request, unique, when, record_class)
    elif status == STOP:
        database.execute(
            "UPDATE radacct SET acctstoptime = ?, acctsessiontime = ?, acctterminatecause = ?"
            " WHERE acctuniqueid = ? AND acctstoptime IS NULL",
            (when, request.number("Acct-Session-Time"), str(request.number("Acct-Terminate-Cause") or ""), unique),
        )


def _unique_id(request: Packet) -> str:
    parts = (request.text("User-Name"), request.text("Acct-Session-Id"), request.text("NAS-IP-Address"))
    return hashlib.md5(",".join(parts).encode()).hexdigest()


def _insert_or_refresh(
    database: sqlite3.Connection, request: Packet, unique: str, when: int, record_class: bool
) -> None:
    raw = request.first("Class")
    shown = "0x" + raw.hex() if record_class and isinstance(raw, bytes) else None
    database.execute(
        "INSERT INTO radacct (acctsessionid, acctuniqueid, username, nasipaddress, acctstarttime, acctupdatetime,"
        " acctsessiontime, callingstationid, framedipaddress, class) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (acctuniqueid) DO UPDATE SET acctupdatetime = excluded.acctupdatetime,"
        " acctsessiontime = excluded.acctsessiontime, framedipaddress = excluded.framedipaddress,"
        " class = excluded.class WHERE acctstoptime IS NULL",
        (
            request.text("Acct-Session-Id"),
            unique,
            request.text("User-Name"),
            request.text("NAS-IP-Address"),
            when - (request.number("Acct-Session-Time") or 0),
            when,
            request.number("Acct-Session-Time"),
            request.text("Calling-Station-Id"),
            request.text("Framed-IP-Address"),
            shown,
        ),
    )
