"""The settings of a switch with a shell: every mistake is one sentence that names the key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import environ
from pathlib import Path
from typing import Any

from drivers.secret import Secret, secret_from
from drivers.sip.allowlist import Block, Numbers
from drivers.sip.probe import SipAddress
from drivers.sip.settings import access_from, blocks_from, numbers_from, seconds, text
from drivers.sip.shell.profile import Profile, load
from enforcement.access import Access

_WAYS = ("file", "env", "credential")
_KNOWN = frozenset(
    {
        *(
            "name",
            "driver",
            "country",
            "profile",
            "experimental",
            "program",
            "nodes",
            "username",
            "known_hosts_file",
            "access",
        ),
        *("forwards_calls", "care_numbers", "emergency_numbers", "control_number", "premium_numbers"),
        *("connect_timeout_s", "read_timeout_s", "probe_timeout_s", "private_key_file", "private_key_credential"),
        *(f"{secret}_{way}" for secret in ("password", "passphrase") for way in _WAYS),
    }
)


@dataclass(frozen=True, slots=True)
class ShellAddress:
    """Where a node takes SSH, and SIP where it is asked there."""

    host: str
    port: int
    sip: SipAddress | None

    @property
    def name(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Login:
    """How to log in, and whose word to take for it."""

    username: str
    password: Secret | None
    key_file: str | None
    passphrase: Secret | None
    known_hosts_file: str
    connect_timeout_s: float
    read_timeout_s: float


@dataclass(frozen=True, slots=True)
class ShellSettings:
    """What one driver needs; times are in seconds."""

    profile: Profile
    program: str
    nodes: tuple[ShellAddress, ...]
    login: Login
    access: frozenset[Access]
    numbers: Numbers
    blocks: tuple[Block, ...]
    probe_timeout_s: float


def settings_from(given: Mapping[str, Any]) -> ShellSettings:
    """Read and check. Raises ValueError with one sentence naming the key and what it should be."""
    unknown = sorted(set(given) - _KNOWN)
    if unknown:
        raise ValueError(
            f"{unknown[0]} is no setting of the sip driver with a profile; it knows {', '.join(sorted(_KNOWN))}"
        )
    profile = load(Path(text(given, "profile", "")))
    if profile.experimental and given.get("experimental") is not True:
        raise ValueError(
            f"profile {profile.name} is experimental: nobody has tried it on that switch yet; try it on one without"
            " customers first, then say experimental = true"
        )
    return ShellSettings(
        profile=profile,
        program=_program(given, profile),
        nodes=_nodes(given.get("nodes"), asked=profile.proof is None),
        login=_login(given),
        access=_access(given, profile),
        numbers=numbers_from(given),
        blocks=blocks_from({"access": sorted(profile.access), **given}),
        probe_timeout_s=seconds(given, "probe_timeout_s", 2.0),
    )


def _program(given: Mapping[str, Any], profile: Profile) -> str:
    program = given.get("program", profile.program)
    if not isinstance(program, str) or not program.isprintable():
        raise ValueError(f"program must be a command line of one line, not {program!r}")
    return program


def _access(given: Mapping[str, Any], profile: Profile) -> frozenset[Access]:
    access = access_from({"access": sorted(profile.access), **given})
    if not access <= profile.access:
        raise ValueError(f"access: profile {profile.name} has no {', '.join(sorted(access - profile.access))}")
    return access


def _nodes(given: object, asked: bool) -> tuple[ShellAddress, ...]:
    wanted = "{ssh = 'host:port', sip = 'host:port'}" if asked else "{ssh = 'host:port'}"
    if not isinstance(given, Sequence) or isinstance(given, str) or not given:
        raise ValueError(f"nodes must list each node as {wanted}")
    nodes = tuple(_node(one, asked, wanted) for one in given)
    if len({node.name for node in nodes}) != len(nodes):
        raise ValueError("nodes must not name the same SSH host and port twice")
    return nodes


def _node(given: object, asked: bool, wanted: str) -> ShellAddress:
    if not isinstance(given, Mapping) or set(given) != ({"ssh", "sip"} if asked else {"ssh"}):
        raise ValueError(f"nodes: {given!r} is not {wanted}")
    try:
        ssh = SipAddress.parse(str(given["ssh"]), 22)
        return ShellAddress(ssh.host, ssh.port, SipAddress.parse(str(given["sip"])) if asked else None)
    except ValueError as wrong:
        raise ValueError(f"nodes: {wrong}") from wrong


def _login(given: Mapping[str, Any]) -> Login:
    key_file = _key_file(given)
    password = _secret(given, "password")
    if (key_file is None) is (password is None):
        raise ValueError("give either private_key_file (or private_key_credential) or a password, not both")
    known = Path(text(given, "known_hosts_file", ""))
    if not known.is_file():
        raise ValueError(
            f"known_hosts_file {known} does not exist: put the switch's host key there (ssh-keyscan, compared by hand)"
        )
    return Login(
        username=text(given, "username", ""),
        password=password,
        key_file=key_file,
        passphrase=_secret(given, "passphrase"),
        known_hosts_file=str(known),
        connect_timeout_s=seconds(given, "connect_timeout_s", 5.0),
        read_timeout_s=seconds(given, "read_timeout_s", 15.0),
    )


def _key_file(given: Mapping[str, Any]) -> str | None:
    if "private_key_credential" in given:
        if not (folder := environ.get("CREDENTIALS_DIRECTORY")):
            raise ValueError("private_key_credential: $CREDENTIALS_DIRECTORY is not set; use LoadCredential=")
        path = Path(folder) / text(given, "private_key_credential", "")
    elif "private_key_file" in given:
        path = Path(text(given, "private_key_file", ""))
    else:
        return None
    if not path.is_file():
        raise ValueError(f"private_key: {path} does not exist")
    return str(path)


def _secret(given: Mapping[str, Any], name: str) -> Secret | None:
    return secret_from(given, name) if any(f"{name}_{way}" in given for way in _WAYS) else None
