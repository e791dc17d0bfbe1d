"""radacct read as it grows, on each kind of database and as FreeRADIUS's own queries write it."""

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import make_url

from drivers import accounting as room
from drivers.accounting import LATE, MOST, Accounting, Changed
from drivers.base import DriverError, Refused, Unreachable
from tests.drivers.radius.accounting_packets import Reports
from tests.drivers.radius.radius_lab import SECRET, RadiusLab

NOW = "CURRENT_TIMESTAMP"


@pytest.fixture
def nas(radius_lab: RadiusLab) -> Iterator[Reports]:
    with closing(Reports(radius_lab.acct, SECRET)) as reports:
        yield reports


@pytest.fixture
def accounting(radius_lab: RadiusLab) -> Iterator[Accounting]:
    """Read once before the test begins."""
    with closing(Accounting(make_url(radius_lab.url), "radacct")) as made:
        assert made.changes() == []
        yield made


def put(lab: RadiusLab, id: int, username: str, ended: bool = False) -> None:
    """A row with a number of the test's own choosing."""
    lab.sql(
        "INSERT INTO radacct (radacctid, acctsessionid, acctuniqueid, username, nasipaddress, acctstarttime,"
        f" acctstoptime) VALUES (:id, :text, :text, :username, '127.0.0.1', {NOW}, {NOW if ended else 'NULL'})",
        id=id,
        text=f"s{id}",
        username=username,
    )


def highest(lab: RadiusLab) -> int:
    return int(lab.sql("SELECT COALESCE(MAX(radacctid), 0) FROM radacct")[0][0])


def said(changes: list[Changed] | None) -> list[tuple[str, str, bool]]:
    assert changes is not None
    return [(one.now.username, one.now.address, one.now.ended) for one in changes]


def test_a_session_is_told_when_it_begins_and_when_it_ends_and_not_in_between(
    nas: Reports, accounting: Accounting
) -> None:
    nas.start("ana", "s1", Framed_IP_Address="10.9.0.1", Calling_Station_Id="02:00:00:00:00:0A")
    [began] = accounting.changes() or []
    assert began.now[:4] == ("ana", "02:00:00:00:00:0A", "10.9.0.1", False)
    assert accounting.changes() == []
    nas.interim("ana", "s1", Framed_IP_Address="10.9.0.1")
    assert accounting.changes() == []
    nas.stop("ana", "s1", Framed_IP_Address="10.9.0.1")
    assert said(accounting.changes()) == [("ana", "10.9.0.1", True)]


def test_an_address_that_comes_with_the_first_interim_update_is_told(nas: Reports, accounting: Accounting) -> None:
    nas.start("ana", "s1")
    assert said(accounting.changes()) == [("ana", "", False)]
    nas.interim("ana", "s1", Framed_IP_Address="10.9.0.1")
    assert said(accounting.changes()) == [("ana", "10.9.0.1", False)]


def test_an_old_row_is_told_when_it_is_asked_for(radius_lab: RadiusLab, nas: Reports, accounting: Accounting) -> None:
    nas.start("ana", "s1")
    [began] = accounting.changes() or []
    put(radius_lab, began.id + LATE + 1, "eva")
    assert said(accounting.changes({began.id})) == [("eva", "", False)]
    nas.interim("ana", "s1", Framed_IP_Address="10.9.0.1")
    assert accounting.changes() == []
    assert said(accounting.changes({began.id})) == [("ana", "10.9.0.1", False)]
    assert accounting.changes({began.id}) == []


def test_what_the_newest_rows_show_has_changed_is_told_in_the_columns_that_were_asked_for(
    radius_lab: RadiusLab, nas: Reports
) -> None:
    with closing(Accounting(make_url(radius_lab.url), "radacct", ("class",))) as accounting:
        nas.start("ana", "s1")
        accounting.changes()
        radius_lab.sql("UPDATE radacct SET class = 'grifo-portal'")
        [changed] = accounting.changes() or []
        assert changed.now.more == ("grifo-portal",)
        assert changed.before is not None
        assert changed.before.more == ("",)


def test_a_row_that_is_committed_late_is_told(radius_lab: RadiusLab, accounting: Accounting) -> None:
    """Numbers are given when a row is written, and a later one may be committed before."""
    number = highest(radius_lab) + 100
    put(radius_lab, number, "eva")
    assert said(accounting.changes()) == [("eva", "", False)]
    put(radius_lab, number - 1, "ana")
    assert said(accounting.changes()) == [("ana", "", False)]


