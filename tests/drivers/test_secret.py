"""Secrets of devices come from files, the environment or systemd, and are shown nowhere; drivers are found by name."""

from pathlib import Path
from typing import Any

import pytest

from drivers.catalog import driver
from drivers.secret import Secret, secret_from


def test_a_secret_shows_itself_nowhere() -> None:
    secret = Secret("hunter2")
    assert "hunter2" not in f"{secret} {secret!r} {[secret]}"
    assert secret.reveal() == "hunter2"


def test_a_secret_is_read_from_its_file_without_the_closing_line_break(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text("with space \n", encoding="utf-8")
    assert secret_from({"password_file": str(path)}, "password").reveal() == "with space "


def test_a_secret_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROUTER_PASSWORD", "hunter2")
    assert secret_from({"password_env": "ROUTER_PASSWORD"}, "password").reveal() == "hunter2"


def test_a_secret_is_read_from_systemds_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "router").write_text("hunter2", encoding="utf-8")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert secret_from({"password_credential": "router"}, "password").reveal() == "hunter2"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "give exactly one of password_file, password_env or password_credential, not 0"),
        ({"password_file": "/a", "password_env": "B"}, "not 2"),
        ({"password": "hunter2"}, "password must not stand in the settings file"),
        ({"password_file": 7}, "password_file must be a non-empty text, not 7"),
        ({"password_file": "/nowhere/at/all"}, "password_file: /nowhere/at/all can't be read"),
        ({"password_file": "/dev/null"}, "password_file: /dev/null is empty"),
        ({"password_env": "NOT_SET_ANYWHERE"}, "the environment variable NOT_SET_ANYWHERE is not set"),
        ({"password_credential": "router"}, "$CREDENTIALS_DIRECTORY is not set"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_with_a_secret_is_named_and_the_secret_is_not_shown(
    settings: dict[str, Any], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with pytest.raises(ValueError, match="password") as error:
        secret_from(settings, "password")
    assert says in str(error.value)
    assert "hunter2" not in str(error.value)


def test_a_driver_that_there_is_not_is_named_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="'cisco' is not one of mikrotik, radius, sip"):
        driver("cisco", {}, "test")


@pytest.mark.parametrize("name", ["mikrotik", "radius", "sip"])
def test_every_driver_of_the_catalogue_judges_its_own_settings(name: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        driver(name, {}, "test")
