"""The migrations lead to the tables that the code believes in, on both kinds of database."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from controller.store.engine import Database, open_database
from controller.store.migrations import migrate
from controller.store.tables import metadata


def test_migrations_and_tables_agree(database: Database) -> None:
    with database.read() as tx:
        context = MigrationContext.configure(tx, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_migrating_twice_changes_nothing(database: Database) -> None:
    migrate(database)
    with database.read() as tx:
        assert tx.execute(text("SELECT count(*) FROM alembic_version")).scalar_one() == 1


def test_a_write_in_a_read_transaction_is_refused(database: Database) -> None:
    with pytest.raises(DBAPIError), database.read() as tx:
        tx.execute(text("DELETE FROM accounts"))


def test_a_block_that_raises_leaves_nothing_behind(database: Database) -> None:
    def crashing(tx: Connection) -> None:
        tx.execute(text("INSERT INTO agents (name, last_contact_at) VALUES ('a', '2026-03-03 10:00:00')"))
        raise RuntimeError

    with pytest.raises(RuntimeError), database.write() as tx:
        crashing(tx)
    with database.read() as tx:
        assert tx.execute(text("SELECT count(*) FROM agents")).scalar_one() == 0


def test_a_read_is_one_snapshot_whatever_is_committed_meanwhile(database: Database) -> None:
    count = text("SELECT count(*) FROM agents")
    with database.read() as reader:
        assert reader.execute(count).scalar_one() == 0
        with database.write() as tx:
            tx.execute(text("INSERT INTO agents (name, last_contact_at) VALUES ('a', '2026-03-03 10:00:00')"))
        assert reader.execute(count).scalar_one() == 0


@pytest.mark.parametrize("url", ["nonsense", "mysql://host/db", "sqlite://", "sqlite:///:memory:"])
def test_a_database_that_cannot_be_ours_is_refused_with_a_sentence(url: str) -> None:
    with pytest.raises(ValueError, match="database"):
        open_database(url)
