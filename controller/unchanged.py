"""Accounts that came up by the clock alone and are as they were: they are looked at, and left.

Nearly all reviews are such: a due date that a payment met long ago, a policy's new version that means nothing to who
owes nothing. What stands on devices follows from the decision, so where no decision changed nothing else can have.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from controller.conclusion import Book, next_review, reviewed_by
from controller.core.decide import decide
from controller.core.facts import AccountId, Facts
from controller.core.fingerprint import fingerprint_of
from controller.store.queries.accounts import Reviewed


def unchanged(
    due: Sequence[Row[Any]], facts: Mapping[AccountId, Facts], book: Book, now: datetime
) -> dict[str, Reviewed]:
    """The due accounts of which nothing was told and nothing changed, and what is to be kept of their review."""
    same: dict[str, Reviewed] = {}
    for row in due:
        policy, named = book.policy_of(row)
        if row.cause_at is not None or row.concluded is None or row.review_error is not None or policy.name != named:
            continue
        found = decide(facts[AccountId(row.id)], policy, now)
        if not any(one.first for one in found) and fingerprint_of(found) == row.concluded:
            same[row.id] = Reviewed(next_review(found, now), row.concluded, reviewed_by(policy))
    return same
