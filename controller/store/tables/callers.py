"""Who may call, which installation this is, and the orders that were answered."""

from sqlalchemy import JSON, Column, Integer, String, Table, Text

from controller.store.tables.base import Identity, Instant, metadata

installation = Table(
    "installation",
    metadata,
    Column("only", Integer, primary_key=True),
    Column("name", Identity, nullable=False),
    Column("stopped_at", Instant),
    Column("stopped_by", String(255)),
    Column("stop_note", Text),
)

tokens = Table(
    "tokens",
    metadata,
    Column("name", Identity, primary_key=True),
    Column("role", String(16), nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
    Column("created_at", Instant, nullable=False),
    Column("revoked_at", Instant),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("token", Identity, primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("request_digest", String(64), nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", JSON, nullable=False),
    Column("at", Instant, nullable=False),
)
