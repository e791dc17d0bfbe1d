"""Secrets of devices: read on the agent's host when a driver is built, never stored elsewhere, never shown.

A setting `password` is given as one of `password_file` (a path), `password_env` (a variable's name) or
`password_credential` (a name under systemd's $CREDENTIALS_DIRECTORY, systemd.exec(5)), never in the settings file.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_WAYS = ("file", "env", "credential")


class Secret:
    """A value that no log, traceback or repr shows; `reveal()` is called where it is sent to the device alone."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


def secret_from(settings: Mapping[str, Any], name: str) -> Secret:
    """The secret `name` by whichever way `settings` give it. Raises ValueError naming the key and what was wrong."""
    given = [way for way in _WAYS if f"{name}_{way}" in settings]
    if name in settings:
        raise ValueError(
            f"{name} must not stand in the settings file; give {name}_file, {name}_env or {name}_credential"
        )
    if len(given) != 1:
        raise ValueError(f"give exactly one of {name}_file, {name}_env or {name}_credential, not {len(given)}")
    key = f"{name}_{given[0]}"
    where = settings[key]
    if not isinstance(where, str) or not where:
        raise ValueError(f"{key} must be a non-empty text, not {where!r}")
    value = _read(given[0], key, where).rstrip("\r\n")
    if not value:
        raise ValueError(f"{key}: {where} is empty")
    return Secret(value)


def _read(way: str, key: str, where: str) -> str:
    if way == "env":
        if where not in os.environ:
            raise ValueError(f"{key}: the environment variable {where} is not set")
        return os.environ[where]
    path = Path(where) if way == "file" else _credential(key, where)
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as wrong:
        raise ValueError(f"{key}: {path} can't be read: {wrong}") from wrong


def _credential(key: str, name: str) -> Path:
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        raise ValueError(f"{key}: $CREDENTIALS_DIRECTORY is not set; use LoadCredential= in the systemd unit")
    return Path(folder) / name
