"""Settings: every fault is told with its key, and no secret stands in the file or is shown."""

from pathlib import Path
from typing import Any

import pytest

from drivers.radius import build
from drivers.radius.profile import Passage, Way
from drivers.radius.settings_file import settings_from
from enforcement.access import Access, Kind
from enforcement.keys import KeyType

GOOD: dict[str, Any] = {
    "database": "postgresql+psycopg://grifo@db.example/radius",
    "groups": {"throttled": "grifo-throttled", "portal": "grifo-portal"},
}


def with_nas(tmp_path: Path, **nas: Any) -> dict[str, Any]:
    (tmp_path / "secret").write_text("hush\n")
    return GOOD | {"nases": [{"address": "192.0.2.1", "secret_file": str(tmp_path / "secret")} | nas]}


def test_a_full_setup_is_read(tmp_path: Path) -> None:
    given = with_nas(tmp_path, nasipaddress="198.51.100.7", live="coa", changes={"full": ["Mikrotik-Rate-Limit"]})
    (tmp_path / "db").write_text("opensesame")
    settings = settings_from(given | {"database_password_file": str(tmp_path / "db")})
    nas = settings.nases["198.51.100.7"]
    assert (nas.address, nas.port, nas.way, nas.secret.reveal()) == ("192.0.2.1", 3799, Way.COA, "hush")
    assert nas.passages == (Passage(frozenset({Access.FULL}), frozenset({Access.FULL}), ("Mikrotik-Rate-Limit",)),)
    assert settings.database.password == "opensesame"
    assert "opensesame" not in repr(settings)
    assert "hush" not in repr(settings)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"databse": "x"}, "databse is no setting of the radius driver"),
        ({"database": 5}, "database must be a URL"),
        ({"database": "nonsense"}, "database is no SQLAlchemy URL"),
        ({"database": "postgresql://grifo:pw@db/radius"}, "must not hold the password"),
        ({"groups": {}}, "groups must name a group"),
        ({"groups": {"full": "x"}}, "groups.full"),
        ({"groups": {"incoming_only": "x"}}, "groups.incoming_only is no access of internet"),
        ({"groups": {"portal": "x" * 65}}, "1 to 64 characters"),
        ({"groups": {"portal": "x", "throttled": "x"}}, "stands for both"),
        ({"groups_for_plan": {"p": {"blocked": "x"}}}, "groups_for_plan.p"),
        ({"obstructing_groups": ["grifo-portal"]}, "can't be ours"),
        ({"obstructing_groups": "suspended"}, "obstructing_groups must be a list"),
        ({"session_class": "yes"}, "session_class must be true or false"),
        ({"interim_seconds": -1}, "interim_seconds"),
        ({"tables": {"radpostauth": "x"}}, "tables may rename"),
    ],
)
def test_a_wrong_setting_is_named(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        settings_from(GOOD | wrong)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"address": "bng.example"}, "nases.1.: 'bng.example' does not appear to be an IPv4 or IPv6 address"),
        ({"live": "radius"}, "live must be one of coa, disconnect, none"),
        ({"identifiers": ["NAS-IP-Address"]}, "identifiers must name a session"),
        ({"changes": {"portal": ["Mikrotik-Adress-List"]}}, "Mikrotik-Adress-List is not in the driver's dictionary"),
        ({"secret": "hush"}, "secret must not stand in the settings file"),
        ({"timeout_seconds": 0}, "timeout_seconds"),
        ({"prot": 1}, "nases.1..prot is no setting"),
    ],
)
def test_a_wrong_nas_setting_is_named(tmp_path: Path, wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        settings_from(with_nas(tmp_path, **wrong))


def test_the_same_nas_twice_is_refused(tmp_path: Path) -> None:
    given = with_nas(tmp_path)
    with pytest.raises(ValueError, match=r"192\.0\.2\.1 stands there more than once"):
        settings_from(given | {"nases": given["nases"] * 2})


def test_the_driver_says_what_it_can_do() -> None:
    driver = build(GOOD, "op-1")
    assert driver.capabilities.keys == {KeyType.USERNAME}
    assert driver.capabilities.access == {Kind.INTERNET: {Access.THROTTLED, Access.PORTAL}}
    assert driver.capabilities.effects
    driver.close()
    driver.close()
