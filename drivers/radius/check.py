"""What in the tables, the groups and the inventory of NASes would defeat us, in words for the operator."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, false, func, inspect, select, text

from drivers.radius.check_replies import reply_problems, some
from drivers.radius.indexes import lacking
from drivers.radius.rows import count_silent
from drivers.radius.settings import Settings
from drivers.radius.tables import Tables
from drivers.radius.truth import Meaning, is_ours
from enforcement.access import Access


def problems(
    connection: Connection, tables: Tables, settings: Settings, meaning: Meaning, marked: bool
) -> Sequence[str]:
    """All that is wrong; empty when all is well."""
    missing = list(_missing_tables(connection, tables))
    if missing:
        return missing
    found = list(reply_problems(connection, tables, settings))
    found += _refusing_groups(connection, tables, settings, meaning)
    found += _rows_of_others(connection, tables, settings, meaning, marked)
    found += _unknown_nases(connection, tables, settings)
    found += _nases(connection, tables, settings)
    found += _unread_coas(settings)
    found += _slow(connection, tables)
    found += _lost_sessions(connection, tables, settings)
    found += _classes(connection, tables, settings, meaning)
    found += [] if marked else _right_to_mark(connection, tables)
    return found


def disowned(names: Sequence[str]) -> Iterator[str]:
    """Customers whose session radacct holds open and its NAS does not have: found while telling, not by reading."""
    if names:
        yield (
            f"{len(names)} customers have a session that radacct holds open and its NAS says it does not have:"
            f" {some(names)}. They are unknown until the row is closed, a newer session begins, or it is silent for"
            " three times interim_seconds; if they are connected, the NAS's address or identifiers in the settings are"
            " wrong"
        )


def _missing_tables(connection: Connection, tables: Tables) -> Iterator[str]:
    here = inspect(connection)
    operators = (tables.radusergroup, tables.radgroupreply, tables.radgroupcheck, tables.radcheck, tables.radreply)
    for one in (*operators, tables.radacct):
        if not here.has_table(one.name):
            yield f"the database has no table {one.name}, or grifo may not see it"


def _refusing_groups(connection: Connection, tables: Tables, settings: Settings, meaning: Meaning) -> Iterator[str]:
    """Groups by which logins are refused and which the settings do not name: somebody's way to suspend."""
    refusals = meaning.refusals
    known = settings.groups.obstructing | settings.groups.ours.keys()
    unnamed = (refusals.every | refusals.some.keys()) - known
    group = tables.radusergroup.c
    asked = select(group.groupname, group.username).where(group.groupname.in_(unnamed)).distinct()
    users: dict[str, list[str]] = defaultdict(list)
    for row in connection.execute(asked.order_by(group.groupname, group.username)):
        users[row.groupname].append(row.username)
    for name, names in users.items():
        who = f"{len(names)} users are in it: {some(names)}"
        if name in refusals.every:
            yield (
                f"group {name} refuses every login (radgroupcheck has Auth-Type := Reject); {who}. Who of them should"
                " be open is obstructed where a login comes to it: name it under obstructing_groups if it suspends"
            )
        elif name in refusals.some:
            yield (
                f"group {name} refuses logins with {refusals.some[name]} (radgroupcheck has Auth-Type := Reject);"
                f" {who}. Whose login that is can't be told: they are taken for open"
            )


def _rows_of_others(
    connection: Connection, tables: Tables, settings: Settings, meaning: Meaning, marked: bool
) -> Iterator[str]:
    group, marks = tables.radusergroup.c, tables.marks.c
    asked = select(group.username, group.groupname, group.priority).where(group.priority <= settings.priority)
    own = set()
    if marked:
        rows = connection.execute(select(marks.username, marks.groupname, marks.mark))
        own = {(row.username, row.groupname) for row in rows if is_ours(row.mark, meaning.installation)}
    others = [
        f"{row.username} ({row.groupname})"
        for row in connection.execute(asked)
        if row.priority < settings.priority or (row.username, row.groupname) not in own
    ]
    if others:
        yield (
            f"{len(others)} rows of radusergroup that are not grifo's have priority {settings.priority} or before it,"
            f" so that ours would not surely be read: {some(others)}"
        )


