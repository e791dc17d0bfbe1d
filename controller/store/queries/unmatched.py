"""Money and returns that nobody has attributed: whose may they be, and which wait for a person?"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, not_, select

from controller.store.tables import collections, payments, returns, unmatched_candidates, unmatched_payments

Shown = dict[str, Any]


def candidates_of(tx: Connection, ids: Collection[str]) -> set[str]:
    """The accounts that are named as possible payers of these payments."""
    if not ids:
        return set()
    named = select(unmatched_candidates.c.account_id).where(unmatched_candidates.c.payment_id.in_(sorted(ids)))
    return set(tx.execute(named).scalars())


def set_candidates(tx: Connection, payment: str, accounts: Collection[str]) -> None:
    """The possible payers are these and nobody else."""
    tx.execute(delete(unmatched_candidates).where(unmatched_candidates.c.payment_id == payment))
    rows = [{"payment_id": payment, "account_id": account} for account in sorted(accounts)]
    if rows:
        tx.execute(insert(unmatched_candidates), rows)


def is_open() -> ColumnElement[bool]:
    """Whether a row of `unmatched_payments` still waits: not closed, and no payment of its id has been told."""
    matched = select(payments.c.id).where(payments.c.id == unmatched_payments.c.id).exists()
    return and_(~unmatched_payments.c.closed, not_(matched))


def open_payments(tx: Connection, limit: int = 200) -> list[Shown]:
    """Payments that nobody has attributed, oldest first, each with the accounts that may have made it."""
    query = select(unmatched_payments).where(is_open())
    rows = tx.execute(query.order_by(unmatched_payments.c.received_at, unmatched_payments.c.id).limit(limit)).all()
    named: dict[str, list[str]] = {}
    of_these = select(unmatched_candidates).where(unmatched_candidates.c.payment_id.in_([row.id for row in rows]))
    for row in tx.execute(of_these.order_by(unmatched_candidates.c.account_id)):
        named.setdefault(row.payment_id, []).append(row.account_id)
    return [
        {
            "payment": row.id,
            "amount": row.amount,
            "currency": row.currency,
            "received_at": row.received_at,
            "source": row.event_source,
            "candidates": named.get(row.id, []),
        }
        for row in rows
    ]


def open_payments_counted(tx: Connection) -> int:
    """How many payments nobody has attributed."""
    return tx.execute(select(func.count()).select_from(unmatched_payments).where(is_open())).scalar_one()


def _of_nobody() -> Any:
    known = returns.outerjoin(collections, returns.c.collection_id == collections.c.id)
    nobodys = and_(returns.c.account_id.is_(None), collections.c.id.is_(None))
    return select(returns).select_from(known).where(nobodys)


def returns_of_nobody(tx: Connection, limit: int = 200) -> list[Shown]:
    """Returns whose collection nobody has told of, newest first: kept, and shown until somebody does."""
    newest = _of_nobody().order_by(returns.c.returned_on.desc(), returns.c.collection_id)
    return [
        {
            "collection": row.collection_id,
            "code": row.code,
            "returned_on": row.returned_on.isoformat(),
            "amount": row.amount,
            "source": row.event_source,
        }
        for row in tx.execute(newest.limit(limit))
    ]


def returns_of_nobody_counted(tx: Connection) -> int:
    """How many returns belong to no collection that anybody told of."""
    return tx.execute(select(func.count()).select_from(_of_nobody().subquery())).scalar_one()
