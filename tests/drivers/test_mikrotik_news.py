"""Accounting tells a router's driver whom to look at: an address that passed to another customer is his at once."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from drivers.base import Driver, Unreachable
from enforcement.access import Access
from enforcement.entries import Entry
from enforcement.keys import Key
from enforcement.plan import State, plan
from lab.nas.schema import open_database
from lab.routeros import RouterOS
from tests.drivers.mikrotik_routers import INSTALLATION, V4, at, converge, driver, entry, router, todo

PPP, LEASE = "/ppp/active", "/ip/dhcp-server/lease"
MAC = "02:00:00:00:00:0A"
ANA, BEA = entry(1, key="username:ana"), entry(2, key="username:bea")
PHONE = entry(3, key=f"mac:{MAC}")
LISTED = {"username": "address_list", "mac": "address_list"}


class Radacct:
    """The table, as an accounting server writes it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._database = open_database(path)

    def start(self, session: str, username: str, address: str = "", calling: str = "") -> None:
        self._database.execute(
            "INSERT INTO radacct (acctsessionid, acctuniqueid, username, framedipaddress, callingstationid)"
            " VALUES (?, ?, ?, ?, ?)",
            (session, session, username, address, calling),
        )

    def interim(self, session: str, address: str) -> None:
        self._database.execute("UPDATE radacct SET framedipaddress = ? WHERE acctuniqueid = ?", (address, session))

    def stop(self, session: str) -> None:
        self._database.execute("UPDATE radacct SET acctstoptime = 1 WHERE acctuniqueid = ?", (session,))

    def close(self) -> None:
        self._database.close()


@pytest.fixture
def device() -> Iterator[RouterOS]:
    with router() as running:
        yield running


@pytest.fixture
def radacct(tmp_path: Path) -> Iterator[Radacct]:
    with closing(Radacct(tmp_path / "radius.db")) as made:
        yield made


def told_of(device: RouterOS, radacct: Radacct, **settings: Any) -> Driver:
    given: dict[str, Any] = {"ways": LISTED, "accounting": {"database": f"sqlite:///{radacct.path}"}}
    return driver(device, **(given | settings))


@pytest.fixture
def ours(device: RouterOS, radacct: Radacct) -> Iterator[Driver]:
    made = told_of(device, radacct)
    yield made
    made.close()
    for news in made.news:
        news.close()


def told(ours: Driver) -> set[str] | None:
    [news] = ours.news
    keys = news.keys()
    return None if keys is None else {key.value for key in keys}


def held(device: RouterOS) -> list[str]:
    return sorted(
        row["address"] for row in device.rows(V4) if row["list"] == "grifo-portal" and row["disabled"] == "false"
    )


def cut(ours: Driver, *entries: Entry) -> None:
    """Restricted and swept, and nothing new."""
    converge(ours, *entries)
    ours.observe()
    told(ours)


def look(ours: Driver, *wanted: Entry) -> list[State]:
    """What an agent does with keys that it was told: a look at them, a slice, another look."""
    keys = {of.key for of in wanted}
    ours.apply(plan(INSTALLATION, wanted, ours.observe(keys), {}).changes)
    left = plan(INSTALLATION, wanted, ours.observe(keys), {})
    assert left.changes == ()
    return [left.states[of.binding] for of in wanted]


def test_an_address_that_passed_to_another_customer_tells_both(
    device: RouterOS, radacct: Radacct, ours: Driver
) -> None:
    session = device.log_in(PPP, "ana", "10.9.0.1")
    cut(ours, ANA)
    device.remove(PPP, session)
    device.log_in(PPP, "bea", "10.9.0.1")
    radacct.start("s1", "bea", "10.9.0.1")
    assert told(ours) == {"ana", "bea"}
    [open_bea] = at(Access.FULL, BEA)
    assert look(ours, ANA, open_bea) == [State.ARMED, State.VERIFIED]
    assert held(device) == []
    device.log_in(PPP, "ana", "10.9.0.2")
    radacct.start("s2", "ana", "10.9.0.2")
    assert told(ours) == {"ana"}
    assert look(ours, ANA) == [State.VERIFIED]
    assert held(device) == ["10.9.0.2"]


