"""A raw client of the RouterOS API: sentences as they stand, for what no library sends."""

import socket
from types import TracebackType

from lab.routeros.words import Splitter, encode

Said = list[str]


class Raw:
    """One connection; `say` sends sentences, `hear` waits for replies (10 s at most)."""

    def __init__(self, port: int, *, login: bool = True) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self._splitter = Splitter()
        self._heard: list[Said] = []
        if login:
            assert self.ask("/login", "=name=admin", "=password=") == [["!done"]]

    def __enter__(self) -> "Raw":
        return self

    def __exit__(self, kind: type[BaseException] | None, wrong: BaseException | None, at: TracebackType | None) -> None:
        self.socket.close()

    def say(self, *words: str) -> None:
        self.socket.sendall(encode(words))

    def say_at_once(self, *sentences: Said) -> None:
        """Several sentences in one segment, so that the router has read the last before it answers the first."""
        self.socket.sendall(b"".join(map(encode, sentences)))

    def hear(self) -> Said:
        """The next reply sentence; EOFError where the router closed, TimeoutError where it is silent."""
        while not self._heard:
            data = self.socket.recv(65536)
            if not data:
                raise EOFError
            self._heard += self._splitter.feed(data)
        return self._heard.pop(0)

    def ask(self, *words: str) -> list[Said]:
        """One command and all its replies."""
        self.say(*words)
        return self.replies()

    def replies(self) -> list[Said]:
        """Replies up to the next `!done` or `!fatal`."""
        heard = [self.hear()]
        while heard[-1][0] not in ("!done", "!fatal"):
            heard.append(self.hear())
        return heard


def values(reply: Said) -> dict[str, str]:
    """The attributes of a reply sentence."""
    return dict(word[1:].split("=", 1) for word in reply[1:] if word.startswith("="))
