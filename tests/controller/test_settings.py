"""Settings: what is wrong is said with its key and value, and nothing listens in the clear to the world."""

from pathlib import Path
from typing import Any

import pytest

from controller.settings import load_settings, settings_from
from controller.store.engine import open_database

GOOD: dict[str, Any] = {"installation": "isp1", "policies": "policies", "default_policy": "es"}


def test_the_least_that_is_needed_listens_on_loopback() -> None:
    found = settings_from(GOOD, Path("/etc/grifo"))
    assert (found.host, found.port, found.policies) == ("127.0.0.1", 8443, Path("/etc/grifo/policies"))


def test_the_database_and_its_password_are_not_shown() -> None:
    found = settings_from({**GOOD, "database": "postgresql://grifo:s3cret@db/grifo"}, Path("/etc"))
    assert "s3cret" not in repr(found)


@pytest.mark.parametrize(
    "url",
    ["postgresql:/grifo:s3cret@db/grifo", "postgresql://grifo:s3cret@db:x/grifo", "postgresql://grifo@db:s3cret/grifo"],
)
def test_a_database_url_with_a_mistake_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match="database is not a database URL such as") as refused:
        open_database(url)
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("listen", ["127.0.0.1:0", "[::1]:8443", "localhost:80", "127.9.9.9:1"])
def test_loopback_needs_no_certificate(listen: str) -> None:
    assert settings_from({**GOOD, "listen": listen}, Path("/etc")).tls_key is None


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"installation": None}, "installation is missing"),
        ({"installation": "my isp"}, "installation 'my isp' must be letters"),
        ({"policies": None}, "policies is missing"),
        ({"default_policy": ""}, "default_policy must be a text"),
        ({"listen": "0.0.0.0:8443"}, "listen '0.0.0.0' is not loopback: set tls_certificate"),
        ({"listen": "isp.example:8443"}, "not loopback"),
        ({"listen": "8443"}, "listen '8443' is not written host:port"),
        ({"listen": "127.0.0.1:99999"}, "listen"),
        ({"tls_key": "key.pem"}, "tls_certificate and tls_key go together"),
        ({"timezone": "Madrid"}, "timezone 'Madrid' is not a time zone"),
        ({"language": "fr"}, "language 'fr' is not one of en, es, pt"),
        ({"databse": "sqlite://"}, "unknown key 'databse'"),
        ({"database": 7}, "database must be a text, not 7"),
    ],
)
def test_what_is_wrong_is_said_with_its_key(changed: dict[str, Any], words: str) -> None:
    data = {key: value for key, value in {**GOOD, **changed}.items() if value is not None}
    with pytest.raises(ValueError, match=words):
        settings_from(data, Path("/etc"))


def test_errors_name_the_file(tmp_path: Path) -> None:
    path = tmp_path / "controller.toml"
    with pytest.raises(ValueError, match=r"controller\.toml: no such settings file"):
        load_settings(path)
    path.write_text("installation = ")
    with pytest.raises(ValueError, match=r"controller\.toml: Invalid value"):
        load_settings(path)
    path.write_text('installation = "x"\npolicies = "p"\ndefault_policy = "es"\nlisten = "x"\n')
    with pytest.raises(ValueError, match=r"controller\.toml: listen 'x'"):
        load_settings(path)


def test_a_certificate_that_is_not_there_is_named(tmp_path: Path) -> None:
    given = {**GOOD, "tls_certificate": "cert.pem", "tls_key": "key.pem"}
    with pytest.raises(ValueError, match=r"tls_certificate: .*cert\.pem is no file"):
        settings_from(given, tmp_path)
