"""check() asks each NAS: what would keep it from obeying is known before a customer pays, and nobody is cut off."""

from typing import Any

import pytest
from pyrad.packet import DisconnectRequest

from drivers.radius import driver_for
from drivers.radius.probe import probes
from drivers.radius.settings_file import settings_from
from lab.nas.dae import Misbehaviour
from lab.nas.judge import Vendor
from lab.nas.nas import Nas
from tests.drivers.radius.radius_lab import RadiusLab, subscribers, wait_for

pytestmark = pytest.mark.parametrize("radius_lab", ["lab"], indirect=True)

ANA = "ana@isp"


@pytest.fixture
def nas(radius_lab: RadiusLab) -> Nas:
    """One that Ana is connected to."""
    radius_lab.seed(ANA)
    nas = radius_lab.nas(redial_s=3600)
    return connected(nas)


def connected(nas: Nas) -> Nas:
    nas.dial(subscribers([ANA]))
    wait_for(lambda: nas.sessions(ANA))
    return nas


def said(lab: RadiusLab, nas: Nas, **settings: Any) -> list[str]:
    """What check says; Ana stays connected whatever it did."""
    (before,) = nas.sessions(ANA)
    found = list(lab.driver(lab.nas_settings(nas, **settings)).check())
    assert [one.id for one in nas.sessions(ANA)] == [before.id]
    return found


def test_a_nas_that_would_obey_is_asked_once_a_check_and_ends_nobodys_session(radius_lab: RadiusLab, nas: Nas) -> None:
    driver = radius_lab.driver(radius_lab.nas_settings(nas))
    for checks in (1, 2):
        assert driver.check() == []
        assert (nas.received, nas.discarded) == (checks, 0)
    assert nas.sessions(ANA)


@pytest.mark.parametrize("wrong", ["port", "secret", "nobody is there", "no way there"])
def test_a_nas_that_would_not_answer_is_told_with_its_causes(radius_lab: RadiusLab, nas: Nas, wrong: str) -> None:
    (radius_lab.folder / "other").write_text("another")
    settings: dict[str, dict[str, Any]] = {
        "port": {"port": 9},
        "secret": {"secret_file": str(radius_lab.folder / "other")},
        "nobody is there": {},
        "no way there": {"address": "255.255.255.255", "nasipaddress": "127.0.0.1"},
    }
    if wrong == "nobody is there":
        nas.misbehave(Misbehaviour(silent=True))
    (words,) = said(radius_lab, nas, **settings[wrong])
    assert "does not answer at " in words
    assert "has another secret, its clock is off, or it takes no CoA and Disconnect yet" in words


def test_a_nas_that_takes_no_disconnect_is_told(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA)
    nas = connected(radius_lab.nas(vendor=Vendor(accept=False)))
    assert said(radius_lab, nas) == [
        "NAS 127.0.0.1 refuses every Disconnect: administratively prohibited (Error-Cause 501)"
    ]


def test_a_nas_that_calls_itself_otherwise_is_told(radius_lab: RadiusLab, nas: Nas) -> None:
    *_, words = said(radius_lab, nas, nasipaddress="192.0.2.77")
    assert words == "NAS 192.0.2.77 refuses every Disconnect: NAS identification mismatch (Error-Cause 403)"


def test_a_nas_that_says_yes_to_everything_is_told(radius_lab: RadiusLab, nas: Nas) -> None:
    nas.misbehave(Misbehaviour(lie=True))
    assert said(radius_lab, nas) == []
    nas.misbehave(Misbehaviour(agree=True))
    (words,) = said(radius_lab, nas)
    assert "acknowledges a Disconnect of a session that cannot exist" in words


def test_an_attribute_that_a_nas_does_not_go_by_is_no_fault_where_no_session_is_named_by_it(
    radius_lab: RadiusLab,
) -> None:
    radius_lab.seed(ANA)
    nas = connected(radius_lab.nas(vendor=Vendor(identifiers=frozenset({"Acct-Session-Id"}))))
    assert said(radius_lab, nas, identifiers=["Acct-Session-Id"]) == []
    (words,) = said(radius_lab, nas, identifiers=["User-Name", "Acct-Session-Id"])
    assert "unsupported attribute" in words


def test_a_nas_that_takes_nothing_is_not_asked(radius_lab: RadiusLab, nas: Nas) -> None:
    assert said(radius_lab, nas, live="none") == []
    assert nas.received == 0


def test_a_nas_behind_several_databases_is_asked_once(radius_lab: RadiusLab, nas: Nas) -> None:
    settings = {
        "database": radius_lab.url,
        "other_databases": [{"database": radius_lab.url}],
        "groups": {"portal": "grifo-portal"},
        "session_class": True,
        "nases": [radius_lab.nas_settings(nas)],
    }
    driver = driver_for(settings_from(settings), "op-1")
    radius_lab.opened.append(driver)
    assert driver.check() == []
    assert nas.received == 1


@pytest.mark.parametrize(
    "identifiers", [["User-Name"], ["Acct-Session-Id", "NAS-IP-Address"], ["Framed-IP-Address", "Calling-Station-Id"]]
)
def test_whatever_a_nas_goes_by_names_nobody(radius_lab: RadiusLab, identifiers: list[str]) -> None:
    nas = radius_lab.nas_settings(radius_lab.nas(), identifiers=identifiers)
    settings = radius_lab.driver(nas)._settings
    (first,), (second,) = probes(settings), probes(settings)
    assert first.code == DisconnectRequest
    named = dict(first.attributes)
    assert {"User-Name", "Acct-Session-Id", *identifiers} <= named.keys()
    assert named["User-Name"] != dict(second.attributes)["User-Name"]
    assert named["User-Name"] == named["Acct-Session-Id"] == named.get("Calling-Station-Id", named["User-Name"])
    assert str(named["User-Name"]).startswith("grifo-check-")
    assert named.get("Framed-IP-Address", "240.0.0.1") == "240.0.0.1"
