"""By the clock alone nothing about an account's money, returns and holds changes before the instant that was noted."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings

from controller.core.calendar import local_date, start_of
from controller.core.facts import Facts
from controller.core.holds import holds_in_force
from controller.core.horizon import Horizon
from controller.core.ledger import unpaid_invoices
from controller.core.part_payments import opened_by_part
from controller.core.payments import cleared, under_way
from controller.core.policy import Policy
from controller.core.returns import run_of
from tests.core.money_histories import INSTANTS, NET, NOW, accounts, policies

DAY = timedelta(days=1)
AHEAD = 70


def looked_at(facts: Facts, policy: Policy, now: datetime) -> tuple[list[object], datetime | None]:
    """All that a decision asks of an account's money, and when it is to be asked again."""
    horizon = Horizon(now)
    unpaid = unpaid_invoices(facts, policy, now, horizon)
    for one in unpaid:
        horizon.note(start_of(policy.days_of("").zone, one.late_from))
    said = [
        unpaid,
        cleared(facts, policy, now, horizon),
        under_way(facts, policy, now, horizon),
        run_of(facts, policy, NET, unpaid, now, horizon),
        holds_in_force(facts, NET, policy, now, horizon),
        opened_by_part(facts, policy, now, horizon),
    ]
    return said, horizon.at


def instants(facts: Facts, policy: Policy, now: datetime) -> Iterable[datetime]:
    """Every midnight of the time ahead, and every instant that the facts name, and two days after it."""
    zone = policy.days_of("").zone
    today = local_date(zone, now)
    yield from (start_of(zone, today + ahead * DAY) for ahead in range(1, AHEAD))
    told = [at for payment in facts.payments for at in (payment.received_at, payment.clears_at, payment.reversed_at)]
    told += [at for hold in facts.holds for at in (hold.since, hold.until)]
    told += [at for notice in facts.notices for at in (notice.sent_at, notice.delivered_at)]
    for at in told:
        if at is not None:
            yield from (at, at + 2 * DAY)


@settings(max_examples=80)
@given(accounts, policies, INSTANTS)
def test_nothing_changes_before_the_instant_that_was_noted(facts: Facts, policy: Policy, now: datetime) -> None:
    said, noted = looked_at(facts, policy, now)
    end = min(noted or now + AHEAD * DAY, now + AHEAD * DAY)
    assert end > now
    for instant in {*instants(facts, policy, now), end - timedelta(microseconds=1)}:
        if now < instant < end:
            assert looked_at(facts, policy, instant)[0] == said


@pytest.mark.parametrize("ahead", [timedelta(microseconds=1), DAY])
def test_only_what_is_ahead_is_noted_and_of_that_the_nearest(ahead: timedelta) -> None:
    horizon = Horizon(NOW)
    for at in (None, NOW - DAY, NOW):
        horizon.note(at)
    assert horizon.at is None
    for at in (NOW + 2 * DAY, NOW + ahead, NOW + 3 * DAY):
        horizon.note(at)
    assert horizon.at == NOW + ahead
