"""A real FreeRADIUS 3 on PostgreSQL: a raddb of its own, free ports, in the foreground, stopped by its PID.

The SQL queries are Debian's own, with what FreeRADIUS's documentation has operators enable: section `class`, and one
line of ours that an operator adds where a CoA is to be read back: an Interim-Update refreshes the class.
"""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

STOCK = Path("/etc/freeradius/3.0/mods-config/sql/main/postgresql")
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
    dialect = "postgresql"
    driver = "rlm_sql_postgresql"
    radius_db = "host=127.0.0.1 port={db_port} dbname={db_name} user={db_user}"
    acct_table1 = "radacct"
    acct_table2 = "radacct"
    postauth_table = "radpostauth"
    authcheck_table = "radcheck"
    groupcheck_table = "radgroupcheck"
    authreply_table = "radreply"
    groupreply_table = "radgroupreply"
    usergroup_table = "radusergroup"
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
def running_freeradius(database: str, secret: bytes = b"testing123") -> Iterator[FreeRadius]:
    """Start a server on an empty PostgreSQL database, with its schema loaded; stop it whatever happens."""
    _load_schema(database)
    folder = Path(tempfile.mkdtemp(prefix="grifo-radius-"))
    auth, acct = _free_udp_ports()
    try:
        _write_raddb(folder, database, secret, auth, acct)
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


def _load_schema(database: str) -> None:
    url = make_url(database)
    where = f"host={url.host} port={url.port} user={url.username} dbname={url.database}"
    with psycopg.connect(where, autocommit=True) as connection:
        connection.execute((STOCK / "schema.sql").read_bytes())


def _write_raddb(folder: Path, database: str, secret: bytes, auth: int, acct: int) -> None:
    url = make_url(database)
    config = _CONFIG.format(
        folder=folder,
        secret=secret.decode(),
        db_port=url.port,
        db_name=url.database,
        db_user=url.username,
        auth_port=auth,
        acct_port=acct,
    )
    (folder / "radiusd.conf").write_text(config)
    (folder / "dictionary").write_text("$INCLUDE /usr/share/freeradius/dictionary\n")
    (folder / "queries.conf").write_text(with_class((STOCK / "queries.conf").read_text()))
    folder.chmod(0o755)


def with_class(queries: str) -> str:
    """Debian's queries with the class section enabled, and refreshed by Interim-Updates."""
    for name, value in (
        ("column_name", ", Class"),
        ("packet_xlat", ", '%{Class}'"),
        ("reply_xlat", ", '%{reply:Class}'"),
    ):
        queries = queries.replace(f'{name} =\t# "{value}"', f'{name} = "{value}"')
    start = queries.index("interim-update {")
    head, interim = queries[:start], queries[start:]
    updated = "AcctUpdateTime = ${....event_timestamp}, \\\n"
    refreshed = interim.replace(updated, updated + "\t\t\t\t\tClass = '%{Class}', \\\n", 1)
    if refreshed == interim or 'column_name = ", Class"' not in head:
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
