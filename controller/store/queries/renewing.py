"""Which accounts were last reviewed by another policy, or version of it, than they would be now?"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, func, select, update

from controller.store.queries.accounts import not_after
from controller.store.queries.among import IDS, among
from controller.store.tables import accounts


def is_outdated(tx: Connection, policy: str, default: str, by: str) -> bool:
    """Whether any account of the policy was reviewed by another; `default` is that of accounts that name none."""
    return tx.execute(select(accounts.c.id).where(_outdated(policy, default, by)).limit(1)).first() is not None


def mark_outdated(
    tx: Connection, policy: str, default: str, by: str, after: str, at: datetime, limit: int
) -> Sequence[str]:
    """Have some of them reviewed at an instant, in the order of their ids from one on; which they are.

    Not as news of the account: its present decision stays good until then.
    """
    theirs = select(accounts.c.id).where(_outdated(policy, default, by), accounts.c.id > after)
    ids = list(tx.execute(theirs.order_by(accounts.c.id).limit(limit).with_for_update()).scalars())
    if ids:
        tx.execute(update(accounts).where(among(accounts.c.id)).values(review_at=not_after(at)), {IDS: ids})
    return ids


def _outdated(policy: str, default: str, by: str) -> ColumnElement[bool]:
    mine = func.coalesce(accounts.c.policy, default) == policy
    return and_(mine, accounts.c.reviewed_at.is_not(None), func.coalesce(accounts.c.reviewed_by, "") != by)
