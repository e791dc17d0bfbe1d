"""What is not ours: obstructions, other installations, rows in the way, and what check() says of the setup."""

import pytest
from sqlalchemy import make_url

from drivers.base import Refused, Unreachable
from drivers.radius.rows import Customer, GroupRow, Session
from drivers.radius.settings import Groups, Nas, Settings
from drivers.radius.truth import Meaning, findings
from drivers.secret import Secret
from enforcement.access import Access
from enforcement.changes import Remove, Result
from enforcement.entries import BindingId, Mark, ServiceId
from enforcement.keys import Key, KeyType
from enforcement.observed import Live
from enforcement.plan import State
from lab.nas import nas as lab_nas
from tests.drivers.radius.radius_lab import TABLES, Enforcer, RadiusLab, entry, given, subscribers, wait_for

ANA = "ana@isp"
KEY = Key(KeyType.USERNAME, ANA)


def test_an_old_suspension_group_obstructs_a_paid_customer(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA)
    radius_lab.put_into(ANA, "suspended", 5)
    enforcer = Enforcer(radius_lab.driver())
    assert enforcer.state(entry(ANA, Access.FULL), full=True) is State.OBSTRUCTED
    (words,) = enforcer.driver.observe({KEY}).of(KEY).obstructions
    assert words == "radusergroup has group suspended at priority 5, an old suspension group"


def test_an_old_suspension_group_that_the_plan_precedes_obstructs_nobody(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA)
    radius_lab.put_into(ANA, "suspended", 50)
    assert Enforcer(radius_lab.driver()).state(entry(ANA, Access.FULL), full=True) is State.VERIFIED


def test_a_refused_login_obstructs_a_paid_customer(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA)
    radius_lab.set_item("radcheck", "username", ANA, "Auth-Type", ":=", "Reject")
    assert radius_lab.login(ANA) == ["rejected"]
    assert Enforcer(radius_lab.driver()).state(entry(ANA, Access.FULL), full=True) is State.OBSTRUCTED


def test_a_row_of_our_group_without_our_mark_is_somebody_elses(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA)
    radius_lab.put_into(ANA, "grifo-portal", 0)
    rows = radius_lab.dump()
    enforcer = Enforcer(radius_lab.driver())
    assert enforcer.state(entry(ANA, Access.FULL), full=True) is State.OBSTRUCTED
    enforcer.enforce(entry(ANA, Access.PORTAL))
    assert enforcer.outcomes[0].result is Result.REFUSED
    enforcer.enforce(entry(ANA, Access.FULL, 2))
    assert radius_lab.dump() == rows


def test_another_installations_restriction_is_left_alone_and_shown(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA)
    Enforcer(radius_lab.driver(installation="op-2"), "op-2").enforce(entry(ANA, Access.PORTAL))
    rows, marks = radius_lab.dump(), radius_lab.marks()
    enforcer = Enforcer(radius_lab.driver())
    assert enforcer.enforce(entry(ANA, Access.FULL), entry("bea", Access.FULL)).changes == ()
    assert enforcer.state(entry(ANA, Access.FULL)) is State.OBSTRUCTED
    (words,) = enforcer.driver.observe(None).of(KEY).obstructions
    assert "grifo:v1:op-2:" in words
    assert (radius_lab.dump(), radius_lab.marks()) == (rows, marks)


def test_a_row_of_others_at_our_priority_refuses_a_restriction_in_words(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA)
    radius_lab.put_into(ANA, "static-ip", 0)
    rows = radius_lab.dump()
    enforcer = Enforcer(radius_lab.driver())
    enforcer.enforce(entry(ANA, Access.PORTAL))
    assert enforcer.outcomes[0].result is Result.REFUSED
    assert "static-ip" in enforcer.outcomes[0].detail
    assert radius_lab.dump() == rows
    assert any("ana@isp (static-ip)" in problem for problem in enforcer.driver.check())


