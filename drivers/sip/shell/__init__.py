"""Any switch with a shell, by SSH: what to type and how to read the answer stands in a profile (configs/sip/*.toml)."""

from collections.abc import Mapping
from typing import Any

from drivers.base import Driver
from drivers.sip.driver import PAUSES, SipDriver
from drivers.sip.shell.node import ShellNode
from drivers.sip.shell.session import Session
from drivers.sip.shell.settings import settings_from


def build(settings: Mapping[str, Any], installation: str) -> Driver:
    """The driver of one switch from its settings. Raises ValueError with a sentence that names the key."""
    ours = settings_from(settings)
    profile = ours.profile
    nodes = [ShellNode(Session(address, ours.login, profile.device_type), address, ours) for address in ours.nodes]
    pause_s = PAUSES * ours.login.connect_timeout_s
    return SipDriver(installation, nodes, None, profile.keys, ours.access, pause_s, profile.slice_size)
