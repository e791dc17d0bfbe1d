"""What a login would now be given, worked out from the rows as rlm_sql does: needed to say in a CoA what changes.

Only what can be said for sure: where a group of the customer's has check items that compare with a login's own
attributes, the answer is None and the session is disconnected instead, for the login itself then works it out.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, select
from sqlalchemy.sql.expression import TableClause

from drivers.radius.rows import Customer
from drivers.radius.tables import ASSIGNS, Tables

Item = tuple[str, str, str]
"""Attribute, operator, value."""
FALL_THROUGH = "Fall-Through"


@dataclass(frozen=True, slots=True)
class Replies:
    """Rows of radreply by user (only where radcheck has some, else rlm_sql skips them) and of groups by name."""

    users: Mapping[str, list[Item]] = field(default_factory=dict)
    groups: Mapping[str, list[Item]] = field(default_factory=dict)
    conditional: frozenset[str] = frozenset()

    def of(self, customer: Customer) -> list[tuple[str, str]] | None:
        """The reply for the rows of `customer`, or None where it depends on the login."""
        reply: list[tuple[str, str]] = []
        own = self.users.get(customer.username, [])
        _move(own, reply)
        if _fall_through(own) not in (None, "Yes"):
            return reply
        for row in customer.groups:
            if row.group in self.conditional:
                return None
            items = self.groups.get(row.group, [])
            _move(items, reply)
            if _fall_through(items) != "Yes":
                break
        return reply


def read_replies(connection: Connection, tables: Tables, customers: Collection[Customer]) -> Replies:
    """The rows that the replies of `customers` are made of."""
    names = [one.username for one in customers]
    groups = {row.group for one in customers for row in one.groups}
    checked = set(
        connection.execute(select(tables.radcheck.c.username).where(tables.radcheck.c.username.in_(names))).scalars()
    )
    users = _items(connection, tables.radreply, "username", names)
    asked = select(tables.radgroupcheck.c.groupname).where(
        tables.radgroupcheck.c.groupname.in_(groups), tables.radgroupcheck.c.op.not_in(ASSIGNS)
    )
    return Replies(
        {name: items for name, items in users.items() if name in checked},
        group_replies(connection, tables, groups),
        frozenset(connection.execute(asked).scalars()),
    )


def group_replies(connection: Connection, tables: Tables, groups: Collection[str]) -> dict[str, list[Item]]:
    """The rows of radgroupreply of `groups`."""
    return _items(connection, tables.radgroupreply, "groupname", groups)


def group_checks(connection: Connection, tables: Tables, groups: Collection[str]) -> dict[str, list[Item]]:
    """The rows of radgroupcheck of `groups`."""
    return _items(connection, tables.radgroupcheck, "groupname", groups)


def _items(connection: Connection, rows: TableClause, by: str, names: Collection[str]) -> dict[str, list[Item]]:
    found: dict[str, list[Item]] = defaultdict(list)
    asked = select(rows.c[by].label("name"), rows.c.attribute, rows.c.op, rows.c.value)
    for row in connection.execute(asked.where(rows.c[by].in_(sorted(names))).order_by(rows.c.id)):
        found[row.name].append((row.attribute, row.op, row.value))
    return found


def _fall_through(items: list[Item]) -> str | None:
    return next((value for attribute, _, value in items if attribute == FALL_THROUGH), None)


def _move(items: list[Item], to: list[tuple[str, str]]) -> None:
    """`:=` replaces, `=` adds where there was none before, `+=` adds (rlm_sql's pairmove)."""
    before = {name for name, _ in to}
    for attribute, op, value in items:
        if attribute == FALL_THROUGH or op not in ASSIGNS or (op == "=" and attribute in before):
            continue
        if op == ":=":
            to[:] = [item for item in to if item[0] != attribute]
        to.append((attribute, value))
