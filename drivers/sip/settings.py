"""The settings of one switch, read from the agent's file: every mistake is one sentence that names the key."""

import re
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa

from drivers.secret import Secret, secret_from
from drivers.sip.allowlist import EUROPEAN, HARMONISED, SERVICE_URNS, Block, Numbers, dialled, emergency_of
from drivers.sip.countries import COUNTRIES, national_pattern
from drivers.sip.probe import SipAddress
from drivers.sip.values import ENFORCED
from enforcement.access import Access

_KNOWN = frozenset(
    {
        *("name", "driver", "nodes", "database", "database_table", "table", "care_numbers", "emergency_numbers"),
        *("country", "control_number", "premium_numbers", "access", "connect_timeout_s", "read_timeout_s"),
        *("forwards_calls", "probe_timeout_s", "ca_file", "certificate_file", "key_file"),
        *(f"{secret}_{way}" for secret in ("database_password", "rpc_token") for way in ("file", "env", "credential")),
    }
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")


@dataclass(frozen=True, slots=True)
class Address:
    """One Kamailio: where it takes RPC, and where it takes SIP. Named in words by its RPC host and port."""

    rpc: str
    sip: SipAddress

    @property
    def name(self) -> str:
        url = httpx.URL(self.rpc)
        return url.host if url.port is None else f"{url.host}:{url.port}"


@dataclass(frozen=True, slots=True)
class SipSettings:
    """What one driver needs. `numbers` holds the compiled-in numbers and the settings' own; times are in seconds."""

    nodes: tuple[Address, ...]
    database: sa.URL
    database_table: str
    table: str
    access: frozenset[Access]
    numbers: Numbers
    blocks: tuple[Block, ...]
    added_emergency: tuple[str, ...]
    connect_timeout_s: float
    read_timeout_s: float
    probe_timeout_s: float
    tls: ssl.SSLContext
    rpc_token: Secret | None


def settings_from(given: Mapping[str, Any]) -> SipSettings:
    """Read and check. Raises ValueError with one sentence naming the key and what it should be."""
    unknown = sorted(set(given) - _KNOWN)
    if unknown:
        raise ValueError(f"{unknown[0]} is no setting of the sip driver; it knows {', '.join(sorted(_KNOWN))}")
    compiled_in = _of_country(given).emergency
    return SipSettings(
        nodes=_nodes(given.get("nodes")),
        database=_database(given),
        database_table=_name(given, "database_table", "grifo_barred"),
        table=_name(given, "table", "grifo_barred"),
        access=access_from(given),
        numbers=numbers_from(given),
        blocks=blocks_from(given),
        added_emergency=tuple(one for one in _numbers(given, "emergency_numbers") if one not in compiled_in),
        connect_timeout_s=seconds(given, "connect_timeout_s", 3.0),
        read_timeout_s=seconds(given, "read_timeout_s", 10.0),
        probe_timeout_s=seconds(given, "probe_timeout_s", 2.0),
        tls=_tls(given),
        rpc_token=_secret(given, "rpc_token"),
    )


def numbers_from(given: Mapping[str, Any]) -> Numbers:
    """The numbers to try: settings add to the compiled-in ones. Raises ValueError naming the key."""
    basis = _of_country(given)
    emergency = tuple(dict.fromkeys((*basis.emergency, *_numbers(given, "emergency_numbers"))))
    care = _numbers(given, "care_numbers")
    if not care:
        raise ValueError("care_numbers must list the customer care and payment lines: a barred customer must reach one")
    control = dialled(text(given, "control_number", basis.control))
    if control in {*emergency, *care}:
        raise ValueError(f"control_number {control} must be an ordinary number that a barred customer can't call")
    premium = _numbers({"premium_numbers": basis.premium, **given}, "premium_numbers")
    if not premium or {*premium} & {*emergency, *care, control}:
        raise ValueError("premium_numbers must list a number of each range of special tariff, and none that must pass")
    return Numbers(emergency, care, control, premium, basis.defines)


def _of_country(given: Mapping[str, Any]) -> Numbers:
    """What is compiled in for the switch's country; of another one, what is so everywhere: its own must be listed."""
    name = given.get("country")
    if not isinstance(name, str) or not name:
        known = ", ".join(sorted(COUNTRIES))
        raise ValueError(f"country must say whose numbers the switch dials: {known}, or another's two letters")
    if country := COUNTRIES.get(name.lower()):
        return Numbers(emergency_of(country), (), country.control, country.premium, country.defines)
    own = _numbers(given, "emergency_numbers")
    if not own:
        raise ValueError(
            f"country: no emergency numbers are compiled in for {name!r} (only for {', '.join(sorted(COUNTRIES))}):"
            " list all of that country's under emergency_numbers"
        )
    missing = [key for key in ("control_number", "premium_numbers") if key not in given]
    if missing:
        raise ValueError(f"{missing[0]} must be given for country {name!r}, of which nothing is compiled in")
    return Numbers((*SERVICE_URNS, EUROPEAN, *HARMONISED), (), "", (), {"GRIFO_NATIONAL": national_pattern(own)})


def access_from(given: Mapping[str, Any]) -> frozenset[Access]:
    """The accesses that this switch is set up for; all that a dial plan can have, where the settings do not say."""
    listed = given.get("access", sorted(ENFORCED))
    if isinstance(listed, str) or not isinstance(listed, Sequence) or not listed or not set(listed) <= ENFORCED:
        raise ValueError(f"access must list some of {', '.join(sorted(ENFORCED))}, not {listed!r}")
    return frozenset(Access(access) for access in listed)


def blocks_from(given: Mapping[str, Any]) -> tuple[Block, ...]:
    """The routing blocks that calls must pass on this switch for its accesses to be in force."""
    forwards = given.get("forwards_calls", True)
    if forwards is not True and forwards is not False:
        raise ValueError(
            f"forwards_calls must be true or false: whether lines of this switch forward, not {forwards!r}"
        )
    called = access_from(given) & {Access.EMERGENCY_ONLY, Access.RELEASED}
    return (
        Block.BARRING,
        *((Block.INCOMING,) if called else ()),
        *((Block.FORWARDING,) if forwards else ()),
    )


def _nodes(given: object) -> tuple[Address, ...]:
    if not isinstance(given, Sequence) or isinstance(given, str) or not given:
        raise ValueError("nodes must list each Kamailio as {rpc = 'http://host:port/RPC', sip = 'host:port'}")
    nodes = tuple(_node(one) for one in given)
    if len({node.name for node in nodes}) != len(nodes):
        raise ValueError("nodes must not name the same RPC host and port twice")
    return nodes


def _node(given: object) -> Address:
    if not isinstance(given, Mapping) or set(given) != {"rpc", "sip"}:
        raise ValueError(f"nodes: {given!r} is not {{rpc = 'http://host:port/RPC', sip = 'host:port'}}")
    try:
        url = httpx.URL(given["rpc"])
    except (httpx.InvalidURL, TypeError) as wrong:
        raise ValueError(f"nodes: rpc {given['rpc']!r} is no URL: {wrong}") from wrong
    if url.scheme not in {"http", "https"} or not url.host or url.userinfo:
        raise ValueError(f"nodes: rpc {given['rpc']!r} must be http:// or https:// with a host and no password")
    try:
        return Address(str(url), SipAddress.parse(str(given["sip"])))
    except ValueError as wrong:
        raise ValueError(f"nodes: sip {wrong}") from wrong


def _database(given: Mapping[str, Any]) -> sa.URL:
    try:
        url = sa.make_url(text(given, "database", ""))
    except sa.exc.ArgumentError:
        raise ValueError("database must be a URL such as postgresql+psycopg://grifo@host/kamailio") from None
    if url.password is not None:
        raise ValueError("database must not hold a password; give database_password_file, _env or _credential")
    if url.get_backend_name() not in {"postgresql", "sqlite"}:
        raise ValueError(f"database: {url.get_backend_name()} is not supported; postgresql and sqlite are")
    password = _secret(given, "database_password")
    return url if password is None else url.set(password=password.reveal())


def _secret(given: Mapping[str, Any], name: str) -> Secret | None:
    return secret_from(given, name) if any(key.startswith(f"{name}_") for key in given) else None


def _tls(given: Mapping[str, Any]) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=given.get("ca_file"))
        if "certificate_file" in given:
            context.load_cert_chain(Path(given["certificate_file"]), given.get("key_file"))
    except (OSError, TypeError) as wrong:
        raise ValueError(f"ca_file, certificate_file or key_file can't be read: {wrong}") from wrong
    return context


def _numbers(given: Mapping[str, Any], key: str) -> tuple[str, ...]:
    listed = given.get(key, ())
    is_list = isinstance(listed, Sequence) and not isinstance(listed, str)
    if not is_list:
        raise ValueError(f"{key} must be a list of numbers, not {listed!r}")
    try:
        return tuple(dialled(str(number)) for number in listed)
    except ValueError as wrong:
        raise ValueError(f"{key}: {wrong}") from wrong


def text(given: Mapping[str, Any], key: str, default: str) -> str:
    value = given.get(key, default)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{key} must be a text, not {value!r}")
    return value


def _name(given: Mapping[str, Any], key: str, default: str) -> str:
    value = text(given, key, default)
    if not _NAME.fullmatch(value):
        raise ValueError(f"{key} must be a plain name such as {default}, not {value!r}")
    return value


def seconds(given: Mapping[str, Any], key: str, default: float) -> float:
    value = given.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 120:
        raise ValueError(f"{key} must be seconds, more than 0 and at most 120, not {value!r}")
    return float(value)
