"""MikroTik routers: firewall address lists over the RouterOS API. The only user of librouteros."""

from collections.abc import Mapping
from typing import Any

from drivers.base import Driver
from drivers.mikrotik.driver import MikrotikDriver
from drivers.mikrotik.settings import read


def build(settings: Mapping[str, Any], installation: str) -> Driver:
    """A driver for one router; nothing is opened yet. Raises ValueError naming the wrong key."""
    return MikrotikDriver(read(settings), installation)
