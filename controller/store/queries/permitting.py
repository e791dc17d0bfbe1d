"""May these entries be restricted now? What a permit looks at, under a lock that a payment cannot cross.

Entries are found by their bindings alone: asked for a device's as well, SQLite would read all of that device.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, or_, select

from controller.core.facts import OPENING_HOLDS
from controller.store.tables import accounts, conflicts, decisions, entries, holds, impositions, services
from enforcement.access import Reason

_CHUNK = 500
"""Values in one IN list: well below what SQLite (32,766) and PostgreSQL (65,535) take."""


@dataclass(frozen=True, slots=True)
class AskedEntry:
    """An entry that an agent wants to enforce, with what else the permit depends on.

    `first` only until it was verified once: what follows is a repair. `fiction` is a stage that was only observed while
    no device enforced it, and is to be decided again. `disputed` is an account with an unsettled conflict. `marked`:
    something was told of the account that no review has seen. `present_account` is the service's, and another than the
    entry's until a review has followed a move. `for_billing`: without billing's reason the access would be higher.
    """

    binding: str
    account: str
    present_account: str
    service: str
    kind: str
    access: str
    for_billing: bool
    changed_revision: int
    ended: bool
    first: bool
    contested: bool
    policy: str | None
    municipality: str
    marked: bool
    review_at: datetime | None
    review_error: str | None
    fiction: bool
    disputed: bool
    decided: str | None
    held: bool


def lock_accounts_of(tx: Connection, device: str, bindings: Sequence[str]) -> frozenset[str]:
    """Lock the accounts of these entries against intake and review, in id order; they stay locked until the commit.

    Both accounts of a service that has moved: the entry's, and the one whose payments count now.
    FOR SHARE on PostgreSQL, so that permits and reports do not wait for each other. On SQLite the write transaction
    is the lock.
    """
    found: set[str] = set()
    for chunk in _chunks(bindings):
        query = (
            select(entries.c.device, entries.c.account_id, services.c.account_id.label("present"))
            .join_from(entries, services, services.c.id == entries.c.service_id, isouter=True)
            .where(entries.c.binding.in_(chunk))
        )
        mine = (row for row in tx.execute(query) if row.device == device)
        found.update(account for row in mine for account in (row.account_id, row.present) if account)
    for chunk in _chunks(sorted(found)):
        locked = select(accounts.c.id).where(accounts.c.id.in_(chunk)).order_by(accounts.c.id)
        tx.execute(locked.with_for_update(read=True)).all()
    return frozenset(found)


def asked_entries(tx: Connection, device: str, bindings: Sequence[str], now: datetime) -> dict[str, AskedEntry]:
    """The entries of a device by binding, as they are under the lock."""
    return {entry.binding: entry for chunk in _chunks(bindings) for entry in _asked(tx, device, chunk, now)}


def _asked(tx: Connection, device: str, bindings: Sequence[str], now: datetime) -> list[AskedEntry]:
    other = entries.alias("other")
    claims = (
        select(func.count())
        .where(other.c.device == entries.c.device, other.c.key == entries.c.key, ~other.c.ended)
        .scalar_subquery()
    )
    # A hold that opens bars every cut for billing; one that only stops escalation bars a first one.
    in_force = (holds.c.since <= now, or_(holds.c.until.is_(None), holds.c.until > now))
    first = entries.c.first & entries.c.verified_at.is_(None)
    bars = or_(holds.c.kind.in_([kind.value for kind in OPENING_HOLDS]), first)
    of_service = or_(holds.c.service_id.is_(None), holds.c.service_id == entries.c.service_id)
    held = select(holds.c.id).where(holds.c.account_id == entries.c.account_id, of_service, bars, *in_force).exists()
    of_account = conflicts.c.account_id == entries.c.account_id
    disputed = select(conflicts.c.id).where(of_account, conflicts.c.settled_at.is_(None)).exists()
    open_ = impositions.c.observed & impositions.c.ended_at.is_(None)
    fiction = select(impositions.c.id).where(impositions.c.service_id == entries.c.service_id, open_).exists()
    query = (
        select(
            entries,
            accounts.c.policy,
            accounts.c.municipality,
            services.c.account_id.label("present_account"),
            accounts.c.cause_at.is_not(None).label("marked"),
            accounts.c.review_at,
            accounts.c.review_error,
            fiction.label("fiction"),
            disputed.label("disputed"),
            decisions.c.access.label("decided"),
            decisions.c.body.label("decision"),
            claims.label("claims"),
            held.label("held"),
        )
        .join_from(entries, accounts, accounts.c.id == entries.c.account_id)
        .join(services, services.c.id == entries.c.service_id)
        .join(decisions, decisions.c.service_id == entries.c.service_id, isouter=True)
        .where(entries.c.binding.in_(bindings))
    )
    return [
        AskedEntry(
            binding=row.binding,
            account=row.account_id,
            present_account=row.present_account,
            service=row.service_id,
            kind=row.kind,
            access=row.access,
            for_billing=_for_billing(row.access, row.decision),
            changed_revision=row.changed_revision,
            ended=row.ended,
            first=row.first and row.verified_at is None,
            contested=row.claims > 1,
            policy=row.policy,
            municipality=row.municipality,
            marked=row.marked,
            review_at=row.review_at,
            review_error=row.review_error,
            fiction=bool(row.fiction),
            disputed=bool(row.disputed),
            decided=row.decided,
            held=bool(row.held),
        )
        for row in tx.execute(query)
        if row.device == device
    ]


def _for_billing(access: str, decision: Mapping[str, Any] | None) -> bool:
    """Whether no other reason alone gives the access; then everything that bars a cut for non-payment bars this one."""
    reasons = decision["reasons"] if decision is not None else []
    return all(one["reason"] == Reason.BILLING or one["access"] != access for one in reasons)


def _chunks(values: Sequence[str]) -> list[Sequence[str]]:
    return [values[i : i + _CHUNK] for i in range(0, len(values), _CHUNK)]
