"""The tables. Rows are ended, not deleted; instants are aware and in UTC; ids are the billing system's own.

Each row of facts remembers the event that wrote it (`event_*`): an older event never overwrites a newer one, so that
the same events in any order give the same facts.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Identity = String(64)


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime on every database; a naive one is a bug and is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime {value!r} cannot be stored")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _told_by() -> list[Column[Any]]:
    """The order of the event that a row of facts comes from: (time, sequence, source, id)."""
    return [
        Column("event_time", Instant, nullable=False),
        Column("event_sequence", BigInteger, nullable=False),
        Column("event_source", String(255), nullable=False),
        Column("event_id", String(255), nullable=False),
    ]


# --- who and how -----------------------------------------------------------------------------------------------------

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

# --- facts from billing ----------------------------------------------------------------------------------------------

events = Table(
    "events",
    metadata,
    Column("source", String(255), primary_key=True),
    Column("id", String(255), primary_key=True),
    Column("type", String(64), nullable=False),
    Column("account_id", Identity),
    Column("digest", String(64), nullable=False),
    Column("body", JSON, nullable=False),
    Column("received_at", Instant, nullable=False, index=True),
)

conflicts = Table(
    "conflicts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("account_id", Identity, nullable=False, index=True),
    Column("source", String(255), nullable=False),
    Column("event_id", String(255), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("body", JSON, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("settled_at", Instant),
    UniqueConstraint("source", "event_id", "digest", "account_id"),
)
"""One row for each account that either content names ("" where none does): a payment sent under the id of somebody
else's is a danger to both."""

accounts = Table(
    "accounts",
    metadata,
    Column("id", Identity, primary_key=True),
    Column("policy", Identity),
    Column("tags", JSON, nullable=False),
    Column("review_at", Instant, index=True),
    Column("cause_at", Instant),
    Column("reviewed_at", Instant),
    Column("review_error", Text),
    *_told_by(),
)
"""`review_at` is the mark for review. `cause_at` is when the event arrived that set it: restores are timed from it.

`review_error` says why the last review failed: until one succeeds, what was concluded before gets no permit."""

