"""decide(), over histories nobody thought of: who pays is open, who is cut was warned, the clock surprises nobody."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import event, given, settings
from hypothesis import strategies as st

from controller.core.calendar import DayUnit
from controller.core.decide import decide
from controller.core.decision import Block, Decision
from controller.core.facts import OPENING_HOLDS, Facts, Hold, HoldKind, Imposed, Notice, Payment, Service
from controller.core.policy import Policy, Stage
from enforcement.access import Access, Reason, least, lowers, rank
from tests.core.histories import INSTANTS, NET, facts, payments, policies

REASON_ORDERS = frozenset(Reason) - {Reason.BILLING}


def billing_access(decision: Decision) -> Access:
    return next((reason.access for reason in decision.reasons if reason.reason is Reason.BILLING), Access.FULL)


def imposed_access(facts: Facts, service: Service) -> Access:
    return next((imposed.access for imposed in facts.imposed if imposed.service == service.id), Access.FULL)


def paired(facts: Facts, policy: Policy, now: datetime) -> Iterable[tuple[Service, Decision]]:
    return zip(facts.services, decide(facts, policy, now), strict=True)


def settled(facts: Facts, now: datetime) -> Facts:
    """The same account after it paid far more than it owes, in every currency."""
    paid = tuple(Payment(f"ALL-{c}", 10**7, c, "card", now - timedelta(seconds=1)) for c in ("EUR", "USD"))
    return replace(facts, payments=facts.payments + paid)


def carried_out(facts: Facts, decisions: Iterable[Decision], now: datetime) -> Facts:
    """The account after a review has saved its decisions."""
    since = {imposed.service: imposed for imposed in facts.imposed}
    kept = tuple(
        Imposed(one.service, billing_access(one), one.stage, now if one.first else since[one.service].since)
        for one in decisions
        if one.stage
    )
    return replace(facts, imposed=kept)


@given(facts, policies(), INSTANTS)
def test_a_paid_account_is_never_restricted_for_billing_at_any_hour(
    facts: Facts, policy: Policy, now: datetime
) -> None:
    for decision in decide(settled(facts, now), policy, now):
        assert decision.stage == decision.next_stage == ""
        assert Reason.BILLING not in {reason.reason for reason in decision.reasons}
        assert decision.blocks == ()


@given(facts, policies(), INSTANTS, payments())
def test_paying_never_lowers_access(facts: Facts, policy: Policy, now: datetime, payment: Payment) -> None:
    payment = replace(payment, id="P-new", reversed_at=None)
    before = decide(facts, policy, now)
    after = decide(replace(facts, payments=(*facts.payments, payment)), policy, now)
    for service, one, other in zip(facts.services, before, after, strict=True):
        assert not lowers(service.kind, one.access, other.access)


@given(facts, policies(), INSTANTS, st.sampled_from(HoldKind), st.sampled_from([None, NET]))
def test_nothing_is_lowered_under_a_hold(
    facts: Facts, policy: Policy, now: datetime, kind: HoldKind, held: None
) -> None:
    hold = Hold("H-new", kind, now, "care", "says so", now + timedelta(days=3), held)
    for service, decision in paired(replace(facts, holds=(*facts.holds, hold)), policy, now):
        if held in (None, service.id):
            assert not decision.first
            assert not lowers(service.kind, imposed_access(facts, service), billing_access(decision))
            assert kind not in OPENING_HOLDS or decision.stage == ""


@given(facts, policies(), INSTANTS)
def test_billing_lowers_access_only_by_one_stage_that_is_first(facts: Facts, policy: Policy, now: datetime) -> None:
    for service, decision in paired(facts, policy, now):
        before, after = imposed_access(facts, service), billing_access(decision)
        assert decision.first is lowers(service.kind, before, after)
        ladder = [stage.name for stage in policy.ladders.get(service.kind, ())]
        if decision.first:
            event(f"{decision.stage} imposed")
            was = [one.stage for one in facts.imposed if one.service == service.id]
            skipped = ladder[ladder.index(was[0]) + 1 if was and before is not Access.FULL else 0 :]
            assert decision.stage == skipped[0]


@given(facts, policies(), INSTANTS)
def test_nobody_is_cut_without_a_proven_notice_an_allowed_hour_fresh_data_and_an_old_debt(
    facts: Facts, policy: Policy, now: datetime
) -> None:
    for service, decision in paired(facts, policy, now):
        if decision.first:
            stage = next(one for one in policy.ladders[service.kind] if one.name == decision.stage)
            assert any(_carries(notice, stage, service, policy, now) for notice in facts.notices)
            assert _allowed_hour(policy, now)
            assert facts.freshness
            for fresh in facts.freshness:
                assert now < fresh.payments_known_until + timedelta(hours=policy.freshness.hours)
            assert not facts.conflicts
            assert any(_old_enough(one.presented_on, stage, policy, now) for one in facts.invoices if not one.cancelled)
            assert service.ended_at is None or now < service.ended_at
            assert {"invoice", "notice", "rule"} <= {one.kind for one in decision.evidence}


def _carries(notice: Notice, stage: Stage, service: Service, policy: Policy, now: datetime) -> bool:
    if notice.stage != stage.name or notice.service not in (None, service.id) or notice.delivered_at is None:
        return False
    zone = ZoneInfo(policy.timezone)
    today = now.astimezone(zone).date()
    in_time = notice.names_date <= today < notice.names_date + timedelta(days=stage.notice.valid_days)
    return in_time and _lead_has_run(notice.delivered_at, stage, policy, now)


def _lead_has_run(proven_at: datetime, stage: Stage, policy: Policy, now: datetime) -> bool:
    """Counted one day at a time, as a person does it on a calendar: neither the first day nor today."""
    if stage.notice.unit is DayUnit.HOURS:
        return now >= proven_at + timedelta(hours=stage.notice.lead)
    zone = ZoneInfo(policy.timezone)
    first, today = proven_at.astimezone(zone).date(), now.astimezone(zone).date()
    between = [first + timedelta(days=ahead) for ahead in range(1, (today - first).days)]
    if stage.notice.unit is DayUnit.WORKING_DAYS:
        between = [one for one in between if one.weekday() != 6 and one not in policy.calendar.holidays]
    return len(between) >= stage.notice.lead


def _allowed_hour(policy: Policy, now: datetime) -> bool:
    local = now.astimezone(ZoneInfo(policy.timezone))
    tomorrow = local.date() + timedelta(days=1)
    free = {day: day in policy.calendar.holidays or day.weekday() == 6 for day in (local.date(), tomorrow)}
    day_allowed = local.isoweekday() in policy.window.weekdays and not free[local.date()]
    eve_allowed = policy.window.on_eves or not free[tomorrow]
    return day_allowed and eve_allowed and policy.window.opens <= local.time() < policy.window.closes


def _old_enough(presented: date, stage: Stage, policy: Policy, now: datetime) -> bool:
    """More than so many months: on no day up to the same day of that month."""
    months = stage.conditions[0].months_since_presented
    today = now.astimezone(ZoneInfo(policy.timezone)).date()
    passed = (today.year - presented.year) * 12 + today.month - presented.month
    return not months or passed > months or (passed == months and today.day > presented.day)


@given(facts, policies(), INSTANTS)
def test_access_is_the_least_of_all_reasons_and_never_a_released_number(
    facts: Facts, policy: Policy, now: datetime
) -> None:
    for service, decision in paired(facts, policy, now):
        assert decision.access is least(service.kind, (reason.access for reason in decision.reasons))
        assert decision.access is not Access.RELEASED
        in_force = {
            order.id
            for order in facts.orders
            if order.service == service.id
            and order.reason in REASON_ORDERS
            and order.since <= now
            and (order.until is None or now < order.until)
        }
        assert {reason.ref for reason in decision.reasons if reason.reason is not Reason.BILLING} == in_force


@given(facts, policies(), INSTANTS)
def test_the_order_in_which_facts_are_given_changes_nothing(facts: Facts, policy: Policy, now: datetime) -> None:
    distinct = replace(
        facts,
        notices=tuple({notice.id: notice for notice in facts.notices}.values()),
        holds=tuple({hold.id: hold for hold in facts.holds}.values()),
        orders=tuple({order.id: order for order in facts.orders}.values()),
    )
    turned = replace(
        distinct,
        invoices=distinct.invoices[::-1],
        payments=distinct.payments[::-1],
        notices=distinct.notices[::-1],
        holds=distinct.holds[::-1],
        orders=distinct.orders[::-1],
        imposed=distinct.imposed[::-1],
    )
    assert decide(turned, policy, now) == decide(distinct, policy, now)


@given(facts, policies(), INSTANTS)
def test_a_decision_that_was_carried_out_is_decided_again_the_same(facts: Facts, policy: Policy, now: datetime) -> None:
    decisions = decide(facts, policy, now)
    again = decide(carried_out(facts, decisions, now), policy, now)
    for one, other in zip(decisions, again, strict=True):
        assert (one.access, one.stage, one.next_stage) == (other.access, other.stage, other.next_stage)
        assert not other.first


def instants_told(facts: Facts, policy: Policy) -> set[datetime]:
    """Every instant that the facts name: something may begin or end there. Fresh data go stale at one of them."""
    told = [payment.received_at for payment in facts.payments]
    told += [at for payment in facts.payments for at in (payment.clears_at, payment.reversed_at) if at]
    told += [at for hold in facts.holds for at in (hold.since, hold.until) if at]
    told += [at for order in facts.orders for at in (order.since, order.until) if at]
    told += [notice.delivered_at for notice in facts.notices if notice.delivered_at]
    told += [service.ended_at for service in facts.services if service.ended_at]
    told += [one.payments_known_until + timedelta(hours=policy.freshness.hours) for one in facts.freshness]
    return set(told)


@settings(max_examples=100)
@given(facts, policies(), INSTANTS, st.data())
def test_by_the_clock_alone_nothing_changes_before_review_at(
    facts: Facts, policy: Policy, now: datetime, data: st.DataObject
) -> None:
    told = instants_told(facts, policy)
    for index, decision in enumerate(decide(facts, policy, now)):
        end = min(decision.review_at or now + timedelta(days=90), now + timedelta(days=90))
        assert end > now
        hours = data.draw(st.lists(st.integers(0, int((end - now) / timedelta(hours=1))), max_size=4))
        some = {end - timedelta(microseconds=1), *(now + timedelta(hours=hour) for hour in hours)}
        for instant in told | some:
            if now < instant < end:
                assert decide(facts, policy, instant)[index] == decision


@given(facts, policies(), INSTANTS)
def test_what_a_review_imposes_is_reviewed_in_time_for_the_stage_after_it(
    facts: Facts, policy: Policy, now: datetime
) -> None:
    decisions = decide(facts, policy, now)
    after = carried_out(facts, decisions, now)
    for index, decision in enumerate(decisions):
        end = min(decision.review_at or now + timedelta(days=60), now + timedelta(days=60))
        later = decide(after, policy, end - timedelta(microseconds=1))[index]
        assert (later.access, later.stage, later.first) == (decision.access, decision.stage, False)


@given(facts, policies(), INSTANTS)
def test_a_service_that_the_brake_holds_back_keeps_what_it_has_and_says_why(
    facts: Facts, policy: Policy, now: datetime
) -> None:
    brake = Block("brake", "Too many at once.", now + timedelta(hours=1))
    also = {service.id: (brake,) for service in facts.services}
    for service, one in zip(facts.services, decide(facts, policy, now), strict=True):
        other = next(held for held in decide(facts, policy, now, also) if held.service == service.id)
        assert not other.first
        assert not lowers(service.kind, imposed_access(facts, service), billing_access(other))
        if one.first:
            assert other.blocks[0] == brake
            assert {block.code for block in other.blocks[1:]} <= {"window"}
            assert other.next_stage == one.stage
            assert other.review_at is not None
            assert other.review_at <= now + timedelta(hours=1)


@given(facts, policies(), INSTANTS)
def test_a_decision_explains_itself(facts: Facts, policy: Policy, now: datetime) -> None:
    for service, decision in paired(facts, policy, now):
        assert rank(service.kind, decision.access) == 0 or decision.reasons
        assert not (decision.next_stage and not decision.first) or decision.blocks
        assert all(block.text.endswith((".", ")")) for block in decision.blocks)
        assert all(block.until is None or block.until > now for block in decision.blocks)
        assert not decision.stage or any(one.kind == "invoice" for one in decision.evidence)
