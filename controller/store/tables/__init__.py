"""The tables. Rows are ended, not deleted; instants are aware and in UTC; ids are the billing system's own.

Each row of facts remembers the event that wrote it (`event_*`): an older event never overwrites a newer one, so that
the same events in any order give the same facts.
"""

from controller.store.tables.base import Instant, metadata
from controller.store.tables.callers import idempotency, installation, tokens
from controller.store.tables.conclusions import brakes, decisions, impositions, timeline
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
    returns,
    services,
)

__all__ = [
    "Instant",
    "accounts",
    "agents",
    "bindings",
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
    "orders",
    "payments",
    "returns",
    "services",
    "strays",
    "timeline",
    "tokens",
]
