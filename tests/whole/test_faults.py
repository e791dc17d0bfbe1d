"""The fault table: what may go wrong between billing and a device, each row through controller, agent and device.

While it lasts, somebody who was cut pays and somebody else comes to owe, and nothing is believed that was not read.
Once all is back, nobody is wrongly cut and everyone due is. docs/faults.md says each row in words.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest

from lab.nas.dae import Misbehaviour
from tests.drivers.mikrotik_routers import V4
from tests.whole.row import Row
from tests.whole.town import ROUTER, Town

pytestmark = pytest.mark.slow

UNREAD = {"pending", "unknown"}
DRIFTS = {"missing", "wrongful", "unknown"}


# --- a router that is in trouble -------------------------------------------------------------------------------------

Trouble = Callable[[Town], AbstractContextManager[Any]]


def router_that(**faults: Any) -> Trouble:
    @contextmanager
    def trouble(town: Town) -> Iterator[None]:
        town.router.misbehave(**faults)
        yield
        town.router.behave()

    return trouble


@contextmanager
def hangs_after_login(town: Town) -> Iterator[None]:
    """The session that is there is reset, so that the agent must log in anew."""
    town.router.misbehave(drop=True)
    town.until(lambda: town.is_lost(ROUTER))
    town.router.misbehave(hang="login")
    town.until(lambda: "no answer in time" in town.problems(ROUTER), lambda: town.problems(ROUTER))
    yield
    town.router.behave()


@contextmanager
def is_down(town: Town) -> Iterator[None]:
    """Nothing listens: connections are refused."""
    town.router.stop()
    yield
    town.router.start()


BLIND: dict[str, Trouble] = {
    "blackholed": lambda town: town.to_router.dark(),
    "hangs after login": hangs_after_login,
    "hangs in mid-reply": router_that(hang="reply"),
    "resets in mid-sentence": router_that(drop=True),
    "answers nonsense": router_that(garble=True),
    "payment while the device is down": is_down,
}
UNABLE: dict[str, Trouble] = {
    "refuses every write": router_that(refuse="failure: not permitted"),
    "says done and does nothing": router_that(lie=True),
}


@pytest.mark.parametrize("trouble", BLIND.values(), ids=BLIND)
def test_a_router_that_cannot_be_read_is_unknown_until_it_is_back(at_router: Row, trouble: Trouble) -> None:
    with trouble(at_router.town):
        at_router.prices_change()
        at_router.town.until(lambda: at_router.town.is_lost(ROUTER))
        at_router.until_believed(UNREAD)
    at_router.town.until_right()


@pytest.mark.parametrize("trouble", UNABLE.values(), ids=UNABLE)
def test_a_router_that_cannot_be_written_is_shown_in_drift_and_not_believed(at_router: Row, trouble: Trouble) -> None:
    with trouble(at_router.town):
        at_router.prices_change()
        at_router.until_believed(DRIFTS - {"unknown"})
        assert (at_router.town.cut(at_router.ana), at_router.town.cut(at_router.eva)) == (True, False)
    at_router.town.until_right()


def test_a_router_that_resets_in_mid_bulk_leaves_no_wrong_belief(at_router: Row) -> None:
    at_router.town.router.misbehave(drop=True, after=1)
    at_router.prices_change()
    at_router.town.until(lambda: at_router.town.is_lost(ROUTER))
    at_router.until_believed(UNREAD | DRIFTS)
    at_router.town.router.behave()
    at_router.town.until_right()


# --- a router that forgot --------------------------------------------------------------------------------------------


def test_a_router_that_reboots_keeps_who_is_cut(at_router: Row) -> None:
    at_router.town.router.reboot()
    at_router.prices_change()
    at_router.town.until_right()


def test_a_router_that_reboots_loses_its_sessions_and_follows_those_who_dial_in_again(running: Town) -> None:
    """Her entry stands at an address of before: another customer, who owes nothing, dials in there first."""
    ana, leo = running.dial_in_at_the_router({"ana": "10.9.0.1", "leo": "10.9.0.2"})
    running.owes(ana)
    running.until_right()
    running.router.reboot()
    running.connect({"leo": "10.9.0.1"})
    running.until(lambda: not running.cut(leo))
    running.connect({"ana": "10.9.0.2"})
    running.until_right()
    running.pays(ana)
    running.owes(leo)
    running.until_right()
    running.pays(leo)  # whose session another row's reboot may take, which cuts nobody and opens nobody
    running.until_right()


def test_a_router_that_is_restored_from_an_old_backup_is_put_right(at_router: Row) -> None:
    """By the backup Ana, who has paid, is cut, and Eva, who owes, is not."""
    backup = at_router.town.router.backup()
    at_router.prices_change()
    at_router.town.until_right()
    at_router.town.router.restore(backup)
    assert (at_router.town.cut(at_router.ana), at_router.town.cut(at_router.eva)) == (True, False)
    at_router.town.until(lambda: at_router.town.cut(at_router.eva))
    at_router.town.until_right()


def test_a_list_entry_that_somebody_removes_comes_back_at_the_next_sweep(at_router: Row) -> None:
    town, ana = at_router.town, at_router.ana
    [entry] = [row for row in town.router.rows(V4) if row["address"] == ana.name]
    town.router.remove(V4, entry[".id"])
    town.until(lambda: town.cut(ana))
    town.until_right()


# --- sessions that do not obey ---------------------------------------------------------------------------------------

DEAF = {
    "NAS silent": Misbehaviour(silent=True),
    "NAS NAKs": Misbehaviour(refuse=501),
    "NAS ACKs and does nothing": Misbehaviour(lie=True),
}


@pytest.mark.parametrize("how", DEAF.values(), ids=DEAF)
def test_a_session_that_does_not_obey_is_not_believed_to(at_bras: Row, how: Misbehaviour) -> None:
    at_bras.town.nas.misbehave(how)
    at_bras.prices_change()
    at_bras.until_believed(DRIFTS)
    assert (at_bras.town.cut(at_bras.ana), at_bras.town.cut(at_bras.eva)) == (True, False)
    at_bras.town.nas.misbehave(Misbehaviour())
    at_bras.town.until_right()


# --- money and keys that move in between -----------------------------------------------------------------------------


def test_payments_during_a_bulk_open_those_who_are_cut_already_and_spare_the_others(town: Town) -> None:
    """The router has the writes of a slice, and their replies are still on the way, when the payments come."""
    town.move_in(static=40, dialling=0)
    town.router.misbehave(delay_ms=1500)
    town.owes(*town.newcomers)
    town.until(lambda: any(town.cut(one) for one in town.newcomers))
    town.pays(*town.newcomers[::2])
    town.router.behave()
    town.until_right()


def test_a_key_that_passes_to_another_customer_is_open_for_him(at_router: Row) -> None:
    """First both have it, and it is restricted for neither; then Ana has another, which is cut for her."""
    town, ana, leo = at_router.town, at_router.ana, at_router.leo
    former, its_next = ana.key, leo.key.replace("203.0.", "203.9.")
    town.binds(leo, former)
    town.until(lambda: not town.cut(ana))
    town.binds(ana, its_next)
    town.until_right()
    assert (ana.key, leo.key) == (its_next, former)
