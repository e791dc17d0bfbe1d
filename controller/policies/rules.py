"""A policy's rules about money, holds and people, as its file tells them. What is absent is as core has it."""

from controller.core.facts import HoldKind, Instrument
from controller.core.policy import (
    BrakeRule,
    ClearingRules,
    Clears,
    FreshnessRules,
    HoldBound,
    HoldRules,
    PartialRule,
    ReturnRules,
    TagRules,
)
from controller.policies.table import Table
from controller.policies.values import FLAG, TEXT, mapping, number, one_of, some, whole

BOUNDED = (HoldKind.PROMISE, HoldKind.COURTESY, HoldKind.CLAIMED_PAYMENT, HoldKind.PLAN)
"""Holds that are the operator's to limit. A complaint, a court's order or a death lasts as long as it lasts."""


def read_brake(table: Table) -> BrakeRule:
    """How many may be newly restricted in a day."""
    rule = BrakeRule(
        number=table.read("number", whole(1, 10**6), 1, "At most so many services in 24 h, for each device."),
        percent=table.read("percent", number(0, 100), 1.0, "And at most this share of the policy's services there."),
        canary=table.read("canary", whole(1, 10**6), 1, "So many must be read back before the rest may follow."),
    )
    if rule.canary > rule.number:
        table.complain("canary", f"is {rule.canary}; it must not be more than number, {rule.number}")
    table.done()
    return rule


def read_freshness(table: Table) -> FreshnessRules:
    """How old the knowledge of payments may be."""
    rules = FreshnessRules(
        hours=table.read("hours", whole(1, 168), 1, "Within so many hours each source of payments must have spoken."),
        sources=table.read("sources", mapping(whole(1, 168)), {}, _SOURCES, required=False),
    )
    table.done()
    return rules


_SOURCES = "Sources that must be known, each with its own number of hours."


def read_clearing(table: Table) -> ClearingRules:
    """When payments count as money."""
    usual = ClearingRules()
    by_instrument = _by_instrument(table.table("by_instrument", required=False), usual)
    rules = ClearingRules(
        by_instrument=by_instrument,
        return_window_days=table.read("return_window_days", whole(1, 60), 5, "Bank days.", required=False),
        provisional=table.read("provisional", FLAG, default=False, about=_PROVISIONAL, required=False),
        pending_days=table.read("pending_days", whole(1, 60), 5, _PENDING, required=False),
    )
    table.done()
    return rules


_PROVISIONAL = "Count a debit at once, and take it back when it returns."
_PENDING = "A payment that is still pending after so many working days keeps nobody from anything."


def _by_instrument(table: Table, usual: ClearingRules) -> dict[Instrument, Clears]:
    words = one_of([clears.value for clears in Clears])
    found = {}
    for instrument in Instrument:
        default = usual.by_instrument.get(instrument, Clears.AT_ONCE)
        found[instrument] = Clears(table.read(instrument.value, words, default.value, required=False))
    table.done()
    return found


def read_partial(table: Table) -> PartialRule:
    """What a part payment does."""
    rule = PartialRule(
        percent=table.read(
            "percent", whole(0, 100), 0, "From this share of what was past due; 0: never.", required=False
        ),
        days=table.read("days", whole(0, 60), 0, "The service is open for so long.", required=False),
    )
    if bool(rule.percent) != bool(rule.days):
        table.complain("days" if rule.percent else "percent", "is missing: percent and days go together")
    table.done()
    return rule


def read_returns(table: Table) -> ReturnRules:
    """What a technical return gives."""
    about = "For so long after a technical return its invoice leads to nothing."
    rules = ReturnRules(table.read("grace_days", whole(0, 120), 15, about, required=False))
    table.done()
    return rules


def read_holds(table: Table) -> HoldRules:
    """How far holds may go."""
    bounds = {kind: _bound(table.table(kind.value, required=False)) for kind in BOUNDED}
    rules = HoldRules(
        bounds={kind: bound for kind, bound in bounds.items() if bound != HoldBound()},
        review_days=table.read("review_days", whole(1, 3650), 180, _REVIEW, required=False),
        plan_grace_days=table.read("plan_grace_days", whole(0, 60), 3, _PLAN, required=False),
    )
    table.done()
    return rules


_REVIEW = "When a hold without a review date is to be looked at."
_PLAN = "So many days late, an instalment still keeps its plan."


def _bound(table: Table) -> HoldBound:
    bound = HoldBound(
        days=table.read("days", whole(0, 3650), 0, "How long; 0: unbounded.", required=False),
        times_a_year=table.read("times_a_year", whole(0, 365), 0, "In 365 days; 0: unbounded.", required=False),
        most_owed=table.read("most_owed", whole(0, 10**9), 0, "At most so much past due; 0: any.", required=False),
    )
    table.done()
    return bound


def read_tags(table: Table) -> TagRules:
    """Tags of accounts that change who acts."""
    usual = TagRules()
    rules = TagRules(
        person=table.read("person", some(TEXT), usual.person, "A person acts, never grifo.", required=False),
        reseller=table.read("reseller", some(TEXT), usual.reseller, _RESELLER, required=False),
        never=table.read("never", some(TEXT), usual.never, "Nobody is ever restricted.", required=False),
    )
    table.done()
    return rules


_RESELLER = "Only the account's own services are restricted, never its customers'."
