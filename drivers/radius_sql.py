"""The way to a database of FreeRADIUS's, for every driver that reads one; its errors in our words: one table for all.

cannot connect, connection lost, locked, timed out   Unreachable
no such table, no right, a constraint                Refused
a value that does not fit                            Garbled
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import URL, Engine, create_engine, make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError, ProgrammingError, SQLAlchemyError

from drivers.base import Garbled, Refused, Unreachable
from drivers.secret import secret_from

MARIADB = ("mysql", "mariadb")

_EXAMPLE = "postgresql+psycopg://grifo@db.example/radius"
_REFUSALS = (
    "no such table",
    "no such column",
    "readonly database",
    "permission denied",
    "denied to user",
    "command denied",
    "Access denied",
)
_PATIENCE_S = 10


def url_from(given: Mapping[str, Any]) -> URL:
    """The settings `database` and `database_password_*`. Raises ValueError naming the key and what was wrong."""
    text = given.get("database")
    if not isinstance(text, str):
        raise ValueError(  # noqa: TRY004  # build() promises ValueError for every wrong setting
            f"database must be a URL such as {_EXAMPLE}"
        )
    try:
        url = make_url(text)
    except ArgumentError:
        raise ValueError(f"database is no SQLAlchemy URL; write it like {_EXAMPLE}") from None
    if url.password is not None:
        raise ValueError("database must not hold the password; give database_password_file instead")
    if any(key.startswith("database_password") for key in given):
        url = url.set(password=secret_from(given, "database_password").reveal())
    return url


def shown(url: URL) -> str:
    """Which database it is, for a person, without its secret."""
    return f"{url.host or 'local'}{f':{url.port}' if url.port else ''}/{url.database or ''}"


def engine_for(url: URL) -> Engine:
    """One connection, opened when first asked for, that waits for nothing longer than a minute."""
    patience: dict[str, object] = {}
    if url.get_backend_name() == "postgresql":
        patience = {"connect_timeout": _PATIENCE_S, "options": f"-c statement_timeout={_PATIENCE_S * 6000}"}
    elif url.get_backend_name() in MARIADB:
        patience = {"connect_timeout": _PATIENCE_S, "read_timeout": _PATIENCE_S * 6, "write_timeout": _PATIENCE_S * 6}
    elif url.get_backend_name() == "sqlite":
        patience = {"timeout": _PATIENCE_S}
    # MariaDB's usual level locks the gaps between rows that were read, and FreeRADIUS's accounting would wait for us.
    level = {"isolation_level": "READ COMMITTED"} if url.get_backend_name() in MARIADB else {}
    return create_engine(url, pool_size=1, max_overflow=0, pool_pre_ping=True, connect_args=patience, **level)


@contextmanager
def translated() -> Iterator[None]:
    """Raises a DriverError for whatever the database or its library says."""
    try:
        yield
    except DBAPIError as wrong:
        words = f"RADIUS database: {str(wrong.orig).strip().splitlines()[0] if wrong.orig else type(wrong).__name__}"
        if isinstance(wrong, ProgrammingError | IntegrityError) or any(one in words for one in _REFUSALS):
            raise Refused(words) from wrong
        if isinstance(wrong, DataError):
            raise Garbled(words) from wrong
        raise Unreachable(words) from wrong
    except SQLAlchemyError as wrong:
        raise Unreachable(f"RADIUS database: {wrong}") from wrong