services = Table(
    "services",
    metadata,
    Column("id", Identity, primary_key=True),
    Column("account_id", Identity, nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("ended_at", Instant),
    *_told_by(),
)

bindings = Table(
    "bindings",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("service_id", Identity, ForeignKey("services.id"), nullable=False, index=True),
    Column("device", Identity, nullable=False),
    Column("key", String(320), nullable=False, index=True),
    Column("ended_at", Instant),
)
"""A binding's id is `b` and its number. Ended when the service's latest event no longer lists it."""

invoices = Table(
    "invoices",
    metadata,
    Column("id", Identity, primary_key=True),
    Column("account_id", Identity, nullable=False, index=True),
    Column("amount", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("presented_on", Date, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("lines", JSON, nullable=False),
    Column("cancelled", Boolean, nullable=False),
    *_told_by(),
)

collections = Table(
    "collections",
    metadata,
    Column("id", Identity, primary_key=True),
    Column("account_id", Identity, nullable=False, index=True),
    Column("invoice_id", Identity, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("collected_on", Date, nullable=False),
    *_told_by(),
)

returns = Table(
    "returns",
    metadata,
    Column("collection_id", Identity, primary_key=True),
    Column("code", String(8), primary_key=True),
    Column("returned_on", Date, primary_key=True),
    Column("account_id", Identity, index=True),
    Column("amount", BigInteger, nullable=False),
    *_told_by(),
)
"""`account_id` is NULL where the bank's file did not name it: then it is the account of the collection, once known."""

payments = Table(
    "payments",
    metadata,
    Column("id", Identity, primary_key=True),
    Column("account_id", Identity, nullable=False, index=True),
    Column("amount", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("instrument", String(32), nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("clears_at", Instant),
    Column("reversed_at", Instant),
    Column("allocations", JSON, nullable=False),
    *_told_by(),
)

notices = Table(
    "notices",
    metadata,
    Column("id", Identity, primary_key=True),
    Column("account_id", Identity, nullable=False, index=True),
    Column("service_id", Identity),
    Column("stage", Identity, nullable=False),
    Column("channel", String(32), nullable=False),
    Column("sent_at", Instant, nullable=False),
    Column("names_date", Date, nullable=False),
    Column("delivered_at", Instant),
    *_told_by(),
)

holds = Table(
    "holds",
    metadata,
    Column("id", Identity, primary_key=True),
    Column("account_id", Identity, nullable=False, index=True),
    Column("service_id", Identity),
    Column("kind", String(32), nullable=False),
    Column("since", Instant, nullable=False),
    Column("until", Instant),
    Column("author", String(255), nullable=False),
    Column("note", Text, nullable=False),
    *_told_by(),
)

freshness = Table(
    "freshness",
    metadata,
    Column("source", String(255), primary_key=True),
    Column("payments_known_until", Instant, nullable=False),
    *_told_by(),
)
"""What a billing system said of its own completeness. The oldest of all sources is what a decision sees."""

orders = Table(
    "orders",
    metadata,
    Column("id", Identity, primary_key=True),
    Column("account_id", Identity, nullable=False, index=True),
    Column("service_id", Identity, nullable=False),
    Column("reason", String(32), nullable=False),
    Column("access", String(32), nullable=False),
    Column("since", Instant, nullable=False),
    Column("until", Instant),
    Column("author", String(255), nullable=False),
    Column("note", Text, nullable=False),
    Column("ended_at", Instant),
    Column("ended_by", String(255)),
)

# --- what was concluded ----------------------------------------------------------------------------------------------

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
    Column("waits_for", String(16), nullable=False, index=True),
)
"""The present decision of each service. `body` holds reasons, evidence, next_stage, blocks and review_at.

`waits_for` is `payments` where stale billing data stand in the way, `brake` or `canary` where the brake does, else
empty: fresh data, an approval, or the read-back of the first few have such accounts reviewed."""

impositions = Table(
    "impositions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("service_id", Identity, nullable=False, index=True),
    Column("policy", Identity, nullable=False),
    Column("stage", Identity, nullable=False),
    Column("access", String(32), nullable=False),
    Column("at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("observed", Boolean, nullable=False),
)
"""Each billing stage ever imposed: the brake counts the last 24 h of them, policies count past suspensions.

`observed` is true where none of the service's devices was in `enforce`: it was decided and shown, and cut nobody, so
that neither the brake nor anybody's history counts it."""

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
)
"""What happened, append-only. `kind`: event, decision, order, hold, permit, report, mode, stop, brake, epoch, alarm."""

# --- what is wanted on devices, and what was seen there --------------------------------------------------------------

agents = Table(
    "agents",
    metadata,
    Column("name", Identity, primary_key=True),
    Column("last_contact_at", Instant, nullable=False),
)
"""An agent's name is its token's name."""

devices = Table(
    "devices",
    metadata,
    Column("name", Identity, primary_key=True),
    Column("agent", Identity, index=True),
    Column("driver", Identity),
    Column("keys", JSON, nullable=False),
    Column("access", JSON, nullable=False),
    Column("epoch", Identity, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("adopts", JSON),
    Column("enrolled_at", Instant),
    Column("reported_epoch", Identity),
    Column("reported_revision", BigInteger),
    Column("reported_at", Instant),
    Column("full_read_at", Instant),
    Column("halted", Text, nullable=False),
    Column("problems", JSON, nullable=False),
)
"""A row exists from the first binding or enrolment that names the device; `agent` is NULL until it is enrolled."""

device_modes = Table(
    "device_modes",
    metadata,
    Column("device", Identity, ForeignKey("devices.name"), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("mode", String(16), nullable=False),
    Column("set_at", Instant, nullable=False),
    Column("set_by", String(255), nullable=False),
)
"""A kind without a row is in `observe`."""

entries = Table(
    "entries",
    metadata,
    Column("binding", Identity, primary_key=True),
    Column("device", Identity, ForeignKey("devices.name"), nullable=False),
    Column("account_id", Identity, nullable=False, index=True),
    Column("service_id", Identity, nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("key", String(320), nullable=False, index=True),
    Column("access", String(32), nullable=False),
    Column("reasons", JSON, nullable=False),
    Column("changed_revision", BigInteger, nullable=False),
    Column("ended", Boolean, nullable=False),
    Column("first", Boolean, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("cause_at", Instant),
    Column("state", String(16), nullable=False),
    Column("seen", String(32)),
    Column("detail", Text, nullable=False),
    Column("obstructions", JSON, nullable=False),
    Column("state_revision", BigInteger),
    Column("state_at", Instant),
    Column("verified_at", Instant),
    Index(None, "device", "changed_revision"),
)
"""What a device is to enforce for each live binding, open ones included: without them an agent could not tell that
something not ours obstructs a paying customer. When its binding ends the entry stays as a tombstone (`ended`).

`state` is `pending` until reported at the present `changed_revision`, then what the agent reported."""

strays = Table(
    "strays",
    metadata,
    Column("device", Identity, primary_key=True),
    Column("key", String(320), primary_key=True),
    Column("mark", String(255), primary_key=True),
    Column("seen_at", Instant, nullable=False),
)
