"""What Prometheus sees of an agent. It has a registry of its own, so that two agents in a process keep apart."""

from collections.abc import Callable, Mapping
from threading import Thread
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from agents.circuit import State


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
        self._circuit = Gauge(
            "grifo_agent_circuit",
            "1 for the state that the device's circuit is in: closed, open or half_open.",
            ["device", "state"],
            registry=self.registry,
        )
        self._stuck = Gauge(
            "grifo_agent_device_stuck",
            "1 while a call to the device does not return.",
            ["device"],
            registry=self.registry,
        )
        self._drift = Gauge(
            "grifo_agent_drift",
            "Entries and marks that the device was last read to have otherwise than wanted.",
            ["device", "direction"],
            registry=self.registry,
        )
        self._drift_found = Counter(
            "grifo_agent_drift_found", "Drift that reads found.", ["device", "direction"], registry=self.registry
        )
        self._drift_repaired = Counter(
            "grifo_agent_drift_repaired",
            "Drift that was repaired and read back.",
            ["device", "direction"],
            registry=self.registry,
        )
        self._restarts = Gauge(
            "grifo_agent_device_restarts",
            "Restarts of the device that were seen since the agent's own start.",
            ["device"],
            registry=self.registry,
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

    def circuit(self, device: str, state: State) -> None:
        """How the device's circuit stands."""
        for each in State:
            self._circuit.labels(device, each.value).set(each is state)

    def stuck(self, device: str, stuck: bool) -> None:
        """Whether a call to the device does not return."""
        self._stuck.labels(device).set(stuck)

    def drift(self, device: str, in_drift: Mapping[str, int]) -> None:
        """How many are in each direction of drift after a turn."""
        for direction, number in in_drift.items():
            self._drift.labels(device, direction).set(number)

    def drift_found(self, device: str, direction: str) -> None:
        self._drift_found.labels(device, direction).inc()

    def drift_repaired(self, device: str, direction: str) -> None:
        self._drift_repaired.labels(device, direction).inc()

    def restarts(self, device: str, number: int) -> None:
        """How often the device has restarted, as far as this agent has seen."""
        self._restarts.labels(device).set(number)

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
