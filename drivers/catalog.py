"""Which driver serves which vendor: the agent's way to a driver by the name in its settings.

A driver's module is imported only when a device uses it, so that a host needs only its own vendors' libraries.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, cast

from drivers.base import Driver

NAMES = ("mikrotik", "radius", "sip")


def driver(name: str, settings: Mapping[str, Any], installation: str) -> Driver:
    """A driver for one device; nothing is opened yet.

    `settings` are the driver's own, `installation` is whose marks are ours. Raises ValueError naming the wrong key.
    """
    if name not in NAMES:
        raise ValueError(f"driver {name!r} is not one of {', '.join(NAMES)}")
    return cast("Driver", import_module(f"drivers.{name}").build(settings, installation))
