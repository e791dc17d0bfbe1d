"""What is withheld, and why? Told apart from drift: something forbade it, or a hand at the site holds it open."""

from typing import Any

from sqlalchemy import Connection, Row, Select, case, func, select

from controller.store.queries.watched import DRIFT_SHOWN_AT_MOST, WITHHELD, Shown, entry_in_drift
from controller.store.tables import entries
from enforcement.withheld import SWITCHED, Why

PEOPLES = (Why.UNSAFE, Why.FLAPPING, Why.PINNED, Why.GUARD)
"""Why something is withheld that does not pass by itself: a person looks."""

PINS_SHOWN_AT_MOST = 200


def withheld_counted(tx: Connection) -> list[Shown]:
    """What was not done because something forbade it, by device, kind, state and why."""
    by = (entries.c.device, entries.c.kind, entries.c.state, entries.c.why)
    query = select(*by[:2], by[2].label("direction"), by[3], func.count().label("entries")).where(by[2].in_(WITHHELD))
    return [dict(row) for row in tx.execute(query.group_by(*by).order_by(*by)).mappings()]


def withheld_listed(tx: Connection) -> list[Shown]:
    """The same one by one, those first that a person looks at; none that the mode or the stop switch withholds."""
    gravity = case({why: place for place, why in enumerate(PEOPLES)}, value=entries.c.why, else_=len(PEOPLES))
    told = entries.c.state.in_(WITHHELD) & entries.c.why.not_in(SWITCHED)
    query = select(entries).where(told).order_by(gravity, entries.c.device, entries.c.binding)
    return [entry_in_drift(row, row.state) for row in tx.execute(query.limit(DRIFT_SHOWN_AT_MOST))]


def pinned_counted(tx: Connection) -> int:
    """Entries that hands at sites hold open."""
    count: int = tx.execute(_pinned(func.count())).scalar_one()
    return count


def pinned_listed(tx: Connection) -> list[Shown]:
    """The same one by one, the latest first."""
    query = _pinned(entries).order_by(entries.c.state_at.desc(), entries.c.binding).limit(PINS_SHOWN_AT_MOST)
    return [_pin(row) for row in tx.execute(query)]


def _pinned(*what: Any) -> Select[Any]:
    return select(*what).select_from(entries).where(entries.c.why == Why.PINNED)


def _pin(row: Row[Any]) -> Shown:
    same = ("device", "key", "state", "detail")
    whose = {"service": row.service_id, "account": row.account_id, "since": row.state_at}
    return {name: getattr(row, name) for name in same} | whose
