"""What is done on the controller's host before it serves anybody: migrations, policies, tokens."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Row
from sqlalchemy.exc import DBAPIError

from controller.api.auth import Role, checked_name, digest_of, new_token
from controller.clock import system_clock
from controller.conclusion import Book
from controller.core.policy import Policy
from controller.policies import load_policies
from controller.settings import Settings
from controller.store.engine import Database, open_database
from controller.store.migrations import migrate
from controller.store.queries import tokens


@contextmanager
def _database(settings: Settings) -> Iterator[Database]:
    database = open_database(settings.database)
    file = database.engine.url.database
    if not database.is_postgresql and file and not Path(file).parent.is_dir():
        raise ValueError(
            f"database: the folder {Path(file).parent} is not there; make it, owned by the controller's user"
        )
    try:
        yield database
    except DBAPIError as wrong:
        raise ValueError(f"database: {wrong.orig}; is it there, and was 'grifo controller migrate' run?") from wrong
    finally:
        database.close()


def migrate_database(settings: Settings) -> None:
    """Bring the database to this version. Raises ValueError in words for a person, as everything here does."""
    with _database(settings) as database:
        migrate(database)


def checked_policies(settings: Settings) -> Mapping[str, Policy]:
    """The policies that the controller would run with, once its settings are such that it could."""
    open_database(settings.database).close()
    return Book(load_policies(settings.policies), settings.default_policy).policies


def add_token(settings: Settings, name: str, role: str) -> str:
    """A new token, to be shown once."""
    if role not in set(Role):
        raise ValueError(f"role {role!r} is not one of {', '.join(Role)}")
    token = new_token()
    with _database(settings) as database, database.write() as tx:
        if not tokens.add_token(tx, checked_name(name), role, digest_of(token), system_clock()):
            raise ValueError(f"the name {name!r} is taken, perhaps by a revoked token; names are not used twice")
    return token


def revoke_token(settings: Settings, name: str) -> None:
    """Refuse a token from now on."""
    with _database(settings) as database, database.write() as tx:
        if not tokens.revoke_token(tx, name, system_clock()):
            raise ValueError(f"no token in force has the name {name!r}; grifo controller token list shows all")


def list_tokens(settings: Settings) -> Sequence[Row[Any]]:
    """All tokens that were ever made, without their content, which nobody keeps."""
    with _database(settings) as database, database.read() as tx:
        return tokens.tokens_listed(tx)
