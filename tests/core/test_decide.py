"""decide(), over histories nobody thought of: who pays is open, who is cut was warned, the clock surprises nobody."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import event, given
from hypothesis import strategies as st

from controller.core.calendar import DayUnit
from controller.core.decide import decide
from controller.core.decision import Block, Decision
from controller.core.facts import OPENING_HOLDS, Facts, Hold, HoldKind, Imposed, Invoice, Notice, Payment, Service
from controller.core.policy import Policy, Stage
from controller.core.wording import Said
from enforcement.access import Access, Reason, least, lowers, rank
from enforcement.entries import ServiceId
from tests.core.histories import INSTANTS, NET, facts, payments
from tests.core.rulebooks import policies

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
    for service, decision in paired(settled(facts, now), policy, now):
        if imposed_access(facts, service) is not Access.RELEASED:
            assert decision.stage == decision.next_stage == ""
            assert Reason.BILLING not in {reason.reason for reason in decision.reasons}
            assert decision.blocks == ()
            assert decision.notice_due is None


@given(facts, policies(), INSTANTS, payments())
def test_paying_never_lowers_access(facts: Facts, policy: Policy, now: datetime, payment: Payment) -> None:
    payment = replace(payment, id="P-new", reversed_at=None)
    before = decide(facts, policy, now)
    after = decide(replace(facts, payments=(*facts.payments, payment)), policy, now)
    for service, one, other in zip(facts.services, before, after, strict=True):
        assert not lowers(service.kind, one.access, other.access)


@given(facts, policies(), INSTANTS, st.sampled_from(HoldKind), st.sampled_from([None, NET]))
def test_nothing_is_lowered_under_a_hold(
    facts: Facts, policy: Policy, now: datetime, kind: HoldKind, held: ServiceId | None
) -> None:
    hold = Hold("H-new", kind, now, "care", "says so", now + timedelta(days=3), held, beyond=True)
    for service, decision in paired(replace(facts, holds=(*facts.holds, hold)), policy, now):
        if held in (None, service.id):
            before = imposed_access(facts, service)
            assert not decision.first
            assert not lowers(service.kind, before, billing_access(decision))
            assert kind not in OPENING_HOLDS or decision.stage == "" or before is Access.RELEASED


@given(facts, policies(), INSTANTS)
def test_billing_lowers_access_only_by_a_stage_that_is_first_and_next_on_its_track(
    facts: Facts, policy: Policy, now: datetime
) -> None:
    for service, decision in paired(facts, policy, now):
        before, after = imposed_access(facts, service), billing_access(decision)
        assert decision.first or not lowers(service.kind, before, after)
        if decision.first:
            event(f"{decision.stage} imposed")
            rungs = _rungs(facts, policy, service, decision.stage, now)
            assert decision.stage == rungs[0]
            assert decision.stage not in {one.stage for one in facts.imposed if one.service == service.id}


def _rungs(facts: Facts, policy: Policy, service: Service, stage: str, now: datetime) -> list[str]:
    """The rungs of a stage's track that are for this customer, and that come after what is imposed for that track."""
    ladder = policy.ladders[service.kind]
    mine = [one for one in ladder if one.track is next(two for two in ladder if two.name == stage).track]
    names = [one.name for one in mine]
    was = next((one.stage for one in facts.imposed if one.service == service.id), "")
    after = mine[names.index(was) + 1 :] if was in names and not _is_lifted(facts, policy, service, now) else mine
    today = now.astimezone(ZoneInfo(policy.timezone)).date()
    return [
        one.name
        for one in after
        if (one.source.valid_to is None or today <= one.source.valid_to)
        and any(way.tags_with <= facts.tags and not way.tags_without & facts.tags for way in one.conditions)
    ]


def _is_lifted(facts: Facts, policy: Policy, service: Service, now: datetime) -> bool:
    """Whether what was imposed does not stand any more, as a decision that may impose nothing new tells."""
    stopped = decide(facts, policy, now, {service.id: (Block("brake", "Stop."),)})
    return next(one for one in stopped if one.service == service.id).stage == ""


