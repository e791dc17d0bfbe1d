"""Accounts: the row whose lock is the claim (rule 1), and whose `review_at` is the mark for review."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    bindparam,
    case,
    false,
    func,
    or_,
    select,
    true,
    tuple_,
    update,
)

from controller.core.facts import AccountId
from controller.store.queries.among import IDS, among
from controller.store.queries.writing import chunks, insert_missing
from controller.store.tables import accounts

NOT_TOLD = {"event_time": datetime(1970, 1, 1, tzinfo=UTC), "event_sequence": -1, "event_source": "", "event_id": ""}
"""The order of a row that nobody has told yet: older than any event that intake accepts."""


def lock_accounts(tx: Connection, ids: Collection[str]) -> None:
    """Lock these accounts until the transaction ends, in id order, making rows for those that are not known yet."""
    ordered = sorted(ids)
    insert_missing(tx, accounts, [{"id": id, "tags": [], "municipality": "", **NOT_TOLD} for id in ordered])
    for some in chunks(ordered):
        tx.execute(select(accounts.c.id).where(accounts.c.id.in_(some)).order_by(accounts.c.id).with_for_update())


def mark_for_review(tx: Connection, ids: Collection[str], now: datetime, *, urgent: bool = False) -> None:
    """Have these accounts reviewed now. The caller holds their locks.

    The cause is the earliest that no review has seen yet: restores are timed from it. What is `urgent`, because it may
    restore somebody, overtakes all others.
    """
    for some in chunks(sorted(ids)):
        _mark(tx, accounts.c.id.in_(some), now, urgent=urgent)


def lock_and_mark(tx: Connection, chosen: Select[tuple[str]], now: datetime) -> int:
    """Lock the accounts whose ids a question gives, in id order, and have them reviewed now; how many they are."""
    concerned = accounts.c.id.in_(chosen)
    tx.execute(select(accounts.c.id).where(concerned).order_by(accounts.c.id).with_for_update())
    return _mark(tx, concerned, now)


def mark_unlocked(tx: Connection, ids: Collection[str], now: datetime) -> None:
    """Have these accounts reviewed now, but for those that somebody else holds: a permit waits for nobody's lock."""
    for some in chunks(sorted(ids)):
        free = select(accounts.c.id).where(accounts.c.id.in_(some)).with_for_update(skip_locked=True)
        _mark(tx, accounts.c.id.in_(tx.execute(free).scalars().all()), now)


def not_after(at: datetime) -> ColumnElement[datetime]:
    """The mark that an account has, or one at an instant where it has none or a later one."""
    return case((or_(accounts.c.review_at.is_(None), accounts.c.review_at > at), at), else_=accounts.c.review_at)


def _mark(tx: Connection, concerned: ColumnElement[bool], now: datetime, *, urgent: bool = False) -> int:
    cause = func.coalesce(accounts.c.cause_at, now)
    values: dict[str, Any] = {"review_at": not_after(now), "cause_at": cause}
    if urgent:
        values["urgent"] = true()
    return tx.execute(update(accounts).where(concerned).values(values)).rowcount


Mark = tuple[datetime, str]
"""A mark for review in its order: (review_at, account)."""


def accounts_due(tx: Connection, now: datetime, limit: int, after: Mark | None = None) -> Sequence[Row[Any]]:
    """Lock accounts whose review has come: the urgent ones alone, else the oldest marks `after` one; in their order.

    Those that another transaction holds are passed over. An intake or a review leaves them as they shall be; a permit
    or a report changes nothing of them and ends at once: the caller looks again soon.
    """
    due = select(accounts).where(accounts.c.review_at <= now).order_by(accounts.c.review_at, accounts.c.id)
    taking = due.limit(limit).with_for_update(skip_locked=True)
    urgent = tx.execute(taking.where(accounts.c.urgent)).all()
    if urgent:
        return urgent
    return tx.execute(taking if after is None else taking.where(after < _MARK)).all()


def accounts_due_among(tx: Connection, ids: Iterable[str], now: datetime) -> Sequence[Row[Any]]:
    """As `accounts_due`, of these accounts only, and waiting for their locks."""
    due = select(accounts).where(accounts.c.id.in_(sorted(ids)), accounts.c.review_at <= now)
    return tx.execute(due.order_by(accounts.c.id).with_for_update()).all()


def how_many_due(tx: Connection, now: datetime, at_most: int = 100) -> int:
    """How many accounts wait for their review; counted up to `at_most`, since a backlog may be a million."""
    some = select(true()).select_from(accounts).where(accounts.c.review_at <= now).limit(at_most).subquery()
    return tx.execute(select(func.count()).select_from(some)).scalar_one()


_MARK = tuple_(accounts.c.review_at, accounts.c.id)


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What is kept of a review on its account: when the next one is (never where None), its fingerprint, by what."""

    review_at: datetime | None
    concluded: str | None
    reviewed_by: str


def reviewed(tx: Connection, reviews: Mapping[str, Reviewed], now: datetime) -> None:
    """The reviews of these locked accounts are done. Most of a batch are alike where nothing changed, and are written
    in one statement; what changed is each account's own."""
    alike: dict[Reviewed, list[str]] = {}
    for account in sorted(reviews):
        alike.setdefault(reviews[account], []).append(account)
    own: list[dict[str, object]] = []
    for review, ids in alike.items():
        values: dict[str, object] = {
            "_next": review.review_at,
            "_concluded": review.concluded,
            "_by": review.reviewed_by,
            "_now": now,
        }
        if len(ids) > 1:
            tx.execute(_REVIEWED.where(among(accounts.c.id)), values | {IDS: ids})
        else:
            own.append(values | {"_id": ids[0]})
    if own:
        tx.execute(_REVIEWED.where(accounts.c.id == bindparam("_id")), own)


_REVIEWED = update(accounts).values(
    review_at=bindparam("_next"),
    cause_at=None,
    urgent=false(),
    reviewed_at=bindparam("_now"),
    review_error=None,
    concluded=bindparam("_concluded"),
    reviewed_by=bindparam("_by"),
)


def review_failed(tx: Connection, account: AccountId, error: str, again_at: datetime) -> None:
    """Record why the review of an account failed, and when it is tried again. Its cause is kept."""
    values = {"review_at": again_at, "review_error": error}
    tx.execute(update(accounts).where(accounts.c.id == account).values(values))


def account(tx: Connection, id: str) -> Row[Any] | None:
    """The row of one account."""
    return tx.execute(select(accounts).where(accounts.c.id == id)).one_or_none()
