"""The guard: the site's own limit of first restrictions an hour, and a device's, whatever the controller says.

Pure. It bounds what a wrong policy or a wrong import can do here before a person looks. Restores are never counted,
nor are repairs of what was imposed before. Times are on the monotonic clock.
"""

from collections.abc import Iterable
from dataclasses import dataclass

HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one device: what all devices of its site may impose anew in an hour together, and what it may itself."""

    site: str
    site_per_hour: int
    device: str
    device_per_hour: int


@dataclass(frozen=True, slots=True)
class Imposed:
    """First restrictions of the past: `number` at once, at `at`."""

    site: str
    device: str
    at: float
    number: int


def room(imposed: Iterable[Imposed], now: float, limits: Limits) -> int:
    """How many first restrictions the device may still make."""
    recent = [each for each in imposed if now - each.at < HOUR_S]
    of_site = sum(each.number for each in recent if each.site == limits.site)
    of_device = sum(each.number for each in recent if each.device == limits.device)
    return max(0, min(limits.site_per_hour - of_site, limits.device_per_hour - of_device))
