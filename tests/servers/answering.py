"""The far end of calls: a telephone or gateway on UDP that answers everything with 200 and remembers what came."""

import re
import socket
import threading
import time
from types import TracebackType

_WAIT_S = 15.0


class Answering:
    """Answers on `port` from entering to leaving `with`."""

    def __init__(self, port: int) -> None:
        self._wire = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._wire.bind(("127.0.0.1", port))
        self.port: int = self._wire.getsockname()[1]
        self._came: list[tuple[str, str]] = []
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> "Answering":
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join()
        self._wire.close()

    @property
    def methods(self) -> list[str]:
        """The methods that came, in order, repetitions left out."""
        with self._changed:
            return [method for method, _ in dict.fromkeys(self._came)]

    def wait_for(self, method: str) -> None:
        """Until such a request came. Raises AssertionError when none does."""
        deadline = time.monotonic() + _WAIT_S
        with self._changed:
            while not any(came == method for came, _ in self._came):
                assert self._changed.wait(max(0.0, deadline - time.monotonic())), f"no {method} came"

    def _serve(self) -> None:
        while True:
            datagram, sender = self._wire.recvfrom(65535)
            if not datagram:
                return
            answer = self._answer(datagram.decode())
            if answer:
                self._wire.sendto(answer.encode(), sender)

    def _answer(self, text: str) -> str:
        head = text.partition("\r\n\r\n")[0].split("\r\n")
        method = head[0].partition(" ")[0]
        cseq = next(line for line in head if line.lower().startswith("cseq:"))
        with self._changed:
            self._came.append((method, cseq))
            self._changed.notify_all()
        if method == "ACK" or method.startswith("SIP/"):
            return ""
        copied = [line for line in head[1:] if re.match("(via|record-route|from|call-id|cseq):", line, re.IGNORECASE)]
        to = next(line for line in head if line.lower().startswith("to:"))
        tagged = to if ";tag=" in to else f"{to};tag=far"
        lines = ["SIP/2.0 200 OK", *copied, tagged, f"Contact: <sip:far@127.0.0.1:{self.port}>", "Content-Length: 0"]
        return "\r\n".join(lines) + "\r\n\r\n"
