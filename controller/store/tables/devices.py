"""What is wanted on devices, and what was seen there."""

from sqlalchemy import JSON, BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table, Text

from controller.store.tables.base import Identity, Instant, metadata

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
    Column("site", Identity, nullable=False),
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
    Column("report_boot", Identity),
    Column("report_number", BigInteger),
    Column("former_boots", JSON, nullable=False),
    Column("halted", Text, nullable=False),
    Column("problems", JSON, nullable=False),
    Column("unsafe", JSON, nullable=False),
)
"""A row exists from the first binding or enrolment that names the device; `agent` is NULL until it is enrolled.

`site` is what the agent calls the place, empty where it names none. `former_boots` are the starts of the agent before
`report_boot`, the latest first: what they still had to say is an old story."""

freezes = Table(
    "freezes",
    metadata,
    Column("site", Identity, primary_key=True),
    Column("since", Instant, nullable=False),
    Column("until", Instant, nullable=False),
    Column("by", String(255), nullable=False),
    Column("note", Text, nullable=False),
)
"""The last freeze of each site: in force before `until`, which a person who ends it sets to that moment."""

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
    Column("key", String(320), nullable=False),
    Column("access", String(32), nullable=False),
    Column("down_kbps", Integer),
    Column("up_kbps", Integer),
    Column("reasons", JSON, nullable=False),
    Column("changed_revision", BigInteger, nullable=False),
    Column("ended", Boolean, nullable=False),
    Column("first", Boolean, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("cause_at", Instant),
    Column("state", String(16), nullable=False),
    Column("seen", String(32)),
    Column("detail", Text, nullable=False),
    Column("why", String(32), nullable=False),
    Column("obstructions", JSON, nullable=False),
    Column("state_revision", BigInteger),
    Column("state_at", Instant),
    Column("verified_at", Instant),
    Column("last_seen", String(32)),
    Column("last_seen_at", Instant),
    Index(None, "device", "changed_revision", "binding"),
    Index(None, "key", "device"),
)
"""What a device is to enforce for each live binding, open ones included: without them an agent could not tell that
something not ours obstructs a paying customer. When its binding ends the entry stays as a tombstone (`ended`).
`down_kbps` and `up_kbps` are what `throttled` leaves, NULL where the device's own setup says.

`state` is `pending` until reported at the present `changed_revision`, then what the agent reported; with it come
`seen`, and `why`, in a word what withholds it or holds it open. `last_seen` is what the device was last read to
enforce, at whatever revision: it outlives a change."""

strays = Table(
    "strays",
    metadata,
    Column("device", Identity, primary_key=True),
    Column("key", String(320), primary_key=True),
    Column("mark", String(255), primary_key=True),
    Column("seen_at", Instant, nullable=False),
)
