"""Which accounts were decided by another version of their policy than the one that is loaded?"""

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, case, or_, select, update

from controller.store.queries.among import IDS, among
from controller.store.tables import accounts, decisions


def is_outdated(tx: Connection, policy: str, version: str) -> bool:
    """Whether any decision was made by another version of the policy."""
    return tx.execute(select(decisions.c.service_id).where(_outdated(policy, version)).limit(1)).first() is not None


def mark_outdated(tx: Connection, policy: str, version: str, after: str, at: datetime, limit: int) -> list[str]:
    """Have some of their accounts reviewed at an instant, in the order of their ids from one on; which they are.

    Not as news of the account: its present decision stays good until then.
    """
    theirs = select(decisions.c.account_id).where(_outdated(policy, version), decisions.c.account_id > after)
    ids = list(tx.execute(theirs.distinct().order_by(decisions.c.account_id).limit(limit)).scalars())
    if ids:
        mine = among(accounts.c.id)
        tx.execute(select(accounts.c.id).where(mine).order_by(accounts.c.id).with_for_update(), {IDS: ids})
        soon = case((or_(accounts.c.review_at.is_(None), accounts.c.review_at > at), at), else_=accounts.c.review_at)
        tx.execute(update(accounts).where(mine).values(review_at=soon), {IDS: ids})
    return ids


def _outdated(policy: str, version: str) -> ColumnElement[bool]:
    return (decisions.c.policy == policy) & (decisions.c.policy_version != version)
