"""A restriction and its restore on a RADIUS database and a NAS that takes Disconnect."""

import time
from dataclasses import replace

import pytest

from enforcement.access import Access
from enforcement.changes import Result
from enforcement.entries import BindingId
from enforcement.keys import Key, KeyType
from enforcement.observed import Live
from enforcement.plan import State
from lab.nas.dae import Misbehaviour
from tests.drivers.radius.radius_lab import Enforcer, RadiusLab, entry, given, subscribers, wait_for

pytestmark = pytest.mark.slow

ANA, BEA = "ana@isp", "bea@isp"
KEY = Key(KeyType.USERNAME, ANA)
BINDING = BindingId(f"b-{ANA}")


@pytest.mark.parametrize("access", [Access.THROTTLED, Access.PORTAL])
def test_a_login_gets_the_restricted_reply_and_after_payment_the_former_one(
    radius_lab: RadiusLab, access: Access
) -> None:
    radius_lab.seed(ANA, BEA)
    enforcer = Enforcer(radius_lab.driver())
    before, neighbour, rows = radius_lab.login(ANA), radius_lab.login(BEA), radius_lab.dump()
    enforcer.enforce(entry(ANA, access))
    restricted = radius_lab.login(ANA)
    assert f"Class = 0x{f'grifo-{access.value}'.encode().hex()}" in restricted
    assert "Mikrotik-Rate-Limit = 100M/100M" not in restricted
    assert "Session-Timeout = 86400" in restricted
    assert radius_lab.login(BEA) == neighbour
    enforcer.enforce(entry(ANA, Access.FULL, 2))
    assert radius_lab.login(ANA) == before
    assert radius_lab.dump() == rows
    assert radius_lab.marks() == []


def test_only_one_row_is_added_and_the_operators_rows_stay_as_they_are(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA, BEA)
    rows = radius_lab.dump()
    Enforcer(radius_lab.driver()).enforce(entry(ANA, Access.PORTAL))
    after = radius_lab.dump()
    added = [row for row in after["radusergroup"] if row not in rows["radusergroup"]]
    assert [row[1:] for row in added] == [(ANA, "grifo-portal", 0)]
    after["radusergroup"].remove(added[0])
    assert after == rows
    assert radius_lab.marks() == [(ANA, "grifo:v1:op-1:s-ana@isp:b-ana@isp", "grifo-portal")]


def test_a_live_session_is_disconnected_and_redials_into_the_restriction_and_out_of_it(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA)
    nas = radius_lab.nas()
    nas.dial(subscribers([ANA]))
    enforcer = Enforcer(radius_lab.driver(radius_lab.nas_settings(nas)))
    left = enforcer.enforce(entry(ANA, Access.PORTAL))
    assert left.changes == ()
    assert [outcome.result for outcome in enforcer.outcomes] == [Result.DONE]
    wait_for(lambda: given(nas, ANA, "Mikrotik-Address-List") == "portal")
    wait_for(lambda: enforcer.state(entry(ANA, Access.PORTAL)) is State.VERIFIED)
    left = enforcer.enforce(entry(ANA, Access.FULL, 2))
    assert left.changes == ()
    wait_for(lambda: given(nas, ANA, "Mikrotik-Rate-Limit") == "100M/100M")
    assert given(nas, ANA, "Mikrotik-Address-List") is None
    wait_for(lambda: enforcer.state(entry(ANA, Access.FULL, 2), full=True) is State.VERIFIED)
    assert radius_lab.marks() == []


def test_an_offline_customer_is_armed_and_not_verified(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA)
    left = Enforcer(radius_lab.driver()).enforce(entry(ANA, Access.PORTAL))
    assert left.changes == ()
    assert left.states[BINDING] is State.ARMED


def test_applying_twice_is_applying_once(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA)
    driver = radius_lab.driver()
    todo = Enforcer(driver).plan(entry(ANA, Access.PORTAL))
    driver.apply(todo.changes)
    once, marks = radius_lab.dump(), radius_lab.marks()
    driver.apply(todo.changes)
    assert (radius_lab.dump(), radius_lab.marks()) == (once, marks)


def test_going_from_one_restriction_to_another_leaves_one_row(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA)
    enforcer = Enforcer(radius_lab.driver())
    enforcer.enforce(entry(ANA, Access.THROTTLED))
    assert enforcer.enforce(entry(ANA, Access.PORTAL, 2)).changes == ()
    assert [row[1:] for row in radius_lab.dump()["radusergroup"] if row[1] == ANA and row[3] == 0] == [
        (ANA, "grifo-portal", 0)
    ]
    assert len(radius_lab.marks()) == 1


