"""Brakes: how many services of a policy were newly restricted on a device in 24 hours, counted under a row lock."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, case, distinct, func, or_, select, update

from controller.core.brake import Impositions
from controller.store.queries.among import IDS, among
from controller.store.queries.approving import caps_of_cycle
from controller.store.queries.writing import insert_missing
from controller.store.tables import accounts, bindings, brakes, entries, impositions, services

DAY = timedelta(hours=24)

Brake = tuple[str, str]
"""(policy, device)."""


@dataclass(frozen=True, slots=True)
class Count:
    """One brake as it stands under its lock. `population` counts live services of the policy on the device.

    `cycle` are the numbers approved around days of the month.
    """

    population: int
    impositions: Impositions
    approved_extra: int
    cycle: Mapping[int, int]


def lock_brakes(tx: Connection, wanted: Collection[Brake], now: datetime) -> Mapping[Brake, Row[Any]]:
    """Lock these brakes until the transaction ends, in their order, making rows for those that are new."""
    ordered = sorted(wanted)
    insert_missing(tx, brakes, [_new(policy, device, now) for policy, device in ordered])
    found = {}
    for brake in ordered:
        found[brake] = tx.execute(select(brakes).where(_is(brake)).with_for_update()).one()
    return found


def _new(policy: str, device: str, now: datetime) -> dict[str, Any]:
    nothing = {"reserved": 0, "cap": 0, "percent": 0.0, "approved_extra": 0}
    return {"policy": policy, "device": device, "counted_at": now, **nothing}


def count(tx: Connection, row: Row[Any], default_policy: str, now: datetime) -> Count:
    """Count under the lock of `row`. What ended without being read back proves nothing; what is armed is read back."""
    approved = row.approved_extra if row.approved_until is not None and row.approved_until > now else 0
    made = _impositions(tx, row.policy, row.device, now)
    cycle = caps_of_cycle(tx, row.policy, row.device)
    return Count(_population(tx, row.policy, row.device, default_policy), made, approved, cycle)


def _population(tx: Connection, policy: str, device: str, default_policy: str) -> int:
    joined = services.join(bindings, bindings.c.service_id == services.c.id)
    joined = joined.join(accounts, accounts.c.id == services.c.account_id)
    named = accounts.c.policy == policy
    mine = or_(named, accounts.c.policy.is_(None)) if policy == default_policy else named
    live = and_(bindings.c.device == device, bindings.c.ended_at.is_(None), services.c.ended_at.is_(None))
    question = select(func.count(distinct(services.c.id))).select_from(joined).where(mine, live)
    return tx.execute(question).scalar_one()


def _impositions(tx: Connection, policy: str, device: str, now: datetime) -> Impositions:
    bound = select(bindings.c.service_id).where(bindings.c.device == device)
    on_device = impositions.c.service_id.in_(bound)
    within = and_(impositions.c.policy == policy, impositions.c.at > now - DAY, ~impositions.c.observed, on_device)
    recent = select(impositions.c.service_id, impositions.c.ended_at).where(within).subquery()
    read_back = entries.c.state.in_(("verified", "armed")) | entries.c.verified_at.is_not(None)
    restricted = select(entries.c.service_id).where(entries.c.device == device, entries.c.access != "full", read_back)
    ours, open_ = recent.c.service_id, recent.c.ended_at.is_(None)
    proven = and_(open_, ours.in_(restricted))
    made, verified, lifted = tx.execute(
        select(
            func.count(distinct(ours)),
            func.count(distinct(case((proven, ours)))),
            func.count(distinct(case((~open_, ours)))),
        )
    ).one()
    return Impositions(made, verified, lifted)


def counted(tx: Connection, brake: Brake, services: Collection[str], now: datetime) -> set[str]:
    """Those of these services that the last 24 hours have counted already: they take no second place."""
    recent = and_(impositions.c.policy == brake[0], impositions.c.at > now - DAY, ~impositions.c.observed)
    query = select(impositions.c.service_id).distinct().where(recent, among(impositions.c.service_id))
    return set(tx.execute(query, {IDS: sorted(services)}).scalars())


def made_in_a_day(tx: Connection, policy: str, device: str, now: datetime) -> int:
    """How many first impositions the last 24 hours have seen."""
    return _impositions(tx, policy, device, now).made


def recount(tx: Connection, brake: Brake, made: int, cap: int, percent: float, now: datetime) -> None:
    """Write down what was counted: the rolling 24 hours have moved on since the last time."""
    values = {"reserved": made, "cap": cap, "percent": percent, "counted_at": now}
    tx.execute(update(brakes).where(_is(brake)).values(values))


def reserve(tx: Connection, brake: Brake, places: int, limit: int) -> bool:
    """Reserve places for first impositions, in one conditional UPDATE; False where the limit leaves no room."""
    room = and_(_is(brake), brakes.c.reserved + places <= limit)
    return tx.execute(update(brakes).where(room).values(reserved=brakes.c.reserved + places)).rowcount == 1


def _is(brake: Brake) -> ColumnElement[bool]:
    return and_(brakes.c.policy == brake[0], brakes.c.device == brake[1])


def made_by_day(tx: Connection, since: datetime) -> dict[Brake, dict[date, int]]:
    """How many first impositions each day (UTC) has seen since an instant, by policy and device."""
    at = func.timezone("UTC", impositions.c.at) if tx.dialect.name == "postgresql" else impositions.c.at
    day = func.date(at).label("day")
    on = select(bindings.c.service_id, bindings.c.device).distinct().subquery()
    query = (
        select(impositions.c.policy, on.c.device, day, func.count(distinct(impositions.c.service_id)).label("made"))
        .join_from(impositions, on, on.c.service_id == impositions.c.service_id)
        .where(impositions.c.at > since, ~impositions.c.observed)
        .group_by(impositions.c.policy, on.c.device, day)
    )
    found: dict[Brake, dict[date, int]] = {}
    for row in tx.execute(query):
        on_day = row.day if isinstance(row.day, date) else date.fromisoformat(row.day)
        found.setdefault((row.policy, row.device), {})[on_day] = row.made
    return found
