"""The connection: librouteros with tags, so that many commands are on their way at once over one connection.

librouteros has no tags, reads a byte at a time, casts values ("10" and "yes" would come back as other types), drops
bytes that it cannot decode and logs every word, the password too. So its reading is replaced by one that does none
of that; connecting, encoding and login stay its own. A connection on which anything was odd is closed: after a timeout
the next command would be given the former one's reply.
"""

import socket
import ssl
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import count

from librouteros import create_transport
from librouteros.api import Api
from librouteros.connections import SocketTransport
from librouteros.exceptions import ConnectionClosed, FatalError, ProtocolError
from librouteros.protocol import ApiProtocol, encode_sentence

from drivers.base import Unsupported
from drivers.mikrotik.errors import translated
from drivers.mikrotik.framing import Sentence, Words, cut, encoded, values_of, words_of
from drivers.mikrotik.settings import Settings

WINDOW = 512
"""Commands on their way at once. Their replies fit the socket's buffers: neither side can wait for the other."""
WINDOW_BYTES = 64 * 1024
TOGETHER = 32
"""Commands in one write."""

_ITEM = b"\x03!re"

Sieve = Callable[[bytes], bool]
"""Whether an item, a whole sentence as it came, may matter. What does not is never unpacked: of a long list that is
read for a few customers, almost all."""


@dataclass(slots=True)
class Reply:
    """All that the router said to one command. `trap` is its own words, empty where it did as told."""

    rows: list[dict[str, str]] = field(default_factory=list)
    ret: str = ""
    trap: str = ""


Waiting = dict[bytes, tuple[Reply, int]]
"""By tag: what a command was replied so far, and its size in bytes."""


class _Transport(SocketTransport):  # type: ignore[misc]  # librouteros publishes no types
    """Reads whatever has arrived, gives out what was asked for, and gives up at `deadline` (monotonic)."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        self.deadline = float("inf")
        self._buffer = b""

    def read(self, length: int) -> bytes:
        """Bytes for librouteros' own reading; `sentences` does the work here."""
        while len(self._buffer) < length:
            self._fill()
        got, self._buffer = self._buffer[:length], self._buffer[length:]
        return got

    def sentences(self) -> list[Sentence]:
        """Every sentence that is here whole, at least one."""
        while True:
            said, rest = cut(self._buffer)
            self._buffer = self._buffer[rest:]
            if said:
                return said
            self._fill()

    def _fill(self) -> None:
        if time.monotonic() > self.deadline:
            raise TimeoutError
        got = self.sock.recv(65536)
        if not got:
            raise ConnectionClosed("Connection unexpectedly closed.")
        self._buffer += got


class _Protocol(ApiProtocol):  # type: ignore[misc]  # librouteros publishes no types
    """librouteros' protocol, without its log of every word."""

    def __init__(self, transport: _Transport) -> None:
        super().__init__(transport=transport, encoding="utf-8")
        self._ahead: list[Sentence] = []

    def writeSentence(self, cmd: str, *words: str) -> None:  # noqa: N802  # librouteros' name
        self.transport.write(encode_sentence(cmd, *words, encoding=self.encoding))

    def readSentence(self) -> tuple[str, tuple[str, ...]]:  # noqa: N802  # librouteros' name
        """The next sentence, for librouteros' own reading at login."""
        (_, raw), *self._ahead = self.sentences()
        first, *words = words_of(raw)
        if first == "!fatal":
            raise FatalError(", ".join(words))
        return first, tuple(words)

    def sentences(self) -> list[Sentence]:
        """Sentences that have arrived, at least one."""
        ahead, self._ahead = self._ahead, []
        said: list[Sentence] = ahead or self.transport.sentences()
        return said


