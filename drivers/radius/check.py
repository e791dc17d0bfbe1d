"""What in the tables, the groups and the inventory of NASes would defeat us, in words for the operator."""

from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import Connection, false, func, inspect, select, text

from drivers.radius.reply import Item, group_replies
from drivers.radius.settings import Settings
from drivers.radius.tables import Tables
from drivers.radius.truth import Meaning, is_ours

SHOWN = 5


def problems(
    connection: Connection, tables: Tables, settings: Settings, meaning: Meaning, marked: bool
) -> Sequence[str]:
    """All that is wrong; empty when all is well."""
    missing = list(_missing_tables(connection, tables))
    if missing:
        return missing
    replies = group_replies(connection, tables, settings.groups.ours)
    found = list(_groups(connection, tables, settings, replies))
    found += _pools(connection, tables, settings, replies)
    found += _rows_of_others(connection, tables, settings, meaning, marked)
    found += _unread_groups(connection, tables)
    found += _unknown_nases(connection, tables, settings)
    found += _classes(connection, tables, settings, meaning)
    found += [] if marked else _right_to_mark(connection, tables)
    return found


def _missing_tables(connection: Connection, tables: Tables) -> Iterator[str]:
    here = inspect(connection)
    for one in (tables.radusergroup, tables.radgroupreply, tables.radcheck, tables.radreply, tables.radacct):
        if not here.has_table(one.name):
            yield f"the database has no table {one.name}, or grifo may not see it"


def _groups(
    connection: Connection, tables: Tables, settings: Settings, replies: Mapping[str, list[Item]]
) -> Iterator[str]:
    check = tables.radgroupcheck.c
    refusing = set(
        connection.execute(select(check.groupname).where(check.groupname.in_(settings.groups.ours))).scalars()
    )
    for group, access in sorted(settings.groups.ours.items()):
        rows = replies.get(group, [])
        if not rows and group not in refusing:
            yield f"group {group} ({access}) has no rows in radgroupreply: a login would get nothing, not even the plan"
        weak = sorted({attribute for attribute, op, _ in rows if op == "=" and attribute != "Fall-Through"})
        if weak:
            yield f"group {group} sets {', '.join(weak)} with =, which does not override radreply: write :="
        if any(attribute == "Fall-Through" and value == "Yes" for attribute, _, value in rows):
            yield f"group {group} has Fall-Through = Yes: a plan that uses := would overwrite the restriction"


def _pools(
    connection: Connection, tables: Tables, settings: Settings, replies: Mapping[str, list[Item]]
) -> Iterator[str]:
    """FreeRADIUS stops at our group, so what the plan's reply has beside it is lost unless the group repeats it."""
    reply = tables.radgroupreply.c
    asked = select(reply.groupname).distinct().where(reply.attribute == "Framed-Pool")
    aside = set(settings.groups.ours) | settings.groups.obstructing
    plans = sorted(set(connection.execute(asked).scalars()) - aside)
    for plan in plans:
        for access in settings.groups.by_access:
            group = settings.groups.of(access, plan)
            if replies.get(group) and not any(attribute == "Framed-Pool" for attribute, _, _ in replies[group]):
                yield f"plan group {plan} gives a Framed-Pool, {group} ({access}) none: its customers lose theirs"


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
            f" so that ours would not surely be read: {_some(others)}"
        )


def _unread_groups(connection: Connection, tables: Tables) -> Iterator[str]:
    reply = tables.radreply.c
    asked = select(reply.username).distinct().where(reply.attribute == "Fall-Through", reply.value == "No")
    names = sorted(connection.execute(asked).scalars())
    if names:
        yield f"{len(names)} users have Fall-Through = No in radreply, so that no group is read: {_some(names)}"


def _unknown_nases(connection: Connection, tables: Tables, settings: Settings) -> Iterator[str]:
    acct = tables.radacct.c
    asked = select(acct.nasipaddress, func.count()).where(acct.acctstoptime.is_(None)).group_by(acct.nasipaddress)
    for address, count in connection.execute(asked):
        name = str(address).split("/")[0]
        if name not in settings.nases:
            yield f"NAS {name} has {count} live sessions in radacct and is not in the settings' nases"


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
    by_access = ({settings.groups.ours[group] for group in groups} for groups in meaning.classes.values())
    if any(len(accesses) > 1 for accesses in by_access):
        yield "two groups of different access share one Class: give each its own"


def _right_to_mark(connection: Connection, tables: Tables) -> Iterator[str]:
    if connection.dialect.name != "postgresql":
        return
    may = connection.exec_driver_sql("SELECT has_schema_privilege(current_schema(), 'CREATE')").scalar()
    if not may:
        yield f"there is no table {tables.marks.name} and no right to create it: see docs for the statement to run"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (" ..." if len(names) > SHOWN else "")