def test_a_stray_row_with_our_mark_is_removed_and_its_session_with_it(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA)
    rows = radius_lab.dump()
    nas = radius_lab.nas()
    enforcer = Enforcer(radius_lab.driver(radius_lab.nas_settings(nas)))
    enforcer.enforce(entry(ANA, Access.PORTAL))
    nas.dial(subscribers([ANA]))
    todo = enforcer.plan(full=True)
    mark = Mark("op-1", ServiceId(f"s-{ANA}"), BindingId(f"b-{ANA}"))
    assert todo.changes == (Remove(KEY, mark),)
    assert enforcer.driver.apply(todo.changes)[0].effect_done
    wait_for(lambda: given(nas, ANA, "Mikrotik-Rate-Limit") == "100M/100M")
    assert radius_lab.dump() == rows
    assert enforcer.plan(full=True).changes == ()


def test_a_binding_takes_over_the_key_of_another_in_one_slice(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA)
    enforcer = Enforcer(radius_lab.driver())
    enforcer.enforce(entry(ANA, Access.PORTAL))
    former = entry(ANA, Access.FULL, 2, ended=True)
    heir = entry(ANA, Access.PORTAL, 2)
    heir = type(heir)(**{name: getattr(heir, name) for name in heir.__slots__} | {"binding": BindingId("b-heir")})
    assert enforcer.enforce(former, heir).changes == ()
    assert radius_lab.marks() == [(ANA, "grifo:v1:op-1:s-ana@isp:b-heir", "grifo-portal")]
    assert [row[1:] for row in radius_lab.dump()["radusergroup"] if row[3] == 0] == [(ANA, "grifo-portal", 0)]


def test_a_hand_that_takes_our_row_away_is_seen(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA)
    rows = radius_lab.dump()
    enforcer = Enforcer(radius_lab.driver())
    enforcer.enforce(entry(ANA, Access.PORTAL))
    radius_lab.sql("DELETE FROM radusergroup WHERE groupname = 'grifo-portal'")
    assert enforcer.state(entry(ANA, Access.PORTAL)) is State.MISSING
    assert enforcer.enforce(entry(ANA, Access.PORTAL)).states[BindingId(f"b-{ANA}")] is State.ARMED
    enforcer.enforce(entry(ANA, Access.FULL, 2))
    assert radius_lab.dump() == rows


def test_a_mark_whose_row_a_hand_took_away_goes_with_the_next_slice_after_a_sweep(radius_lab: RadiusLab) -> None:
    """Ana pays meanwhile, so that nothing is left to do for her."""
    radius_lab.seed(ANA, "bea")
    enforcer = Enforcer(radius_lab.driver())
    enforcer.enforce(entry(ANA, Access.PORTAL))
    radius_lab.sql("DELETE FROM radusergroup WHERE groupname = 'grifo-portal'")
    assert enforcer.plan(entry(ANA, Access.FULL, 2), full=True).changes == ()
    enforcer.enforce(entry("bea", Access.PORTAL))
    assert [username for username, _, _ in radius_lab.marks()] == ["bea"]


def test_a_mark_whose_row_comes_back_before_the_next_slice_stays(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA, "bea")
    enforcer = Enforcer(radius_lab.driver())
    enforcer.enforce(entry(ANA, Access.PORTAL))
    radius_lab.sql("DELETE FROM radusergroup WHERE groupname = 'grifo-portal'")
    enforcer.plan(entry(ANA, Access.PORTAL), full=True)
    radius_lab.put_into(ANA, "grifo-portal", 0)
    enforcer.enforce(entry("bea", Access.PORTAL))
    assert enforcer.state(entry(ANA, Access.PORTAL)) is State.ARMED


def test_a_session_that_another_installation_restricts_is_not_ended_by_us(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA)
    nas = radius_lab.nas()
    settings = radius_lab.nas_settings(nas)
    Enforcer(radius_lab.driver(settings, installation="op-2"), "op-2").enforce(entry(ANA, Access.PORTAL))
    nas.dial(subscribers([ANA]))
    (session,) = nas.sessions(ANA)
    enforcer = Enforcer(radius_lab.driver(settings))
    assert enforcer.plan(entry(ANA, Access.FULL), full=True).changes == ()
    assert enforcer.state(entry(ANA, Access.FULL)) is State.OBSTRUCTED
    assert [one.id for one in nas.sessions(ANA)] == [session.id]


