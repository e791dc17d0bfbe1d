"""The controller's settings: one TOML file, read once at the start. Every error names the key and the value.

The file is `--config`, else the environment's GRIFO_CONTROLLER_CONFIG, else `DEFAULT_PATH`; whoever starts the
controller chooses. It holds no secret but, where PostgreSQL asks for one, the database's password.
"""

import ipaddress
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from enforcement.entries import ID_PATTERN
from languages.language import ENGLISH, LANGUAGES, is_known

DEFAULT_PATH = Path("/etc/grifo/controller.toml")
DEFAULT_DATABASE = "sqlite:////var/lib/grifo/grifo.db"
DEFAULT_LISTEN = "127.0.0.1:8443"

_KEYS = frozenset(
    {
        "installation",
        "database",
        "listen",
        "tls_certificate",
        "tls_key",
        "policies",
        "default_policy",
        "timezone",
        "language",
    }
)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the controller runs with. `database` may hold a password, so it is not shown."""

    installation: str
    policies: Path
    default_policy: str
    database: str = field(default=DEFAULT_DATABASE, repr=False)
    host: str = "127.0.0.1"
    port: int = 8443
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    timezone: str = "UTC"
    language: str = ENGLISH


def load_settings(path: Path) -> Settings:
    """Read the file. Raises ValueError with one sentence for a person: which file, which key, what to do."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"{path}: no such settings file; write one, or name it with --config") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as wrong:
        raise ValueError(f"{path}: {wrong}") from wrong
    try:
        return settings_from(data, path.parent)
    except ValueError as wrong:
        raise ValueError(f"{path}: {wrong}") from wrong


def settings_from(data: Mapping[str, Any], folder: Path) -> Settings:
    """Settings from the file's content; relative paths are from `folder`. Raises ValueError naming key and value."""
    unknown = sorted(set(data) - _KEYS)
    if unknown:
        raise ValueError(f"unknown key {unknown[0]!r}; the keys are {', '.join(sorted(_KEYS))}")
    host, port = _listen(_text(data, "listen", DEFAULT_LISTEN))
    certificate, key = _path(data, "tls_certificate", folder), _path(data, "tls_key", folder)
    if (certificate is None) != (key is None):
        raise ValueError("tls_certificate and tls_key go together: set both, or neither")
    for name, file in (("tls_certificate", certificate), ("tls_key", key)):
        if file is not None and not file.is_file():
            raise ValueError(f"{name}: {file} is no file that can be read")
    if certificate is None and not _is_loopback(host):
        raise ValueError(
            f"listen {host!r} is not loopback: set tls_certificate and tls_key, since tokens would be read"
        )
    policies = _path(data, "policies", folder)
    if policies is None:
        raise ValueError("policies is missing: name the folder of the policy files")
    return Settings(
        installation=_installation(_text(data, "installation")),
        policies=policies,
        default_policy=_text(data, "default_policy"),
        database=_text(data, "database", DEFAULT_DATABASE),
        host=host,
        port=port,
        tls_certificate=certificate,
        tls_key=key,
        timezone=_timezone(_text(data, "timezone", "UTC")),
        language=_language(_text(data, "language", ENGLISH)),
    )


def _text(data: Mapping[str, Any], key: str, default: str | None = None) -> str:
    value = data.get(key, default)
    if value is None:
        raise ValueError(f"{key} is missing")
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{key} must be a text, not {value!r}")
    return value.strip()


def _path(data: Mapping[str, Any], key: str, folder: Path) -> Path | None:
    return folder / _text(data, key) if key in data else None


def _installation(name: str) -> str:
    if not re.fullmatch(ID_PATTERN, name):
        raise ValueError(f"installation {name!r} must be letters, digits and . _ @ + -, as it is part of every mark")
    return name


def _timezone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (KeyError, ValueError, OSError):
        raise ValueError(f"timezone {name!r} is not a time zone such as Europe/Madrid") from None


def _language(tag: str) -> str:
    if not is_known(tag):
        raise ValueError(f"language {tag!r} is not one of {', '.join(LANGUAGES)}")
    return tag


def _listen(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isdecimal() or not 0 <= int(port) <= 65535:
        raise ValueError(f"listen {text!r} is not written host:port, such as {DEFAULT_LISTEN} or [::1]:8443")
    return host, int(port)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
