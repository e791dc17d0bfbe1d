"""Bindings: where a service is enforced, and who else claims the same key there."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, tuple_, update

from controller.store.tables import accounts, bindings, entries, services

Place = tuple[str, str]
"""(device, key written `type:value`)."""


def binding_id(number: int) -> str:
    """A binding's id, as entries and marks carry it: never a bare number, which RouterOS clients cast."""
    return f"b{number}"


def live_bindings_of(tx: Connection, service: str) -> dict[Place, int]:
    """Where a service is enforced now: the number of each live binding by its place."""
    live = select(bindings).where(bindings.c.service_id == service, bindings.c.ended_at.is_(None))
    return {(row.device, row.key): row.number for row in tx.execute(live)}


def bind(tx: Connection, service: str, places: Iterable[Place]) -> None:
    """New bindings of a service."""
    rows = [{"service_id": service, "device": device, "key": key} for device, key in sorted(places)]
    if rows:
        tx.execute(insert(bindings), rows)


def end_bindings(tx: Connection, numbers: Collection[int], at: datetime) -> None:
    """End bindings; their rows stay."""
    if numbers:
        tx.execute(update(bindings).where(bindings.c.number.in_(sorted(numbers))).values(ended_at=at))


def bindings_of_accounts(tx: Connection, ids: Collection[str]) -> Sequence[Row[Any]]:
    """Every live binding of these accounts' services, with `account_id` and `kind`, in the order of their numbers."""
    joined = bindings.join(services, bindings.c.service_id == services.c.id)
    question = select(bindings, services.c.account_id, services.c.kind).select_from(joined)
    mine = services.c.account_id.in_(sorted(ids))
    return tx.execute(question.where(mine, bindings.c.ended_at.is_(None)).order_by(bindings.c.number)).all()


def claims_of(tx: Connection, places: Collection[Place]) -> dict[Place, list[int]]:
    """The numbers of all live bindings at these places, whoever's they are: more than one is a contest (rule 6)."""
    question = select(bindings.c.number, bindings.c.device, bindings.c.key).where(
        tuple_(bindings.c.device, bindings.c.key).in_(sorted(places)), bindings.c.ended_at.is_(None)
    )
    found: dict[Place, list[int]] = {}
    for row in tx.execute(question.order_by(bindings.c.number)) if places else ():
        found.setdefault((row.device, row.key), []).append(row.number)
    return found


def accounts_at(tx: Connection, places: Collection[Place]) -> set[str]:
    """The accounts that have a live binding at one of these places."""
    if not places:
        return set()
    joined = bindings.join(services, bindings.c.service_id == services.c.id)
    at = tuple_(bindings.c.device, bindings.c.key).in_(sorted(places))
    question = select(services.c.account_id).select_from(joined).where(at, bindings.c.ended_at.is_(None))
    return set(tx.execute(question).scalars())


def accounts_on_device(tx: Connection, device: str) -> set[str]:
    """The accounts that have an entry or a live binding on a device."""
    joined = bindings.join(services, bindings.c.service_id == services.c.id)
    bound = select(services.c.account_id).select_from(joined)
    live = bound.where(bindings.c.device == device, bindings.c.ended_at.is_(None))
    told = select(entries.c.account_id).where(entries.c.device == device)
    return set(tx.execute(select(accounts.c.id).where(accounts.c.id.in_(live.union(told)))).scalars())
