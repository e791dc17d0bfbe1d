"""The statements that change rows: a few for a whole slice, in the caller's transaction."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import Connection, and_, delete, func, insert, select, tuple_, update
from sqlalchemy.sql.expression import TableClause

from drivers.radius.compose import DONE_WITH, RowChanges
from drivers.radius.rows import live_sessions
from drivers.radius.settings import Settings
from drivers.radius.tables import Tables

AT_ONCE = 500
"""Marks in one statement."""


def write(connection: Connection, tables: Tables, settings: Settings, changes: RowChanges) -> None:
    """Carry out `changes`; rows go before rows come, so that no customer has two of ours at one moment."""
    by_group: dict[str, list[str]] = defaultdict(list)
    for username, name in changes.drop_groups:
        by_group[name].append(username)
    group = tables.radusergroup.c
    for name, names in by_group.items():
        ours = and_(group.priority == settings.priority, group.groupname == name, group.username.in_(names))
        connection.execute(delete(tables.radusergroup).where(ours))
    drop_marks(connection, tables, [*changes.drop_marks, *((name, row.mark) for name, row in changes.put_marks)])
    _insert(
        connection,
        tables.radusergroup,
        [{"username": u, "groupname": g, "priority": settings.priority} for u, g in changes.add_groups],
    )
    _insert(
        connection,
        tables.marks,
        [
            {
                "username": username,
                "mark": row.mark,
                "groupname": row.group,
                "sessions_until": row.sessions_until,
                "told": int(row.told),
            }
            for username, row in changes.put_marks
        ],
    )


def draw_line(connection: Connection, tables: Tables, names: Collection[str]) -> None:
    """Say up to which session the changes of `names` came after the login; only once they are committed.

    Until then NULL stands for every session: a crash in between leaves too many to be told, never too few.
    """
    highest = connection.execute(select(func.max(tables.radacct.c.radacctid))).scalar() or 0
    mine = tables.marks.c.username.in_(sorted(names)) & tables.marks.c.sessions_until.is_(None)
    connection.execute(update(tables.marks).where(mine).values(sessions_until=highest))


def settle(connection: Connection, tables: Tables, obeyed: Collection[str], told: Collection[str]) -> None:
    """After telling: restores whose sessions have all obeyed lose their last row; CoAs without proof are noted."""
    marks = tables.marks
    if obeyed:
        done = marks.c.username.in_(sorted(obeyed)) & (marks.c.groupname == DONE_WITH)
        connection.execute(delete(marks).where(done))
    if told:
        connection.execute(update(marks).where(marks.c.username.in_(sorted(told))).values(told=1))


def sweep_done(connection: Connection, tables: Tables, installation: str, settings: Settings) -> None:
    """Forget restores of ours that no session precedes any more: each was told, or ended without having been told.

    Asked of the marks alone, then of radacct by name: a statement that joins the two would compare our exact spelling
    with the operator's columns, and go through every session that a customer ever had. Deleted only after: a DELETE
    that looks into radacct would lock rows of it on MariaDB, and accounting would wait.
    """
    marks = tables.marks.c
    ours = marks.mark.startswith(f"grifo:v1:{installation}:", autoescape=True)
    asked = select(marks.username, marks.mark, marks.sessions_until).where(marks.groupname == DONE_WITH, ours)
    done = connection.execute(asked).all()
    live = live_sessions(connection, tables, settings, {row.username for row in done})
    drop_marks(
        connection,
        tables,
        [
            (row.username, row.mark)
            for row in done
            if not any(row.sessions_until is None or one.id <= row.sessions_until for one in live.get(row.username, ()))
        ],
    )


def drop_marks(connection: Connection, tables: Tables, which: Iterable[tuple[str, str]]) -> None:
    """Rows of grifo_marks, each by its user name and its mark: hundreds in one statement, for each one costs a way to
    the database and back while the transaction holds its locks."""
    marks, pairs = tables.marks.c, sorted(which)
    for start in range(0, len(pairs), AT_ONCE):
        these = pairs[start : start + AT_ONCE]
        of_theirs = marks.username.in_({username for username, _ in these})  # SQLite finds no pair by its index
        connection.execute(delete(tables.marks).where(of_theirs, tuple_(marks.username, marks.mark).in_(these)))


def _insert(connection: Connection, into: TableClause, rows: Sequence[dict[str, object]]) -> None:
    if rows:
        connection.execute(insert(into), rows)
