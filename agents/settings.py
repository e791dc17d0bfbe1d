"""The agent's settings file, read once at start. What is wrong is said in one sentence that names key and value."""

import ipaddress
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from enforcement.entries import ID_PATTERN, DeviceName

_KEYS = frozenset(
    {
        "controller",
        "ca_file",
        "token_file",
        "token_credential",
        "memory",
        "sweep_seconds",
        "accounting_seconds",
        "guard_per_hour",
        "site",
        "stuck_seconds",
        "metrics_listen",
        "devices",
    }
)
DEFAULT_MEMORY = "/var/lib/grifo-agent/agent.db"
DEFAULT_SWEEP_SECONDS = 300
DEFAULT_ACCOUNTING_SECONDS = 5
DEFAULT_GUARD_PER_HOUR = 200
DEFAULT_STUCK_SECONDS = 300


class SettingsError(ValueError):
    """The settings file can't be used; `str()` says which key, which value and what to write instead."""


@dataclass(frozen=True, slots=True)
class DeviceSettings:
    """One `[[devices]]` table: `options` are the driver's own, unread here.

    `site` is the operator's name for the place, empty where there is none; `guard_per_hour` bounds the device's first
    restrictions by itself, None where only its site's limit does.
    """

    name: DeviceName
    driver: str
    options: Mapping[str, Any]
    site: str = ""
    guard_per_hour: int | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """The file, checked. `guard_per_hour` bounds the first restrictions of all devices of one site together;
    `accounting_seconds` is how often accounting is asked what is new; `stuck_seconds` is how long one call to a device
    may take before it is shown as stuck."""

    controller: str
    token_file: Path
    memory: Path
    devices: tuple[DeviceSettings, ...]
    ca_file: Path | None = None
    sweep_seconds: float = DEFAULT_SWEEP_SECONDS
    guard_per_hour: int = DEFAULT_GUARD_PER_HOUR
    metrics_listen: tuple[str, int] | None = None
    stuck_seconds: float = DEFAULT_STUCK_SECONDS
    accounting_seconds: float = DEFAULT_ACCOUNTING_SECONDS


def read_settings(path: Path) -> Settings:
    """The settings in the TOML file at `path`. Raises SettingsError."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as wrong:
        raise SettingsError(f"{path}: {wrong}") from wrong
    try:
        return settings_from(data)
    except SettingsError as wrong:
        raise SettingsError(f"{path}: {wrong}") from wrong


def settings_from(data: Mapping[str, Any]) -> Settings:
    """Settings from what the TOML file said. Raises SettingsError."""
    unknown = sorted(set(data) - _KEYS)
    if unknown:
        raise SettingsError(f"unknown key {unknown[0]!r}; the keys are {', '.join(sorted(_KEYS))}")
    ca_file = _text(data, "ca_file", "")
    return Settings(
        controller=_controller(_text(data, "controller")),
        token_file=_token_file(data),
        memory=Path(_text(data, "memory", DEFAULT_MEMORY)),
        devices=_devices(data.get("devices", []), _site(data, "site", "")),
        ca_file=Path(ca_file) if ca_file else None,
        sweep_seconds=_number(data, "sweep_seconds", DEFAULT_SWEEP_SECONDS, least=1),
        guard_per_hour=_number(data, "guard_per_hour", DEFAULT_GUARD_PER_HOUR, least=0),
        metrics_listen=_listen(_text(data, "metrics_listen", "")),
        stuck_seconds=_number(data, "stuck_seconds", DEFAULT_STUCK_SECONDS, least=1),
        accounting_seconds=_number(data, "accounting_seconds", DEFAULT_ACCOUNTING_SECONDS, least=1),
    )


def _token_file(data: Mapping[str, Any]) -> Path:
    """Where the token is: a file, or a credential that systemd gives the service (systemd.exec(5), Credentials)."""
    if ("token_file" in data) == ("token_credential" in data):
        raise SettingsError("give exactly one of token_file or token_credential")
    if "token_file" in data:
        return Path(_text(data, "token_file"))
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        raise SettingsError("token_credential: $CREDENTIALS_DIRECTORY is not set; use LoadCredential= in the unit")
    return Path(folder) / _text(data, "token_credential")


def read_token(path: Path) -> str:
    """The agent's bearer token from its file. Raises SettingsError, which never shows what the file holds."""
    try:
        token = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as wrong:
        raise SettingsError(f"token_file {str(path)!r} can't be read: {type(wrong).__name__}") from None
    if not token or not token.isprintable() or " " in token:
        raise SettingsError(f"token_file {str(path)!r} must hold one token on one line")
    return token


def _text(data: Mapping[str, Any], key: str, default: str | None = None) -> str:
    value = data.get(key, default)
    if value is None:
        raise SettingsError(f"{key} is missing")
    if not isinstance(value, str) or (default is None and not value):
        raise SettingsError(f"{key} must be a non-empty text, not {value!r}")
    return value


def _number(data: Mapping[str, Any], key: str, default: int, least: int) -> int:
    value = data.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise SettingsError(f"{key} must be a whole number of at least {least}, not {value!r}")
    return value


def _controller(url: str) -> str:
    """TLS everywhere, but on the machine itself: the token and the customers' keys travel on this line."""
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return url.rstrip("/")
    if parts.scheme == "http" and parts.hostname and _is_loopback(parts.hostname):
        return url.rstrip("/")
    raise SettingsError(f"controller must be an https:// URL (http:// only to this machine itself), not {url!r}")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _listen(text: str) -> tuple[str, int] | None:
    if not text:
        return None
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise SettingsError(f"metrics_listen must be written address:port, such as 127.0.0.1:9464, not {text!r}")
    return host.strip("[]"), int(port)


def _site(data: Mapping[str, Any], where: str, default: str) -> str:
    site = data.get("site", default)
    if not isinstance(site, str) or (site and not re.fullmatch(ID_PATTERN, site)):
        raise SettingsError(f"{where} must match {ID_PATTERN}, not {site!r}")
    return site


def _devices(tables: Any, site: str) -> tuple[DeviceSettings, ...]:
    if not isinstance(tables, list) or not tables:
        raise SettingsError("devices is empty: write a [[devices]] table for each network element of this site")
    devices = tuple(_device(number, table, site) for number, table in enumerate(tables, start=1))
    names = [device.name for device in devices]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SettingsError(f"devices: the name {twice[0]!r} is given twice")
    return devices


def _device(number: int, table: Any, default_site: str) -> DeviceSettings:
    if not isinstance(table, dict):
        raise SettingsError(f"devices: number {number} must be a [[devices]] table, not {table!r}")
    options = dict(table)
    name, driver = options.pop("name", None), options.pop("driver", None)
    if not isinstance(name, str) or not re.fullmatch(ID_PATTERN, name):
        raise SettingsError(f"devices: number {number}: name must match {ID_PATTERN}, not {name!r}")
    if not isinstance(driver, str):
        raise SettingsError(f"devices: {name}: driver must be a driver's name, not {driver!r}")
    site = _site(options, f"devices: {name}: site", default_site)
    guard = _number(options, "guard_per_hour", 0, least=0) if "guard_per_hour" in options else None
    rest = {key: value for key, value in options.items() if key not in ("site", "guard_per_hour")}
    return DeviceSettings(DeviceName(name), driver, rest, site, guard)
