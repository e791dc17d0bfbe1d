"""NAS profiles: those that come with grifo are whole, faults are named, and each speaks to a NAS as its maker wants."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from drivers.radius.nas_file import nas_from
from drivers.radius.profile import Way
from drivers.radius.profile_file import known_profiles, profile_from, profile_named
from drivers.radius.settings import Nas as NasAddress
from drivers.secret import Secret
from enforcement.access import Access
from enforcement.entries import Entry
from enforcement.plan import State
from lab.nas.judge import Vendor
from lab.nas.nas import Nas
from tests.drivers.radius.radius_lab import Enforcer, RadiusLab, entry, given, subscribers, wait_for

ANA = "ana@isp"
NAMES = ["accel-ppp", "cisco", "generic", "huawei", "juniper", "mikrotik"]
ON_THE_LAB = pytest.mark.parametrize("radius_lab", ["lab"], indirect=True)
"""What is the same on every database."""
GOOD = """
title = "a NAS"
source = "its manual"
[live]
way = "coa"
disconnect = ["portal", "blocked"]
[[live.coa]]
before = ["full", "throttled"]
after = ["full", "throttled"]
reply = ["Filter-Id"]
"""


def own(folder: Path, text: str) -> Path:
    path = folder / "own.toml"
    path.write_text(text)
    return path


def test_the_profiles_that_come_with_grifo_are_all_read() -> None:
    assert sorted(known_profiles()) == NAMES
    assert {name for name in NAMES if not profile_named(name).experimental} == {"generic"}


def test_an_unknown_profile_names_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"'mikrotick' is not one of accel-ppp, .*mikrotik; .* profile_file"):
        profile_named("mikrotick")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("title = ", r"own\.toml can't be read"),
        (GOOD.replace("a NAS", " "), "title must be a text, not ' '"),
        (GOOD.replace("title", "tittle"), "tittle is no key of a profile"),
        (GOOD.replace('way = "coa"', 'way = "telnet"'), "live.way must be one of coa, disconnect, none, not 'telnet'"),
        (GOOD.replace('way = "coa"', 'way = "none"'), "live.coa is given, but live.way is none"),
        (GOOD.replace('["portal", "blocked"]', '["blocked"]'), "nothing brings a session from full to portal"),
        (GOOD.replace('["portal", "blocked"]', '["portal", "blocked", "full"]'), "from full to throttled is brought"),
        (GOOD.replace("Filter-Id", "Filter-ID"), r"live.coa\[1\].reply: 'Filter-ID' is not in the driver's dictionary"),
        (GOOD.replace('after = ["full"', 'after = ["slow"'), r"live.coa\[1\].after: 'slow' is no access of internet"),
        (GOOD.replace('reply = ["Filter-Id"]', "reply = []"), "must each name something"),
        (GOOD + 'fixed = [["Filter-Id", "{plan}"]]', "may hold {group} and {former} in braces only"),
        (GOOD + "fixed = [[1]]", "must hold pairs"),
        (GOOD + "[requests]\nport = 0", "requests.port must be a whole number from 1 to 65535, not 0"),
        (GOOD + '[requests]\nidentifiers = ["NAS-IP-Address"]', "requests.identifiers must name a session"),
        (GOOD + "[requests]\ntimeout_seconds = 0", "requests.timeout_seconds must be more than 0"),
        ("live = 1\n" + GOOD.replace("[live]", "[setup]").replace("[[live.coa]]", "[[setup.coa]]"), "no key|must be"),
    ],
)
def test_a_fault_in_a_profile_is_told_with_file_key_and_value(tmp_path: Path, text: str, words: str) -> None:
    path = own(tmp_path, text)
    with pytest.raises(ValueError, match=words) as told:
        profile_from(path)
    assert str(path) in str(told.value)


def test_settings_of_one_nas_go_before_its_profile(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hush")
    where = {"address": "192.0.2.1", "secret_file": str(tmp_path / "secret")}
    nas = nas_from(1, where | {"profile": "mikrotik", "port": 3799, "in_flight": 5})
    assert (nas.port, nas.in_flight, nas.per_second) == (3799, 5, 500)
    mine = nas_from(1, where | {"profile_file": str(own(tmp_path, GOOD))})
    assert mine.passage({Access.FULL}, Access.THROTTLED) is not None
    with pytest.raises(ValueError, match=r"nases\[1\]: give profile or profile_file, not both"):
        nas_from(1, where | {"profile": "mikrotik", "profile_file": "x"})


def test_a_session_that_may_have_either_access_is_brought_only_by_what_fits_both() -> None:
    cisco = profile_named("cisco")
    nas = NasAddress("192.0.2.1", "192.0.2.1", Secret("x"), way=Way.COA, passages=cisco.passages)
    assert nas.passage({Access.FULL}, Access.PORTAL)
    assert nas.passage({Access.FULL, Access.PORTAL}, Access.PORTAL) is None
    assert nas.passage({Access.THROTTLED}, Access.PORTAL) is None
    assert nas.passage(set(), Access.PORTAL) is None


@pytest.mark.parametrize(
    ("profile", "attribute", "throttled", "restored"),
    [
        (
            "cisco",
            "Cisco-AVPair",
            ("subscriber:command=activate-service", "subscriber:service-name=grifo-throttled"),
            ("subscriber:command=deactivate-service", "subscriber:service-name=grifo-throttled"),
        ),
        ("mikrotik", "Mikrotik-Rate-Limit", ("1M/1M",), ("100M/100M",)),
        ("huawei", "Huawei-Qos-Profile-Name", ("slow",), ("fast",)),
        ("accel-ppp", "Filter-Id", ("1024/1024",), ("102400/102400",)),
    ],
)
def test_a_profile_throttles_and_restores_a_live_session_as_its_maker_wants(
    radius_lab: RadiusLab, profile: str, attribute: str, throttled: tuple[str, ...], restored: tuple[str, ...]
) -> None:
    radius_lab.seed(ANA)
    if attribute in ("Huawei-Qos-Profile-Name", "Filter-Id"):
        radius_lab.set_item("radgroupreply", "groupname", "plan-100", attribute, ":=", restored[0])
        radius_lab.set_item("radgroupreply", "groupname", "grifo-throttled", attribute, ":=", throttled[0])
    nas = radius_lab.nas(vendor=Vendor(changes=frozenset({attribute})))
    nas.dial(subscribers([ANA]))
    (session,) = nas.sessions(ANA)
    enforcer = Enforcer(radius_lab.driver(radius_lab.nas_settings(nas, profile=profile, live="coa")))
    assert enforcer.enforce(entry(ANA, Access.THROTTLED)).changes == ()
    assert nas.sessions(ANA)[0].given[attribute] == throttled
    assert enforcer.enforce(entry(ANA, Access.FULL, 2)).changes == ()
    assert nas.sessions(ANA)[0].given[attribute] == restored
    assert [one.id for one in nas.sessions(ANA)] == [session.id]
    assert nas.discarded == 0


def test_juniper_services_are_activated_with_a_tag_and_deactivated_without(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA)
    nas = radius_lab.nas(vendor=Vendor(changes=frozenset({"ERX-Service-Activate", "ERX-Service-Deactivate"})))
    nas.dial(subscribers([ANA]))
    enforcer = Enforcer(radius_lab.driver(radius_lab.nas_settings(nas, profile="juniper", live="coa")))
    enforcer.enforce(entry(ANA, Access.THROTTLED))
    assert given(nas, ANA, "ERX-Service-Activate") == b"\x01grifo-throttled"
    enforcer.enforce(entry(ANA, Access.FULL, 2))
    assert given(nas, ANA, "ERX-Service-Deactivate") == "grifo-throttled"


def test_what_a_profile_says_needs_a_disconnect_gets_one(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA)
    nas = radius_lab.nas()
    nas.dial(subscribers([ANA]))
    (before,) = nas.sessions(ANA)
    enforcer = Enforcer(radius_lab.driver(radius_lab.nas_settings(nas, profile="mikrotik", live="coa")))
    enforcer.enforce(entry(ANA, Access.PORTAL))
    wait_for(lambda: given(nas, ANA, "Mikrotik-Address-List") == "portal")
    assert nas.sessions(ANA)[0].id != before.id


@ON_THE_LAB
@pytest.mark.parametrize("profile", NAMES)
def test_what_a_profile_does_by_itself_is_read_back(radius_lab: RadiusLab, profile: str) -> None:
    """Else the brake would wait for ever for its first few cuts, and nobody would know when a customer was open."""
    radius_lab.seed(ANA)
    nas = radius_lab.nas()
    nas.dial(subscribers([ANA]))
    driver = radius_lab.driver(radius_lab.nas_settings(nas, profile=profile))
    enforcer = Enforcer(driver)
    throttled, paid = entry(ANA, Access.THROTTLED), entry(ANA, Access.FULL, 2)
    for wanted, rate in ((throttled, "1M/1M"), (paid, "100M/100M")):
        assert enforcer.enforce(wanted).changes == ()
        wait_for(partial(_has, nas, rate))
        wait_for(partial(_is_verified, enforcer, wanted))
    assert not any("CoA" in said for said in driver.check())


def _has(nas: Nas, rate: str) -> bool:
    return given(nas, ANA, "Mikrotik-Rate-Limit") == rate


def _is_verified(enforcer: Enforcer, wanted: Entry) -> bool:
    return enforcer.state(wanted, full=True) is State.VERIFIED


def test_a_coa_is_used_without_asking_where_it_can_be_read_back(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hush")
    where = {"address": "192.0.2.1", "secret_file": str(tmp_path / "secret"), "profile": "mikrotik"}
    assert nas_from(1, where).passage({Access.FULL}, Access.THROTTLED) is None
    assert nas_from(1, where | {"coa_class": True}).passage({Access.FULL}, Access.THROTTLED) is not None
    assert nas_from(1, where | {"coa_class": True, "live": "disconnect"}).way is Way.DISCONNECT
    assert nas_from(1, where | {"profile": "generic", "coa_class": True}).way is Way.DISCONNECT


@ON_THE_LAB
@pytest.mark.parametrize(
    ("settings", "unread"),
    [
        ({"profile": "mikrotik", "live": "coa"}, "throttled by CoA"),
        ({"profile": "cisco", "live": "coa"}, "throttled and portal by CoA"),
        ({"profile": "mikrotik", "coa_class": True}, None),
        ({"profile": "generic", "live": "coa"}, None),
    ],
    ids=str,
)
def test_check_says_what_a_coa_means_that_nothing_shows(
    radius_lab: RadiusLab, settings: dict[str, Any], unread: str | None
) -> None:
    radius_lab.seed(ANA)
    nas = radius_lab.nas()
    found = [said for said in radius_lab.driver(radius_lab.nas_settings(nas, **settings)).check() if "CoA" in said]
    assert [f"NAS 127.0.0.1: {unread}, and nothing shows" in said for said in found] == [True] * (unread is not None)


def test_an_experimental_profile_is_told_by_check(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA)
    nas = radius_lab.nas()
    (said,) = radius_lab.driver(radius_lab.nas_settings(nas, profile="huawei")).check()
    assert "profile huawei is experimental" in said
    for known in ({"profile": "generic"}, {"profile": "huawei", "experimental": True}):
        assert radius_lab.driver(radius_lab.nas_settings(nas, **known)).check() == []
