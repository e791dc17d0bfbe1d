"""A real FreeRADIUS 3 on PostgreSQL, MariaDB or SQLite: its own raddb, free ports, in the foreground, ended by its PID.

The SQL queries are Debian's own, with what FreeRADIUS's documentation has operators enable: section `class`, and one
line of ours that an operator adds where a CoA is to be read back: an Interim-Update refreshes the class.
"""

import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, create_engine, make_url
from sqlalchemy.pool import NullPool

STOCK = Path("/etc/freeradius/3.0/mods-config/sql/main")
ACCESS_TABLES = ("radcheck", "radreply", "radusergroup", "radgroupreply", "radgroupcheck")
USER = "nobody"
_READY_S = 20

_CONFIG = """
prefix = /usr
localstatedir = {folder}
raddbdir = {folder}
logdir = {folder}
run_dir = {folder}
libdir = /usr/lib/freeradius
correct_escapes = true
max_requests = 65536
cleanup_delay = 2
hostname_lookups = no
proxy_requests = no
log {{
  destination = stdout
}}
security {{
  reject_delay = 0
  status_server = yes
}}
thread pool {{
  start_servers = 4
  max_servers = 8
  min_spare_servers = 1
  max_spare_servers = 8
  max_requests_per_server = 0
}}
client loopback {{
  ipaddr = 127.0.0.0/8
  secret = {secret}
  require_message_authenticator = no
}}
modules {{
  expr {{
  }}
  pap {{
  }}
  sql {{
    dialect = "{dialect}"
    driver = "rlm_sql_{dialect}"
    {connection}
    acct_table1 = "radacct"
    acct_table2 = "radacct"
    postauth_table = "radpostauth"
    authcheck_table = "{prefix}radcheck"
    groupcheck_table = "{prefix}radgroupcheck"
    authreply_table = "{prefix}radreply"
    groupreply_table = "{prefix}radgroupreply"
    usergroup_table = "{prefix}radusergroup"
    client_table = "nas"
    group_attribute = "SQL-Group"
    read_groups = yes
    read_profiles = no
    delete_stale_sessions = yes
    pool {{
      start = 4
      min = 2
      max = 8
      spare = 4
      uses = 0
      lifetime = 0
      idle_timeout = 0
      retry_delay = 1
    }}
    $INCLUDE {folder}/queries.conf
  }}
}}
server default {{
  listen {{
    type = auth
    ipaddr = 127.0.0.1
    port = {auth_port}
  }}
  listen {{
    type = acct
    ipaddr = 127.0.0.1
    port = {acct_port}
  }}
  authorize {{
    sql
    pap
  }}
  authenticate {{
    Auth-Type PAP {{
      pap
    }}
  }}
  preacct {{
    update request {{
      &Acct-Unique-Session-Id := "%{{md5:%{{User-Name}},%{{Acct-Session-ID}},%{{NAS-IP-Address}}}}"
    }}
  }}
  accounting {{
    sql
  }}
}}
"""


@dataclass(frozen=True, slots=True)
class FreeRadius:
    """A running server; `database` is the SQLAlchemy URL of its tables."""

    auth: tuple[str, int]
    acct: tuple[str, int]
    secret: bytes
    database: str