@given(facts, policies(), INSTANTS)
def test_nobody_is_cut_without_a_proven_notice_an_allowed_hour_fresh_data_and_an_old_debt(
    facts: Facts, policy: Policy, now: datetime
) -> None:
    for service, decision in paired(facts, policy, now):
        if decision.first:
            stage = next(one for one in policy.ladders[service.kind] if one.name == decision.stage)
            assert any(_carries(facts, notice, stage, service, policy, now) for notice in facts.notices)
            assert _allowed_hour(facts, policy, now)
            assert facts.freshness
            for fresh in facts.freshness:
                assert now < fresh.payments_known_until + timedelta(hours=policy.freshness.hours)
            assert not facts.conflicts
            assert not facts.unmatched
            assert not facts.tags & (policy.tags.never | policy.tags.person)
            assert service.user == facts.account or not facts.tags & policy.tags.reseller
            assert any(_old_enough(one, stage, policy, now) for one in facts.invoices if not one.cancelled)
            assert service.ended_at is None or now < service.ended_at
            assert {"invoice", "notice", "rule"} <= {one.kind for one in decision.evidence}


def _carries(facts: Facts, notice: Notice, stage: Stage, service: Service, policy: Policy, now: datetime) -> bool:
    """Whether a notice is proof of a day that it could name; one that binds for longer than it says was held."""
    if notice.stage != stage.name or notice.service not in (None, service.id) or notice.delivered_at is None:
        return False
    if notice.bounced_at is not None and notice.bounced_at <= now:
        return False
    if stage.notice.channels and notice.channel not in stage.notice.channels:
        return False
    zone = ZoneInfo(policy.timezone)
    today = now.astimezone(zone).date()
    held = any(hold.kind in OPENING_HOLDS for hold in facts.holds)
    in_time = notice.names_date <= today and (
        held or today < notice.names_date + timedelta(days=stage.notice.valid_days)
    )
    lawful = _lead_has_run(facts, notice.delivered_at, stage, policy, _last_of(notice.names_date, zone))
    return in_time and lawful and _lead_has_run(facts, notice.delivered_at, stage, policy, now)


def _last_of(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.max, zone)


def _lead_has_run(facts: Facts, proven_at: datetime, stage: Stage, policy: Policy, now: datetime) -> bool:
    """Counted one day at a time, as a person does it on a calendar: neither the first day nor today."""
    if stage.notice.unit is DayUnit.HOURS:
        return now >= proven_at + timedelta(hours=stage.notice.lead)
    zone, holidays = ZoneInfo(policy.timezone), policy.calendar.holidays_of(facts.municipality)
    first, today = proven_at.astimezone(zone).date(), now.astimezone(zone).date()
    between = [first + timedelta(days=ahead) for ahead in range(1, (today - first).days)]
    if stage.notice.unit is DayUnit.WORKING_DAYS:
        between = [one for one in between if one.weekday() != 6 and one not in holidays]
    return len(between) >= stage.notice.lead


def _allowed_hour(facts: Facts, policy: Policy, now: datetime) -> bool:
    local, holidays = now.astimezone(ZoneInfo(policy.timezone)), policy.calendar.holidays_of(facts.municipality)
    tomorrow = local.date() + timedelta(days=1)
    free = {day: day in holidays or day.weekday() == 6 for day in (local.date(), tomorrow)}
    day_allowed = local.isoweekday() in policy.window.weekdays and not free[local.date()]
    eve_allowed = policy.window.on_eves or not free[tomorrow]
    return day_allowed and eve_allowed and policy.window.opens <= local.time() < policy.window.closes


