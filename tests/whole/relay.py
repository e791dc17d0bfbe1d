"""A relay on loopback between two parts: it goes dark as a firewall does, or holds what passes at a chosen word.

Dark is neither a refusal nor a reset: what was sent is never answered, and who connects gets no answer to his SYN.
"""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_PIECE = 65536
_FILLERS = 4
"""One is taken by the thread that accepts, one by the queue; whoever comes after them waits (listen(2), backlog)."""
PATIENCE_S = 60.0


class Hold:
    """What passes is held once `word` is in it: `reached` says so, `open` lets it go on."""

    def __init__(self, word: bytes, answer: bool) -> None:
        self.word = word
        self.answer = answer
        self.reached = threading.Event()
        self.open = threading.Event()
        self._taken = threading.Lock()

    def strikes(self) -> bool:
        """Whether this is the first to come."""
        return self._taken.acquire(blocking=False)

    def wait(self) -> None:
        self.reached.set()
        self.open.wait(PATIENCE_S)


class Relay:
    """Listens at `port` and passes everything on to where `to()` points at that moment."""

    def __init__(self, to: Callable[[], int]) -> None:
        self._to = to
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = int(self._listener.getsockname()[1])
        self._light = threading.Event()
        self._light.set()
        self._hold: Hold | None = None
        self._ends: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._closed = False
        self._start(self._accept)

    @contextmanager
    def dark(self) -> Iterator[None]:
        """Nobody gets an answer from anybody."""
        self._light.clear()
        self._listener.listen(0)
        fillers = [self._filler() for _ in range(_FILLERS)]
        try:
            yield
        finally:
            for filler in fillers:
                filler.close()
            self._listener.listen(64)
            self._light.set()

    @contextmanager
    def held(self, word: bytes, *, answer: bool = False) -> Iterator[Hold]:
        """The first request that has `word` in it is held before it passes; or its answer, after it has passed."""
        hold = self._hold = Hold(word, answer)
        try:
            yield hold
        finally:
            self._hold = None
            hold.open.set()

    def close(self) -> None:
        """Nothing passes any more. Safe to call twice."""
        self._closed = True
        self._light.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for end in list(self._ends):
            _cut(end)
        for thread in self._threads:
            thread.join(PATIENCE_S)

    def _filler(self) -> socket.socket:
        made = socket.socket()
        made.setblocking(False)
        made.connect_ex(("127.0.0.1", self.port))
        return made

    def _start(self, work: Callable[..., None], *about: object) -> None:
        thread = threading.Thread(target=work, args=about, name=f"relay {self.port}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._closed:
            self._light.wait()
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            self._start(self._join, near)

    def _join(self, near: socket.socket) -> None:
        with near:
            self._light.wait()
            try:
                far = socket.create_connection(("127.0.0.1", self._to()), timeout=PATIENCE_S)
            except OSError:
                return
            far.settimeout(None)
            with far:
                self._ends |= {near, far}
                answers = threading.Event()
                back = threading.Thread(target=self._pump, args=(far, near, answers), daemon=True)
                back.start()
                self._pump(near, far, answers, asks=True)
                back.join()
                self._ends -= {near, far}

    def _pump(
        self, source: socket.socket, sink: socket.socket, answers: threading.Event, *, asks: bool = False
    ) -> None:
        """One direction, until either side ends; then both do. What comes in the dark is lost, and all that follows."""
        lost = False
        with contextlib.suppress(OSError):
            while piece := source.recv(_PIECE):
                lost = lost or not self._light.is_set()
                if lost:
                    continue
                self._pass_the_hold(piece, answers, asks=asks)
                sink.sendall(piece)
        _cut(source)
        _cut(sink)

    def _pass_the_hold(self, piece: bytes, answers: threading.Event, *, asks: bool) -> None:
        hold = self._hold
        if hold is None:
            return
        if asks and hold.word in piece and hold.strikes():
            if hold.answer:
                answers.set()
            else:
                hold.wait()
        elif not asks and answers.is_set():
            answers.clear()
            hold.wait()


def _cut(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
