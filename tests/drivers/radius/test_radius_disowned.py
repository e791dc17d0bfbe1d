"""A NAS that says it has no such session (Error-Cause 503), which proves only that this one has not: it may be a wrong
NAS, or know the session by another name. Nothing is open, or cut, before it was read to be."""

import pytest

from drivers.radius import driver
from enforcement.access import Access
from enforcement.changes import Result
from enforcement.plan import State
from lab.nas.dae import Misbehaviour
from lab.nas.nas import Nas
from tests.drivers.radius.radius_lab import Enforcer, RadiusLab, ago, entry, given, subscribers, wait_for

pytestmark = pytest.mark.slow

ANA = "ana@isp"
CUT, PAID = entry(ANA, Access.PORTAL), entry(ANA, Access.FULL, 2)
NO_SUCH_SESSION = Misbehaviour(refuse=503)


def connected(lab: RadiusLab, **settings: float) -> Nas:
    """A NAS that Ana is connected to."""
    lab.seed(ANA)
    nas = lab.nas(**settings)
    nas.dial(subscribers([ANA]))
    wait_for(lambda: open_rows(lab) == 1)
    return nas


def open_rows(lab: RadiusLab) -> int:
    return int(lab.sql("SELECT count(*) FROM radacct WHERE acctstoptime IS NULL")[0][0])


def accounting_goes_on(lab: RadiusLab) -> None:
    """An Interim-Update of five minutes later is recorded."""
    lab.sql(f"UPDATE radacct SET acctupdatetime = {ago(lab, -300)} WHERE acctstoptime IS NULL")


@pytest.fixture(autouse=True)
def nobody_redials(monkeypatch: pytest.MonkeyPatch) -> None:
    """No login of a moment ago may be what makes anything unknown here."""
    monkeypatch.setattr(driver, "REDIAL_S", 0.0)


def test_a_paid_customer_whose_session_lives_is_never_open_because_a_nas_does_not_know_it(
    radius_lab: RadiusLab,
) -> None:
    nas = connected(radius_lab)
    enforcer = Enforcer(radius_lab.driver(radius_lab.nas_settings(nas)))
    enforcer.enforce(CUT)
    wait_for(lambda: enforcer.state(CUT) is State.VERIFIED)
    nas.misbehave(NO_SUCH_SESSION)
    for _ in range(3):
        assert enforcer.enforce(PAID).states[PAID.binding] is State.UNKNOWN
        assert (enforcer.outcomes[0].result, enforcer.outcomes[0].effect_done) == (Result.UNKNOWN, False)
        assert "says that it has no such session (Error-Cause 503)" in enforcer.outcomes[0].detail
        assert enforcer.state(PAID, full=True) is State.UNKNOWN
    assert given(nas, ANA, "Mikrotik-Address-List") == "portal"
    nas.misbehave(Misbehaviour())
    enforcer.enforce(PAID)
    wait_for(lambda: given(nas, ANA, "Mikrotik-Rate-Limit") == "100M/100M")
    wait_for(lambda: enforcer.state(PAID, full=True) is State.VERIFIED)


def test_a_nas_that_disowns_a_session_which_accounting_goes_on_to_report_is_refused_in_words(
    radius_lab: RadiusLab,
) -> None:
    nas = connected(radius_lab)
    nas.misbehave(NO_SUCH_SESSION)
    enforcer = Enforcer(radius_lab.driver(radius_lab.nas_settings(nas)))
    enforcer.enforce(CUT)
    accounting_goes_on(radius_lab)
    assert enforcer.state(CUT) is State.MISSING
    enforcer.enforce(CUT)
    assert enforcer.outcomes[0].result is Result.REFUSED
    assert "says again that it has no such session" in enforcer.outcomes[0].detail
    assert enforcer.state(CUT) is State.MISSING
    nas.misbehave(Misbehaviour())
    enforcer.enforce(CUT)
    wait_for(lambda: given(nas, ANA, "Mikrotik-Address-List") == "portal")
    wait_for(lambda: enforcer.state(CUT) is State.VERIFIED)


def test_a_nas_that_knows_its_sessions_again_is_told_of_what_is_owed(radius_lab: RadiusLab) -> None:
    nas = connected(radius_lab)
    nas.misbehave(NO_SUCH_SESSION)
    enforcer = Enforcer(radius_lab.driver(radius_lab.nas_settings(nas)))
    enforcer.enforce(CUT)
    nas.misbehave(Misbehaviour())
    enforcer.enforce(CUT)
    wait_for(lambda: given(nas, ANA, "Mikrotik-Address-List") == "portal")
    wait_for(lambda: enforcer.state(CUT) is State.VERIFIED)


def test_a_session_that_is_gone_is_believed_so_once_its_row_is_closed(radius_lab: RadiusLab) -> None:
    nas = connected(radius_lab, redial_s=3600)
    nas.reboot(announce=False)
    enforcer = Enforcer(radius_lab.driver(radius_lab.nas_settings(nas)))
    assert enforcer.enforce(CUT).states[CUT.binding] is State.UNKNOWN
    assert enforcer.state(CUT, full=True) is State.UNKNOWN
    assert any(f"does not have: {ANA}." in said for said in enforcer.driver.check())
    radius_lab.sql(f"UPDATE radacct SET acctstoptime = {ago(radius_lab, 0)}")
    left = enforcer.enforce(CUT)
    assert (left.states[CUT.binding], left.changes) == (State.ARMED, ())
    assert enforcer.state(CUT, full=True) is State.ARMED
    assert not any("does not have" in said for said in enforcer.driver.check())


def test_a_session_that_is_gone_is_believed_so_once_it_is_silent_for_long(radius_lab: RadiusLab) -> None:
    nas = connected(radius_lab, redial_s=3600)
    nas.reboot(announce=False)
    past = ago(radius_lab, 3600)
    radius_lab.sql(f"UPDATE radacct SET acctstarttime = {past}, acctupdatetime = {past}")
    enforcer = Enforcer(radius_lab.driver(radius_lab.nas_settings(nas), interim_seconds=300))
    left = enforcer.enforce(CUT)
    assert (enforcer.outcomes[0].result, enforcer.outcomes[0].effect_done) == (Result.DONE, True)
    assert (left.states[CUT.binding], left.changes) == (State.ARMED, ())


def test_silence_alone_is_not_enough_nor_is_a_nas_that_does_not_know_a_session_of_a_moment_ago(
    radius_lab: RadiusLab,
) -> None:
    nas = connected(radius_lab)
    nas.misbehave(NO_SUCH_SESSION)
    enforcer = Enforcer(radius_lab.driver(radius_lab.nas_settings(nas), interim_seconds=300))
    assert enforcer.enforce(CUT).states[CUT.binding] is State.UNKNOWN
    nas.misbehave(Misbehaviour(silent=True))
    past = ago(radius_lab, 3600)
    radius_lab.sql(f"UPDATE radacct SET acctupdatetime = {past}")
    assert enforcer.state(CUT) is not State.ARMED
