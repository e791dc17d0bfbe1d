"""The review: lock, load, decide, brake, save. It alone turns facts into decisions and entries (rules 1, 3, 6 and 9).

The accounts' rows are locked before anything is read and until the commit, so a payment and a review can't cross. The
last writes are the devices' revisions, in name order, and the entries that carry them.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row

from controller.braking import FirstImposition, pass_brake
from controller.concluded import billing_access, conclusion_of
from controller.conclusion import Book, Case, conclude, reviewed_by
from controller.core.decision import Block
from controller.core.facts import AccountId
from controller.desired import changed_entries, tombstone
from controller.numbering import follow_numbers
from controller.situation import Situation, situation_of
from controller.store.engine import Database
from controller.store.queries import accounts, decisions
from controller.store.queries.accounts import Mark, Reviewed
from controller.store.queries.devices import next_revisions
from controller.store.queries.entries import Wanted, write_entries
from controller.store.queries.facts import facts_of
from controller.store.queries.timeline import Happening, record
from controller.store.queries.unproven import withdraw
from controller.unchanged import unchanged

RETRY = timedelta(minutes=5)
"""How long after a review failed the account is tried again; an event about it has it tried at once."""

BATCH = 500
"""Accounts in one transaction: an intake that waits for one of their locks waits for the whole."""

_LONGEST_ERROR = 1000

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ReviewResult:
    """What one batch came to. `remaining` is 0 where nobody waits; `last` is the last mark that was met."""

    reviewed: int
    changed: int
    failed: int
    remaining: int
    last: Mark | None = field(default=None, compare=False)


class Reviews:
    """Batch after batch, each from where the one before it ended: what was reviewed lies behind, and is not met again.

    Marks that came in behind meanwhile are found when the end is reached.
    """

    def __init__(self, db: Database, book: Book, limit: int = BATCH) -> None:
        self._db, self._book, self._limit = db, book, limit
        self._after: Mark | None = None

    def next(self, now: datetime) -> ReviewResult:
        """Review one more batch; nobody is due where nothing was reviewed and nothing remains."""
        result = review_due(self._db, self._book, now, self._limit, self._after)
        if result.last is None and self._after is not None:
            result = review_due(self._db, self._book, now, self._limit)
        self._after = result.last
        return result


def review_due(db: Database, book: Book, now: datetime, limit: int = BATCH, after: Mark | None = None) -> ReviewResult:
    """Review at most `limit` accounts whose `review_at` has come, in one transaction; the caller asks again.

    An account whose review raises stops nobody: the others are reviewed one by one, and it is shown and tried later.
    """
    taken: list[str] = []
    last: Mark | None = None
    changed = failed = 0
    try:
        with db.write() as tx:
            due = accounts.accounts_due(tx, now, limit, after)
            taken += [row.id for row in due]
            last = next((_mark(row) for row in reversed(due) if not row.urgent), after if due else None)
            changed = _review(tx, sorted(due, key=lambda row: str(row.id)), book, now)
    except Exception:  # noqa: BLE001 - a turn's edge: whatever it was, the other accounts still get their review
        changed, failed = _one_by_one(db, taken, book, now)
    return ReviewResult(len(taken) - failed, changed, failed, _remaining(db, len(taken), limit, now), last)


def _remaining(db: Database, taken: int, limit: int, now: datetime) -> int:
    """Not asked after a whole batch: the next one tells."""
    if taken == limit:
        return 1
    with db.read() as tx:
        return accounts.how_many_due(tx, now)


def _mark(row: Row[Any]) -> Mark:
    return row.review_at, row.id


def _one_by_one(db: Database, ids: Sequence[str], book: Book, now: datetime) -> tuple[int, int]:
    """The number of services whose decision changed, and of accounts whose review failed."""
    changed = failed = 0
    for id in ids:
        try:
            with db.write() as tx:
                changed += review_in(tx, [id], book, now)
        except Exception as wrong:  # an account's turn: its failure is its own
            log.exception("the review of account %s failed", id)
            _keep_failure(db, id, f"{type(wrong).__name__}: {wrong}"[:_LONGEST_ERROR], now)
            failed += 1
    return changed, failed


def _keep_failure(db: Database, id: str, error: str, now: datetime) -> None:
    with db.write() as tx:
        for row in accounts.accounts_due_among(tx, [id], now):
            accounts.review_failed(tx, row.id, error, now + RETRY)
            if row.review_error != error:
                text = f"its review failed, and nothing of it is newly restricted until one succeeds: {error}"
                record(tx, [Happening(now, "alarm", "review", text, account=row.id)])


def review_in(tx: Connection, ids: Sequence[str], book: Book, now: datetime) -> int:
    """Review accounts that are marked, in the caller's transaction: an order's answer says what came of it.

    The caller has written nothing to devices or entries. The number of services whose decision changed.
    """
    return _review(tx, accounts.accounts_due_among(tx, ids, now), book, now)


def _review(tx: Connection, due: Sequence[Row[Any]], book: Book, now: datetime) -> int:
    """Review accounts whose rows are locked. The number of services whose decision changed."""
    facts = facts_of(tx, [row.id for row in due], now)
    same = unchanged(due, facts, book, now)
    due = [row for row in due if row.id not in same]
    situation = situation_of(tx, {AccountId(row.id): facts[AccountId(row.id)] for row in due})

    cases = [conclude(situation, row, book, now) for row in due]
    cases = _braked(tx, cases, situation, book, now)

    changed = _save_conclusions(tx, cases, situation, now)
    accounts.reviewed(tx, same | {case.row.id: _kept(case) for case in cases}, now)
    _write_entries(tx, cases, situation, now)
    return changed


def _kept(case: Case) -> Reviewed:
    return Reviewed(case.review_at, case.fingerprint, reviewed_by(case.policy))


def _braked(tx: Connection, cases: Sequence[Case], situation: Situation, book: Book, now: datetime) -> list[Case]:
    """The cases after the brake: where it holds one back, the account is decided again without it."""
    wanted = [
        FirstImposition(
            decision.service, case.policy.name, situation.enforcing(decision.service, billing_access(decision))
        )
        for case in cases
        for decision in case.decisions
        if decision.first
    ]
    braked = [one for one in wanted if one.devices]
    held = pass_brake(tx, braked, book.policies, book.default, now) if braked else {}
    return [_without(case, held, situation, book, now) for case in cases]


def _without(case: Case, held: Mapping[str, Block], situation: Situation, book: Book, now: datetime) -> Case:
    mine: dict[str, Block] = {one.service: held[one.service] for one in case.decisions if one.service in held}
    return conclude(situation, case.row, book, now, mine) if mine else case


def _save_conclusions(tx: Connection, cases: Sequence[Case], situation: Situation, now: datetime) -> int:
    decided = [(case, decision) for case in cases for decision in case.decisions]
    made = [conclusion_of(case, decision, situation, now) for case, decision in decided]
    changed = [one for one in made if one.changed]
    over = {one.service for one in made if one.ends} | situation.fictions
    owing = {one.service for one in made if one.owing}
    withdraw(tx, {id: situation.unproven[id] for case in cases for id in case.withdrawn}, owing, now)
    decisions.end_impositions(tx, over, owing, now)
    decisions.begin_impositions(tx, [one.begins for one in made if one.begins is not None], now)
    decisions.save_decisions(tx, [one.row for one in changed])
    record(tx, [line for one in changed for line in one.lines])
    follow_numbers(tx, [what for what, one in zip(decided, made, strict=True) if one.changed], situation, now)
    return len(changed)


def _write_entries(tx: Connection, cases: Sequence[Case], situation: Situation, now: datetime) -> None:
    wanted: list[Wanted] = [tombstone(row) for row in situation.over]
    for case in cases:
        for decision in case.decisions:
            bound = situation.bound_of(decision.service)
            wanted += changed_entries(
                decision, case.row.id, bound, situation.entries_of(decision.service), case.row.cause_at
            )
    write_entries(tx, wanted, next_revisions(tx, {entry.device for entry in wanted}), now)