def test_a_restricted_customer_who_leaves_is_told_before_anybody_has_his_address(
    device: RouterOS, radacct: Radacct, ours: Driver
) -> None:
    session = device.log_in(PPP, "ana", "10.9.0.1")
    radacct.start("s1", "ana", "10.9.0.1")
    cut(ours, ANA)
    for number in range(600):
        radacct.start(f"o{number}", f"user{number}", "10.9.1.1")
    told(ours)
    device.remove(PPP, session)
    radacct.stop("s1")
    assert told(ours) == {"ana"}
    assert look(ours, ANA) == [State.ARMED]
    assert held(device) == []


def test_who_has_nothing_of_ours_and_is_where_nothing_of_ours_stands_is_nobodys_news(
    device: RouterOS, radacct: Radacct, ours: Driver
) -> None:
    device.log_in(PPP, "ana", "10.9.0.1")
    cut(ours, ANA)
    radacct.start("s1", "bea", "10.9.0.3", MAC)
    radacct.start("s2", "former", "10.9.0.1")
    radacct.stop("s2")
    assert told(ours) == set()


def test_an_address_that_comes_with_the_first_interim_update_is_told(
    device: RouterOS, radacct: Radacct, ours: Driver
) -> None:
    """However many have dialled in since."""
    device.log_in(PPP, "ana", "10.9.0.1")
    cut(ours, ANA)
    radacct.start("s1", "bea")
    assert told(ours) == set()
    for number in range(600):
        radacct.start(f"o{number}", f"user{number}", "10.9.1.1")
    assert told(ours) == set()
    radacct.interim("s1", "10.9.0.1")
    assert told(ours) == {"ana", "bea"}


def test_a_mac_address_is_told_by_its_calling_station(device: RouterOS, radacct: Radacct, ours: Driver) -> None:
    device.add(LEASE, mac_address=MAC, address="10.9.0.7", active_address="10.9.0.7", status="bound")
    cut(ours, PHONE)
    radacct.start("s1", "02-00-00-00-00-0B", "10.9.0.7", "02-00-00-00-00-0B")
    assert told(ours) == {MAC, "02:00:00:00:00:0B", "02-00-00-00-00-0B"}
    radacct.start("s2", "somebody", "10.9.0.8", "02-00-00-00-00-0a")
    assert told(ours) == {MAC}
    radacct.start("s4", "02:00:00:00:00:0A", "10.9.0.8", "1:2:0:0:0:0:a")
    assert told(ours) == {MAC}
    radacct.start("s3", "somebody", "10.9.0.9", "+34910000001")
    assert told(ours) == set()


def test_a_customer_of_a_secret_is_told_when_he_comes(device: RouterOS, radacct: Radacct) -> None:
    for name in ("plan-100", "grifo-portal"):
        device.add("/ppp/profile", name=name)
    device.add("/ppp/secret", name="ana", profile="plan-100")
    ours = told_of(device, radacct, ways={"username": "ppp_secret"})
    with closing(ours), closing(ours.news[0]):
        cut(ours, ANA)
        radacct.start("s1", "ana", "10.9.0.1", MAC)
        assert told(ours) == {"ana"}


def test_a_customer_of_another_installation_is_nobodys_news(device: RouterOS, radacct: Radacct, ours: Driver) -> None:
    device.log_in(PPP, "ana", "10.9.0.1")
    theirs = driver(device, "others", ways=LISTED)
    with closing(theirs):
        theirs.apply(plan("others", [ANA], theirs.observe(), {}).changes)
    ours.observe()
    radacct.start("s1", "ana", "10.9.0.1")
    radacct.start("s2", "bea", "10.9.0.1")
    assert told(ours) == set()


