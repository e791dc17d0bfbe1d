"""The whole database as one value, to tell that nothing changed."""

from typing import Any

from sqlalchemy import delete, select

from controller.store.engine import Database
from controller.store.tables import metadata


def dump(db: Database) -> dict[str, list[Any]]:
    """Every row of every table."""
    with db.read() as tx:
        return {
            table.name: sorted((tuple(row) for row in tx.execute(select(table))), key=repr)
            for table in metadata.sorted_tables
        }


def empty(db: Database) -> None:
    """Take every row away."""
    with db.write() as tx:
        for table in reversed(metadata.sorted_tables):
            tx.execute(delete(table))
