"""The fault table, third part: RADIUS's own database, on each kind of server that FreeRADIUS may have it on."""

import pytest

from lab.nas.dae import Misbehaviour
from tests.whole.conftest import SERVERS
from tests.whole.ground import Customer
from tests.whole.radius_databases import ServerDatabase
from tests.whole.row import Row
from tests.whole.town import BRAS, GROUP, Town

pytestmark = pytest.mark.slow

SILENT = Misbehaviour(silent=True)
STOPPABLE = [pytest.param(one, marks=pytest.mark.servers) for one in SERVERS]
BULK = 40
DELETED = {
    "rows": ("DELETE FROM radusergroup WHERE groupname = :g",),
    "rows and marks": ("DELETE FROM grifo_marks", "DELETE FROM radusergroup WHERE groupname = :g"),
    "rows and the table": ("DROP TABLE grifo_marks", "DELETE FROM radusergroup WHERE groupname = :g"),
}


def in_our_group(town: Town) -> set[str]:
    """Who is restricted by what is on record."""
    return {name for (name,) in town.radius.sql("SELECT username FROM radusergroup WHERE groupname = :g", g=GROUP)}


def traces(town: Town, person: Customer) -> list[object]:
    """All that grifo has left of a customer in any table."""
    rows = town.radius.sql("SELECT * FROM radusergroup WHERE username = :u AND groupname = :g", u=person.name, g=GROUP)
    return [*rows, *town.radius.sql("SELECT * FROM grifo_marks WHERE username = :u", u=person.name)]


def names(people: list[Customer]) -> set[str]:
    return {one.name for one in people}


def test_a_nas_that_reboots_takes_everybody_in_again_as_is_due(at_each_bras: Row) -> None:
    at_each_bras.town.nas.reboot()
    at_each_bras.prices_change()
    at_each_bras.town.until_right()


@pytest.mark.parametrize("what", DELETED.values(), ids=DELETED)
def test_radius_rows_that_somebody_deletes_come_back_at_the_next_sweep(
    at_each_bras: Row, what: tuple[str, ...]
) -> None:
    """After the payment nothing is left of her, once another customer has had his turn."""
    town, ana = at_each_bras.town, at_each_bras.ana
    for statement in what:
        town.radius.sql(statement, **({"g": GROUP} if ":g" in statement else {}))
    town.until(lambda: ana.name in in_our_group(town))
    town.until_right()
    town.pays(ana)
    town.until_right()
    town.owes(at_each_bras.eva)
    town.until(lambda: not traces(town, ana), lambda: traces(town, ana))
    town.until_right()


def test_a_radius_database_that_is_restored_from_an_old_backup_is_put_right(at_each_bras: Row) -> None:
    """By the backup Ana, who has paid, is restricted at her next login, and Eva, who owes, is not."""
    town, ana, eva = at_each_bras.town, at_each_bras.ana, at_each_bras.eva
    backup = town.database.backup()
    town.until(lambda: names([ana]) == in_our_group(town) & names([ana, eva]))
    at_each_bras.prices_change()
    town.until_right()
    town.database.restore(backup)
    town.until(lambda: names([eva]) == in_our_group(town) & names([ana, eva]), lambda: in_our_group(town))
    town.nas.reboot()
    town.until_right()


@pytest.mark.parametrize("each_town", STOPPABLE, indirect=True)
def test_a_radius_database_that_stops_in_mid_bulk_is_unknown_until_it_is_back(each_town: Town) -> None:
    """The rows of the bulk are written, and its sessions are being told, when it stops; half of them pay meanwhile."""
    database = each_town.database
    assert isinstance(database, ServerDatabase)
    each_town.move_in(static=0, dialling=BULK)
    people = each_town.newcomers
    each_town.nas.misbehave(SILENT)
    each_town.owes(*people)
    each_town.until(lambda: names(people) <= in_our_group(each_town))
    each_town.nas.misbehave(Misbehaviour())
    with database.away():
        each_town.until(lambda: each_town.is_lost(BRAS), lambda: each_town.problems(BRAS))
        each_town.pays(*people[::2])
        each_town.until(lambda: {each_town.believes(one) for one in people} <= {"pending", "unknown"})
    each_town.until_right()


def test_payments_during_a_bulk_spare_the_sessions_that_were_not_told_yet(each_town: Town) -> None:
    each_town.move_in(static=0, dialling=BULK)
    people, payers = each_town.newcomers, each_town.newcomers[::2]
    before = {view.id for view in each_town.nas.sessions() if view.username in names(payers)}
    each_town.nas.misbehave(SILENT)
    each_town.owes(*people)
    each_town.until(lambda: names(people) <= in_our_group(each_town))
    each_town.pays(*payers)
    each_town.until(lambda: not names(payers) & in_our_group(each_town))
    each_town.nas.misbehave(Misbehaviour())
    each_town.until_right()
    assert {view.id for view in each_town.nas.sessions() if view.username in names(payers)} == before


def test_an_agent_that_is_killed_between_the_rows_and_the_sessions_tells_the_sessions(at_each_bras: Row) -> None:
    town = at_each_bras.town
    town.nas.misbehave(SILENT)
    town.owes(at_each_bras.eva, at_each_bras.leo)
    town.until(lambda: at_each_bras.leo.name in in_our_group(town))
    town.agent.kill()
    town.nas.misbehave(Misbehaviour())
    at_each_bras.dies_and_comes_back()