@contextmanager
def running_freeradius(database: str, secret: bytes = b"testing123", prefix: str = "") -> Iterator[FreeRadius]:
    """Start a server on an empty database, with its schema loaded; stop it whatever happens.

    `prefix` stands before the names of the tables that grant access, as operators who share a database have it.
    """
    _load_schema(database, prefix)
    folder = Path(tempfile.mkdtemp(prefix="grifo-radius-"))
    auth, acct = _free_udp_ports()
    try:
        _write_raddb(folder, database, secret, (auth, acct), prefix)
        with (folder / "output").open("wb") as output:
            process = subprocess.Popen(
                [*_as_user(), "freeradius", "-f", "-l", "stdout", "-d", str(folder), "-n", "radiusd"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            _wait_until_ready(process, folder / "output")
            yield FreeRadius(("127.0.0.1", auth), ("127.0.0.1", acct), secret, database)
        finally:
            process.kill()
            process.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def sqlite_file() -> Iterator[str]:
    """The URL of an SQLite database that the server's own user may write to."""
    folder = Path(tempfile.mkdtemp(prefix="grifo-radius-sqlite-"))
    try:
        file = folder / "radius.db"
        file.touch()
        if os.geteuid() == 0:
            for path in (folder, file):
                shutil.chown(path, USER, "nogroup")
        yield f"sqlite:///{file}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _load_schema(database: str, prefix: str) -> None:
    """Debian's own schema, its tables renamed afterwards where a prefix is wanted."""
    engine = create_engine(database, poolclass=NullPool)
    schema = (STOCK / _dialect(database) / "schema.sql").read_text()
    schema = re.sub(r"/\*.*?\*/", "", schema, flags=re.DOTALL)
    plain = "\n".join(line for line in schema.splitlines() if not line.lstrip().startswith(("--", "#")))
    with engine.begin() as connection:
        for statement in (one for one in plain.split(";") if one.strip()):
            connection.exec_driver_sql(statement)
        for name in ACCESS_TABLES if prefix else ():
            connection.exec_driver_sql(f"ALTER TABLE {name} RENAME TO {prefix}{name}")
    engine.dispose()


def _dialect(database: str) -> str:
    return make_url(database).get_backend_name()


def _write_raddb(folder: Path, database: str, secret: bytes, ports: tuple[int, int], prefix: str) -> None:
    dialect = _dialect(database)
    config = _CONFIG.format(
        folder=folder,
        secret=secret.decode(),
        dialect=dialect,
        connection=_connection(make_url(database)),
        prefix=prefix,
        auth_port=ports[0],
        acct_port=ports[1],
    )
    (folder / "radiusd.conf").write_text(config)
    (folder / "dictionary").write_text("$INCLUDE /usr/share/freeradius/dictionary\n")
    (folder / "queries.conf").write_text(with_class((STOCK / dialect / "queries.conf").read_text()))
    folder.chmod(0o755)


def _connection(url: URL) -> str:
    """One item a line: FreeRADIUS's parser takes no more."""
    if url.get_backend_name() == "sqlite":
        return f'sqlite {{\n      filename = "{url.database}"\n      busy_timeout = 5000\n    }}'
    if url.get_backend_name() == "postgresql":
        return f'radius_db = "host={url.host} port={url.port} dbname={url.database} user={url.username}"'
    items = {"server": url.host, "port": url.port, "login": url.username, "radius_db": url.database}
    return "\n    ".join(f'{name} = "{value}"' for name, value in items.items())


def with_class(queries: str) -> str:
    """Debian's queries with the class section enabled, and refreshed by Interim-Updates."""
    queries = re.sub(r"""(column_name|packet_xlat|reply_xlat) =\t# (".*")""", r"\1 = \2", queries)
    start = queries.index("interim-update {")
    head, interim = queries[:start], queries[start:]
    updated = re.compile(r"^(\s*acctupdatetime\s*= \$\{....event_timestamp\}, )\\\n", re.IGNORECASE | re.MULTILINE)
    refreshed = updated.sub(lambda found: f"{found[1]}\\\n\t\t\t\t\tClass = '%{{Class}}', \\\n", interim, count=1)
    if refreshed == interim or 'column_name = ", ' not in head:
        raise AssertionError("Debian's queries.conf is not as expected: its class section can't be enabled")
    return head + refreshed


def _as_user() -> list[str]:
    return ["setpriv", f"--reuid={USER}", "--regid=nogroup", "--clear-groups"] if os.geteuid() == 0 else []


def _free_udp_ports() -> tuple[int, int]:
    with socket.socket(type=socket.SOCK_DGRAM) as one, socket.socket(type=socket.SOCK_DGRAM) as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1]), int(other.getsockname()[1])


def _wait_until_ready(process: "subprocess.Popen[bytes]", output: Path) -> None:
    deadline = time.monotonic() + _READY_S
    while b"Ready to process requests" not in output.read_bytes():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"FreeRADIUS did not start:\n{output.read_text(errors='replace')[-3000:]}")
        time.sleep(0.02)
