"""One service's case: all that a decision on it looks at, gathered once, with the clock's next tick kept beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from controller.core.calendar import Days, start_of
from controller.core.facts import Facts, Imposed, Order, Service
from controller.core.holds import Held, holds_in_force
from controller.core.horizon import Horizon
from controller.core.lapsed import with_clearing_in_force
from controller.core.ledger import Debt, Unpaid, debts_of, totals, unpaid_invoices
from controller.core.part_payments import opened_by_part
from controller.core.policy import Policy, Track
from controller.core.returns import Run, run_of
from enforcement.access import LADDERS, Reason


@dataclass(slots=True)
class Case:
    """`debts` are past due, the oldest first, by track; `imposed` is what billing imposes up to this review.

    Nothing of it is changed: what would stand after a step is looked at on a copy, with the same `horizon`.
    """

    facts: Facts
    policy: Policy
    now: datetime
    zone: ZoneInfo
    days: Days
    today: date
    service: Service
    unpaid: tuple[Unpaid, ...]
    debts: Mapping[Track, list[Debt]]
    imposed: Imposed | None
    horizon: Horizon
    _held: list[Held] | None = None
    _run: Run | None = None

    def owes(self, track: Track) -> bool:
        """Whether more than a trivial amount of that track is past due, in any one currency."""
        floor = max(self.policy.trivial_amount, 1)
        return any(amount >= floor for amount in totals(self.debts[track]).values())

    @property
    def owed(self) -> dict[str, int]:
        """All that is past due, of both tracks, by currency."""
        return totals(debt for track in Track for debt in self.debts[track])

    def live(self, track: Track) -> list[Debt]:
        """The debts that may lead to something: not those that are being collected, or came back by no fault."""
        return [debt for debt in self.debts[track] if not self.idle(debt)]

    def idle(self, debt: Debt) -> bool:
        """Whether the debt leads to nothing for now."""
        return debt.idle_until is not None and self.now < debt.idle_until

    @property
    def ended(self) -> bool:
        """Whether the service is no longer sold."""
        return self.service.ended_at is not None and self.service.ended_at <= self.now

    @property
    def held(self) -> list[Held]:
        """The holds in force of the service and of its whole account."""
        if self._held is None:
            self._held = holds_in_force(self.facts, self.service.id, self.policy, self.now, self.horizon)
        return self._held

    @property
    def opened_until(self) -> datetime | None:
        """Until when a part payment keeps the service open."""
        return opened_by_part(self.facts, self.policy, self.now, self.horizon)

    @property
    def run(self) -> Run:
        """The collections that came back in a row and are unpaid."""
        if self._run is None:
            self._run = run_of(self.facts, self.policy, self.service.id, self.unpaid, self.now, self.horizon)
        return self._run


_NO_DEBTS: Mapping[Track, list[Debt]] = {track: [] for track in Track}


def cases(facts: Facts, policy: Policy, now: datetime) -> list[Case]:
    """The cases of all services of an account, in the order of the facts."""
    days = policy.days_of(facts.municipality)
    today = now.astimezone(days.zone).date()
    shared = Horizon(now)
    policy = with_clearing_in_force(policy, now, shared)
    unpaid = unpaid_invoices(facts, policy, now, shared)
    found = []
    for service in facts.services:
        horizon = Horizon(now)
        horizon.note(shared.at)
        horizon.note(service.ended_at)
        debts = _late_by_track(service, unpaid, days, today, horizon) if unpaid else _NO_DEBTS
        imposed = _imposed_on(facts, service)
        found.append(Case(facts, policy, now, days.zone, days, today, service, unpaid, debts, imposed, horizon))
    return found


def _late_by_track(
    service: Service, unpaid: tuple[Unpaid, ...], days: Days, today: date, horizon: Horizon
) -> Mapping[Track, list[Debt]]:
    return {track: _late(debts_of(service.id, unpaid, track), days, today, horizon) for track in Track}


def _late(debts: list[Debt], days: Days, today: date, horizon: Horizon) -> list[Debt]:
    late = []
    for debt in debts:
        if debt.late_from <= today:
            horizon.note(debt.idle_until)
            late.append(debt)
        else:
            horizon.note(start_of(days.zone, debt.late_from))
    return late


def orders_in_force(case: Case) -> list[Order]:
    """The orders that restrict the service now. One for billing would go around the policy: it is none."""
    found = []
    for order in case.facts.orders:
        if order.service != case.service.id or order.reason is Reason.BILLING:
            continue
        case.horizon.note(order.since)
        case.horizon.note(order.until)
        if order.since <= case.now and (order.until is None or case.now < order.until):
            found.append(order)
    return sorted(found, key=lambda order: (order.since, order.id))


def _imposed_on(facts: Facts, service: Service) -> Imposed | None:
    """What billing imposes on the service; an access of another kind (the service was mended) restricts nothing."""
    for imposed in facts.imposed:
        if imposed.service == service.id and imposed.access in LADDERS[service.kind][1:]:
            return imposed
    return None
