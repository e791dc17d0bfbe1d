"""Whose future is asked for: accounts in the order of their ids, a part at a time, and where they are bound."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, exists, func, or_, select

from controller.store.tables import accounts, bindings, devices, services


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which accounts: by policy (an account that names none has `default`), by id, by site, and by what is due.

    Empty and None choose all. `by` leaves out those whose next review is later.
    """

    policies: frozenset[str] = frozenset()
    default: str = ""
    account: str = ""
    site: str = ""
    by: datetime | None = None


def accounts_after(tx: Connection, last: str, limit: int, chosen: Chosen) -> Sequence[Row[Any, Any]]:
    """The next `limit` of the chosen accounts after the id `last`: rows of id and policy."""
    query = select(accounts.c.id, accounts.c.policy).where(accounts.c.id > last, *_wanted(chosen))
    return tx.execute(query.order_by(accounts.c.id).limit(limit)).all()


def how_many(tx: Connection, chosen: Chosen) -> int:
    """How many accounts are chosen."""
    return tx.execute(select(func.count()).select_from(accounts).where(*_wanted(chosen))).scalar_one()


def sites_of(tx: Connection, ids: Sequence[str]) -> dict[str, frozenset[str]]:
    """The sites at which each live service of these accounts is bound; a device without a site counts by its name."""
    query = (
        select(bindings.c.service_id, bindings.c.device, devices.c.site)
        .join_from(bindings, services, bindings.c.service_id == services.c.id)
        .outerjoin(devices, devices.c.name == bindings.c.device)
        .where(services.c.account_id.in_(ids), bindings.c.ended_at.is_(None))
    )
    found: dict[str, frozenset[str]] = {}
    for row in tx.execute(query):
        found[row.service_id] = found.get(row.service_id, frozenset()) | {row.site or row.device}
    return found


def _wanted(chosen: Chosen) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if chosen.policies:
        found.append(func.coalesce(accounts.c.policy, chosen.default).in_(sorted(chosen.policies)))
    if chosen.account:
        found.append(accounts.c.id == chosen.account)
    if chosen.by is not None:
        found.append(accounts.c.review_at <= chosen.by)
    if chosen.site:
        found.append(_bound_at(chosen.site))
    return found


def _bound_at(site: str) -> ColumnElement[bool]:
    live = and_(services.c.account_id == accounts.c.id, bindings.c.ended_at.is_(None))
    joined = bindings.join(services, bindings.c.service_id == services.c.id)
    here = joined.join(devices, devices.c.name == bindings.c.device)
    return exists().select_from(here).where(live, or_(devices.c.site == site, devices.c.name == site))
