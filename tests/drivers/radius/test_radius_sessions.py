"""Every live session of a customer is told, and rows of sessions that are no more are told from live ones."""

import pytest

from drivers.radius import driver
from enforcement.access import Access
from enforcement.changes import Result
from enforcement.plan import State
from lab.nas.dae import Misbehaviour
from lab.nas.sessions import Subscriber
from tests.drivers.radius.radius_lab import PASSWORD, Enforcer, RadiusLab, ago, entry, given, subscribers, wait_for

ANA = "ana@isp"
LINE = "02:00:00:00:00:01"
ON_MARIADB = pytest.mark.parametrize(
    "radius_lab", [pytest.param("freeradius_mariadb", marks=pytest.mark.servers)], indirect=True
)
"""Where the database takes a letter and its capital for one."""


def rates(lab_nas: object, username: str) -> set[object]:
    return {view.given.get("Mikrotik-Rate-Limit") for view in lab_nas.sessions(username)}  # type: ignore[attr-defined]


@pytest.mark.parametrize("calling", [LINE, ""], ids=["links-of-one-line", "no-calling-station"])
def test_every_session_of_a_customer_is_told(radius_lab: RadiusLab, calling: str) -> None:
    radius_lab.seed(ANA)
    nas = radius_lab.nas(redial_s=3600)
    for _ in range(3):
        nas.dial([Subscriber(ANA, PASSWORD, calling)])
    assert len(nas.sessions(ANA)) == 3
    enforcer = Enforcer(radius_lab.driver(radius_lab.nas_settings(nas, profile="generic", port=nas.port)))
    assert enforcer.enforce(entry(ANA, Access.PORTAL)).states[entry(ANA, Access.PORTAL).binding] is State.ARMED
    assert nas.sessions(ANA) == []


def test_a_coa_reaches_every_link(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA)
    nas = radius_lab.nas()
    for _ in range(2):
        nas.dial([Subscriber(ANA, PASSWORD, LINE)])
    settings = radius_lab.nas_settings(nas, profile="mikrotik", coa_class=True)
    enforcer = Enforcer(radius_lab.driver(settings))
    assert enforcer.enforce(entry(ANA, Access.THROTTLED)).changes == ()
    assert rates(nas, ANA) == {("1M/1M",)}
    assert enforcer.state(entry(ANA, Access.THROTTLED)) is State.VERIFIED
    assert enforcer.enforce(entry(ANA, Access.FULL, 2)).changes == ()
    assert rates(nas, ANA) == {("100M/100M",)}


def test_one_link_that_did_not_take_it_is_seen(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA)
    nas = radius_lab.nas()
    nas.dial([Subscriber(ANA, PASSWORD, LINE)])
    enforcer = Enforcer(radius_lab.driver(radius_lab.nas_settings(nas, profile="generic", port=nas.port)))
    radius_lab.put_into("bea@isp", "plan-100", 10)
    enforcer.enforce(entry("bea@isp", Access.PORTAL))
    for name, seconds, class_ in (("old", 60, "NULL"), ("new", 30, "'grifo-portal'")):
        radius_lab.sql(
            "INSERT INTO radacct (acctsessionid, acctuniqueid, username, nasipaddress, callingstationid, acctstarttime,"
            f" class) VALUES (:id, :id, 'bea@isp', '127.0.0.1', :line, {ago(radius_lab, seconds)}, {class_})",
            id=name,
            line=LINE,
        )
    assert enforcer.state(entry("bea@isp", Access.PORTAL)) is State.MISSING


def test_a_row_that_a_nas_left_open_is_asked_for_and_disowned(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA)
    nas = radius_lab.nas()
    nas.dial(subscribers([ANA]))
    nas.reboot(announce=False)
    wait_for(lambda: nas.sessions(ANA))
    wait_for(lambda: radius_lab.sql("SELECT count(*) FROM radacct WHERE acctstoptime IS NULL") == [(2,)])
    enforcer = Enforcer(radius_lab.driver(radius_lab.nas_settings(nas)))
    wait_for(lambda: enforcer.enforce(entry(ANA, Access.PORTAL)).changes == ())
    wait_for(lambda: given(nas, ANA, "Mikrotik-Address-List") == "portal")
    wait_for(lambda: enforcer.state(entry(ANA, Access.PORTAL)) is State.VERIFIED)


def test_sessions_from_before_a_restart_that_is_only_noted_are_not_live(radius_lab: RadiusLab) -> None:
    if not radius_lab.is_freeradius:
        radius_lab.sql(
            "CREATE TABLE IF NOT EXISTS nasreload (nasipaddress varchar(15) PRIMARY KEY, reloadtime datetime)"
        )
    radius_lab.seed(ANA)
    nas = radius_lab.nas()
    nas.dial(subscribers([ANA]))
    nas.misbehave(Misbehaviour(silent=True))
    radius_lab.sql(f"UPDATE radacct SET acctstarttime = {ago(radius_lab, 600)}")
    radius_lab.sql(f"INSERT INTO nasreload (nasipaddress, reloadtime) VALUES ('127.0.0.1', {ago(radius_lab, 60)})")
    enforcer = Enforcer(radius_lab.driver(radius_lab.nas_settings(nas)))
    assert enforcer.enforce(entry(ANA, Access.PORTAL)).states[entry(ANA, Access.PORTAL).binding] is State.ARMED
    assert nas.received == 0


