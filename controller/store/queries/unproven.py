"""Which billing stages in force was no device ever read to give? Each with what stood before it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, select, update

from controller.core.facts import Imposed
from controller.store.tables import impositions
from enforcement.access import Access
from enforcement.entries import ServiceId


@dataclass(frozen=True, slots=True)
class Unproven:
    """A stage that was decided and has cut nobody yet. `former` is what billing imposed before it, and was read back.

    `id` and `former_id` are the numbers of their rows.
    """

    id: int
    stage: str
    former: Imposed | None
    former_id: int | None


def unproven_of(tx: Connection, services: Collection[str]) -> dict[str, Unproven]:
    """The services of these whose stage no device of theirs was ever read to give."""
    waiting = impositions.c.ended_at.is_(None) & impositions.c.verified_at.is_(None) & ~impositions.c.observed
    mine = select(impositions.c.service_id).where(waiting, impositions.c.service_id.in_(sorted(services)))
    query = select(impositions).where(impositions.c.service_id.in_(mine), ~impositions.c.observed)
    rows = tx.execute(query.order_by(impositions.c.service_id, impositions.c.id)).all()
    return {service: _unproven(list(found)) for service, found in groupby(rows, key=lambda row: str(row.service_id))}


def _unproven(rows: Sequence[Any]) -> Unproven:
    """What follows another at once took its place; of what came before, only what was read back stands."""
    last = next(row for row in reversed(rows) if row.ended_at is None)
    since: datetime = last.at
    for row in sorted((row for row in rows if row.id < last.id), key=lambda row: -row.id):
        if row.ended_at is None or row.ended_at < since:
            continue
        if row.verified_at is not None:
            former = Imposed(ServiceId(row.service_id), Access(row.access), row.stage, row.at)
            return Unproven(last.id, last.stage, former, row.id)
        since = min(since, row.at)
    return Unproven(last.id, last.stage, None, None)


def withdraw(tx: Connection, withdrawn: Mapping[str, Unproven], owing: Collection[str], now: datetime) -> None:
    """The stages of these services are over without having been; what stood before them never ended.

    Those that are `owing` still owe what theirs was decided for.
    """
    for service, one in sorted(withdrawn.items()):
        ended = {"ended_at": now, "owed_at_end": service in owing}
        tx.execute(update(impositions).where(impositions.c.id == one.id).values(**ended))
    again = [one.former_id for one in withdrawn.values() if one.former_id is not None]
    if again:
        tx.execute(update(impositions).where(impositions.c.id.in_(again)).values(ended_at=None))
