"""Which of the operator's groups refuse a login, and which of them rlm_sql goes past on its way to later ones.

The commonest suspension by hand is a group that has `Auth-Type := Reject` in radgroupcheck (daloRADIUS calls its own
daloRADIUS-Disabled-Users): nothing in radcheck tells of it, and no setting of grifo's need name it.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, func, select

from drivers.radius.reply import FALL_THROUGH
from drivers.radius.rows import is_reject
from drivers.radius.tables import ASSIGNS, Tables

FALLS = ("yes", "1")
"""What FreeRADIUS takes for Fall-Through = Yes, in small letters."""


@dataclass(frozen=True, slots=True)
class Refusals:
    """Groups by name. `every` refuse all logins that come to them; `some` those only that meet the condition shown.

    `passed` do not end the reading of groups: they fall through, or apply only to some logins.
    """

    every: frozenset[str] = frozenset()
    some: Mapping[str, str] = field(default_factory=dict)
    passed: frozenset[str] = frozenset()


def read_refusals(connection: Connection, tables: Tables) -> Refusals:
    """The groups of radgroupcheck and radgroupreply, of which an operator has a handful."""
    check, reply = tables.radgroupcheck.c, tables.radgroupreply.c
    compares = check.op.not_in(ASSIGNS)
    refusing: set[str] = set()
    conditions: dict[str, list[str]] = defaultdict(list)
    asked = select(check.groupname, check.attribute, check.op, check.value, compares.label("compares"))
    for row in connection.execute(asked.where(compares | is_reject(tables.radgroupcheck))):
        if row.compares:
            conditions[row.groupname].append(f"{row.attribute} {row.op} {row.value}")
        else:
            refusing.add(row.groupname)
    falls = select(reply.groupname).where(
        func.lower(reply.attribute) == FALL_THROUGH.lower(), func.lower(reply.value).in_(FALLS)
    )
    return Refusals(
        frozenset(refusing - conditions.keys()),
        {group: ", ".join(conditions[group]) for group in sorted(refusing & conditions.keys())},
        frozenset(conditions) | frozenset(connection.execute(falls).scalars()),
    )