def test_what_is_gone_from_the_router_is_no_news_after_the_next_sweep(
    device: RouterOS, radacct: Radacct, ours: Driver
) -> None:
    device.log_in(PPP, "ana", "10.9.0.1")
    cut(ours, ANA)
    ours.apply(todo(at(Access.FULL, ANA), ours.observe()))
    ours.observe()
    radacct.start("s1", "bea", "10.9.0.1")
    assert told(ours) == set()


def test_a_router_without_accounting_hears_no_news(device: RouterOS) -> None:
    with closing(driver(device, ways=LISTED)) as deaf:
        assert list(deaf.news) == []


def test_nothing_is_told_before_the_first_sweep(device: RouterOS, radacct: Radacct, ours: Driver) -> None:
    radacct.start("s1", "ana", "10.9.0.1")
    assert told(ours) == set()
    ours.observe({Key.parse("username:ana")})
    assert told(ours) == set()
    converge(ours, ANA)
    ours.observe()
    assert told(ours) == {"ana"}, "her session may have changed while the sweep went on"


def test_accounting_that_can_not_be_read_is_no_fault_of_the_routers(
    device: RouterOS, radacct: Radacct, ours: Driver
) -> None:
    cut(ours, ANA)
    radacct.path.rename(radacct.path.with_suffix(".away"))
    radacct.path.mkdir()
    [news] = ours.news
    news.close()
    with pytest.raises(Unreachable, match="RADIUS database"):
        news.keys()
    assert [one.partition(": ")[0] for one in news.check()] == ["accounting can't be read"]
    assert ours.observe().up_seconds is not None


def test_what_the_table_lacks_is_said(device: RouterOS, radacct: Radacct) -> None:
    with closing(sqlite3.connect(radacct.path)) as database:
        database.execute("CREATE TABLE sessions (radacctid INTEGER PRIMARY KEY, username text)")
    where = {"database": f"sqlite:///{radacct.path}", "tables": {"radacct": "sessions"}}
    made = told_of(device, radacct, accounting=where)
    with closing(made), closing(made.news[0]) as news:
        [problem] = news.check()
    assert "sessions has no column callingstationid, framedipaddress, acctstoptime" in problem


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"accounting": "radius"}, "accounting must be a table that names the database"),
    ({"accounting": {}}, "accounting: database must be a URL"),
    ({"accounting": {"database": "sqlite://", "table": "x"}}, "accounting.table is no setting; known are database,"),
    ({"accounting": {"database": "sqlite://", "tables": {"radcheck": "x"}}}, "accounting.tables may rename radacct"),
    ({"accounting": {"database": "sqlite://", "tables": {"radacct": 1}}}, "radacct must be a table's name, not 1"),
    ({"accounting": {"database": "sqlite://", "other_databases": {}}}, "other_databases must be a list of tables"),
    ({"accounting": {"database": "sqlite://", "other_databases": [1]}}, r"other_databases\[1\] must be a table"),
    ({"accounting": {"database": "sqlite://"}, "ways": {}}, "accounting tells of users and MAC addresses: name their"),
]


@pytest.mark.parametrize(("settings", "words"), WRONG, ids=[words for _, words in WRONG])
def test_a_wrong_setting_is_named(device: RouterOS, radacct: Radacct, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        told_of(device, radacct, **settings)


def test_its_password_is_given_as_any_other_secret(device: RouterOS, radacct: Radacct) -> None:
    os.environ["GRIFO_TEST_RADACCT"] = "s3cr3t-word"
    given = {"database": "postgresql+psycopg://grifo@db.example/radius", "database_password_env": "GRIFO_TEST_RADACCT"}
    with closing(told_of(device, radacct, accounting=given)) as made:
        assert [news.name for news in made.news] == ["db.example/radius"]
        assert "s3cr3t-word" not in repr(vars(made.news[0]))
