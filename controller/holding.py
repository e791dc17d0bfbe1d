"""Holds by people: why not to escalate, or to open now until a date, within the bounds that the policy sets.

Between the API and the facts. A hold beyond a bound is refused at the door with the bound in words, since one that the
review would pass over in silence is a promise that nobody keeps. An admin may go beyond.
"""

import uuid
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from controller.core.calendar import Days, DayUnit, end_of_lead
from controller.core.case import cases
from controller.core.facts import AccountId, Facts, Hold, HoldKind, Instalment
from controller.core.holds import CLAIMED_PAYMENT_HOURS, not_in_force
from controller.core.policy import Policy
from controller.core.wording import instant
from controller.intake.rows import hold_row
from controller.refusals import OrderRefused
from controller.store.queries import accounts, ordering
from controller.store.queries.facts import facts_of
from controller.store.queries.timeline import Happening, record
from enforcement.entries import ServiceId

BY_PEOPLE = frozenset(HoldKind) - {HoldKind.OUTAGE}
"""An outage is told of a device or a site, and holds whoever is bound there."""

INSTEAD = "An admin may go beyond it (grifo hold add --beyond); or agree on a promise or a plan within the policy."


@dataclass(frozen=True, slots=True)
class HoldAsked:
    """What a person asked for; `service` None holds the whole account. `instalments` are a plan's."""

    account: str
    service: str | None
    kind: HoldKind
    note: str
    author: str
    until: datetime | None = None
    review_on: date | None = None
    instalments: tuple[Instalment, ...] = ()
    currency: str = ""
    beyond: bool = False


def give_hold(tx: Connection, asked: HoldAsked, policy: Policy, now: datetime) -> str:
    """Write a hold under its account's lock, and mark the account; its id. Raises OrderRefused."""
    _check(asked, now)
    facts = facts_of(tx, [asked.account], now)[AccountId(asked.account)]
    days = policy.days_of(facts.municipality)
    hold = Hold(
        id=f"h-{uuid.uuid4().hex}",
        kind=asked.kind,
        since=now,
        author=asked.author,
        note=asked.note,
        until=asked.until if asked.until is not None or asked.beyond else latest_end(asked.kind, policy, days, now),
        service=None if asked.service is None else ServiceId(asked.service),
        review_on=asked.review_on,
        beyond=asked.beyond,
        instalments=asked.instalments,
        currency=asked.currency,
    )
    check_bounds(hold, facts, policy, now)
    ordering.give_hold(tx, now, account_id=asked.account, **hold_row(hold))
    until = f"until {hold.until.isoformat()}" if hold.until else "until somebody ends it"
    _tell(tx, now, asked.author, f"hold {hold.id} ({hold.kind}) {until}: {asked.note}", asked.account, asked.service)
    accounts.mark_for_review(tx, [asked.account], now, urgent=True)
    return hold.id


def _check(asked: HoldAsked, now: datetime) -> None:
    if asked.kind not in BY_PEOPLE:
        raise OrderRefused("body.kind outage is told of a device or a site: see /v1/outages", wrong_request=True)
    if asked.until is not None and asked.until <= now:
        raise OrderRefused(f"body.until is {asked.until.isoformat()}, which has passed", wrong_request=True)
    if asked.instalments and asked.kind is not HoldKind.PLAN:
        raise OrderRefused("body.instalments belong to kind plan", wrong_request=True)
    if asked.instalments and not asked.currency:
        raise OrderRefused("body.currency is missing: the instalments' ISO 4217 code", wrong_request=True)
    if asked.kind is HoldKind.PROMISE and asked.until is None:
        raise OrderRefused("body.until is missing: a promise to pay names its day", wrong_request=True)
    if asked.kind is HoldKind.PLAN and asked.until is None and not asked.instalments:
        raise OrderRefused("body.instalments or body.until is missing: a plan has an end", wrong_request=True)


def latest_end(kind: HoldKind, policy: Policy, days: Days, now: datetime) -> datetime | None:
    """How long a hold of this kind may last by the policy; None where it sets no bound."""
    bound = policy.holds.bounds.get(kind)
    ends = [end_of_lead(days, now, bound.days, DayUnit.DAYS)] if bound is not None and bound.days else []
    if kind is HoldKind.CLAIMED_PAYMENT:
        ends.append(now + timedelta(hours=CLAIMED_PAYMENT_HOURS))
    return min(ends, default=None)


def check_bounds(hold: Hold, facts: Facts, policy: Policy, now: datetime) -> None:
    """Raises OrderRefused where the policy would keep the hold from being in force, or end it early."""
    if hold.beyond:
        return
    days = policy.days_of(facts.municipality)
    latest = latest_end(hold.kind, policy, days, now)
    if latest is not None and hold.until is not None and hold.until > latest:
        until = instant(latest, days.zone)
        raise OrderRefused(f"Policy {policy.name} allows {hold.kind} until {until} at the longest. {INSTEAD}")
    known = replace(facts, holds=(*facts.holds, hold))
    for case in cases(facts, policy, now):
        if hold.service not in (None, case.service.id):
            continue
        before = {one.hold.id for one in not_in_force(facts, case.service.id, policy, now)}
        for one in not_in_force(known, case.service.id, policy, now):
            # Of two that are given at one instant, the bound may fall on the former.
            if one.hold.id not in before:
                raise OrderRefused(f"It would not hold {case.service.id}: {one.why} {INSTEAD}")


def end_hold(tx: Connection, row: Any, note: str, by: str, now: datetime) -> None:
    """End a hold (its row, read under its account's lock), and mark the account. Raises OrderRefused."""
    if row.until is not None and row.until <= now:
        raise OrderRefused(f"The hold {row.id} ended on {row.until.isoformat()}.")
    ordering.end_hold(tx, row, now)
    _tell(tx, now, by, f"hold {row.id} ({row.kind}) ended: {note}", row.account_id, row.service_id)
    accounts.mark_for_review(tx, [row.account_id], now, urgent=True)


def _tell(tx: Connection, now: datetime, by: str, text: str, account: str, service: str | None) -> None:
    record(tx, [Happening(now, "hold", by, text, account=account, service=service)])
