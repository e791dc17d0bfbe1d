"""When a review is due by the clock alone: what begins or ends, each by itself."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from controller.core.decide import decide
from controller.core.facts import AccountId, Facts, Hold, HoldKind, Imposed, Invoice, Order, Payment, Service
from enforcement.access import Access, Kind, Reason
from tests.core.histories import NET, SPAIN, at, fresh

NOW = at(date(2026, 11, 10))
SOON = NOW + timedelta(hours=3)
UNPAID = Invoice("F-1", 2990, "EUR", date(2026, 10, 1), date(2026, 10, 6))
PAID = Facts(AccountId("A-1"), services=(Service(NET, Kind.INTERNET),), freshness=fresh(at(date(2026, 11, 25))))
OWING = replace(PAID, invoices=(UNPAID,))
CUT = replace(OWING, imposed=(Imposed(NET, Access.PORTAL, "portal", NOW - timedelta(days=9)),))
MONEY = Payment("P-1", 2990, "EUR", "transfer", NOW - timedelta(hours=1))
COURT = Order("O-1", NET, Reason.COURT, Access.BLOCKED, NOW - timedelta(days=1), "noc", "by order")
DISPUTE = Hold("H-1", HoldKind.DISPUTE, NOW - timedelta(days=1), "care", "says so")


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(replace(PAID, orders=(replace(COURT, until=SOON),)), id="an order ends"),
        pytest.param(replace(PAID, orders=(replace(COURT, since=SOON),)), id="an order begins"),
        pytest.param(replace(CUT, payments=(replace(MONEY, clears_at=SOON),)), id="a payment clears at the last stage"),
        pytest.param(replace(OWING, payments=(replace(MONEY, reversed_at=SOON),)), id="a payment is taken back"),
        pytest.param(replace(OWING, holds=(replace(DISPUTE, until=SOON),)), id="a hold ends"),
        pytest.param(replace(OWING, holds=(replace(DISPUTE, since=SOON),)), id="a hold begins"),
        pytest.param(replace(OWING, freshness=fresh(SOON - timedelta(hours=26))), id="payments become stale"),
        pytest.param(replace(OWING, services=(Service(NET, Kind.INTERNET, SOON),)), id="a service is no longer sold"),
    ],
)
def test_an_account_is_reviewed_when_something_begins_or_ends(facts: Facts) -> None:
    (before,) = decide(facts, SPAIN, NOW)
    (after,) = decide(facts, SPAIN, SOON)
    assert before.review_at == SOON
    assert replace(after, review_at=None) != replace(before, review_at=None)


def test_an_account_is_reviewed_on_the_day_after_an_invoice_was_due() -> None:
    due = replace(UNPAID, due_on=date(2026, 11, 12))
    (decision,) = decide(replace(PAID, invoices=(due,)), SPAIN, NOW)
    assert decision.review_at == at(date(2026, 11, 13), 0)


def test_an_account_that_owes_nothing_waits_for_events_alone() -> None:
    for received_at in (MONEY.received_at, SOON):
        paid = replace(MONEY, received_at=received_at)
        (decision,) = decide(replace(OWING, payments=(paid,)), SPAIN, NOW)
        assert (decision.access, decision.review_at) == (Access.FULL, None)
