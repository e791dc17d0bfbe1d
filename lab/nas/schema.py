"""The tables of FreeRADIUS 3.2's SQLite schema that a login and its accounting touch, with its column names."""

import sqlite3
from pathlib import Path

_CHECK_LIKE = """
CREATE TABLE IF NOT EXISTS {table} (
  id INTEGER PRIMARY KEY AUTOINCREMENT, {name} varchar(64) NOT NULL DEFAULT '',
  attribute varchar(64) NOT NULL DEFAULT '', op char(2) NOT NULL DEFAULT '{op}',
  value varchar(253) NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS {table}_{name} ON {table} ({name});
"""

_OTHERS = """
CREATE TABLE IF NOT EXISTS radusergroup (
  id INTEGER PRIMARY KEY AUTOINCREMENT, username varchar(64) NOT NULL DEFAULT '',
  groupname varchar(64) NOT NULL DEFAULT '', priority int(11) NOT NULL DEFAULT 1);
CREATE INDEX IF NOT EXISTS radusergroup_username ON radusergroup (username);
CREATE TABLE IF NOT EXISTS radacct (
  radacctid INTEGER PRIMARY KEY AUTOINCREMENT, acctsessionid varchar(64) NOT NULL DEFAULT '',
  acctuniqueid varchar(32) NOT NULL DEFAULT '', username varchar(64) NOT NULL DEFAULT '',
  nasipaddress varchar(15) NOT NULL DEFAULT '', acctstarttime datetime, acctupdatetime datetime, acctstoptime datetime,
  acctsessiontime int(12), callingstationid varchar(50) NOT NULL DEFAULT '',
  acctterminatecause varchar(32) NOT NULL DEFAULT '', framedipaddress varchar(15) NOT NULL DEFAULT '',
  class varchar(64));
CREATE UNIQUE INDEX IF NOT EXISTS acctuniqueid ON radacct (acctuniqueid);
CREATE INDEX IF NOT EXISTS username ON radacct (username);
CREATE TABLE IF NOT EXISTS nas (
  id INTEGER PRIMARY KEY AUTOINCREMENT, nasname varchar(128) NOT NULL, shortname varchar(32),
  type varchar(30) DEFAULT 'other', ports int(5), secret varchar(60) NOT NULL DEFAULT 'secret', server varchar(64),
  community varchar(50), description varchar(200) DEFAULT 'RADIUS Client');
"""

SCHEMA = (
    "".join(
        _CHECK_LIKE.format(table=table, name=name, op=op)
        for table, name, op in (
            ("radcheck", "username", "=="),
            ("radreply", "username", "="),
            ("radgroupcheck", "groupname", "=="),
            ("radgroupreply", "groupname", "="),
        )
    )
    + _OTHERS
)


def open_database(path: Path) -> sqlite3.Connection:
    """A connection to the tables at `path`, made where they are missing; commits each statement by itself."""
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=OFF")
    database.executescript(SCHEMA)
    return database
