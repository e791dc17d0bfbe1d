"""Telephone numbers on their way back to the operator: in use, resting in quarantine, released into the pool."""

from sqlalchemy import Column, Integer, String, Table, Text

from controller.store.tables.base import Identity, Instant, metadata

numbers = Table(
    "numbers",
    metadata,
    Column("key", String(320), primary_key=True),
    Column("service_id", Identity, nullable=False, index=True),
    Column("account_id", Identity, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("since", Instant, nullable=False),
)
"""A row exists from the first time that a number is to be released; `state` is in_use, quarantine, released or pool."""

number_history = Table(
    "number_history",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", String(320), nullable=False, index=True),
    Column("service_id", Identity, nullable=False),
    Column("account_id", Identity, nullable=False),
    Column("state", String(16), nullable=False),
    Column("at", Instant, nullable=False),
    Column("text", Text, nullable=False),
)
"""Append-only: every state that a number came to, with whose it was and why."""