def test_a_plan_keeps_its_pool_where_it_has_a_group_of_its_own(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA)
    radius_lab.set_item("radgroupreply", "groupname", "grifo-portal-100", "Framed-Pool", ":=", "pool-100")
    plans = {"plan-100": {"portal": "grifo-portal-100"}}
    Enforcer(radius_lab.driver(groups_for_plan=plans)).enforce(entry(ANA, Access.PORTAL))
    assert "Framed-Pool = pool-100" in radius_lab.login(ANA)


def test_a_database_that_needs_nothing_has_no_problems(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA)
    assert radius_lab.driver().check() == []


def test_what_would_defeat_us_is_said_in_words(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA)
    radius_lab.sql("DELETE FROM radgroupreply WHERE groupname = 'grifo-throttled'")
    radius_lab.sql(
        "DELETE FROM radgroupreply WHERE groupname = 'grifo-portal' AND attribute IN ('Framed-Pool', 'Class')"
    )
    radius_lab.sql("UPDATE radgroupreply SET op = '=' WHERE groupname = 'grifo-portal'")
    radius_lab.set_item("radreply", "username", ANA, "Fall-Through", ":=", "No")
    said = "\n".join(radius_lab.driver().check())
    for words in (
        "group grifo-throttled (throttled) has no rows in radgroupreply",
        "grifo-portal sets Mikrotik-Address-List, Mikrotik-Rate-Limit with =",
        "plan group plan-100 gives a Framed-Pool, grifo-portal (portal) none",
        "group grifo-portal has no Class",
        "1 users have Fall-Through = No in radreply",
    ):
        assert words in said


def test_a_missing_table_is_a_refusal_and_a_missing_database_is_unreachable(radius_lab: RadiusLab) -> None:
    names = {table: radius_lab.prefix + table for table in TABLES} | {"radusergroup": "elsewhere"}
    wrong = radius_lab.driver(tables=names)
    with pytest.raises(Refused, match="elsewhere"):
        wrong.observe({KEY})
    assert any("no table elsewhere" in problem for problem in wrong.check())
    nowhere = radius_lab.driver(database=f"sqlite:///{radius_lab.folder}/no/such.db")
    with pytest.raises(Unreachable):
        nowhere.observe({KEY})


def _at_full_speed(nas: lab_nas.Nas) -> int:
    return sum(view.given.get("Mikrotik-Rate-Limit") == ("100M/100M",) for view in nas.sessions())


def test_three_hundred_live_sessions_are_changed_in_one_slice(radius_lab: RadiusLab) -> None:
    names = [f"u{at:03}" for at in range(300)]
    radius_lab.seed(*names)
    rows = radius_lab.dump()
    nas = radius_lab.nas()
    assert nas.dial(subscribers(names)) == 300
    enforcer = Enforcer(radius_lab.driver(radius_lab.nas_settings(nas, timeout_seconds=2), read_back_seconds=20))
    assert enforcer.enforce(*(entry(name, Access.PORTAL) for name in names)).changes == ()
    # Some dial in at this very moment, with the reply of before the restore: their Class tells, a later turn mends.
    free = [entry(name, Access.FULL, 2) for name in names]
    wait_for(lambda: enforcer.enforce(*free).changes == () and _at_full_speed(nas) == 300)
    assert nas.discarded == 0
    assert radius_lab.dump() == rows


def test_each_session_without_a_calling_station_is_looked_at() -> None:
    groups = Groups({Access.THROTTLED: "grifo-throttled"})
    settings = Settings(
        make_url("sqlite://"), groups, {"192.0.2.1": Nas("192.0.2.1", "192.0.2.1", Secret("x"))}, session_class=True
    )
    meaning = Meaning(settings, "op-1", {b"grifo-throttled": frozenset({"grifo-throttled"})})
    still_slow = Session(1, "A", "ana", "192.0.2.1", "198.51.100.1", "", b"grifo-throttled", False, "t")
    new = Session(2, "B", "ana", "192.0.2.1", "198.51.100.2", "", None, False, "t")
    paid = Customer("ana", (GroupRow("plan", 1),), (), False, (still_slow, new))
    assert {finding.session.id: finding.live for finding in findings(paid, meaning)} == {1: Live.STALE, 2: Live.APPLIES}