def test_whoever_looked_at_the_device_before_the_first_reading_misses_nothing(
    radius_lab: RadiusLab, nas: Reports
) -> None:
    nas.start("ana", "s1")
    with closing(Accounting(make_url(radius_lab.url), "radacct")) as accounting:
        assert said(accounting.changes()) == [("ana", "", False)]


def test_a_table_that_was_emptied_may_have_changed_everything_and_is_read_on(
    radius_lab: RadiusLab, accounting: Accounting
) -> None:
    put(radius_lab, highest(radius_lab) + 10 * LATE, "ana")
    assert said(accounting.changes()) == [("ana", "", False)]
    radius_lab.sql("DELETE FROM radacct")
    assert accounting.changes() is None
    assert accounting.changes() == []
    put(radius_lab, 1, "eva")
    assert said(accounting.changes()) == [("eva", "", False)]


def test_a_table_that_was_put_back_to_a_former_day_may_have_changed_everything(
    radius_lab: RadiusLab, accounting: Accounting
) -> None:
    first = highest(radius_lab) + 1
    put(radius_lab, first, "ana")
    put(radius_lab, first + 2 * LATE, "eva")
    assert len(said(accounting.changes())) == 2
    radius_lab.sql("DELETE FROM radacct WHERE username = 'eva'")
    assert accounting.changes() is None
    put(radius_lab, first + 1, "leo")
    assert ("leo", "", False) in said(accounting.changes())


def test_the_last_row_that_somebody_deletes_is_no_former_day(radius_lab: RadiusLab, accounting: Accounting) -> None:
    """A monitor's own session, tidied away a minute later: no reason to read every device in full."""
    first = highest(radius_lab) + 1
    put(radius_lab, first, "ana")
    put(radius_lab, first + 1, "monitor")
    accounting.changes()
    radius_lab.sql("DELETE FROM radacct WHERE username = 'monitor'")
    assert accounting.changes() == []
    put(radius_lab, first + 1, "eva")
    assert said(accounting.changes()) == [("eva", "", False)]


def test_an_enormous_backlog_is_no_news_but_a_sweep(radius_lab: RadiusLab, accounting: Accounting) -> None:
    first = highest(radius_lab) + 1
    numbers = range(first, first + LATE + MOST + 1)
    rows = ", ".join(f"({n}, 's{n}', 's{n}', 'u{n}', '127.0.0.1')" for n in numbers)
    radius_lab.sql(
        f"INSERT INTO radacct (radacctid, acctsessionid, acctuniqueid, username, nasipaddress) VALUES {rows}"
    )
    assert accounting.changes() is None
    put(radius_lab, numbers.stop, "ana")
    assert ("ana", "", False) in said(accounting.changes())


def test_what_the_table_lacks_is_said_in_words(radius_lab: RadiusLab) -> None:
    with closing(Accounting(make_url(radius_lab.url), "radacct")) as accounting:
        assert accounting.check() == []
    with closing(Accounting(make_url(radius_lab.url), "sessions")) as accounting:
        assert [one.partition(" has ")[2] for one in accounting.check()] == [
            "no table sessions, or grifo may not see it"
        ]
        with pytest.raises(Refused):
            accounting.changes()
    with closing(Accounting(make_url(radius_lab.url), "radcheck" if not radius_lab.prefix else "nas")) as accounting:
        [problem] = accounting.check()
        assert "has no column radacctid" in problem


def test_a_failed_reading_loses_nothing(radius_lab: RadiusLab, nas: Reports, accounting: Accounting) -> None:
    nas.start("ana", "s1")
    radius_lab.sql("ALTER TABLE radacct RENAME TO elsewhere")
    try:
        with pytest.raises(DriverError):
            accounting.changes()
    finally:
        radius_lab.sql("ALTER TABLE elsewhere RENAME TO radacct")
    assert said(accounting.changes()) == [("ana", "", False)]


def test_a_database_that_is_not_there_is_unreachable_in_words(tmp_path: Path) -> None:
    nowhere = make_url(f"sqlite:///{tmp_path}/nowhere/radius.db")
    with closing(Accounting(nowhere, "radacct")) as accounting, pytest.raises(DriverError, match="unable to open"):
        accounting.changes()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["postgresql+psycopg", "mysql+pymysql"])
def test_a_database_that_never_answers_is_unreachable_in_time(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes the connection and says nothing."""
    monkeypatch.setattr(room, "READING_S", 0.5)
    monkeypatch.setattr("drivers.radius_sql._PATIENCE_S", 1)
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        database = make_url(f"{kind}://grifo@127.0.0.1:{silent.getsockname()[1]}/radius")
        with closing(Accounting(database, "radacct")) as accounting, pytest.raises(Unreachable):
            accounting.changes()