def test_a_silent_nas_leaves_the_effect_owed_until_it_answers(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA)
    nas = radius_lab.nas()
    nas.dial(subscribers([ANA]))
    nas.misbehave(Misbehaviour(silent=True))
    enforcer = Enforcer(radius_lab.driver(radius_lab.nas_settings(nas)))
    left = enforcer.enforce(entry(ANA, Access.PORTAL))
    assert [(outcome.result, outcome.effect_done) for outcome in enforcer.outcomes] == [(Result.UNKNOWN, False)]
    assert left.states[BINDING] is State.MISSING
    assert "Mikrotik-Address-List = portal" in radius_lab.login(ANA)
    nas.misbehave(Misbehaviour())
    assert enforcer.enforce(entry(ANA, Access.PORTAL)).changes == ()
    wait_for(lambda: given(nas, ANA, "Mikrotik-Address-List") == "portal")


def test_a_nas_that_acknowledges_and_does_nothing_is_found_out(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA)
    nas = radius_lab.nas()
    nas.dial(subscribers([ANA]))
    nas.misbehave(Misbehaviour(lie=True))
    enforcer = Enforcer(radius_lab.driver(radius_lab.nas_settings(nas), read_back_seconds=1))
    left = enforcer.enforce(entry(ANA, Access.PORTAL))
    assert "radacct shows no effect" in enforcer.outcomes[0].detail
    assert left.states[BINDING] is State.MISSING
    enforcer.owed.clear()
    assert enforcer.driver.observe({KEY}).of(KEY).live is Live.STALE


def test_a_nas_that_acknowledged_and_did_nothing_is_not_waited_for_again_until_it_does(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA, BEA)
    nas = radius_lab.nas()
    nas.dial(subscribers([ANA, BEA]))
    wait_for(lambda: len(nas.sessions()) == 2)
    nas.misbehave(Misbehaviour(lie=True))
    driver = radius_lab.driver(radius_lab.nas_settings(nas), read_back_seconds=1)
    enforcer = Enforcer(driver)
    enforcer.enforce(entry(ANA, Access.PORTAL))
    driver._settings = replace(driver._settings, read_back_s=600.0)
    began = time.monotonic()
    enforcer.enforce(entry(BEA, Access.PORTAL))
    assert "radacct shows no effect" in enforcer.outcomes[0].detail
    assert time.monotonic() - began < 300
    nas.misbehave(Misbehaviour())
    both = (entry(ANA, Access.PORTAL), entry(BEA, Access.PORTAL))
    wait_for(lambda: enforcer.enforce(*both).changes == ())
    wait_for(lambda: given(nas, ANA, "Mikrotik-Address-List") == given(nas, BEA, "Mikrotik-Address-List") == "portal")


@pytest.mark.parametrize(
    ("cause", "result", "words"),
    [
        (401, Result.REFUSED, "unsupported attribute"),
        (403, Result.REFUSED, "NAS identification mismatch"),
        (501, Result.REFUSED, "administratively prohibited"),
        (506, Result.UNKNOWN, "resources unavailable"),
        (508, Result.REFUSED, "several sessions match"),
    ],
)
def test_a_nak_is_told_in_words_and_the_effect_stays_owed(
    radius_lab: RadiusLab, cause: int, result: Result, words: str
) -> None:
    radius_lab.seed(ANA)
    nas = radius_lab.nas()
    nas.dial(subscribers([ANA]))
    nas.misbehave(Misbehaviour(refuse=cause))
    enforcer = Enforcer(radius_lab.driver(radius_lab.nas_settings(nas)))
    enforcer.enforce(entry(ANA, Access.PORTAL))
    assert (enforcer.outcomes[0].result, enforcer.outcomes[0].effect_done) == (result, False)
    assert words in enforcer.outcomes[0].detail
    assert given(nas, ANA, "Mikrotik-Rate-Limit") == "100M/100M"


def test_lost_datagrams_are_repeated(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA)
    nas = radius_lab.nas()
    nas.dial(subscribers([ANA]))
    nas.misbehave(Misbehaviour(drop_first=1))
    enforcer = Enforcer(radius_lab.driver(radius_lab.nas_settings(nas)))
    assert enforcer.enforce(entry(ANA, Access.PORTAL)).changes == ()
    wait_for(lambda: given(nas, ANA, "Mikrotik-Address-List") == "portal")


def test_a_session_of_an_unknown_nas_is_reported(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA)
    radius_lab.nas().dial(subscribers([ANA]))
    enforcer = Enforcer(radius_lab.driver())
    enforcer.enforce(entry(ANA, Access.PORTAL))
    assert enforcer.outcomes[0].result is Result.REFUSED
    assert "not in the settings' nases" in enforcer.outcomes[0].detail
    assert any("127.0.0.1 has 1 live sessions" in problem for problem in enforcer.driver.check())


