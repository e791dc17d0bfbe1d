"""One service's case: all that a decision on it looks at, gathered once, with the clock's next tick kept beside it."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from controller.core.calendar import Days, start_of
from controller.core.facts import Facts, Hold, Imposed, Order, Service
from controller.core.horizon import Horizon
from controller.core.ledger import Debt, debts_of, totals, unpaid_invoices
from controller.core.policy import Policy, Track
from enforcement.access import LADDERS, Reason


@dataclass(slots=True)
class Case:
    """`debts` are past due, the oldest first; `imposed` is what billing imposes up to this review."""

    facts: Facts
    policy: Policy
    now: datetime
    zone: ZoneInfo
    days: Days
    today: date
    service: Service
    debts: list[Debt]
    imposed: Imposed | None
    horizon: Horizon

    @property
    def owes(self) -> bool:
        """Whether more than a trivial amount is past due, in any one currency."""
        return any(amount >= max(self.policy.trivial_amount, 1) for amount in totals(self.debts).values())

    @property
    def ended(self) -> bool:
        """Whether the service is no longer sold."""
        return self.service.ended_at is not None and self.service.ended_at <= self.now


def cases(facts: Facts, policy: Policy, now: datetime) -> list[Case]:
    """The cases of all services of an account, in the order of the facts."""
    days = policy.days_of(facts.municipality)
    zone = days.zone
    today = now.astimezone(zone).date()
    shared = Horizon(now)
    unpaid = unpaid_invoices(facts, policy, now, shared)
    found = []
    for service in facts.services:
        horizon = Horizon(now)
        horizon.note(shared.at)
        horizon.note(service.ended_at)
        open_debts = debts_of(service.id, unpaid, Track.SERVICE)
        late = [debt for debt in open_debts if debt.late_from <= today]
        for debt in open_debts:
            horizon.note(start_of(zone, debt.late_from))
        found.append(Case(facts, policy, now, zone, days, today, service, late, _imposed_on(facts, service), horizon))
    return found


def orders_in_force(case: Case) -> list[Order]:
    """The orders that restrict the service now. One for billing would go around the policy: it is none."""
    found = []
    for order in case.facts.orders:
        if order.service != case.service.id or order.reason is Reason.BILLING:
            continue
        if _in_force(order, case):
            found.append(order)
    return sorted(found, key=lambda order: (order.since, order.id))


def holds_in_force(case: Case) -> list[Hold]:
    """The holds of the service and of its whole account."""
    mine = (hold for hold in case.facts.holds if hold.service is None or hold.service == case.service.id)
    return sorted((hold for hold in mine if _in_force(hold, case)), key=lambda hold: (hold.since, hold.id))


def _in_force(what: Order | Hold, case: Case) -> bool:
    case.horizon.note(what.since)
    case.horizon.note(what.until)
    return what.since <= case.now and (what.until is None or case.now < what.until)


def _imposed_on(facts: Facts, service: Service) -> Imposed | None:
    """What billing imposes on the service; an access of another kind (the service was mended) restricts nothing."""
    for imposed in facts.imposed:
        if imposed.service == service.id and imposed.access in LADDERS[service.kind][1:]:
            return imposed
    return None
