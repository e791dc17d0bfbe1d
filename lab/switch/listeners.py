"""The switch's two ports and the threads behind them. What is answered, and whether at all, is the switch's matter."""

import contextlib
import json
import socket
import socketserver
import threading
from http.server import BaseHTTPRequestHandler
from typing import Any, Protocol

from lab.switch.faults import Faults


class Answers(Protocol):
    """What stands behind the ports."""

    @property
    def delay_s(self) -> float: ...

    def answer_rpc(self, body: bytes, faults: Faults) -> tuple[int, dict[str, Any]] | None: ...

    def answer_sip(self, datagram: bytes) -> bytes | None: ...

    def strikes(self) -> Faults: ...


class Listeners:
    """The listeners of one start; port 0 takes a free one. Raises OSError where a port is taken."""

    def __init__(self, answers: Answers, host: str, rpc_port: int, sip_port: int) -> None:
        self._http = _HttpServer((host, rpc_port), answers)
        try:
            self._udp = _UdpServer((host, sip_port), answers)
        except OSError:
            self._http.server_close()
            raise
        self.ports = (int(self._http.server_address[1]), int(self._udp.server_address[1]))
        self._threads = [
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
            for server in (self._http, self._udp)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Every connection ended, every thread gone."""
        self._http.end_connections()
        for server in (self._http, self._udp):
            server.shutdown()
        self._http.end_connections()
        for server in (self._http, self._udp):
            server.server_close()
        for thread in self._threads:
            thread.join()


class _HttpServer(socketserver.ThreadingTCPServer):
    """Not http.server's own: that one asks for the host's name by DNS when it binds."""

    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], answers: Answers) -> None:
        super().__init__(address, _RpcHandler)
        self.answers = answers
        self.stopping = threading.Event()
        self.connections: set[socket.socket] = set()

    def end_connections(self) -> None:
        self.stopping.set()
        for connection in tuple(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _UdpServer(socketserver.UDPServer):
    def __init__(self, address: tuple[str, int], answers: Answers) -> None:
        super().__init__(address, _SipHandler)
        self.answers = answers


class _SipHandler(socketserver.BaseRequestHandler):
    server: _UdpServer

    def handle(self) -> None:
        datagram, wire = self.request
        threading.Event().wait(self.server.answers.delay_s)
        answer = self.server.answers.answer_sip(datagram)
        if answer is not None:
            wire.sendto(answer, self.client_address)


class _RpcHandler(BaseHTTPRequestHandler):
    """POST to /RPC as the module xhttp gives it to jsonrpcs, nothing else."""

    server: _HttpServer
    protocol_version = "HTTP/1.1"
    server_version = "kamailio (5.6.3 (x86_64/linux))"
    disable_nagle_algorithm = True
    wbufsize = -1

    def setup(self) -> None:
        super().setup()
        self.server.connections.add(self.connection)
        if self.server.stopping.is_set():
            self.server.end_connections()

    def finish(self) -> None:
        with contextlib.suppress(OSError):
            super().finish()
        self.server.connections.discard(self.connection)

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):
            super().handle()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if not self.path.startswith("/RPC"):
            self._send(404, b"")
            return
        faults = self.server.answers.strikes()
        self.server.stopping.wait(faults.delay_ms / 1000)
        if faults.hang:
            self._silence()
        elif faults.drop:
            self.close_connection = True
        elif faults.garble:
            self._send(200, b'{"jsonrpc": "2.0", "res')
        else:
            self._answer(self.server.answers.answer_rpc(body, faults))

    def log_message(self, format: str, *args: Any) -> None:
        """A simulator in a terminal shows what it is asked to show, not every request."""

    def _answer(self, answer: tuple[int, dict[str, Any]] | None) -> None:
        if answer is None:
            self._silence()
            return
        self._send(answer[0], json.dumps(answer[1], separators=(",", ":")).encode())

    def _silence(self) -> None:
        """Neither answer nor end, until the client goes or the switch stops."""
        self.close_connection = True
        while self.connection.recv(4096):
            continue

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        if body:
            self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
