"""MikroTik routers: firewall address lists over the RouterOS API. The only user of librouteros."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from drivers.base import Driver
from drivers.mikrotik.driver import MikrotikDriver
from drivers.mikrotik.followed import Followed
from drivers.mikrotik.settings import read


def build(settings: Mapping[str, Any], installation: str) -> Driver:
    """A driver for one router; nothing is opened yet. Raises ValueError naming the wrong key."""
    router = read(settings)
    if "accounting" not in settings:
        return MikrotikDriver(router, installation)
    # Only a host whose routers hear of accounting needs a library for databases.
    news_from = import_module("drivers.mikrotik.news").news_from
    followed = Followed(installation)
    return MikrotikDriver(
        router, installation, news_from(settings["accounting"], followed, router.ways.keys()), followed
    )
