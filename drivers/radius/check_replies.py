"""What in the operator's groups and replies would keep a restriction from reaching a login: for check(), in words.

rlm_sql takes radreply first, then the groups by priority until one does not fall through. `:=` replaces what was there,
`=` does not; what comes later wins over what came before.
"""

from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import Connection, select

from drivers.radius.reply import FALL_THROUGH, Item, group_checks, group_replies
from drivers.radius.settings import Settings
from drivers.radius.tables import ASSIGNS, Tables

SHOWN = 5
_ADDRESS, _POOL = "Framed-IP-Address", "Framed-Pool"


def some(names: Sequence[str]) -> str:
    """A few of many names."""
    return ", ".join(names[:SHOWN]) + (" ..." if len(names) > SHOWN else "")


def reply_problems(connection: Connection, tables: Tables, settings: Settings) -> Iterator[str]:
    """All that is wrong with what our groups give, beside what plans and users are given."""
    ours = settings.groups.ours
    plans = _plans(connection, tables, settings)
    replies = group_replies(connection, tables, [*ours, *plans])
    checks = group_checks(connection, tables, ours)
    for group, access in sorted(ours.items()):
        rows = replies.get(group, [])
        if not rows and not any(op in ASSIGNS for _, op, _ in checks.get(group, [])):
            yield f"group {group} ({access}) has no rows in radgroupreply: a login would get nothing, not even the plan"
        yield from _passed_over(group, checks.get(group, []))
        yield from _weak(connection, tables, group, rows, {plan: replies.get(plan, []) for plan in plans})
        yield from _overwritten(group, rows, {plan: replies.get(plan, []) for plan in plans})
    yield from _pools(settings, replies, plans)
    yield from _own_addresses(connection, tables, settings, replies, plans)
    yield from _unread_groups(connection, tables)


def _plans(connection: Connection, tables: Tables, settings: Settings) -> list[str]:
    aside = set(settings.groups.ours) | settings.groups.obstructing
    found = connection.execute(select(tables.radgroupreply.c.groupname).distinct()).scalars()
    return sorted({str(name) for name in found} - aside)


def _passed_over(group: str, checks: Sequence[Item]) -> Iterator[str]:
    compared = [f"{attribute} {op} {value}" for attribute, op, value in checks if op not in ASSIGNS]
    if compared:
        yield f"group {group} applies only where {some(compared)} (radgroupcheck): any other login goes past it"


def _weak(
    connection: Connection, tables: Tables, group: str, rows: Sequence[Item], plans: Mapping[str, Sequence[Item]]
) -> Iterator[str]:
    """`=` is right only for what is repeated from a plan as the plan has it."""
    repeated = {row for plan in plans.values() for row in plan}
    weak = sorted({row[0] for row in rows if row[1] == "=" and row[0] != FALL_THROUGH and row not in repeated})
    if weak:
        reply = tables.radreply.c
        asked = select(reply.username).distinct().where(reply.attribute.in_(weak))
        names = sorted(str(name) for name in connection.execute(asked).scalars())
        who = f"; {len(names)} users have their own: {some(names)}" if names else ""
        yield f"group {group} sets {', '.join(weak)} with =, which does not override radreply: write :={who}"


def _overwritten(group: str, rows: Sequence[Item], plans: Mapping[str, Sequence[Item]]) -> Iterator[str]:
    if not any(attribute == FALL_THROUGH and value == "Yes" for attribute, _, value in rows):
        return
    set_by_us = {attribute for attribute, _, _ in rows} - {FALL_THROUGH}
    over = {
        plan: sorted({attribute for attribute, op, _ in items if op == ":=" and attribute in set_by_us})
        for plan, items in plans.items()
    }
    named = [f"{plan} ({', '.join(attributes)})" for plan, attributes in over.items() if attributes]
    which = f"; it would be overwritten by {some(named)}" if named else ""
    yield f"group {group} has Fall-Through = Yes: a plan that uses := would overwrite the restriction{which}"


def _pools(settings: Settings, replies: Mapping[str, list[Item]], plans: Sequence[str]) -> Iterator[str]:
    """FreeRADIUS stops at our group, so what the plan's reply has beside it is lost unless the group repeats it."""
    for plan in plans:
        if not _gives(replies, plan, _POOL):
            continue
        for rung in settings.groups.rungs:
            group = settings.groups.of(rung, plan)
            if replies.get(group) and not _gives(replies, group, _POOL):
                yield f"plan group {plan} gives a Framed-Pool, {group} ({rung[0]}) none: its customers lose theirs"


def _own_addresses(
    connection: Connection,
    tables: Tables,
    settings: Settings,
    replies: Mapping[str, list[Item]],
    plans: Sequence[str],
) -> Iterator[str]:
    """A customer with an address of his own is not moved by a walled pool."""
    usual = {value for plan in plans for attribute, _, value in replies.get(plan, []) if attribute == _POOL}
    walled = sorted(
        group
        for group in settings.groups.ours
        if any(name == _POOL and value not in usual for name, _, value in replies.get(group, []))
        and not _gives(replies, group, _ADDRESS)
    )
    if not usual or not walled:
        return
    asked = select(tables.radreply.c.username).distinct().where(tables.radreply.c.attribute == _ADDRESS)
    names = sorted(str(name) for name in connection.execute(asked).scalars())
    if names:
        yield (
            f"{len(names)} users have a Framed-IP-Address in radreply, so that the pool of {', '.join(walled)} does not"
            f" move them: {some(names)}; restrict by address list or filter too"
        )


def _gives(replies: Mapping[str, list[Item]], group: str, attribute: str) -> bool:
    return any(name == attribute for name, _, _ in replies.get(group, []))


def _unread_groups(connection: Connection, tables: Tables) -> Iterator[str]:
    reply = tables.radreply.c
    asked = select(reply.username).distinct().where(reply.attribute == FALL_THROUGH, reply.value == "No")
    names = sorted(str(name) for name in connection.execute(asked).scalars())
    if names:
        yield f"{len(names)} users have Fall-Through = No in radreply, so that no group is read: {some(names)}"
