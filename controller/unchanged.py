"""Accounts that came up by the clock alone and are as they were: they are looked at, and left.

Nearly all reviews are such: a due date that a payment met long ago, a policy's new version that means nothing to who
owes nothing. What stands on devices follows from the decision, so where no decision changed nothing else can have.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from controller.conclusion import Book, next_review
from controller.core.decide import decide
from controller.core.facts import AccountId, Facts
from controller.core.fingerprint import fingerprint_of
from controller.store.queries.accounts import Reviewed
from controller.store.queries.decisions import confirm


def unchanged(
    tx: Connection, due: Sequence[Row[Any]], facts: Mapping[AccountId, Facts], book: Book, now: datetime
) -> dict[str, Reviewed]:
    """Those of the due accounts of which nothing was told and nothing changed, with what is to be kept of the review.

    Their decisions are confirmed for the present version of the policy.
    """
    same: dict[str, Reviewed] = {}
    by_policy: dict[tuple[str, str], list[str]] = {}
    for row in due:
        policy, named = book.policy_of(row)
        if row.cause_at is not None or row.concluded is None or row.review_error is not None or policy.name != named:
            continue
        found = decide(facts[AccountId(row.id)], policy, now)
        if not any(one.first for one in found) and fingerprint_of(found) == row.concluded:
            same[row.id] = Reviewed(next_review(found, now), row.concluded)
            by_policy.setdefault((policy.name, policy.version), []).append(row.id)
    for (name, version), ids in by_policy.items():
        confirm(tx, ids, name, version)
    return same
