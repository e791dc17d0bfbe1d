"""What the SIP driver makes of answers that no healthy Kamailio gives, byte by byte on a real connection."""

import contextlib
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from drivers.base import DriverError, Garbled, Refused, Unreachable, Unsupported
from drivers.sip.rpc import NodeRpc


def _http(body: str, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


@contextmanager
def _served(handler: type[socketserver.BaseRequestHandler]) -> Iterator[NodeRpc]:
    """The way to a node whose connections a handler takes."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        url = f"http://127.0.0.1:{server.server_address[1]}/RPC"
        rpc = NodeRpc("n", url, 1.0, 1.0, ssl.create_default_context(), None)
        try:
            yield rpc
        finally:
            rpc.close()
            server.shutdown()
            thread.join()


@contextmanager
def _node(answer: bytes) -> Iterator[NodeRpc]:
    """A node that answers the first request of each connection with these bytes and closes."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            length = 0
            while (line := self.rfile.readline().strip().lower()) != b"":
                if line.startswith(b"content-length:"):
                    length = int(line.partition(b":")[2])
            self.rfile.read(length)
            self.wfile.write(answer)

    with _served(Handler) as rpc:
        yield rpc


@contextmanager
def _dripping(head: bytes) -> Iterator[NodeRpc]:
    """A node that takes a call and sends `head`, then a blank every tenth of a second, without end."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65536)
            with contextlib.suppress(OSError):
                self.request.sendall(head)
                while not stopping.wait(0.1):
                    self.request.sendall(b" ")

    stopping = threading.Event()
    with _served(Handler) as rpc:
        try:
            yield rpc
        finally:
            stopping.set()


DRIPS = {
    "its words": b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
    "its headers": b"HTTP/1.1 200 OK\r\nServer: ",
}


@pytest.mark.slow
@pytest.mark.parametrize("head", DRIPS.values(), ids=DRIPS)
def test_a_node_that_answers_a_sign_at_a_time_is_hung_up_on(head: bytes) -> None:
    with _dripping(head) as rpc, pytest.raises(Unreachable, match=r"did not answer core\.uptime in time"):
        rpc.call("core.uptime")


@pytest.mark.slow
def test_many_writes_to_a_node_that_answers_a_sign_at_a_time_end_too() -> None:
    with _dripping(DRIPS["its words"]) as rpc, pytest.raises(Unreachable, match=r"did not answer htable\.sets in time"):
        rpc.set_all("grifo_barred", {str(number): "x" for number in range(20)})


GETS: list[tuple[str, bytes, type[DriverError]]] = [
    ("another call's id", _http('{"jsonrpc":"2.0","error":{"code":500,"message":"x"},"id":9}'), Garbled),
    ("no id, as to an array", _http('{"jsonrpc":"2.0","result":{}}'), Garbled),
    ("an empty result", _http('{"jsonrpc":"2.0","result":{},"id":1}'), Garbled),
    ("an array", _http("[]"), Garbled),
    ("another name's value", _http('{"jsonrpc":"2.0","result":{"item":{"name":"y","value":"v"}},"id":1}'), Garbled),
    ("a page", _http("<html>", "200 OK"), Garbled),
    ("a page of an error", _http("<html>", "500 Internal Server Error"), Garbled),
    ("an error without words", _http('{"jsonrpc":"2.0","error":{"code":500},"id":1}', "500 Error"), Garbled),
    ("neither result nor error", _http('{"jsonrpc":"2.0","id":1}'), Garbled),
    ("no HTTP", b"SSH-2.0-OpenSSH_9.2\r\n\r\n", Garbled),
    ("half an answer", b'HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{"jsonrpc"', Unreachable),
    ("nothing", b"", Unreachable),
    ("a closed door", _http("", "403 Forbidden"), Refused),
    ("a table that is not there", _http('{"jsonrpc":"2.0","error":{"message":"No such htable"},"id":1}'), Refused),
    ("a missing module", _http('{"jsonrpc":"2.0","error":{"message":"Method Not Found"},"id":1}'), Unsupported),
]


@pytest.mark.parametrize(("answer", "error"), [case[1:] for case in GETS], ids=[case[0] for case in GETS])
def test_an_answer_that_proves_nothing_is_never_read_as_open(answer: bytes, error: type[DriverError]) -> None:
    with _node(answer) as rpc, pytest.raises(error) as caught:
        rpc.get("grifo_barred", "x")
    assert type(caught.value) is error


def test_only_kamailios_own_words_say_that_a_name_is_absent() -> None:
    words = '{"jsonrpc":"2.0","error":{"code":500,"message":"Key name doesn\'t exist in htable."},"id":1}'
    with _node(_http(words, "500 Error")) as rpc:
        assert rpc.get("grifo_barred", "x") is None


@pytest.mark.parametrize("result", ["{}", "null", '"Failed"', "[]"])
def test_a_write_is_done_only_where_the_node_says_ok(result: str) -> None:
    with _node(_http(f'{{"jsonrpc":"2.0","result":{result},"id":1}}')) as rpc, pytest.raises(Garbled):
        rpc.set_all("grifo_barred", {"x": "y"})
    with _node(_http(f'{{"jsonrpc":"2.0","result":{result},"id":1}}')) as rpc, pytest.raises(Garbled):
        rpc.delete_all("grifo_barred", ["x"])


@pytest.mark.parametrize(
    "result",
    ["{}", '"Ok"', "[5]", '[{"slot":[{"name":"x"}]}]', '[{"size":2,"slot":[{"name":"x","value":"v"}]}]', "null"],
)
def test_a_dump_of_another_shape_is_garbled(result: str) -> None:
    with _node(_http(f'{{"jsonrpc":"2.0","result":{result},"id":1}}')) as rpc, pytest.raises(Garbled):
        rpc.dump("grifo_barred")
