"""Migrations: how an existing database becomes the one that `store/tables` describes. Alembic, from the first table."""

from pathlib import Path

from alembic import command
from alembic.config import Config

from controller.store.engine import Database


def migrate(db: Database) -> None:
    """Bring the database to the newest version, in one transaction; does nothing where it is there already."""
    with db.write() as tx:
        command.upgrade(_config(tx), "head")


def _config(tx: object) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = tx
    return config
