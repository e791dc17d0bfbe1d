"""What the tables hold of some customers, read in a few statements for hundreds of them, as frozen rows."""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, or_, select
from sqlalchemy.sql.expression import TableClause

from drivers.radius.attributes import class_octets
from drivers.radius.settings import Settings
from drivers.radius.tables import ASSIGNS, Tables

AT_ONCE = 5000
"""User names in one statement: under the 32,766 parameters that SQLite takes."""
SILENT_AFTER = 3
"""Interim intervals without a word after which a session's row is not believed."""


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A row of radusergroup."""

    group: str
    priority: int


@dataclass(frozen=True, slots=True)
class MarkRow:
    """A row of grifo_marks; `group` empty is a restore whose sessions are still to be told."""

    mark: str
    group: str
    sessions_until: int | None
    told: bool


@dataclass(frozen=True, slots=True)
class Session:
    """A row of radacct without a stop time. `updated` is the last word of it, in the database's own form."""

    id: int
    session_id: str
    username: str
    nas_ip: str
    framed_ip: str
    calling: str
    class_: bytes | None
    silent: bool
    updated: str


@dataclass(frozen=True, slots=True)
class Customer:
    """All that the tables say of one user name."""

    username: str
    groups: tuple[GroupRow, ...] = ()
    marks: tuple[MarkRow, ...] = ()
    rejected: bool = False
    sessions: tuple[Session, ...] = ()


def customers(
    connection: Connection, tables: Tables, settings: Settings, names: Collection[str], marked: bool
) -> dict[str, Customer]:
    """The rows of `names`. `marked` is whether grifo_marks is there."""
    groups: dict[str, list[GroupRow]] = defaultdict(list)
    marks: dict[str, list[MarkRow]] = defaultdict(list)
    rejected: set[str] = set()
    asked_as = _spelling(connection, names)
    for some in _batches(names):
        for row in connection.execute(_about(tables.radusergroup, some)):
            groups[asked_as(row.username)].append(GroupRow(row.groupname, int(row.priority)))
        if marked:
            for row in connection.execute(select(tables.marks).where(tables.marks.c.username.in_(some))):
                marks[asked_as(row.username)].append(
                    MarkRow(row.mark, row.groupname, row.sessions_until, bool(row.told))
                )
        asked = select(tables.radcheck.c.username).where(
            tables.radcheck.c.username.in_(some), is_reject(tables.radcheck)
        )
        rejected |= {asked_as(row.username) for row in connection.execute(asked)}
    sessions = live_sessions(connection, tables, settings, names)
    return {
        name: Customer(
            name,
            tuple(sorted(groups[name], key=lambda row: row.priority)),
            tuple(marks[name]),
            name in rejected,
            tuple(sessions.get(name, ())),
        )
        for name in names
    }


def live_sessions(
    connection: Connection, tables: Tables, settings: Settings, names: Collection[str]
) -> dict[str, list[Session]]:
    """Sessions in radacct without a stop time, by user name, oldest first; none from before its NAS restarted."""
    acct = tables.radacct
    columns: list[ColumnElement[Any]] = [one for one in acct.c if one.name not in ("acctstoptime", "class")]
    if settings.session_class:
        columns.append(acct.c["class"].label("class_"))
    found: dict[str, list[Session]] = defaultdict(list)
    now = _epoch(connection.execute(select(func.current_timestamp())).scalar())
    restarted, asked_as = _restarts(connection, tables), _spelling(connection, names)
    for some in _batches(names):
        asked = select(*columns).where(acct.c.acctstoptime.is_(None), acct.c.username.in_(some))
        for row in connection.execute(asked.order_by(acct.c.radacctid)):
            if not _is_lost(row, restarted):
                found[asked_as(row.username)].append(_session(row, now, settings))
    return found


def _restarts(connection: Connection, tables: Tables) -> dict[str, float]:
    """When each NAS last said that it restarted, where FreeRADIUS notes that instead of closing rows (nasreload)."""
    if not tables.has_nasreload(connection):
        return {}
    rows = connection.execute(select(tables.nasreload))
    return {_address(row.nasipaddress): at for row in rows if (at := _epoch(row.reloadtime)) is not None}


def _is_lost(row: Row[Any], restarted: Mapping[str, float]) -> bool:
    """The join of FreeRADIUS's own simul_count_query: a session lives if it began after the restart."""
    at, began = restarted.get(_address(row.nasipaddress)), _epoch(row.acctstarttime)
    return at is not None and began is not None and began <= at


