"""Changes of live sessions by CoA: proven where accounting shows the Class, honestly unknown where nothing does."""

from typing import Any

from enforcement.access import Access
from enforcement.changes import Result
from enforcement.plan import State
from lab.nas.dae import Misbehaviour
from lab.nas.judge import MIKROTIK_CHANGES, Vendor
from lab.nas.nas import Nas
from tests.drivers.radius.radius_lab import Enforcer, RadiusLab, entry, given, subscribers, wait_for

ANA = "ana@isp"
RATE = ["Mikrotik-Rate-Limit"]


def coa(lab: RadiusLab, nas: Nas, **settings: Any) -> dict[str, Any]:
    defaults = {"live": "coa", "changes": {"throttled": RATE, "full": RATE}, "coa_class": True}
    return lab.nas_settings(nas, **(defaults | settings))


def test_a_live_session_is_throttled_and_restored_without_being_cut(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA)
    nas = radius_lab.nas()
    nas.dial(subscribers([ANA]))
    (session,) = nas.sessions(ANA)
    enforcer = Enforcer(radius_lab.driver(coa(radius_lab, nas)))
    left = enforcer.enforce(entry(ANA, Access.THROTTLED))
    assert left.changes == ()
    assert enforcer.state(entry(ANA, Access.THROTTLED)) is State.VERIFIED
    assert given(nas, ANA, "Mikrotik-Rate-Limit") == "1M/1M"
    left = enforcer.enforce(entry(ANA, Access.FULL, 2))
    assert left.changes == ()
    assert given(nas, ANA, "Mikrotik-Rate-Limit") == "100M/100M"
    assert [one.id for one in nas.sessions(ANA)] == [session.id]
    assert radius_lab.marks() == []


def test_what_a_coa_cannot_bring_is_brought_by_a_new_login(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA)
    nas = radius_lab.nas()
    nas.dial(subscribers([ANA]))
    enforcer = Enforcer(radius_lab.driver(coa(radius_lab, nas)))
    assert enforcer.enforce(entry(ANA, Access.PORTAL)).changes == ()
    wait_for(lambda: given(nas, ANA, "Mikrotik-Address-List") == "portal")
    assert enforcer.enforce(entry(ANA, Access.THROTTLED, 2)).changes == ()
    wait_for(lambda: given(nas, ANA, "Mikrotik-Rate-Limit") == "1M/1M")
    assert given(nas, ANA, "Mikrotik-Address-List") is None


def test_a_coa_that_nothing_can_show_is_unknown_and_never_verified(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA)
    nas = radius_lab.nas(vendor=Vendor(changes=MIKROTIK_CHANGES))
    nas.dial(subscribers([ANA]))
    enforcer = Enforcer(radius_lab.driver(coa(radius_lab, nas, coa_class=False)))
    left = enforcer.enforce(entry(ANA, Access.THROTTLED))
    assert (enforcer.outcomes[0].result, enforcer.outcomes[0].effect_done) == (Result.DONE, True)
    assert left.changes == ()
    assert enforcer.state(entry(ANA, Access.THROTTLED)) is State.UNKNOWN
    assert enforcer.enforce(entry(ANA, Access.THROTTLED)).changes == ()
    assert given(nas, ANA, "Mikrotik-Rate-Limit") == "1M/1M"
    enforcer.enforce(entry(ANA, Access.FULL, 2))
    assert enforcer.state(entry(ANA, Access.FULL, 2), full=True) is State.UNKNOWN
    assert given(nas, ANA, "Mikrotik-Rate-Limit") == "100M/100M"
    nas.hang_up(ANA)
    nas.dial(subscribers([ANA]))
    wait_for(lambda: enforcer.state(entry(ANA, Access.FULL, 2), full=True) is State.VERIFIED)


def test_a_coa_that_is_acknowledged_and_not_done_is_found_by_its_class(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA)
    nas = radius_lab.nas()
    nas.dial(subscribers([ANA]))
    nas.misbehave(Misbehaviour(lie=True))
    enforcer = Enforcer(radius_lab.driver(coa(radius_lab, nas), read_back_seconds=1))
    left = enforcer.enforce(entry(ANA, Access.THROTTLED))
    assert enforcer.outcomes[0].effect_done is False
    assert left.states[entry(ANA, Access.THROTTLED).binding] is State.MISSING
    nas.misbehave(Misbehaviour())
    assert enforcer.enforce(entry(ANA, Access.THROTTLED)).changes == ()
    wait_for(lambda: given(nas, ANA, "Mikrotik-Rate-Limit") == "1M/1M")


def test_an_attribute_that_the_nas_cannot_change_is_refused_with_words(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA)
    nas = radius_lab.nas()
    nas.dial(subscribers([ANA]))
    lists = ["Mikrotik-Rate-Limit", "Mikrotik-Address-List"]
    settings = coa(radius_lab, nas, changes={"portal": lists, "full": RATE})
    enforcer = Enforcer(radius_lab.driver(settings))
    enforcer.enforce(entry(ANA, Access.PORTAL))
    assert enforcer.outcomes[0].result is Result.REFUSED
    assert "unsupported attribute" in enforcer.outcomes[0].detail
    assert given(nas, ANA, "Mikrotik-Rate-Limit") == "100M/100M"


def test_a_nas_without_dynamic_authorisation_obeys_at_the_next_login_and_says_so(radius_lab: RadiusLab) -> None:
    radius_lab.seed(ANA)
    nas = radius_lab.nas()
    nas.dial(subscribers([ANA]))
    enforcer = Enforcer(radius_lab.driver(radius_lab.nas_settings(nas, live="none")))
    enforcer.enforce(entry(ANA, Access.PORTAL))
    assert "obeys at the next login" in enforcer.outcomes[0].detail
    assert enforcer.state(entry(ANA, Access.PORTAL)) is State.MISSING
    nas.hang_up(ANA)
    nas.dial(subscribers([ANA]))
    assert enforcer.enforce(entry(ANA, Access.PORTAL)).changes == ()
    assert enforcer.state(entry(ANA, Access.PORTAL)) is State.VERIFIED
