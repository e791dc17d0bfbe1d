"""RADIUS tells whom to look at between two sweeps: our customers whose sessions begin, end, or show what they have."""

from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from drivers.radius.driver import RadiusDriver
from enforcement.access import Access
from enforcement.observed import Live
from enforcement.plan import State
from lab.nas.nas import Nas
from tests.drivers.radius.accounting_packets import Reports
from tests.drivers.radius.radius_lab import SECRET, Enforcer, RadiusLab, ago, entry, subscribers, wait_for
from tests.drivers.radius.test_radius_sessions import ON_MARIADB

ANA, EVA = "ana@isp", "eva@isp"
PORTAL = entry(ANA, Access.PORTAL)


@pytest.fixture
def nas(radius_lab: RadiusLab) -> Iterator[Reports]:
    with closing(Reports(radius_lab.acct, SECRET)) as reports:
        yield reports


class Listening:
    """An enforcer, and what its driver's sources tell."""

    def __init__(self, driver: RadiusDriver) -> None:
        self.enforcer = Enforcer(driver)
        [self.news] = driver.news

    def told(self) -> set[str]:
        keys = self.news.keys()
        assert keys is not None
        return {key.value for key in keys}

    def cut(self, name: str = ANA) -> None:
        """Ana is restricted, a sweep has seen it, and there is nothing new."""
        self.enforcer.enforce(entry(name, Access.PORTAL))
        self.enforcer.plan(entry(name, Access.PORTAL), full=True)
        self.told()


@pytest.fixture
def listening(radius_lab: RadiusLab) -> Iterator[Listening]:
    radius_lab.seed(ANA, EVA)
    with ExitStack() as stack:
        made = Listening(radius_lab.driver(interim_seconds=300))
        stack.callback(made.news.close)
        yield made


def test_an_armed_customer_who_dials_in_is_told_and_found_verified(radius_lab: RadiusLab, listening: Listening) -> None:
    listening.cut()
    assert listening.enforcer.state(PORTAL) is State.ARMED
    radius_lab.nas().dial(subscribers([ANA, EVA]))
    wait_for(lambda: listening.told() == {ANA})
    assert listening.enforcer.state(PORTAL) is State.VERIFIED
    assert listening.told() == set()


def test_a_restricted_customer_who_leaves_is_told(radius_lab: RadiusLab, listening: Listening) -> None:
    listening.cut()
    dialled = radius_lab.nas()
    dialled.dial(subscribers([ANA]))
    wait_for(lambda: listening.told() == {ANA})
    dialled.hang_up(ANA)
    wait_for(lambda: listening.told() == {ANA})
    assert listening.enforcer.state(PORTAL) is State.ARMED


def test_who_has_nothing_of_ours_is_nobodys_news(nas: Reports, listening: Listening) -> None:
    listening.cut()
    nas.start(EVA, "s1")
    assert listening.told() == set()


def test_an_unknown_customer_is_told_when_his_accounting_goes_on(
    radius_lab: RadiusLab, nas: Reports, listening: Listening
) -> None:
    """However old the session's row is."""
    nas.start(ANA, "s1", Class=b"grifo-portal")
    listening.cut()
    past = ago(radius_lab, 86400)
    radius_lab.sql(f"UPDATE radacct SET class = NULL, acctstarttime = {past}, acctupdatetime = {past}")
    assert listening.enforcer.plan(PORTAL, full=True).states[PORTAL.binding] is State.UNKNOWN
    for number in range(2):
        nas.start(f"other{number}", f"o{number}")
    radius_lab.sql("UPDATE radacct SET radacctid = radacctid + 100000 WHERE username LIKE 'other%'")
    listening.told()
    assert listening.told() == set()
    nas.interim(ANA, "s1", Class=b"grifo-portal")
    assert listening.told() == {ANA}
    assert listening.enforcer.state(PORTAL) is State.VERIFIED


def live(listening: Listening) -> Live:
    return listening.enforcer.driver.observe({PORTAL.key}).of(PORTAL.key).live


def test_a_session_that_shows_its_class_later_is_told(
    radius_lab: RadiusLab, nas: Reports, listening: Listening
) -> None:
    nas.start(ANA, "s1")
    listening.cut()
    assert live(listening) is Live.STALE
    nas.interim(ANA, "s1", Class=b"grifo-portal")
    assert listening.told() == {ANA}
    assert live(listening) is Live.APPLIES


def test_a_payer_whose_session_never_showed_that_it_was_opened_is_told_at_his_next_login(
    radius_lab: RadiusLab,
) -> None:
    """The NAS takes a CoA and offers no way to read it back: unknown until the customer dials in again."""
    radius_lab.seed(ANA)
    dialled = radius_lab.nas(interim_on_change=False)
    dialled.dial(subscribers([ANA]))
    driver = radius_lab.driver(radius_lab.nas_settings(dialled, profile="mikrotik", port=dialled.port, live="coa"))
    listening = Listening(driver)
    with closing(listening.news):
        paid = entry(ANA, Access.FULL, 2)
        listening.enforcer.enforce(entry(ANA, Access.THROTTLED))
        listening.enforcer.enforce(paid)
        assert listening.enforcer.state(paid, full=True) is State.UNKNOWN
        listening.told()
        assert listening.told() == set()
        _dial_again(dialled)
        wait_for(lambda: ANA in listening.told())
        wait_for(lambda: listening.enforcer.state(paid) is State.VERIFIED)


def _dial_again(dialled: Nas) -> None:
    dialled.hang_up(ANA)
    dialled.dial(subscribers([ANA]))


def test_nothing_is_told_before_a_sweep_and_what_came_before_the_first_reading_is(
    nas: Reports, listening: Listening
) -> None:
    listening.enforcer.enforce(PORTAL)
    nas.start(ANA, "s1", Class=b"grifo-portal")
    assert listening.told() == set()
    listening.enforcer.plan(PORTAL, full=True)
    nas.stop(ANA, "s1")
    assert listening.told() == {ANA}


def test_a_customer_who_was_opened_is_no_news_any_more(nas: Reports, listening: Listening) -> None:
    listening.cut()
    listening.enforcer.enforce(entry(ANA, Access.FULL, 2))
    nas.start(ANA, "s1")
    assert listening.told() == set()


def test_a_backlog_that_can_not_be_told_is_handed_on(radius_lab: RadiusLab, listening: Listening) -> None:
    radius_lab.nas().dial(subscribers([EVA]))
    listening.cut()
    radius_lab.sql("UPDATE radacct SET radacctid = radacctid + 100000")
    listening.told()
    radius_lab.sql("DELETE FROM radacct")
    assert listening.news.keys() is None


@ON_MARIADB
def test_another_spelling_of_a_name_is_the_same_customers_news(nas: Reports, listening: Listening) -> None:
    listening.cut()
    nas.start("ANA@ISP", "s1")
    assert listening.told() == {ANA}