class TaggedApi(Api):  # type: ignore[misc]  # librouteros publishes no types
    """librouteros' Api whose values stay text, and which can have many commands under way."""

    def __init__(self, protocol: ApiProtocol) -> None:
        super().__init__(protocol)
        self._tags = count(1)

    def readSentence(self) -> tuple[str, dict[str, str]]:  # noqa: N802  # librouteros' name
        first, words = self.protocol.readSentence()
        return first, values_of((first, *words))

    def run(self, commands: Iterable[Words], sieve: Sieve | None = None) -> list[Reply]:
        """Send `commands` with a tag each, at most a window ahead of the replies; the replies in the same order.

        Some are sent while the next are still being composed, so that the router works meanwhile.
        """
        replies: list[Reply] = []
        waiting: Waiting = {}
        left = iter(commands)
        in_flight, more = 0, True
        while more or waiting:
            room: list[bytes] = []
            while more and _fits(len(waiting), in_flight):
                command = next(left, None)
                if command is None:
                    more = False
                    break
                tag = f".tag={next(self._tags)}"
                data = encoded(*command, tag)
                replies.append(Reply())
                waiting[tag.encode()] = (replies[-1], len(data))
                in_flight += len(data)
                room.append(data)
                if len(room) == TOGETHER:
                    self._write(room)
            self._write(room)
            low = WINDOW // 2 if more else 0
            while len(waiting) > low or (waiting and in_flight > WINDOW_BYTES // 2 and more):
                in_flight -= sum([_take(tag, raw, waiting, sieve) for tag, raw in self.protocol.sentences()])
        return replies

    def _write(self, room: list[bytes]) -> None:
        """Send what has gathered."""
        if room:
            self.protocol.transport.write(b"".join(room))
            room.clear()


def _take(tag: bytes, raw: bytes, waiting: Waiting, sieve: Sieve | None) -> int:
    """Take one reply sentence; answers the bytes of the command that it ends, 0 where it ends none."""
    if tag in waiting and raw.startswith(_ITEM):
        if sieve is None or sieve(raw):
            waiting[tag][0].rows.append(values_of(words_of(raw)))
        return 0
    words = words_of(raw)
    if words[0] == "!fatal":
        raise FatalError(", ".join(words[1:]))
    if tag not in waiting:
        raise ProtocolError(f"a reply with tag {tag[5:]!r}, which no command has")
    return _end(tag, words[0], values_of(words), waiting)


def _end(tag: bytes, first: str, values: dict[str, str], waiting: Waiting) -> int:
    """Take a reply that is no item: `!trap` comes before the `!done` that ends its command."""
    reply, size = waiting[tag]
    match first:
        case "!trap":
            reply.trap = "; ".join(filter(None, (reply.trap, values.get("message", "a trap without a message"))))
        case "!done":
            reply.ret = values.get("ret", "")
            del waiting[tag]
            return size
        case "!empty":
            pass
        case _:
            raise ProtocolError(f"a reply that begins with {first!r}")
    return 0


def _fits(commands: int, size: int) -> bool:
    """Whether one command more may go out; the first always may."""
    return not commands or (commands < WINDOW and size < WINDOW_BYTES)


def _anonymous() -> ssl.SSLContext:
    """TLS with nobody's certificate, which api-ssl speaks where it has none: asked for, never fallen back to."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("aNULL:@SECLEVEL=0")
    return context


class Connection:
    """One connection to one router, opened at the first need and closed at the first doubt."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._device = f"{settings.host}:{settings.port}"
        self._api: TaggedApi | None = None
        self.said = 0
        """How many times something was said to the router; grows with each connection, too."""

    def run(self, commands: Iterable[Words], sieve: Sieve | None = None) -> list[Reply]:
        """The replies to `commands`, in their order, without the items that `sieve` does not let through.

        Raises Unreachable, Refused (login), Unsupported or Garbled.
        """
        try:
            with translated(self._device):
                api = self._opened()
                self.said += 1
                api.protocol.transport.deadline = time.monotonic() + self._settings.turn_seconds
                return api.run(commands, sieve)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close; safe to call twice."""
        api, self._api = self._api, None
        self.said += 1
        if api is not None:
            api.close()

    def _opened(self) -> TaggedApi:
        if self._api is None:
            settings = self._settings
            made = create_transport(
                host=settings.host,
                port=settings.port,
                saddr=None,
                timeout=settings.connect_seconds,
                ssl_wrapper=self._secured if settings.tls else None,
            )
            made.sock.settimeout(settings.reply_seconds)
            made.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            made.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            transport = _Transport(made.sock)
            transport.deadline = time.monotonic() + settings.turn_seconds
            self._api = TaggedApi(_Protocol(transport))
            self._login(self._api)
        return self._api

    def _secured(self, sock: socket.socket) -> ssl.SSLSocket:
        try:
            if self._settings.anonymous:
                return _anonymous().wrap_socket(sock)
            context = ssl.create_default_context(cafile=self._settings.ca_file)
            return context.wrap_socket(sock, server_hostname=self._settings.server_name)
        except BaseException:
            sock.close()
            raise

    def _login(self, api: TaggedApi) -> None:
        """A router before 6.43 answers with a challenge and `!done`, which must not pass for a login."""
        name, password = self._settings.username, self._settings.password.reveal()
        rows = api.rawCmd("/login", f"=name={name}", f"=password={password}")
        if any("ret" in row for row in rows):
            raise Unsupported(f"router {self._device} is older than RouterOS 6.43, whose login it needs: upgrade it")