def _unknown_nases(connection: Connection, tables: Tables, settings: Settings) -> Iterator[str]:
    acct = tables.radacct.c
    asked = select(acct.nasipaddress, func.count()).where(acct.acctstoptime.is_(None)).group_by(acct.nasipaddress)
    for address, count in connection.execute(asked):
        name = str(address).split("/")[0]
        if name not in settings.nases:
            yield f"NAS {name} has {count} live sessions in radacct and is not in the settings' nases"


def _nases(connection: Connection, tables: Tables, settings: Settings) -> Iterator[str]:
    """Profiles that nobody has tried, and addresses that radacct's column cuts off."""
    room = _address_length(connection, tables)
    for nas in settings.nases.values():
        if nas.profile is not None and nas.profile.experimental:
            yield (
                f"NAS {nas.nas_ip}: profile {nas.profile.name} is experimental, written from manuals and never tried"
                f" on {nas.profile.title}: try it on one session before many, then say experimental = true for this NAS"
            )
        if room is not None and len(nas.nas_ip) > room:
            yield (
                f"NAS {nas.nas_ip}: radacct.nasipaddress holds {room} characters and cuts its address off, so that no"
                " session is known to be its: widen the column to varchar(45)"
            )


def _unread_coas(settings: Settings) -> Iterator[str]:
    """Accesses that a CoA brings without a way to see that it did."""
    for nas in settings.nases.values():
        by_coa = [access for access in settings.groups.by_access if nas.passage({Access.FULL}, access)]
        if by_coa and not (nas.coa_class and settings.session_class):
            yield (
                f"NAS {nas.nas_ip}: {' and '.join(by_coa)} by CoA, and nothing shows what a CoA did there: cut or"
                " restored, a connected customer is unknown until his next login, and the brake lets through no more"
                ' than the first few of a day, which nothing verifies. Set live = "disconnect", or coa_class (with'
                " session_class) where the NAS reports the Class of a CoA in its accounting"
            )


def _address_length(connection: Connection, tables: Tables) -> int | None:
    """What radacct.nasipaddress holds; None where nothing is cut: PostgreSQL's inet, SQLite."""
    if connection.dialect.name == "sqlite":
        return None
    asked = text(
        "SELECT MAX(character_maximum_length) FROM information_schema.columns"
        " WHERE table_name = :name AND LOWER(column_name) = 'nasipaddress'"
    )
    found = connection.execute(asked, {"name": tables.radacct.name}).scalar()
    return int(found) if found is not None else None


def _slow(connection: Connection, tables: Tables) -> Iterator[str]:
    for lack in lacking(connection, tables):
        yield (
            f"{lack.table} has no index by which one customer's rows are found: each slice reads the whole table,"
            f" restores wait for it. Make one: {lack.statement}"
        )


def _lost_sessions(connection: Connection, tables: Tables, settings: Settings) -> Iterator[str]:
    lost = count_silent(connection, tables, settings)
    if lost:
        yield (
            f"{lost} sessions in radacct have been silent for more than three times interim_seconds"
            f" ({settings.interim_s}): lost, or their NAS reports less often than that; they are not believed"
        )


def _classes(connection: Connection, tables: Tables, settings: Settings, meaning: Meaning) -> Iterator[str]:
    if not settings.session_class:
        yield (
            "session_class is off: what a live session was given is told by the order of rows alone; give each group"
            " of grifo's its own Class in radgroupreply and uncomment section class of FreeRADIUS's queries.conf"
        )
        return
    none_of_it = select(text("*")).select_from(tables.radacct).where(false())
    columns = {str(name).lower() for name in connection.execute(none_of_it).keys()}  # noqa: SIM118 - a view, not rows
    if "class" not in columns:
        yield "session_class is on, but radacct has no column class"
        return
    shown = frozenset().union(*meaning.classes.values()) if meaning.classes else frozenset()
    for group in sorted(set(settings.groups.ours) - shown):
        yield f"group {group} has no Class in radgroupreply, so that its sessions can't be told from the plan's"
    told = ({settings.groups.gives[group] for group in groups} for groups in meaning.classes.values())
    if any(len(rungs) > 1 for rungs in told):
        yield "two groups of different access, or rate, share one Class: give each its own"


def _right_to_mark(connection: Connection, tables: Tables) -> Iterator[str]:
    if connection.dialect.name != "postgresql":
        return
    may = connection.exec_driver_sql("SELECT has_schema_privilege(current_schema(), 'CREATE')").scalar()
    if not may:
        yield f"there is no table {tables.marks.name} and no right to create it: see docs for the statement to run"
