"""How FreeRADIUS 3's rlm_sql makes a reply out of the rows (its rlm_sql.c and `man rlm_sql`, users(5)).

radcheck, then radreply (only where radcheck had rows and matched), then groups by priority: a group whose check items
match gives its reply and ends the search, unless a reply said Fall-Through = Yes.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field

ASSIGNING = (":=", "=", "+=")

Row = tuple[str, str, str]
"""Attribute, operator, value."""


@dataclass(slots=True)
class Answer:
    """`control` is what decides about the login, `reply` what an Access-Accept would carry."""

    control: list[tuple[str, str]] = field(default_factory=list)
    reply: list[tuple[str, str]] = field(default_factory=list)


def authorize(database: sqlite3.Connection, username: str, request: dict[str, str]) -> Answer:
    """What the rows say of `username`; `request` holds the attributes that check items compare with."""
    answer = Answer()
    through = None
    check = _rows(database, "radcheck", "username", username)
    if check and _matches(check, request):
        _move(check, answer.control)
        reply = _rows(database, "radreply", "username", username)
        through = _fall_through(reply)
        _move(reply, answer.reply)
    if through in (None, "Yes"):
        _groups(database, username, request, answer)
    return answer


def _groups(database: sqlite3.Connection, username: str, request: dict[str, str], answer: Answer) -> None:
    asked = "SELECT groupname FROM radusergroup WHERE username = ? ORDER BY priority"
    for (group,) in database.execute(asked, (username,)).fetchall():
        check = _rows(database, "radgroupcheck", "groupname", group)
        if check and not _matches(check, request):
            continue
        _move(check, answer.control)
        reply = _rows(database, "radgroupreply", "groupname", group)
        _move(reply, answer.reply)
        if _fall_through(reply) != "Yes":
            return


def _rows(database: sqlite3.Connection, table: str, column: str, name: str) -> list[Row]:
    # The table and column are this module's own words.
    asked = f"SELECT attribute, op, value FROM {table} WHERE {column} = ? ORDER BY id"  # noqa: S608
    return [(str(a), str(o), str(v)) for a, o, v in database.execute(asked, (name,))]


def _matches(check: Sequence[Row], request: dict[str, str]) -> bool:
    """Assigning items always match; `==` and `!=` compare with the request."""
    for attribute, op, value in check:
        if op == "==" and attribute != "Cleartext-Password" and request.get(attribute) != value:
            return False
        if op == "!=" and request.get(attribute) == value:
            return False
    return True


def _fall_through(reply: Sequence[Row]) -> str | None:
    return next((value for attribute, _, value in reply if attribute == "Fall-Through"), None)


def _move(rows: Sequence[Row], to: list[tuple[str, str]]) -> None:
    """`:=` replaces, `=` adds where the list had none before, `+=` always adds (FreeRADIUS's pairmove)."""
    before = {name for name, _ in to}
    for attribute, op, value in rows:
        if attribute == "Fall-Through":
            continue
        if op == ":=" or (op == "==" and attribute == "Cleartext-Password"):
            to[:] = [item for item in to if item[0] != attribute]
        elif op not in ASSIGNING or (op == "=" and attribute in before):
            continue
        to.append((attribute, value))
