"""What in a switch's setup would defeat us, in words for the operator. Pure: it judges what was read."""

from collections.abc import Set
from typing import Any

from drivers.sip.reading import Reading
from drivers.sip.values import key_of, mark_of
from enforcement.keys import KeyType


def definition(node: str, listed: Any, table: str, database_table: str) -> list[str]:
    """Faults in a node's table by what `htable.listTables` answered."""
    tables = listed if isinstance(listed, list) else []
    found = [one for one in tables if isinstance(one, dict) and one.get("name") == table]
    if not found:
        return [f"node {node} has no htable {table}: is grifo-tables.cfg included?"]
    own = found[0]
    faults = []
    if own.get("dbtable") != database_table:
        faults.append(
            f"node {node} loads {table} from {own.get('dbtable') or 'no table'}, not from {database_table}:"
            " a restart would lose every barring"
        )
    if own.get("dbmode") != 0:
        faults.append(
            f"node {node} has dbmode={own.get('dbmode')} for {table}: at a clean stop it empties and rewrites the"
            " database table, which can lose rows; set dbmode=0"
        )
    if own.get("expire") != 0:
        faults.append(f"node {node} lets entries of {table} expire after {own.get('expire')} s; set autoexpire=0")
    return faults


def differences(installation: str, types: Set[KeyType], reading: Reading) -> list[str]:
    """Where a node's memory is not what the database holds, and names that stand for no key."""
    faults = []
    for node, live in reading.live.items():
        if reading.rows is not None:
            names = sorted(name for name in {*live, *reading.rows} if live.get(name) != reading.rows.get(name))
            if names:
                faults.append(f"node {node} and the database differ in {len(names)} rows, the first {names[0]}")
    nameless = sorted(
        name
        for table in reading.places.values()
        for name, values in table.items()
        if key_of(name, types) is None and any(mark_of(installation, value) for value in values)
    )
    if nameless:
        faults.append(f"the row {nameless[0]!r} has our mark and is no key that this driver knows")
    return faults
