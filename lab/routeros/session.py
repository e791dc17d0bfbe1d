"""One connection: sentences in, replies out, each with its command's tag (manual, API, "Tags", "/cancel").

Commands start in the order they came. A long `print` is sent in parts and a `listen` goes on until cancelled, so that
replies of other commands come between: without tags nobody can tell whose they are, here as on a device.
"""

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

from lab.routeros import commands, traps
from lab.routeros.commands import Sentence
from lab.routeros.device import User
from lab.routeros.login import Login
from lab.routeros.outlet import Outlet
from lab.routeros.queries import compile_query
from lab.routeros.streams import Listen, Print
from lab.routeros.tables import Table
from lab.routeros.traps import Trap
from lab.routeros.words import ReservedByte, Splitter

if TYPE_CHECKING:
    from lab.routeros.server import Server

MAX_BEFORE_LOGIN = 16384
"""Bytes of one sentence that somebody who has not logged in may send."""

_POLICY = {"print": "read", "getall": "read", "listen": "read"}


class Session(asyncio.Protocol):
    """A client of the device, from connect to close. Lives in the server's loop."""

    def __init__(self, server: "Server", service: str) -> None:
        self._server = server
        self._service = service
        self._device = server.device
        self._login = Login(server.device)
        self._user: User | None = None
        self._policy: frozenset[str] = frozenset()
        self._splitter = Splitter()
        self._running: dict[object, tuple[str, Print | Listen]] = {}
        self._paused = False
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._out = Outlet(transport, lambda: self._server.faults, self._server.strikes)
        if not self._server.admit(self, self._service):
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.dismiss(self)
        for _, stream in self._running.values():
            stream.stop()
        self.closed.set_result(None)

    def pause_writing(self) -> None:
        """The client does not read: take nothing more from it, and send no more rows."""
        self._paused = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._paused = False
        self._transport.resume_reading()
        self._stream()

    def data_received(self, data: bytes) -> None:
        if self._out.silent:
            return
        try:
            for words in self._splitter.feed(data):
                if not self._transport.is_closing():
                    self._answer(words)
        except ReservedByte as wrong:
            self._fatal(str(wrong))
        if self._user is None and self._splitter.waiting > MAX_BEFORE_LOGIN:
            self._fatal("too many commands before login")
        self._out.flush()

    def abort(self) -> None:
        """The device went down."""
        self._transport.abort()

    def _answer(self, words: list[str]) -> None:
        sentence = commands.parse(words)
        tag = (f".tag={sentence.tag}",) if sentence.tag else ()
        try:
            self._execute(sentence, words, tag)
        except Trap as trap:
            self._out.sentence(*trap.words(), *tag)
            self._out.sentence("!done", *tag)

    def _execute(self, sentence: Sentence, words: list[str], tag: tuple[str, ...]) -> None:
        match words[0]:
            case "/login":
                self._enter(sentence, tag)
            case "/quit":
                self._fatal("session terminated on request")
            case _ if self._user is None:
                self._fatal("not logged in")
            case "/cancel":
                self._cancel(sentence.args.get("tag"))
                self._out.sentence("!done", *tag)
            case "/system/reboot":
                self._permit("reboot")
                self._server.reboot()
            case _:
                self._permit(_POLICY.get(sentence.verb, "write"))
                self._run(sentence, words, tag)

    def _enter(self, sentence: Sentence, tag: tuple[str, ...]) -> None:
        entered = self._login.attempt(sentence.args)
        if isinstance(entered, str):
            self._out.sentence("!done", f"=ret={entered}", *tag)
            return
        self._user, self._policy = entered, self._device.policy(entered)
        self._out.sentence("!done", *tag)
        self._out.armed = True
        if self._server.faults.hang == "login":
            self._out.flush()
            self._out.silent = True

    def _permit(self, policy: str) -> None:
        if policy not in self._policy:
            raise traps.not_permitted()

    def _run(self, sentence: Sentence, words: list[str], tag: tuple[str, ...]) -> None:
        table = commands.table_for(self._device, sentence)
        if table is not None and sentence.verb in commands.READS:
            self._read(table, sentence, tag)
            return
        if sentence.verb not in commands.READS and self._spoiled(table, sentence, words, tag):
            return
        if table is None:
            row = commands.single(self._device, sentence)
            if row is not None:
                listed = commands.properties(sentence)
                self._out.sentence("!re", *_words(row, listed), *tag)
            ret = None
        else:
            ret = commands.write(table, sentence)
        self._done(ret, tag)

    def _spoiled(self, table: Table | None, sentence: Sentence, words: list[str], tag: tuple[str, ...]) -> bool:
        """Whether a fault decided the answer to a write."""
        faults = self._server.faults
        if not (faults.refuse or faults.lie) or not faults.hits(words):
            return False
        if faults.refuse:
            raise Trap(faults.refuse)
        self._done(table.next_id() if table is not None and sentence.verb == "add" else None, tag)
        return True

    def _done(self, ret: str | None, tag: tuple[str, ...]) -> None:
        self._out.sentence("!done", *(() if ret is None else (f"=ret={ret}",)), *tag)

    def _read(self, table: Table, sentence: Sentence, tag: tuple[str, ...]) -> None:
        query = compile_query(sentence.query)
        listed = commands.properties(sentence)
        if sentence.verb == "listen":
            stream: Print | Listen = Listen(table, query, listed, tag, self._out)
        else:
            found = Print(table, query, listed, tag, self._out, self._device.release >= (7, 18))
            if "count-only" in sentence.args:
                self._done(str(found.count()), tag)
                return
            stream = found
        self._running[stream] = (sentence.tag, stream)
        self._stream()

    def _stream(self) -> None:
        """Send the next part of every running command; come back while there is more."""
        more = False
        for stream in list(self._running):
            if self._paused or self._transport.is_closing():
                return
            state = self._running[stream][1].step()
            if state is None:
                del self._running[stream]
            more = more or bool(state)
        self._out.flush()
        if more and not self._paused:
            asyncio.get_running_loop().call_soon(self._stream)

    def _cancel(self, tag: str | None) -> None:
        for key, (its, stream) in list(self._running.items()):
            if tag is None or its == tag:
                del self._running[key]
                stream.stop()
                self._out.sentence(*Trap("interrupted", traps.INTERRUPTED).words(), *stream.tag)
                self._out.sentence("!done", *stream.tag)

    def _fatal(self, reason: str) -> None:
        """The reason stands as a word of its own, and the connection ends."""
        self._out.sentence("!fatal", reason)
        self._out.close()


def _words(row: "dict[str, str]", listed: frozenset[str] | None) -> Iterable[str]:
    return [f"={name}={value}" for name, value in row.items() if listed is None or name in listed]
