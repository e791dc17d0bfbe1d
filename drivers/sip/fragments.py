"""The files of configs/sip/kamailio that an operator installs: beside the source, or where the wheel puts them."""

import sys
from collections.abc import Mapping
from pathlib import Path

FRAGMENTS = ("grifo-tables.cfg", "grifo-routes.cfg")
BARRED, ALLOWED = "grifo_barred", "grifo_allow"

_CALLS = """include_file "grifo-tables.cfg"
include_file "grifo-routes.cfg"

event_route[xhttp:request] { route(GRIFO_RPC); }

request_route {
  route(GRIFO_PROBE);       # after your sanity checks
  route(GRIFO_BARRING);     # once the caller is authenticated, before the call goes anywhere
  route(GRIFO_INCOMING);    # where $rU and $rd name the subscriber who is called, before forwarding and lookup
  route(GRIFO_FORWARDING);  # before a forwarded leg leaves, with $var(grifo_served) set to the line that forwards
}"""


def calls_of(defines: Mapping[str, str]) -> str:
    """The lines of kamailio.cfg that include the fragments and call their blocks, `defines` before them."""
    return "".join(f'#!define {name} "{value}"\n' for name, value in defines.items()) + _CALLS


def text_of(name: str) -> str:
    """One file. Raises FileNotFoundError where the installation lost it."""
    beside = Path(__file__).resolve().parents[2] / "configs"
    folder = beside if beside.is_dir() else Path(sys.prefix) / "share" / "grifo" / "configs"
    return (folder / "sip" / "kamailio" / name).read_text(encoding="utf-8")


def ddl(dialect: str, table: str, name: str) -> str:
    """The statement that makes one of the two tables, called `name`, in a database of that dialect."""
    script = text_of(f"schema-{dialect if dialect == 'sqlite' else 'postgres'}.sql")
    bare = "\n".join(line for line in script.splitlines() if not line.startswith("--"))
    found = next(statement for statement in bare.split(";") if f"CREATE TABLE {table} " in statement)
    return found.strip().replace(f"CREATE TABLE {table} ", f"CREATE TABLE {name} ")
