"""Outages that people told of: a hold on every service that is bound there, joined when it is asked for.

There is no row per service: an outage of a router with ten thousand customers is one row.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, func, insert, or_, select, update

from controller.core.facts import Hold, HoldKind
from controller.store.queries.accounts import lock_and_mark
from controller.store.queries.among import IDS, among
from controller.store.tables import bindings, devices, outages, services
from enforcement.entries import ServiceId

Shown = dict[str, Any]


def outage_holds(tx: Connection, ids: Sequence[str], now: datetime | None) -> dict[str, list[Hold]]:
    """By account, the holds on its services that are bound where an outage is not over at `now`, or ever was."""
    now = now or _EVER
    found: dict[str, list[Hold]] = {}
    if not tx.execute(_ANY, {"now": now}).first():
        return found
    for row in tx.execute(_HOLDS, {IDS: ids, "now": now}):
        mine = found.setdefault(row.account_id, [])
        mine.append(
            Hold(
                id=f"outage-{row.id}",
                kind=HoldKind.OUTAGE,
                since=row.since,
                author=row.author,
                note=row.note,
                until=row.until,
                service=ServiceId(row.service_id),
            )
        )
    return found


def begin_outage(tx: Connection, place: tuple[str, str], now: datetime, until: datetime, by: str, note: str) -> int:
    """Begin one at a place, ("device" or "site", its name); marks the accounts bound there. Its number."""
    values = {place[0]: place[1], "since": now, "until": until, "author": by, "note": note}
    made = tx.execute(insert(outages).values(**values)).inserted_primary_key
    assert made is not None
    number: int = made[0]
    _mark(tx, number, now)
    return number


def end_outage(tx: Connection, number: int, now: datetime, by: str) -> Shown | None:
    """End one, and mark the accounts bound there; None where none of this number is in force."""
    in_force = and_(outages.c.id == number, outages.c.until > now)
    ended = update(outages).where(in_force).values(until=now, ended_by=by).returning(*outages.c)
    row = tx.execute(ended).one_or_none()
    if row is None:
        return None
    _mark(tx, number, now)
    return _shown(row)


def outages_in_force(tx: Connection, now: datetime) -> list[Shown]:
    """Those that are not over, the oldest first, each with the number of services that it holds."""
    counted = (
        select(outages.c.id, func.count(func.distinct(bindings.c.service_id)).label("services"))
        .select_from(_places())
        .where(outages.c.until > now, bindings.c.ended_at.is_(None))
        .group_by(outages.c.id)
    )
    services_of = {row.id: row.services for row in tx.execute(counted)}
    rows = tx.execute(select(outages).where(outages.c.until > now).order_by(outages.c.id))
    return [_shown(row) | {"services": services_of.get(row.id, 0)} for row in rows]


def _shown(row: Any) -> Shown:
    fields = ("device", "site", "since", "until", "author", "note")
    return {"outage": row.id, **{name: getattr(row, name) for name in fields}}


def _mark(tx: Connection, number: int, now: datetime) -> None:
    joined = _places().join(services, services.c.id == bindings.c.service_id)
    there = select(services.c.account_id).select_from(joined)
    lock_and_mark(tx, there.where(outages.c.id == number, bindings.c.ended_at.is_(None)), now)


def _places() -> Any:
    """Outages joined with the bindings where they are: of the device, or of the site's devices."""
    there = or_(outages.c.device == devices.c.name, outages.c.site == devices.c.site)
    return outages.join(devices, there).join(bindings, bindings.c.device == devices.c.name)


def _holds() -> Select[Any]:
    joined = _places().join(services, services.c.id == bindings.c.service_id)
    columns = [outages.c[name] for name in ("id", "since", "until", "author", "note")]
    query = select(services.c.account_id, bindings.c.service_id, *columns).select_from(joined).distinct()
    mine = and_(among(services.c.account_id), bindings.c.ended_at.is_(None), outages.c.until > bindparam("now"))
    return query.where(mine).order_by(services.c.account_id, outages.c.id, bindings.c.service_id)


_EVER = datetime(1970, 1, 1, tzinfo=UTC)
_ANY = select(outages.c.id).where(outages.c.until > bindparam("now")).limit(1)
_HOLDS = _holds()
