"""The tables. Rows are ended, not deleted; instants are aware and in UTC; ids are the billing system's own.

Each row of facts remembers the event that wrote it (`event_*`): an older event never overwrites a newer one, so that
the same events in any order give the same facts.
"""

from controller.store.tables.base import Instant, metadata
from controller.store.tables.callers import idempotency, installation, tokens
from controller.store.tables.conclusions import brake_cycles, brakes, decisions, impositions, timeline
from controller.store.tables.devices import agents, device_modes, devices, entries, freezes, strays
from controller.store.tables.facts import (
    accounts,
    bindings,
    collections,
    conflicts,
    events,
    freshness,
    holds,
    invoices,
    notices,
    orders,
    payments,
    ports,
    returns,
    services,
    unmatched_candidates,
    unmatched_payments,
)
from controller.store.tables.numbers import number_history, numbers
from controller.store.tables.people import approvals, outages

__all__ = [
    "Instant",
    "accounts",
    "agents",
    "approvals",
    "bindings",
    "brake_cycles",
    "brakes",
    "collections",
    "conflicts",
    "decisions",
    "device_modes",
    "devices",
    "entries",
    "events",
    "freezes",
    "freshness",
    "holds",
    "idempotency",
    "impositions",
    "installation",
    "invoices",
    "metadata",
    "notices",
    "number_history",
    "numbers",
    "orders",
    "outages",
    "payments",
    "ports",
    "returns",
    "services",
    "strays",
    "timeline",
    "tokens",
    "unmatched_candidates",
    "unmatched_payments",
]