def _spelling(connection: Connection, names: Collection[str]) -> Callable[[str], str]:
    """How a name in a row was spelt in the question: MariaDB finds `Ana` for `ana`, and `ana ` too."""
    if connection.dialect.name not in ("mysql", "mariadb"):
        return str
    as_asked = {name.casefold().rstrip(): name for name in sorted(names)}
    return lambda name: as_asked.get(name.casefold().rstrip(), name)


def _session(row: Row[Any], now: float | None, settings: Settings) -> Session:
    updated = row.acctupdatetime if row.acctupdatetime is not None else row.acctstarttime
    class_ = row.class_ if settings.session_class else None
    return Session(
        id=int(row.radacctid),
        session_id=row.acctsessionid,
        username=row.username,
        nas_ip=_address(row.nasipaddress),
        framed_ip=_address(row.framedipaddress),
        calling=row.callingstationid or "",
        class_=class_octets(class_) if class_ else None,
        silent=_is_silent(_epoch(updated), now, settings.interim_s),
        updated=str(updated),
    )


def _is_silent(updated: float | None, now: float | None, interim_s: int) -> bool:
    if not interim_s or now is None or updated is None:
        return False
    return now - updated > SILENT_AFTER * interim_s


def _epoch(value: object) -> float | None:
    """Seconds since 1970 of a timestamp: PostgreSQL gives a datetime, FreeRADIUS's SQLite queries write the number,
    SQLite's own clock gives UTC as text."""
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, str):
        try:
            value = dt.datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, dt.datetime):
        return None
    return (value if value.tzinfo else value.replace(tzinfo=dt.UTC)).timestamp()


def _address(value: object) -> str:
    """PostgreSQL's inet comes as an address or, with a mask, as an interface."""
    return "" if value is None else str(value).split("/")[0]


def count_silent(connection: Connection, tables: Tables, settings: Settings) -> int:
    """How many rows without a stop time are not believed; 0 where no interval is known."""
    if not settings.interim_s:
        return 0
    acct = tables.radacct.c
    now = _epoch(connection.execute(select(func.current_timestamp())).scalar())
    asked = select(func.coalesce(acct.acctupdatetime, acct.acctstarttime)).where(acct.acctstoptime.is_(None))
    words = connection.execute(asked).scalars()
    return sum(_is_silent(_epoch(word), now, settings.interim_s) for word in words)


def names_of_interest(
    connection: Connection,
    tables: Tables,
    settings: Settings,
    marked: bool,
    classes: Iterable[str],
    refusing: Iterable[str],
) -> set[str]:
    """Everyone whom a full read must look at: marked, in a group of ours, an old suspension group or one that refuses
    logins, at our priority or before it, refused by radcheck, or in a session that began under a group of ours."""
    group = tables.radusergroup.c
    watched = [*settings.groups.ours, *settings.groups.obstructing, *refusing]
    asked = [
        select(group.username).where(or_(group.groupname.in_(watched), group.priority <= settings.priority)),
        select(tables.radcheck.c.username).where(is_reject(tables.radcheck)),
    ]
    if marked:
        asked.append(select(tables.marks.c.username))
    if settings.session_class:
        acct = tables.radacct.c
        asked.append(select(acct.username).where(acct.acctstoptime.is_(None), acct["class"].in_(list(classes))))
    found = [str(row[0]) for one in asked for row in connection.execute(one)]
    spelt = _spelling(connection, found)
    return {spelt(name) for name in found}


def is_reject(rows: TableClause) -> ColumnElement[bool]:
    """The rows of radcheck or radgroupcheck by which an operator refuses a login. FreeRADIUS knows names and values in
    any case of letters; `==` compares nothing here, and refuses nobody."""
    reject = (func.lower(rows.c.attribute) == "auth-type") & (func.lower(rows.c.value) == "reject")
    return reject & rows.c.op.in_(ASSIGNS)


def _about(rows: TableClause, names: list[str]) -> Any:
    return select(rows).where(rows.c.username.in_(names))


def _batches(names: Collection[str]) -> Iterator[list[str]]:
    ordered = sorted(names)
    for start in range(0, len(ordered), AT_ONCE):
        yield ordered[start : start + AT_ONCE]