def test_a_customer_who_moved_to_another_nas_is_told_there(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA)
    former, now = radius_lab.nas(), radius_lab.nas(nas_ip="127.0.0.2")
    former.dial(subscribers([ANA]))
    former.misbehave(Misbehaviour(silent=True))
    past = ago(radius_lab, 86400)
    radius_lab.sql(f"UPDATE radacct SET acctstarttime = {past}, acctupdatetime = {past}")
    now.dial(subscribers([ANA]))
    both = [
        radius_lab.nas_settings(former),
        radius_lab.nas_settings(now, nasipaddress="127.0.0.2"),
    ]
    enforcer = Enforcer(radius_lab.driver(*both, interim_seconds=300))
    assert enforcer.enforce(entry(ANA, Access.PORTAL)).changes == ()
    wait_for(lambda: given(now, ANA, "Mikrotik-Address-List") == "portal")
    wait_for(lambda: enforcer.state(entry(ANA, Access.PORTAL)) is State.VERIFIED)
    assert former.received == 0
    assert any("1 sessions in radacct have been silent" in said for said in enforcer.driver.check())


def test_the_mark_of_a_restore_that_nobody_could_be_told_of_goes_with_the_session(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA, "bea@isp")
    nas = radius_lab.nas()
    nas.dial(subscribers([ANA]))
    enforcer = Enforcer(radius_lab.driver(radius_lab.nas_settings(nas)))
    enforcer.enforce(entry(ANA, Access.PORTAL))
    wait_for(lambda: given(nas, ANA, "Mikrotik-Address-List") == "portal")
    nas.misbehave(Misbehaviour(silent=True))
    enforcer.enforce(entry(ANA, Access.FULL, 2))
    assert enforcer.outcomes[0].result is Result.UNKNOWN
    assert [row[2] for row in radius_lab.marks()] == [""]
    nas.hang_up(ANA)
    enforcer.enforce(entry("bea@isp", Access.PORTAL))
    assert [row[0] for row in radius_lab.marks()] == ["bea@isp"]


@ON_MARIADB
def test_another_spelling_of_a_name_is_the_same_customer_where_the_database_says_so(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA)
    radius_lab.put_into("ANA@ISP", "static-ip", 0)
    enforcer = Enforcer(radius_lab.driver())
    enforcer.enforce(entry(ANA, Access.PORTAL))
    assert enforcer.outcomes[0].result is Result.REFUSED
    assert "static-ip" in enforcer.outcomes[0].detail


@ON_MARIADB
def test_a_restore_is_owed_to_a_session_that_logged_in_with_another_spelling(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA, "bea@isp")
    nas = radius_lab.nas()
    nas.dial(subscribers(["ANA@ISP"]))
    enforcer = Enforcer(radius_lab.driver(radius_lab.nas_settings(nas)))
    enforcer.enforce(entry(ANA, Access.PORTAL))
    wait_for(lambda: given(nas, "ANA@ISP", "Mikrotik-Address-List") == "portal")
    wait_for(lambda: enforcer.state(entry(ANA, Access.PORTAL)) is State.VERIFIED)
    nas.misbehave(Misbehaviour(silent=True))
    enforcer.enforce(entry(ANA, Access.FULL, 2))
    assert enforcer.outcomes[0].result is Result.UNKNOWN
    assert [row[::2] for row in radius_lab.marks()] == [(ANA, "")]


def test_a_payment_right_after_a_cut_is_not_verified_while_the_next_login_is_on_its_way(
    radius_lab: RadiusLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have been answered before the payment, and radacct shows no session yet."""
    radius_lab.seed(ANA)
    nas = radius_lab.nas(redial_s=3600)
    nas.dial(subscribers([ANA]))
    wait_for(lambda: nas.sessions(ANA))
    monkeypatch.setattr(driver, "REDIAL_S", 3600.0)
    enforcer = Enforcer(radius_lab.driver(radius_lab.nas_settings(nas)))
    assert enforcer.enforce(entry(ANA, Access.PORTAL)).states[entry(ANA, Access.PORTAL).binding] is State.ARMED
    paid = entry(ANA, Access.FULL, 2)
    enforcer.enforce(paid)
    assert enforcer.state(paid) is State.UNKNOWN
    assert enforcer.state(paid, full=True) is State.UNKNOWN
    nas.dial(subscribers([ANA]))
    wait_for(lambda: enforcer.state(paid, full=True) is State.VERIFIED)


def test_a_customer_who_does_not_come_back_is_verified_in_the_end(
    radius_lab: RadiusLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    radius_lab.seed(ANA)
    nas = radius_lab.nas(redial_s=3600)
    nas.dial(subscribers([ANA]))
    monkeypatch.setattr(driver, "REDIAL_S", 0.0)
    enforcer = Enforcer(radius_lab.driver(radius_lab.nas_settings(nas)))
    enforcer.enforce(entry(ANA, Access.PORTAL))
    enforcer.enforce(entry(ANA, Access.FULL, 2))
    assert enforcer.state(entry(ANA, Access.FULL, 2)) is State.VERIFIED
