"""The fault table, second half: an agent that is killed, a controller that is away or comes back from a backup."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest

from tests.drivers.mikrotik_routers import V4
from tests.whole.relay import PATIENCE_S, Hold
from tests.whole.row import Row
from tests.whole.town import BRAS, ROUTER, Town

pytestmark = pytest.mark.slow

Point = Callable[[Town], AbstractContextManager[Hold]]

STEPS: dict[str, Point] = {
    "before the permit": lambda town: town.to_controller.held(b"/permits"),
    "with the permit": lambda town: town.to_controller.held(b"/permits", answer=True),
    "before the write": lambda town: town.to_router.held(b"/add"),
    "after the write": lambda town: town.to_router.held(b"/add", answer=True),
    "before the report": lambda town: town.to_controller.held(b"throttled"),
}


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_an_agent_that_is_killed_at_any_step_of_a_cut_takes_it_up_again(at_router: Row, step: Point) -> None:
    with step(at_router.town) as hold:
        at_router.town.owes(at_router.eva, at_router.leo)
        assert hold.reached.wait(PATIENCE_S)
        at_router.town.agent.kill()
    at_router.dies_and_comes_back()


def test_without_its_controller_an_agent_opens_and_cuts_nobody(at_router: Row) -> None:
    """A day long; an old backup of the router brings back Ana's cut, which she has paid for, and loses Eva's."""
    town, ana, eva = at_router.town, at_router.ana, at_router.eva
    backup = town.router.backup()
    [before] = [row for row in town.router.rows(V4) if row["address"] == ana.name]
    at_router.prices_change()
    town.until_right()
    town.stop_controller()
    town.clock.forward(timedelta(days=1))
    town.router.restore(backup)
    town.until(lambda: not town.cut(ana))
    # Somebody puts Ana's entry back once more: that it goes again proves that the turn before has ended without Eva's.
    town.router.add(V4, **{name: before[name] for name in ("list", "address", "comment")})
    town.until(lambda: not town.cut(ana))
    assert not town.cut(eva)
    town.start_controller()
    town.owes(at_router.leo)
    town.until_right()


def test_a_controller_that_is_restored_from_yesterdays_backup_changes_nothing_until_a_person_has_looked(
    at_router: Row,
) -> None:
    town, ana, eva = at_router.town, at_router.ana, at_router.eva
    town.stop_controller()
    backup = {file: file.read_bytes() for file in town.folder.glob("grifo.db*")}
    town.start_controller()
    since = len(town.told)
    at_router.prices_change()
    town.until_right()
    town.stop_controller()
    for file in town.folder.glob("grifo.db*"):
        file.unlink()
    for file, content in backup.items():
        file.write_bytes(content)
    town.start_controller()
    town.until(lambda: bool(town.halted(ROUTER)))
    assert (town.cut(ana), town.cut(eva)) == (False, True)
    town.noc.tell(town.told[since:])
    for device in (ROUTER, BRAS):
        town.adopt_epoch(device)
    town.until_right()
