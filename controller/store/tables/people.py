"""What people decide beside billing: their yes or no to a stage, and the outages that they told of."""

from sqlalchemy import Boolean, Column, Integer, String, Table, Text

from controller.store.tables.base import Identity, Instant, metadata

approvals = Table(
    "approvals",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("service_id", Identity, nullable=False, index=True),
    Column("stage", Identity, nullable=False),
    Column("by", String(255), nullable=False),
    Column("at", Instant, nullable=False),
    Column("note", Text, nullable=False),
    Column("refused", Boolean, nullable=False),
)
"""Append-only. The latest of each person to a stage counts."""

outages = Table(
    "outages",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("device", Identity),
    Column("site", Identity),
    Column("since", Instant, nullable=False),
    Column("until", Instant, nullable=False, index=True),
    Column("author", String(255), nullable=False),
    Column("note", Text, nullable=False),
    Column("ended_by", String(255)),
)
"""Of one device, or of all devices of a site. In force from `since` until `until`; ending one early moves `until`."""
