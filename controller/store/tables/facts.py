"""What billing told. Each row remembers the event that wrote it: an older one never overwrites a newer."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from controller.store.tables.base import Identity, Instant, metadata, told_by

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
    Column("municipality", Identity, nullable=False),
    Column("review_at", Instant),
    Column("cause_at", Instant),
    Column("urgent", Boolean, nullable=False, server_default=false()),
    Column("reviewed_at", Instant),
    Column("review_error", Text),
    Column("concluded", String(32)),
    Column("reviewed_by", String(129)),
    *told_by(),
    Index(None, "review_at", "id"),
)
"""`review_at` is the mark for review. `cause_at` is when the event arrived that set it: restores are timed from it.
`urgent` marks may restore somebody: they overtake all others.

`review_error` says why the last review failed: until one succeeds, what was concluded before gets no permit.
`concluded` is the fingerprint of what it concluded; NULL where the store had a part in that (brake, devices).
`reviewed_by` is the policy that it was by, and its version, a space between."""

Index("ix_accounts_urgent", accounts.c.review_at, accounts.c.id, postgresql_where=accounts.c.urgent)

services = Table(
    "services",
    metadata,
    Column("id", Identity, primary_key=True),
    Column("account_id", Identity, nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("ended_at", Instant),
    Column("user", String(255)),
    *told_by(),
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
    *told_by(),
)

collections = Table(
    "collections",
    metadata,
    Column("id", Identity, primary_key=True),
    Column("account_id", Identity, nullable=False, index=True),
    Column("invoice_id", Identity, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("collected_on", Date, nullable=False),
    *told_by(),
)

returns = Table(
    "returns",
    metadata,
    Column("collection_id", Identity, primary_key=True),
    Column("code", String(8), primary_key=True),
    Column("returned_on", Date, primary_key=True),
    Column("account_id", Identity, index=True),
    Column("amount", BigInteger, nullable=False),
    *told_by(),
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
    Column("pending", Boolean, nullable=False),
    Column("collection", Identity),
    *told_by(),
)

unmatched_payments = Table(
    "unmatched_payments",
    metadata,
    Column("id", Identity, primary_key=True),
    Column("amount", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("closed", Boolean, nullable=False),
    *told_by(),
)
"""Money that nobody has attributed. It is settled by a payment of the same id, or once its source has `closed` it."""

unmatched_candidates = Table(
    "unmatched_candidates",
    metadata,
    Column("payment_id", Identity, primary_key=True),
    Column("account_id", Identity, primary_key=True, index=True),
)
"""The accounts that may be the payers, as the latest event of the payment named them."""

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
    Column("template", Identity, nullable=False),
    Column("bounced_at", Instant),
    *told_by(),
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
    Column("review_on", Date),
    Column("beyond", Boolean, nullable=False),
    Column("instalments", JSON, nullable=False),
    Column("currency", String(3), nullable=False),
    *told_by(),
)

ports = Table(
    "ports",
    metadata,
    Column("id", Identity, primary_key=True),
    Column("account_id", Identity, nullable=False, index=True),
    Column("service_id", Identity, nullable=False),
    Column("direction", String(8), nullable=False),
    Column("state", String(16), nullable=False),
    Column("at", Instant, nullable=False),
    Column("range_holder", Identity, nullable=False),
    *told_by(),
)

freshness = Table(
    "freshness",
    metadata,
    Column("source", String(255), primary_key=True),
    Column("payments_known_until", Instant, nullable=False),
    Column("returns_known_until", Instant),
    *told_by(),
)
"""What a source of payments said of its own completeness. Late returns harm nobody: `returns_known_until` is shown."""

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
