"""The settings files of controller and agent, as an operator would write them, in a folder of the lab's own."""

import socket
from dataclasses import dataclass
from pathlib import Path

from lab.box.month import RADIUS, ROUTER, SWITCH
from lab.box.network import API_PASSWORD, API_USER, CARE_NUMBER, RADIUS_SECRET, Network
from lab.box.policies import write_policies

_CONTROLLER = """\
installation = "lab"
database = "sqlite:///{folder}/grifo.db"
listen = "127.0.0.1:{port}"
policies = "{policies}"
default_policy = "es"
timezone = "Europe/Madrid"
"""

_AGENT = """\
controller = "http://127.0.0.1:{port}"
token_file = "{folder}/agent.token"
memory = "{folder}/agent.db"
sweep_seconds = 30

[[devices]]
name = "{router_name}"
driver = "mikrotik"
host = "127.0.0.1"
port = {router_port}
tls = false                     # the simulated router is on this machine; never so on a network
username = "{router_user}"
password_file = "{folder}/router.password"
obstructing_lists = ["MOROSOS"]

[[devices]]
name = "{radius_name}"
driver = "radius"
database = "sqlite:///{radius_database}"
groups = {{ throttled = "grifo-throttled", portal = "grifo-portal" }}
session_class = true

[[devices.nases]]
address = "127.0.0.1"
port = {nas_port}
secret_file = "{folder}/nas.secret"
live = "coa"
coa_class = true
changes = {{ full = ["Mikrotik-Rate-Limit"], throttled = ["Mikrotik-Rate-Limit"] }}

[[devices]]
name = "{switch_name}"
driver = "sip"
nodes = [{{ rpc = "{switch_rpc}", sip = "{switch_sip}" }}]
database = "sqlite:///{switch_database}"
country = "es"
care_numbers = ["{care_number}"]
"""


@dataclass(frozen=True, slots=True)
class Files:
    """Where the settings are, and where the controller will listen."""

    controller: Path
    agent: Path
    folder: Path
    url: str


def write_settings(folder: Path, net: Network) -> Files:
    """Write both files and the secrets that they name."""
    port = _free_port()
    for name, secret in (("router.password", API_PASSWORD), ("nas.secret", RADIUS_SECRET)):
        write_secret(folder / name, secret)
    controller, agent = folder / "controller.toml", folder / "agent.toml"
    controller.write_text(_CONTROLLER.format(folder=folder, port=port, policies=write_policies(folder)))
    agent.write_text(
        _AGENT.format(
            folder=folder,
            port=port,
            router_name=ROUTER,
            router_port=net.router.port,
            router_user=API_USER,
            radius_name=RADIUS,
            radius_database=net.radius_database,
            nas_port=net.nas.port,
            switch_name=SWITCH,
            care_number=CARE_NUMBER,
            switch_rpc=net.switch.rpc_url,
            switch_sip=net.switch.sip_address,
            switch_database=net.switch_database,
        )
    )
    return Files(controller, agent, folder, f"http://127.0.0.1:{port}")


def write_secret(path: Path, secret: str) -> None:
    """A file that its owner alone can read."""
    path.touch(mode=0o600)
    path.write_text(secret + "\n")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
