"""A policy that changed: its accounts are decided anew, after whatever may restore somebody.

At the controller's start, beside the reviews. What the new version would newly impose passes the brake like all else.
"""

import logging
from datetime import datetime

from controller.conclusion import Book, reviewed_by
from controller.core.policy import Policy
from controller.store.engine import Database
from controller.store.queries.renewing import is_outdated, mark_outdated
from controller.store.queries.timeline import Happening, record

CHUNK = 5000
"""Accounts that are marked in one transaction: intake waits for their locks no longer than that takes."""

log = logging.getLogger(__name__)


def renew(database: Database, book: Book, now: datetime) -> int:
    """Mark the accounts that were decided by another version of a loaded policy; how many they are."""
    return sum(_renew(database, policy, book.default, now) for _, policy in sorted(book.policies.items()))


def _renew(database: Database, policy: Policy, default: str, now: datetime) -> int:
    by = reviewed_by(policy)
    with database.read() as tx:
        if not is_outdated(tx, policy.name, default, by):
            return 0
    marked, last = 0, ""
    while True:
        with database.write() as tx:
            found = mark_outdated(tx, policy.name, default, by, last, now, CHUNK)
            if not found:
                break
        marked, last = marked + len(found), found[-1]
    text = f"policy {policy.name} has a new version, {policy.version}: {marked} accounts are to be decided anew"
    log.info("%s", text)
    with database.write() as tx:
        record(
            tx,
            [Happening(now, "decision", "controller", text, detail={"policy": policy.name, "version": policy.version})],
        )
    return marked
