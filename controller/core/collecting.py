"""Which unpaid invoices lead to nothing for now: their debit is under way, or came back for no fault of the payer.

Between the facts and the ledger. Who is being debited has no reason to pay otherwise; who was debited wrongly is given
time until it is mended.
"""

from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from controller.core.calendar import days_after, start_of
from controller.core.facts import Collection, Facts
from controller.core.horizon import Horizon
from controller.core.payments import window_ends
from controller.core.policy import Policy
from controller.core.refunds import CameBack, came_back
from controller.core.return_codes import ReturnClass
from controller.core.wording import say

_MENDED = frozenset({ReturnClass.TECHNICAL, ReturnClass.OPERATOR, ReturnClass.REVIEW, ReturnClass.DECEASED})
"""Returns that say nothing about the payer: the invoice waits until it can be collected again."""


@dataclass(frozen=True, slots=True)
class Idle:
    """Until when an invoice leads to nothing, and why."""

    until: datetime
    why: str
    collecting: bool


_NONE: Mapping[str, Idle] = {}


def idle_invoices(
    facts: Facts, policy: Policy, invoices: Container[str], now: datetime, horizon: Horizon
) -> Mapping[str, Idle]:
    """Which of `invoices` lead to nothing at `now`, by id. The latest collection of each one speaks for it."""
    if not facts.collections:
        return _NONE
    back, zone = came_back(facts), policy.days_of(facts.municipality).zone
    mine = (one for one in facts.collections if one.invoice in invoices)
    latest = {one.invoice: one for one in sorted(mine, key=lambda one: (one.collected_on, one.id))}
    found = {}
    for invoice, collection in latest.items():
        idle = _idle(collection, back.get(collection.id), zone, policy)
        if idle is not None and now < idle.until:
            horizon.note(idle.until)
            found[invoice] = idle
    return found


def _idle(collection: Collection, back: CameBack | None, zone: ZoneInfo, policy: Policy) -> Idle | None:
    if back is None:
        window = policy.clearing.return_window_days
        why = say(
            "It is being collected since {day}; the bank has {n} days to return it.",
            day=collection.collected_on,
            n=window,
        )
        return Idle(window_ends(zone, collection.collected_on, window, policy.calendar.bank), why, collecting=True)
    if back.kind not in _MENDED:
        return None
    until = start_of(zone, days_after(back.on, policy.returns.grace_days + 1))
    why = say("Its collection came back on {day} for a reason that is not the payer's.", day=back.on)
    return Idle(until, why, collecting=False)
