"""SIP switches: Kamailio 5.6 by its RPC and its database, or any switch with a shell by a profile (configs/sip)."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from drivers.base import Driver
from drivers.sip.driver import PAUSES, SipDriver
from drivers.sip.kamailio import KamailioNode
from drivers.sip.rows import Rows
from drivers.sip.rpc import NodeRpc
from drivers.sip.settings import settings_from
from drivers.sip.values import KEY_TYPES


def build(settings: Mapping[str, Any], installation: str) -> Driver:
    """The driver of one switch from its settings. Raises ValueError with a sentence that names the key."""
    if "profile" in settings:
        # Only a host that has such a switch needs netmiko.
        shell: Driver = import_module("drivers.sip.shell").build(settings, installation)
        return shell
    ours = settings_from(settings)
    times = (ours.connect_timeout_s, ours.read_timeout_s)
    nodes = [
        KamailioNode(NodeRpc(node.name, node.rpc, *times, ours.tls, ours.rpc_token), node.sip, ours)
        for node in ours.nodes
    ]
    allowed = {**dict.fromkeys(ours.numbers.care, "1"), **dict.fromkeys(ours.added_emergency, "emergency")}
    rows = Rows(ours.database, ours.database_table, ours.read_timeout_s, allowed)
    return SipDriver(installation, nodes, rows, KEY_TYPES, ours.access, PAUSES * ours.connect_timeout_s)
