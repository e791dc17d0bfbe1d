"""Holds that are not over, for people: whose they are, and which a person should have looked at by now."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, or_, select

from controller.core.calendar import local_date
from controller.core.holds import overdue_for_review
from controller.core.policy import Policy
from controller.store.queries import factual
from controller.store.tables import accounts, holds

Shown = dict[str, Any]

LISTED_AT_MOST = 1000


def holds_listed(tx: Connection, policies: Mapping[str, Policy], default: str, now: datetime) -> list[Shown]:
    """At most 1000 that are not over, those to be looked at longest ago first."""
    rows = tx.execute(_not_over(now).limit(LISTED_AT_MOST))
    return [_shown(row, _is_overdue(row, policies, default, now)) for row in rows]


def overdue_holds(tx: Connection, policies: Mapping[str, Policy], default: str, now: datetime) -> list[Shown]:
    """All that a person should have looked at by now: neither ended nor forgotten."""
    may_be = or_(holds.c.review_on.is_(None), holds.c.review_on <= now.date())
    rows = (row for row in tx.execute(_not_over(now).where(may_be)) if _is_overdue(row, policies, default, now))
    return [_shown(row, True) for row in rows]


def _not_over(now: datetime) -> Select[Any]:
    query = select(holds, accounts.c.policy).join_from(holds, accounts, accounts.c.id == holds.c.account_id)
    in_force = (holds.c.since <= now) & or_(holds.c.until.is_(None), holds.c.until > now)
    return query.where(in_force).order_by(holds.c.review_on, holds.c.since, holds.c.id)


def _is_overdue(row: Row[Any], policies: Mapping[str, Policy], default: str, now: datetime) -> bool:
    policy = policies.get(row.policy, policies[default])
    return overdue_for_review(factual.hold(row), policy, local_date(policy.days_of("").zone, now))


def _shown(row: Row[Any], overdue: bool) -> Shown:
    fields = ("kind", "since", "until", "author", "note", "review_on", "beyond", "instalments", "currency")
    shown = {name: getattr(row, name) for name in fields}
    return {"hold": row.id, "account": row.account_id, "service": row.service_id, "overdue": overdue, **shown}
