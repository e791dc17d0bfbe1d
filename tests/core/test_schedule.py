"""The schedule is complete: by the clock alone nothing changes before `review_at`, tried against brute force."""

from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.core.decide import decide
from controller.core.facts import Facts
from controller.core.policy import Policy
from tests.core.histories import INSTANTS, facts
from tests.core.rulebooks import policies

LONGEST = timedelta(days=60)
JUST_BEFORE = timedelta(microseconds=1)


def instants_told(facts: Facts, policy: Policy) -> set[datetime]:
    """Every instant that the facts name: something may begin or end there. Fresh data go stale at one of them."""
    told = {payment.received_at for payment in facts.payments}
    told |= {at for payment in facts.payments for at in (payment.clears_at, payment.reversed_at) if at}
    told |= {at for hold in facts.holds for at in (hold.since, hold.until) if at}
    told |= {at for order in facts.orders for at in (order.since, order.until) if at}
    told |= {at for notice in facts.notices for at in (notice.delivered_at, notice.bounced_at) if at}
    told |= {notice.delivered_at + timedelta(hours=24) for notice in facts.notices if notice.delivered_at}
    told |= {at for one in facts.approvals for at in (one.at, one.at + timedelta(days=policy.approval_days))}
    told |= {one.until for one in facts.suspensions}
    told |= {service.ended_at for service in facts.services if service.ended_at}
    told |= {one.payments_known_until + timedelta(hours=policy.freshness.hours) for one in facts.freshness}
    return told


@settings(max_examples=150)
@given(facts, policies(), INSTANTS, st.data())
def test_by_the_clock_alone_nothing_changes_before_review_at(
    facts: Facts, policy: Policy, now: datetime, data: st.DataObject
) -> None:
    told = instants_told(facts, policy)
    for index, decision in enumerate(decide(facts, policy, now)):
        end = min(decision.review_at or now + LONGEST, now + LONGEST)
        assert end > now
        hours = data.draw(st.lists(st.integers(0, int((end - now) / timedelta(hours=1))), max_size=4))
        some = {end - JUST_BEFORE, *(now + timedelta(hours=hour) for hour in hours)}
        for instant in told | some:
            if now < instant < end:
                assert decide(facts, policy, instant)[index] == decision


@settings(max_examples=15)
@given(facts, policies(), INSTANTS)
def test_whoever_is_reviewed_only_when_asked_for_is_decided_like_whoever_is_reviewed_every_hour(
    facts: Facts, policy: Policy, now: datetime
) -> None:
    decided = decide(facts, policy, now)
    asked = [one.review_at for one in decided]
    for hour in range(1, 24 * 12):
        instant = now + timedelta(hours=hour)
        again = decide(facts, policy, instant)
        for index, one in enumerate(again):
            due = asked[index]
            if due is None or instant < due:
                assert one == decided[index]
        decided, asked = again, [one.review_at for one in again]
