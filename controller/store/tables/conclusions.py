"""What reviews concluded: decisions, impositions and their brakes, and the timeline of all that happened."""

from sqlalchemy import JSON, Boolean, Column, Float, Index, Integer, String, Table, Text

from controller.store.tables.base import Identity, Instant, metadata

decisions = Table(
    "decisions",
    metadata,
    Column("service_id", Identity, primary_key=True),
    Column("account_id", Identity, nullable=False, index=True),
    Column("access", String(32), nullable=False),
    Column("stage", Identity, nullable=False),
    Column("stage_since", Instant),
    Column("body", JSON, nullable=False),
    Column("policy", Identity, nullable=False),
    Column("policy_version", String(64), nullable=False),
    Column("decided_at", Instant, nullable=False),
    Column("waits_for", String(16), nullable=False),
    Column("notice_at", Instant),
)
"""The present decision of each service. `body` holds what `controller.concluded` writes there.

`waits_for` is what the next stage waits for where that is not the clock: `payments` (stale billing data), `brake` or
`canary`, `unproven` (the stage before it), `approval` or `person`; else empty. Fresh data, an approval, or what was
read back have such accounts reviewed. `notice_at` is when the notice that the next stage lacks is to be sent."""

Index("ix_decisions_waits_for", decisions.c.waits_for, postgresql_where=decisions.c.waits_for != "")
Index("ix_decisions_notice_at", decisions.c.notice_at, postgresql_where=decisions.c.notice_at.is_not(None))

impositions = Table(
    "impositions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("service_id", Identity, nullable=False, index=True),
    Column("policy", Identity, nullable=False),
    Column("stage", Identity, nullable=False),
    Column("access", String(32), nullable=False),
    Column("at", Instant, nullable=False, index=True),
    Column("ended_at", Instant),
    Column("observed", Boolean, nullable=False),
    Column("verified_at", Instant),
    Column("owed_at_end", Boolean),
)
"""Each billing stage ever imposed: the brake counts the last 24 h of them, policies count past suspensions.

`observed` is true where none of the service's devices was in `enforce`: it was decided and shown, and cut nobody, so
that neither the brake nor anybody's history counts it. `verified_at` is when a device was first read to give it, or to
be ready to; until then it has cut nobody. `owed_at_end` is true where it ended although its debt was not paid,
as under a courtesy: what follows is still the same suspension."""

brakes = Table(
    "brakes",
    metadata,
    Column("policy", Identity, primary_key=True),
    Column("device", Identity, primary_key=True),
    Column("reserved", Integer, nullable=False),
    Column("cap", Integer, nullable=False),
    Column("percent", Float, nullable=False),
    Column("approved_extra", Integer, nullable=False),
    Column("approved_by", String(255)),
    Column("approved_until", Instant),
    Column("counted_at", Instant, nullable=False),
)

brake_cycles = Table(
    "brake_cycles",
    metadata,
    Column("policy", Identity, primary_key=True),
    Column("device", Identity, primary_key=True),
    Column("day", Integer, primary_key=True),
    Column("cap", Integer, nullable=False),
    Column("approved_by", String(255), nullable=False),
    Column("approved_at", Instant, nullable=False),
    Column("note", Text, nullable=False),
)
"""How many first impositions an admin lets pass around one day of every month."""

timeline = Table(
    "timeline",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("account_id", Identity),
    Column("service_id", Identity),
    Column("device", Identity),
    Column("actor", String(255), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("text", Text, nullable=False),
    Column("detail", JSON, nullable=False),
    Index(None, "account_id", "id"),
    Index(None, "device", "id"),
)
"""What happened, append-only. `kind`: event, decision, order, hold, approval, number,
permit, report, mode, stop, brake, epoch, alarm."""
