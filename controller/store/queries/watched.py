"""What is the state of everything? A few GROUP BYs for the status screen, the drift list and the metrics."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, case, func, literal_column, or_, select

from controller.store.queries.brakes import made_in_a_day
from controller.store.queries.standing import OBSERVE, modes_of_devices
from controller.store.tables import (
    accounts,
    agents,
    brakes,
    conflicts,
    decisions,
    devices,
    entries,
    events,
    installation,
    services,
    strays,
)

WITHHELD = ("withheld", "refused")
"""Told apart from drift: a mode, the stop switch, a guard, a missing permit or the device itself forbade it."""

IN_DRIFT = ("wrongful", "missing", "obstructed", "unknown")
"""The states of entries that are drift; `stray` is the direction of marks that no entry knows."""

DRIFT_SHOWN_AT_MOST = 1000

Shown = dict[str, Any]


def installation_row(tx: Connection) -> Row[Any]:
    """Our name, and whether restricting is stopped."""
    return tx.execute(select(installation)).one()


def accounts_counted(tx: Connection, now: datetime) -> tuple[int, int]:
    """How many accounts there are, and how many wait for their review."""
    due = func.count(case((accounts.c.review_at <= now, 1)))
    total, waiting = tx.execute(select(func.count(), due).select_from(accounts)).one()
    return total, waiting


def services_counted(tx: Connection) -> list[Shown]:
    """Live services by kind and access."""
    access = func.coalesce(decisions.c.access, literal_column("'full'"))
    query = (
        select(services.c.kind, access.label("access"), func.count().label("services"))
        .join_from(services, decisions, decisions.c.service_id == services.c.id, isouter=True)
        .where(services.c.ended_at.is_(None))
        .group_by(services.c.kind, access)
        .order_by(services.c.kind, access)
    )
    return [dict(row) for row in tx.execute(query).mappings()]


def entries_counted(tx: Connection) -> list[Row[Any]]:
    """How many entries there are of each (device, kind, state, access)."""
    by = (entries.c.device, entries.c.kind, entries.c.state, entries.c.access)
    return list(tx.execute(select(*by, func.count().label("entries")).group_by(*by)))


def strays_counted(tx: Connection) -> dict[str, int]:
    """Marks of ours that no entry knows, by device."""
    query = select(strays.c.device, func.count().label("strays")).group_by(strays.c.device)
    return {row.device: row.strays for row in tx.execute(query)}


def drift_counted(tx: Connection) -> list[Shown]:
    """Drift by device, kind and direction."""
    by = (entries.c.device, entries.c.kind, entries.c.state)
    query = select(*by[:2], by[2].label("direction"), func.count().label("entries")).where(by[2].in_(IN_DRIFT))
    counted = [dict(row) for row in tx.execute(query.group_by(*by).order_by(*by)).mappings()]
    found = strays_counted(tx).items()
    return counted + [{"device": name, "kind": "", "direction": "stray", "entries": count} for name, count in found]


def drift_listed(tx: Connection) -> list[Shown]:
    """The entries and marks that differ, the ones that hurt a customer first."""
    gravity = case({"wrongful": 0, "obstructed": 1, "missing": 2}, value=entries.c.state, else_=3)
    query = select(entries).where(entries.c.state.in_(IN_DRIFT)).order_by(gravity, entries.c.device, entries.c.binding)
    found = [entry_in_drift(row, row.state) for row in tx.execute(query.limit(DRIFT_SHOWN_AT_MOST))]
    unknown_marks = select(strays).order_by(strays.c.device, strays.c.key).limit(DRIFT_SHOWN_AT_MOST - len(found))
    return found + [_stray(row) for row in tx.execute(unknown_marks)]


def entry_in_drift(row: Row[Any], direction: str) -> Shown:
    """One entry as the drift list shows it."""
    return {
        "device": row.device,
        "direction": direction,
        "service": row.service_id,
        "account": row.account_id,
        "key": row.key,
        "access": row.access,
        "seen": row.seen,
        "last_seen": row.last_seen,
        "last_seen_at": row.last_seen_at,
        "since": row.state_at,
        "detail": row.detail,
        "why": row.why,
        "obstructions": row.obstructions,
    }


def still_cut_counted(tx: Connection) -> dict[tuple[str, str], int]:
    """Entries that should be open and may still be cut, by device and kind of those that have entries."""
    cut = func.count(case((_still_cut(), 1)))
    query = select(entries.c.device, entries.c.kind, cut.label("cut")).group_by(entries.c.device, entries.c.kind)
    return {(row.device, row.kind): row.cut for row in tx.execute(query)}


def still_cut_listed(tx: Connection) -> list[Shown]:
    """The same one by one, those that have waited longest first."""
    query = select(entries).where(_still_cut()).order_by(entries.c.changed_at, entries.c.binding)
    return [entry_in_drift(row, row.state) for row in tx.execute(query.limit(DRIFT_SHOWN_AT_MOST))]


def _still_cut() -> ColumnElement[bool]:
    """Last read to be restricted, and nothing newer is known: whether the agent tries, is forbidden to, or is away."""
    unopened = entries.c.state.in_(("pending", "unknown", *WITHHELD))
    return (entries.c.access == "full") & (entries.c.last_seen != "full") & unopened


def _stray(row: Row[Any]) -> Shown:
    nobody: Shown = {"service": None, "account": None, "access": None, "seen": None, "obstructions": []}
    return {
        "device": row.device,
        "direction": "stray",
        "key": row.key,
        "since": row.seen_at,
        "detail": row.mark,
    } | nobody


def device_names(tx: Connection) -> list[str]:
    """All devices, in their order."""
    return list(tx.execute(select(devices.c.name).order_by(devices.c.name)).scalars())


def devices_shown(tx: Connection, only: str | None = None) -> list[Shown]:
    """Every device, or one, with its modes, its agent's last contact and its entries' states."""
    modes, states = modes_of_devices(tx), _states_by_device(tx)
    query: Select[Any] = select(devices, agents.c.last_contact_at).join_from(
        devices, agents, agents.c.name == devices.c.agent, isouter=True
    )
    if only is not None:
        query = query.where(devices.c.name == only)
    return [
        {**_device(row), "modes": modes.get(row.name, dict(OBSERVE)), "states": states.get(row.name, {})}
        for row in tx.execute(query.order_by(devices.c.name))
    ]


def _device(row: Row[Any]) -> Shown:
    same = ("agent", "driver", "site", "epoch", "revision", "reported_epoch", "reported_revision", "reported_at")
    more = ("full_read_at", "last_contact_at", "halted", "problems", "unsafe", "keys", "access")
    return {"device": row.name, **{name: getattr(row, name) for name in (*same, *more)}}


def _states_by_device(tx: Connection) -> dict[str, dict[str, int]]:
    query = select(entries.c.device, entries.c.state, func.count().label("entries"))
    found: dict[str, dict[str, int]] = {}
    for row in tx.execute(query.group_by(entries.c.device, entries.c.state)):
        found.setdefault(row.device, {})[row.state] = row.entries
    return found


def contested_keys(tx: Connection) -> int:
    """Keys that two live bindings of one device claim: restricted for neither, until a person settles it."""
    twice = (
        select(entries.c.device)
        .where(~entries.c.ended)
        .group_by(entries.c.device, entries.c.key)
        .having(func.count() > 1)
        .subquery()
    )
    return tx.execute(select(func.count()).select_from(twice)).scalar_one()


def agents_heard(tx: Connection) -> dict[str, datetime]:
    """When each agent was last heard of."""
    return {row.name: row.last_contact_at for row in tx.execute(select(agents))}


def brakes_shown(tx: Connection, now: datetime) -> list[Shown]:
    """First impositions of the last 24 hours, and how many may pass, by policy and device."""
    return [
        {
            "policy": row.policy,
            "device": row.device,
            "cap": row.cap,
            "reserved": made_in_a_day(tx, row.policy, row.device, now),
            **_approval(row, now),
        }
        for row in tx.execute(select(brakes).order_by(brakes.c.policy, brakes.c.device)).all()
    ]


def _approval(row: Row[Any], now: datetime) -> Shown:
    """The approval in force; one that has run out lets nothing pass, and is not shown."""
    if row.approved_until is None or row.approved_until <= now:
        return {"approved_extra": 0, "approved_by": None, "approved_until": None}
    return {name: getattr(row, name) for name in ("approved_extra", "approved_by", "approved_until")}


def conflicts_counted(tx: Connection) -> int:
    """Conflicts that nobody has settled."""
    return tx.execute(select(func.count()).select_from(conflicts).where(conflicts.c.settled_at.is_(None))).scalar_one()


def conflicts_listed(tx: Connection, limit: int = 200) -> Iterator[Shown]:
    """Unsettled conflicts, each beside the event that stands."""
    same_event = (events.c.source == conflicts.c.source) & (events.c.id == conflicts.c.event_id)
    query = (
        select(conflicts, events.c.body.label("kept"))
        .join_from(conflicts, events, same_event, isouter=True)
        .where(conflicts.c.settled_at.is_(None))
        .order_by(conflicts.c.id)
        .limit(limit)
    )
    for row in tx.execute(query):
        shown = {"id": row.id, "account": row.account_id, "source": row.source, "event": row.event_id}
        yield shown | {"seen_at": row.seen_at, "refused": row.body, "kept": row.kept}


def reviews_failing(tx: Connection) -> int:
    """Accounts whose last review failed."""
    query = select(func.count()).select_from(accounts).where(accounts.c.review_error.is_not(None))
    return tx.execute(query).scalar_one()


def unread_devices(tx: Connection) -> list[str]:
    """Enrolled devices, and devices with entries, that were never read in full."""
    named = or_(devices.c.agent.is_not(None), devices.c.revision > 0)
    query = select(devices.c.name).where(devices.c.full_read_at.is_(None), named).order_by(devices.c.name)
    return list(tx.execute(query).scalars())
