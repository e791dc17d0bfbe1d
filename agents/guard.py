"""The guard: the site's own limit of first restrictions an hour, whatever the controller says.

Pure. It bounds what a wrong policy or a wrong import can do here before a person looks. Restores are never counted,
nor are repairs of what was imposed before. Times are on the monotonic clock.
"""

from collections.abc import Iterable

HOUR_S = 3600.0


def room(imposed: Iterable[tuple[float, int]], now: float, per_hour: int) -> int:
    """How many first restrictions may still be made; `imposed` are (when, how many) of the past."""
    used = sum(number for at, number in imposed if now - at < HOUR_S)
    return max(0, per_hour - used)
