"""Overrides of when money counts, once they have ended: what was paid counts as early as it does without them.

Before all else that is asked of an account. An override that has ended keeps everybody from being cut (`missing`); one
that let money count late would besides keep those cut who have paid.
"""

from dataclasses import replace
from datetime import datetime

from controller.core.calendar import days_after, start_of
from controller.core.facts import Instrument
from controller.core.horizon import Horizon
from controller.core.policy import ClearingRules, Clears, Policy

_USUAL = ClearingRules()
_PREFIX = "clearing."
_SOONEST_FIRST = (Clears.AT_ONCE, Clears.BOOKED, Clears.RETURN_WINDOW)


def with_clearing_in_force(policy: Policy, now: datetime, horizon: Horizon) -> Policy:
    """The policy, with its usual clearing where what had loosened it has ended by `now`."""
    ended = set()
    for one in policy.loosened:
        if one.key.startswith(_PREFIX):
            over = start_of(policy.days_of("").zone, days_after(one.expires_on, 1))
            horizon.note(over)
            if now >= over:
                ended.add(one.key.removeprefix(_PREFIX))
    return replace(policy, clearing=_usual(policy.clearing, ended)) if ended else policy


def _usual(rules: ClearingRules, ended: set[str]) -> ClearingRules:
    if "by_instrument" in ended:
        rules = replace(rules, by_instrument={one: _sooner(rules, one) for one in Instrument})
    if "return_window_days" in ended:
        rules = replace(rules, return_window_days=min(rules.return_window_days, _USUAL.return_window_days))
    if "pending_days" in ended:
        rules = replace(rules, pending_days=max(rules.pending_days, _USUAL.pending_days))
    return rules


def _sooner(rules: ClearingRules, instrument: Instrument) -> Clears:
    found = (one.by_instrument.get(instrument, Clears.AT_ONCE) for one in (rules, _USUAL))
    return min(found, key=_SOONEST_FIRST.index)
