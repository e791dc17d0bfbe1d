"""FreeRADIUS's tables as the driver needs them (schema.sql of FreeRADIUS 3), and the one table that is ours."""

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    MetaData,
    SmallInteger,
    String,
    Table,
    column,
    inspect,
    table,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.sql.expression import TableClause

from drivers.radius.settings import TableNames

_MARIADB = ("mysql", "mariadb")
ASSIGNS = (":=", "=", "+=")
"""Operators that give an attribute a value; all others compare it with what the login has."""


class Tables:
    """Operator's tables name only the columns that are read or written here; types are the database's own."""

    def __init__(self, names: TableNames) -> None:
        self.radusergroup = _plain(names.radusergroup, "username", "groupname", "priority")
        self.radcheck = _plain(names.radcheck, "username", "attribute", "op", "value", "id")
        self.radreply = _plain(names.radreply, "username", "attribute", "op", "value", "id")
        self.radgroupreply = _plain(names.radgroupreply, "groupname", "attribute", "op", "value", "id")
        self.radgroupcheck = _plain(names.radgroupcheck, "groupname", "attribute", "op", "value", "id")
        self.radacct = _plain(
            names.radacct,
            "radacctid",
            "acctsessionid",
            "username",
            "nasipaddress",
            "framedipaddress",
            "callingstationid",
            "acctstarttime",
            "acctupdatetime",
            "acctstoptime",
            "class",
        )
        self.nasreload = _plain(names.nasreload, "nasipaddress", "reloadtime")
        self._nasreload_is_there: bool | None = None
        self.ours = MetaData()
        self.marks = Table(
            names.grifo_marks,
            self.ours,
            Column("username", _exact(253), primary_key=True),
            Column("mark", _exact(255), primary_key=True),
            Column("groupname", _exact(64), nullable=False),
            Column("sessions_until", BigInteger),
            Column("told", SmallInteger, nullable=False),
        )
        """`groupname` is empty once restored, while sessions that precede the restore are still to be told; the row
        goes with the last of them. `sessions_until` is the highest radacctid when the change had been committed: such
        sessions logged in before it. NULL stands for all, until the line is drawn. `told` is 1 when all of them
        acknowledged a CoA whose effect radacct can't show."""

    def has_nasreload(self, connection: Connection) -> bool:
        """Whether the operator has the table; schemas before 3.0.20 do not. Asked once."""
        if self._nasreload_is_there is None:
            self._nasreload_is_there = inspect(connection).has_table(self.nasreload.name)
        return self._nasreload_is_there

    def by_name(self, name: str) -> TableClause:
        """The operator's table of that name."""
        return next(one for one in (self.radgroupreply, self.radgroupcheck) if one.name == name)


def _exact(length: int) -> String:
    """Text compared letter by letter: MariaDB's own collations take a letter and its capital for one."""
    return String(length).with_variant(mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_bin"), *_MARIADB)


def _plain(name: str, *columns: str) -> TableClause:
    return table(name, *(column(one) for one in columns))
