"""Whose token is this? Tokens are kept by the digest of their content alone."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from controller.store.tables import tokens


def owner_of(tx: Connection, digest: str) -> tuple[str, str] | None:
    """(name, role) of the token with this digest, or None where it is unknown or revoked."""
    query = select(tokens.c.name, tokens.c.role).where(tokens.c.digest == digest, tokens.c.revoked_at.is_(None))
    found = tx.execute(query).one_or_none()
    return None if found is None else (found.name, found.role)


def add_token(tx: Connection, name: str, role: str, digest: str, now: datetime) -> bool:
    """Keep a new token's digest. False where the name is taken, by a revoked token too: names stay in the timeline."""
    if tx.execute(select(tokens.c.name).where(tokens.c.name == name)).one_or_none() is not None:
        return False
    tx.execute(insert(tokens).values(name=name, role=role, digest=digest, created_at=now))
    return True


def revoke_token(tx: Connection, name: str, now: datetime) -> bool:
    """Refuse the token from now on. False where no token in force has the name."""
    revoked = update(tokens).where(tokens.c.name == name, tokens.c.revoked_at.is_(None)).values(revoked_at=now)
    return tx.execute(revoked).rowcount == 1


def tokens_listed(tx: Connection) -> Sequence[Row[Any]]:
    """All tokens that were ever made, by name."""
    return tx.execute(select(tokens).order_by(tokens.c.name)).all()
