"""SIP switches: Kamailio 5.6 by its RPC and its database, with the dial-plan fragment in configs/sip/kamailio."""

from collections.abc import Mapping
from typing import Any

from drivers.base import Driver
from drivers.sip.driver import SipDriver
from drivers.sip.settings import settings_from


def build(settings: Mapping[str, Any], installation: str) -> Driver:
    """The driver of one switch from its settings. Raises ValueError with a sentence that names the key."""
    return SipDriver(settings_from(settings), installation)