def _old_enough(invoice: Invoice, stage: Stage, policy: Policy, now: datetime) -> bool:
    """More than so many months, on no day up to the same day of that month; and at least so many days."""
    today = now.astimezone(ZoneInfo(policy.timezone)).date()
    return any(
        _months_passed(invoice.presented_on, way.months_since_presented, today)
        and _months_passed(invoice.due_on, way.months_since_due, today)
        and (today - invoice.presented_on).days >= way.days_since_presented
        and (today - invoice.due_on).days >= max(way.days_since_due, 1)
        for way in stage.conditions
    )


def _months_passed(since: date, months: int, today: date) -> bool:
    passed = (today.year - since.year) * 12 + today.month - since.month
    return not months or passed > months or (passed == months and today.day > since.day)


@given(facts, policies(), INSTANTS)
def test_access_is_the_least_of_all_reasons(facts: Facts, policy: Policy, now: datetime) -> None:
    for service, decision in paired(facts, policy, now):
        assert decision.access is least(service.kind, (reason.access for reason in decision.reasons))
        in_force = {
            order.id
            for order in facts.orders
            if order.service == service.id
            and order.reason in REASON_ORDERS
            and order.since <= now
            and (order.until is None or now < order.until)
        }
        assert {reason.ref for reason in decision.reasons if reason.reason is not Reason.BILLING} == in_force
        assert decision.rate is None or decision.access is Access.THROTTLED


@given(facts, policies(), INSTANTS)
def test_the_order_in_which_facts_are_given_changes_nothing(facts: Facts, policy: Policy, now: datetime) -> None:
    distinct = replace(
        facts,
        notices=tuple({notice.id: notice for notice in facts.notices}.values()),
        holds=tuple({hold.id: hold for hold in facts.holds}.values()),
        orders=tuple({order.id: order for order in facts.orders}.values()),
        approvals=tuple({(one.service, one.stage, one.at): one for one in facts.approvals}.values()),
        ports=tuple({port.id: port for port in facts.ports}.values()),
    )
    turned = replace(
        distinct,
        invoices=distinct.invoices[::-1],
        payments=distinct.payments[::-1],
        notices=distinct.notices[::-1],
        holds=distinct.holds[::-1],
        orders=distinct.orders[::-1],
        imposed=distinct.imposed[::-1],
        collections=distinct.collections[::-1],
        returns=distinct.returns[::-1],
        approvals=distinct.approvals[::-1],
        ports=distinct.ports[::-1],
        suspensions=distinct.suspensions[::-1],
    )
    assert decide(turned, policy, now) == decide(distinct, policy, now)


@given(facts, policies(), INSTANTS)
def test_a_decision_that_was_carried_out_is_decided_again_the_same(facts: Facts, policy: Policy, now: datetime) -> None:
    decisions = decide(facts, policy, now)
    again = decide(carried_out(facts, decisions, now), policy, now)
    for one, other in zip(decisions, again, strict=True):
        assert (one.access, one.stage, one.next_stage) == (other.access, other.stage, other.next_stage)
        assert not other.first


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
            assert other.blocks
            assert {"brake"} <= {block.code for block in other.blocks}
            assert other.review_at is not None
            assert other.review_at <= now + timedelta(hours=1)


@given(facts, policies(), INSTANTS)
def test_a_decision_explains_itself(facts: Facts, policy: Policy, now: datetime) -> None:
    for service, decision in paired(facts, policy, now):
        assert rank(service.kind, decision.access) == 0 or decision.reasons
        assert not (decision.next_stage and not decision.first) or decision.blocks
        assert all(block.text.endswith((".", ")")) for block in decision.blocks)
        assert all(block.until is None or block.until > now for block in decision.blocks)
        released = decision.access is Access.RELEASED
        assert not decision.stage or released or any(one.kind == "invoice" for one in decision.evidence)
        said = [
            *(one.text for one in decision.reasons),
            *(one.text for one in decision.evidence),
            *(one.text for one in decision.blocks),
        ]
        assert all(isinstance(text, Said) for text in said)
