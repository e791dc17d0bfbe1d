"""The settings file: what is right is read, what is wrong is said in a sentence that names key and value."""

from pathlib import Path
from typing import Any

import pytest

from agents.settings import SettingsError, read_settings, read_token, settings_from

GOOD: dict[str, Any] = {
    "controller": "https://grifo.example:8443/",
    "token_file": "/etc/grifo/agent.token",
    "devices": [{"name": "bng-1", "driver": "mikrotik", "address": "192.0.2.1", "password_file": "/etc/grifo/bng-1"}],
}


def test_a_short_file_is_enough_and_has_careful_defaults() -> None:
    settings = settings_from(GOOD)
    assert settings.controller == "https://grifo.example:8443"
    assert (settings.memory, settings.sweep_seconds, settings.guard_per_hour) == (
        Path("/var/lib/grifo-agent/agent.db"),
        300,
        200,
    )
    assert settings.devices[0].options == {"address": "192.0.2.1", "password_file": "/etc/grifo/bng-1"}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"controler": "x"}, "unknown key 'controler'"),
        ({"controller": "http://192.0.2.9"}, "must be an https:// URL"),
        ({"controller": "ftp://x"}, "not 'ftp://x'"),
        ({"token_file": 7}, "token_file must be a non-empty text, not 7"),
        ({"sweep_seconds": 0}, "sweep_seconds must be a whole number of at least 1, not 0"),
        ({"sweep_seconds": True}, "not True"),
        ({"guard_per_hour": -1}, "guard_per_hour must be a whole number of at least 0, not -1"),
        ({"metrics_listen": "9464"}, "metrics_listen must be written address:port"),
        ({"devices": []}, "devices is empty"),
        ({"devices": ["x"]}, "number 1 must be a"),
        ({"devices": [{"name": "a b", "driver": "sip"}]}, "name must match"),
        ({"devices": [{"name": "a"}]}, "a: driver must be"),
        ({"devices": [{"name": "a", "driver": "sip"}, {"name": "a", "driver": "sip"}]}, "'a' is given twice"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_named(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingsError) as error:
        settings_from({**GOOD, **wrong})
    assert says in str(error.value)


def test_a_missing_controller_is_named() -> None:
    with pytest.raises(SettingsError, match="controller is missing"):
        settings_from({key: value for key, value in GOOD.items() if key != "controller"})


@pytest.mark.parametrize("given", [{}, {"token_file": "/a", "token_credential": "b"}], ids=["none", "both"])
def test_the_token_is_given_in_one_way(given: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="exactly one of token_file or token_credential"):
        settings_from({key: value for key, value in GOOD.items() if key != "token_file"} | given)


def test_the_token_may_be_a_credential_of_the_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/run/credentials/grifo-agent.service")
    given = {key: value for key, value in GOOD.items() if key != "token_file"} | {"token_credential": "controller"}
    assert settings_from(given).token_file == Path("/run/credentials/grifo-agent.service/controller")


@pytest.mark.parametrize("url", ["http://127.0.0.1:8443", "http://[::1]:8443", "http://localhost:8443"])
def test_plain_http_is_for_this_machine_itself(url: str) -> None:
    assert settings_from({**GOOD, "controller": url}).controller == url


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    path.write_text("controller = ", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"agent\.toml"):
        read_settings(path)


def test_a_bad_token_file_is_named_and_its_content_is_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("two words", encoding="ascii")
    with pytest.raises(SettingsError) as error:
        read_token(path)
    assert "one token on one line" in str(error.value)
    assert "words" not in str(error.value)
