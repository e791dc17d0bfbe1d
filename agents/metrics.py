"""What Prometheus sees of an agent. It has a registry of its own, so that two agents in a process keep apart."""

from collections.abc import Callable
from threading import Thread
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server


class Metrics:
    """Labels are device names from the settings: few, and no customer's."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._turns = Counter("grifo_agent_turns", "Turns taken.", ["device"], registry=self.registry)
        self._seconds = Histogram("grifo_agent_turn_seconds", "Length of a turn.", ["device"], registry=self.registry)
        self._success = Gauge(
            "grifo_agent_last_success_timestamp_seconds",
            "End of the last good turn.",
            ["device"],
            registry=self.registry,
        )
        self._errors = Counter(
            "grifo_agent_device_errors", "Turns that ended in an error.", ["device", "kind"], registry=self.registry
        )
        self._applied = Counter(
            "grifo_agent_changes", "Changes that a device said were done.", ["device"], registry=self.registry
        )
        self._left = Gauge(
            "grifo_agent_changes_left", "Changes left after the last turn: drift.", ["device"], registry=self.registry
        )
        self._reachable = Gauge(
            "grifo_agent_controller_reachable", "Whether the controller answers.", registry=self.registry
        )

    def turn(self, device: str, seconds: float, applied: int, left: int) -> None:
        """A turn has ended, well or not."""
        self._turns.labels(device).inc()
        self._seconds.labels(device).observe(seconds)
        self._applied.labels(device).inc(applied)
        self._left.labels(device).set(left)

    def success(self, device: str, at: float) -> None:
        """A turn has ended well; `at` in seconds since the epoch, as Prometheus wants it."""
        self._success.labels(device).set(at)

    def error(self, device: str, kind: str) -> None:
        """A turn has ended in an error; `kind` is the error's class."""
        self._errors.labels(device, kind).inc()

    def controller(self, reachable: bool) -> None:
        self._reachable.set(int(reachable))

    def serve(self, host: str, port: int) -> Callable[[], None]:
        """Serve GET /metrics. Returns what ends it. Raises OSError where the address can't be listened on."""
        server, thread = start_http_server(port, host, self.registry)
        return lambda: _end(server, thread)


def _end(server: WSGIServer, thread: Thread) -> None:
    server.shutdown()
    server.server_close()
    thread.join()
