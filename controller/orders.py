"""Orders by name: a person, or the billing system, suspends or restores a service.

They are facts like any other: written under the account's lock and reviewed in the same transaction, so that the answer
already says what came of it. An order for billing goes around no rule: it asks for a review, and says what blocks it.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from controller.core.facts import AccountId, Hold, HoldKind
from controller.core.policy import Policy
from controller.core.wording import say
from controller.holding import check_bounds, latest_end
from controller.intake.rows import hold_row
from controller.refusals import OrderRefused
from controller.store.queries import accounts, ordering, shown
from controller.store.queries.facts import facts_of
from controller.store.queries.timeline import Happening, record
from enforcement.access import LADDERS, Access, Kind, Reason
from enforcement.entries import ServiceId

DEFAULT_ACCESS = {
    Kind.INTERNET: Access.BLOCKED,
    Kind.FIXED_VOICE: Access.INCOMING_ONLY,
    Kind.MOBILE_VOICE: Access.INCOMING_ONLY,
}

_LONGEST_NOTE = timedelta(days=366 * 10)


@dataclass(frozen=True, slots=True)
class Ordered:
    """What was ordered, by whom, of which service (a row of `shown.service_row`)."""

    service: Any
    author: str
    reason: Reason
    note: str
    until: datetime | None
    now: datetime


def suspend(tx: Connection, ordered: Ordered, access: Access | None) -> None:
    """Write a suspension under the account's lock, and mark the account. Raises OrderRefused."""
    _check_until(ordered)
    kind = Kind(ordered.service.kind)
    if ordered.service.ended_at is not None and ordered.service.ended_at <= ordered.now:
        raise OrderRefused(f"The service {ordered.service.id} ended; there is nothing to suspend.")
    if ordered.reason is Reason.BILLING:
        _refuse_access_for_billing(access, ordered.until)
        text = f"asked to suspend for billing: {ordered.note}"
    else:
        given = _checked_access(kind, access or DEFAULT_ACCESS[kind])
        _give_order(tx, ordered, given)
        text = f"suspended to {given} for {ordered.reason}: {ordered.note}"
    _finish(tx, ordered, "order", text)


def restore(tx: Connection, ordered: Ordered, policy: Policy) -> str:
    """Write a courtesy (billing), or end the orders of a reason; mark the account. Raises OrderRefused.

    Says why there was nothing to do where that is so: a courtesy for one who owes nothing would shelter the next debt.
    """
    _check_until(ordered)
    if ordered.reason is Reason.BILLING and _open_and_owes_nothing(tx, ordered):
        return say(
            "{service} is open already and nothing is past due: no courtesy was needed.", service=ordered.service.id
        )
    _restore(tx, ordered, policy)
    return ""


def _open_and_owes_nothing(tx: Connection, ordered: Ordered) -> bool:
    """By the present decision; false where something has happened since that it does not yet know of."""
    decision, service = shown.decision_row(tx, ordered.service.id), shown.service_row(tx, ordered.service.id)
    review_at = service.review_at
    if decision is None or (review_at is not None and review_at <= ordered.now):
        return False
    return decision.access == Access.FULL and all(fact["kind"] != "invoice" for fact in decision.body["evidence"])


def _restore(tx: Connection, ordered: Ordered, policy: Policy) -> None:
    if ordered.reason is Reason.BILLING:
        given = _give_courtesy(tx, ordered, policy)
        text = f"restored as a courtesy until {given.until.isoformat() if given.until else 'ended'}: {ordered.note}"
        _finish(tx, ordered, "hold", text)
        return
    if ordered.until is not None:
        raise OrderRefused("body.until belongs to reason billing; other orders are ended for good", wrong_request=True)
    ended = ordering.end_orders(tx, ordered.service.id, ordered.reason, ordered.now, ordered.author)
    if not ended:
        raise OrderRefused(f"The service {ordered.service.id} has no order for {ordered.reason} in force.")
    _finish(tx, ordered, "order", f"ended the suspension for {ordered.reason}: {ordered.note}")


def _check_until(ordered: Ordered) -> None:
    if ordered.until is None:
        return
    if ordered.until <= ordered.now:
        raise OrderRefused(f"body.until is {ordered.until.isoformat()}, which has passed", wrong_request=True)
    if ordered.until > ordered.now + _LONGEST_NOTE:
        raise OrderRefused("body.until is more than ten years ahead", wrong_request=True)


def _refuse_access_for_billing(access: Access | None, until: datetime | None) -> None:
    """The policy alone says how far, and until when, a service goes down for billing."""
    if access is not None or until is not None:
        words = "body.access and body.until are not for reason billing: the policy decides both"
        raise OrderRefused(words, wrong_request=True)


def _checked_access(kind: Kind, access: Access) -> Access:
    allowed = [rung for rung in LADDERS[kind] if rung not in (Access.FULL, Access.RELEASED)]
    if access not in allowed:
        raise OrderRefused(
            f"body.access is {access}; for {kind} it must be one of {', '.join(allowed)}", wrong_request=True
        )
    return access


def _give_order(tx: Connection, ordered: Ordered, access: Access) -> None:
    ordering.give_order(
        tx,
        id=f"o-{uuid.uuid4().hex}",
        account_id=ordered.service.account_id,
        service_id=ordered.service.id,
        reason=ordered.reason.value,
        access=access.value,
        since=ordered.now,
        until=ordered.until,
        author=ordered.author,
        note=ordered.note,
    )


def _give_courtesy(tx: Connection, ordered: Ordered, policy: Policy) -> Hold:
    """As long as was asked, else as the policy says. Raises OrderRefused beyond the policy's bounds."""
    account = ordered.service.account_id
    facts = facts_of(tx, [account], ordered.now)[AccountId(account)]
    usual = ordered.now + timedelta(days=policy.courtesy_days)
    latest = latest_end(HoldKind.COURTESY, policy, policy.days_of(facts.municipality), ordered.now)
    hold = Hold(
        id=f"h-{uuid.uuid4().hex}",
        kind=HoldKind.COURTESY,
        since=ordered.now,
        author=ordered.author,
        note=ordered.note,
        until=ordered.until or min(usual, latest or usual),
        service=ServiceId(ordered.service.id),
    )
    check_bounds(hold, facts, policy, ordered.now)
    ordering.give_hold(tx, ordered.now, account_id=account, **hold_row(hold))
    return hold


def _finish(tx: Connection, ordered: Ordered, kind: str, text: str) -> None:
    service = ordered.service
    detail: Mapping[str, Any] = {"reason": ordered.reason.value, "note": ordered.note}
    record(
        tx,
        [Happening(ordered.now, kind, ordered.author, text, service.account_id, service.id, detail=detail)],
    )
    accounts.mark_for_review(tx, [service.account_id], ordered.now, urgent=True)
