"""Switches that are reached in a shell: real Kamailio behind a real sshd, and a device of prompts that behaves."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from drivers.base import Driver
from drivers.sip import build
from tests.drivers.sip_switches import CARE, INSTALLATION, RealSwitch, real_switch
from tests.servers.sshd import Sshd, running_sshd

PROFILES = Path(__file__).parents[2] / "configs" / "sip"


class ShellSwitch:
    """One Kamailio that a shell opens to."""

    def __init__(self, real: RealSwitch, sshd: Sshd) -> None:
        self.real = real
        self.sshd = sshd

    @property
    def node(self) -> dict[str, str]:
        return {"ssh": self.sshd.address, "sip": self.real.kamailio.sip_address}

    @property
    def program(self) -> str:
        return f"/usr/sbin/kamcmd -s unix:{self.real.kamailio.ctl_socket}"

    def login(self) -> dict[str, Any]:
        return login(self.sshd)


def login(sshd: Sshd) -> dict[str, Any]:
    """The settings that let a driver in."""
    return {
        "username": sshd.user,
        "private_key_file": str(sshd.key_file),
        "known_hosts_file": str(sshd.known_hosts),
    }


@contextmanager
def shell_switch() -> Iterator[ShellSwitch]:
    with real_switch() as real, running_sshd() as sshd:
        yield ShellSwitch(real, sshd)


def shell_driver(*switches: ShellSwitch, **settings: Any) -> Driver:
    """A driver of one or more nodes by the profile of kamcmd."""
    return shell_driver_of(INSTALLATION, *switches, **settings)


def shell_driver_of(installation: str, /, *switches: ShellSwitch, **settings: Any) -> Driver:
    """The same for an installation of its own."""
    first = switches[0]
    given = {
        "profile": str(PROFILES / "kamcmd.toml"),
        "program": first.program,
        "nodes": [switch.node for switch in switches],
        "country": "es",
        "care_numbers": [CARE],
        "connect_timeout_s": 20,
        "read_timeout_s": 30,
        **first.login(),
    }
    return build({**given, **settings}, installation)