def test_a_reboot_of_the_nas_keeps_restrictions(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA)
    nas = radius_lab.nas()
    nas.dial(subscribers([ANA]))
    enforcer = Enforcer(radius_lab.driver(radius_lab.nas_settings(nas)))
    enforcer.enforce(entry(ANA, Access.PORTAL))
    wait_for(lambda: given(nas, ANA, "Mikrotik-Address-List") == "portal")
    nas.reboot()
    wait_for(lambda: given(nas, ANA, "Mikrotik-Address-List") == "portal")
    wait_for(lambda: enforcer.state(entry(ANA, Access.PORTAL)) is State.VERIFIED)


def test_without_class_the_order_of_rows_tells_who_has_to_be_disconnected(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA)
    nas = radius_lab.nas()
    nas.dial(subscribers([ANA]))
    nas.misbehave(Misbehaviour(lie=True))
    enforcer = Enforcer(radius_lab.driver(radius_lab.nas_settings(nas), session_class=False, read_back_seconds=1))
    enforcer.enforce(entry(ANA, Access.PORTAL))
    enforcer.owed.clear()
    assert enforcer.state(entry(ANA, Access.PORTAL)) is State.MISSING
    nas.misbehave(Misbehaviour())
    assert enforcer.enforce(entry(ANA, Access.PORTAL)).changes == ()
    wait_for(lambda: enforcer.state(entry(ANA, Access.PORTAL)) is State.VERIFIED)
    nas.misbehave(Misbehaviour(lie=True))
    enforcer.enforce(entry(ANA, Access.FULL, 2))
    enforcer.owed.clear()
    assert enforcer.state(entry(ANA, Access.FULL, 2)) is State.WRONGFUL
    nas.misbehave(Misbehaviour())
    assert enforcer.enforce(entry(ANA, Access.FULL, 2)).changes == ()
    wait_for(lambda: given(nas, ANA, "Mikrotik-Rate-Limit") == "100M/100M")
    assert radius_lab.marks() == []


def test_a_full_read_finds_a_session_that_was_given_a_restriction_no_longer_on_record(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA)
    radius_lab.put_into(ANA, "grifo-portal", 0)
    nas = radius_lab.nas()
    nas.dial(subscribers([ANA]))
    radius_lab.sql("DELETE FROM radusergroup WHERE priority = 0")
    enforcer = Enforcer(radius_lab.driver(radius_lab.nas_settings(nas)))
    assert enforcer.state(entry(ANA, Access.FULL), full=True) is State.WRONGFUL
    assert enforcer.enforce(entry(ANA, Access.FULL)).changes == ()
    wait_for(lambda: given(nas, ANA, "Mikrotik-Rate-Limit") == "100M/100M")


def test_a_session_silent_for_long_is_not_believed_to_obey(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA)
    nas = radius_lab.nas()
    nas.dial(subscribers([ANA]))
    past = "TIMESTAMP '2020-01-01 00:00:00'" if radius_lab.is_freeradius else "1577836800"
    radius_lab.sql(f"UPDATE radacct SET acctstarttime = {past}, acctupdatetime = {past}")
    nas.misbehave(Misbehaviour(silent=True))
    enforcer = Enforcer(radius_lab.driver(radius_lab.nas_settings(nas), interim_seconds=300))
    enforcer.enforce(entry(ANA, Access.PORTAL))
    assert enforcer.state(entry(ANA, Access.PORTAL)) is State.UNKNOWN
    nas.misbehave(Misbehaviour())
    enforcer.enforce(entry(ANA, Access.PORTAL))
    wait_for(lambda: enforcer.state(entry(ANA, Access.PORTAL)) is State.VERIFIED)


def test_a_crash_between_rows_and_telling_loses_nothing(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA)
    nas = radius_lab.nas()
    nas.dial(subscribers([ANA]))
    settings = radius_lab.nas_settings(nas)
    radius_lab.driver(settings).apply([])
    mark = "grifo:v1:op-1:s-ana@isp:b-ana@isp"
    Enforcer(radius_lab.driver()).enforce(entry("bea", Access.PORTAL))
    radius_lab.put_into(ANA, "grifo-portal", 0)
    radius_lab.sql(
        "INSERT INTO grifo_marks (username, mark, groupname, told) VALUES (:u, :m, 'grifo-portal', 0)", u=ANA, m=mark
    )
    enforcer = Enforcer(radius_lab.driver(settings, session_class=False))
    assert enforcer.state(entry(ANA, Access.PORTAL)) is State.MISSING
    assert enforcer.enforce(entry(ANA, Access.PORTAL)).changes == ()
    wait_for(lambda: given(nas, ANA, "Mikrotik-Address-List") == "portal")
