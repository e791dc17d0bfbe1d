"""The lab's Tuesday: policy time, moved. Protocols, TLS and stop-watches keep the real one."""

from datetime import datetime, timedelta

from controller.clock import system_clock


class MovedClock:
    """A controller's clock that began at another instant and runs at the speed of the real one."""

    def __init__(self, begins: datetime) -> None:
        self._offset = begins - system_clock()

    def __call__(self) -> datetime:
        return system_clock() + self._offset

    def forward(self, by: timedelta) -> None:
        """Let `by` pass at once."""
        self._offset += by
