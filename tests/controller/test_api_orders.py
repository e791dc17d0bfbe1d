"""Suspend and restore by name: given once, answered alike, and going around no rule."""

from datetime import timedelta

import pytest

from tests.controller.billing import DEVICE, NOW
from tests.controller.live import AGENT, Live, told

pytestmark = pytest.mark.slow


@pytest.fixture
def customer(live: Live) -> Live:
    """A controller with a service that nobody restricts."""
    live.enrol()
    live.tell(live.billing.account("a1"), live.billing.service("a1", "s1", (DEVICE, "username:u1")))
    live.until(lambda: live.service("s1")["decided_at"] is not None)
    return live


def test_an_order_acts_at_once_and_answers_with_the_service(customer: Live) -> None:
    answer = customer.order("suspend", "s1", reason="abuse", note="spam")
    assert answer.status_code == 200
    found = answer.json()
    assert (found["access"], found["orders"][0]["author"]) == ("blocked", "noc")
    assert [reason["reason"] for reason in found["reasons"]] == ["abuse"]
    assert customer.entries()[0]["access"] == "blocked"


def test_an_order_needs_an_idempotency_key(customer: Live) -> None:
    body = {"reason": "abuse", "note": "spam"}
    answer = customer.as_("noc").post("/v1/services/s1/suspend", json=body)
    assert answer.status_code == 400
    assert "Idempotency-Key" in answer.json()["detail"]
    assert customer.service("s1")["access"] == "full"


def test_an_order_sent_twice_is_given_once_and_answered_alike(customer: Live) -> None:
    first = customer.order("suspend", "s1", key="k1", reason="abuse")
    customer.order("restore", "s1", reason="abuse")
    again = customer.order("suspend", "s1", key="k1", reason="abuse")
    assert (again.status_code, again.json()) == (200, first.json())
    assert customer.service("s1")["access"] == "full"


def test_a_key_used_for_another_order_is_refused(customer: Live) -> None:
    customer.order("suspend", "s1", key="k1", reason="abuse")
    other = customer.order("suspend", "s1", key="k1", reason="court")
    assert other.status_code == 422
    assert [order["reason"] for order in customer.service("s1")["orders"]] == ["abuse"]


def test_keys_of_two_callers_are_their_own(customer: Live) -> None:
    customer.order("suspend", "s1", key="k1", reason="abuse")
    assert customer.order("suspend", "s1", role="admin", key="k1", reason="court").status_code == 200


def test_suspending_for_billing_says_what_blocks_it_and_restricts_nobody(customer: Live) -> None:
    customer.tell(customer.billing.fresh(), customer.billing.invoice("a1", "f1"))
    found = customer.order("suspend", "s1", role="billing", reason="billing").json()
    assert found["access"] == "full"
    assert found["blocks"]


def test_suspending_for_billing_may_not_choose_the_access(customer: Live) -> None:
    answer = customer.order("suspend", "s1", reason="billing", access="blocked")
    assert answer.status_code == 422
    assert "policy" in answer.json()["detail"]


def test_an_access_of_another_kind_is_refused_with_those_it_has(customer: Live) -> None:
    answer = customer.order("suspend", "s1", reason="abuse", access="incoming_only")
    assert answer.status_code == 422
    assert "throttled, portal, blocked" in answer.json()["detail"]


def test_an_order_with_an_end_ends_by_itself(customer: Live) -> None:
    until = (NOW + timedelta(hours=2)).isoformat()
    assert customer.order("suspend", "s1", reason="technical", until=until).json()["access"] == "blocked"
    customer.move_to(NOW + timedelta(hours=3))
    assert customer.service("s1")["access"] == "full"


def test_an_end_that_has_passed_is_refused(customer: Live) -> None:
    until = (NOW - timedelta(hours=2)).isoformat()
    assert customer.order("suspend", "s1", reason="technical", until=until).status_code == 422


def test_a_misspelt_field_is_not_lost(customer: Live) -> None:
    answer = customer.order("suspend", "s1", reason="technical", untl="2026-03-05T00:00:00Z")
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"where": "body.untl", "problem": "is not known here; check its spelling"}]


def test_restoring_for_billing_is_a_courtesy_of_the_policys_days(live: Live) -> None:
    live.enrol()
    live.debtor()
    found = live.order("restore", "s1").json()
    assert found["access"] == "full"
    [hold] = found["holds"]
    assert (hold["kind"], hold["until"]) == ("courtesy", "2026-03-06T10:00:00Z")
    assert live.entries()[0]["access"] == "full"


def test_restoring_a_reason_that_is_not_there_is_a_conflict(customer: Live) -> None:
    answer = customer.order("restore", "s1", reason="court")
    assert answer.status_code == 409
    assert "no order for court" in answer.json()["detail"]


def test_a_payment_lifts_billing_and_leaves_the_court(live: Live) -> None:
    live.enrol()
    live.debtor()
    live.order("suspend", "s1", reason="court")
    live.tell(live.billing.payment("a1", "p1"))
    live.until(lambda: len(live.service("s1")["reasons"]) == 1)
    found = live.service("s1")
    assert (found["access"], found["reasons"][0]["reason"]) == ("blocked", "court")


def test_an_order_wakes_the_agent(customer: Live) -> None:
    before = customer.feed()
    customer.order("suspend", "s1", reason="abuse")
    found = customer.feed(wait=30, **told(before))
    assert found["devices"][DEVICE]["revision"] > before["devices"][DEVICE]["revision"]


def test_an_unknown_service_is_told_how_to_be_found(customer: Live) -> None:
    answer = customer.order("suspend", "nobody", reason="abuse")
    assert answer.status_code == 404
    assert "/v1/find" in answer.json()["detail"]


def test_an_order_is_in_the_timeline_with_its_author_and_note(customer: Live) -> None:
    customer.order("suspend", "s1", reason="abuse", note="spam since Monday")
    items = customer.as_("read").get("/v1/services/s1/timeline").json()["items"]
    assert any(item["actor"] == "noc" and "spam since Monday" in item["text"] for item in items)


def test_agents_may_not_give_orders(customer: Live) -> None:
    assert customer.order("suspend", "s1", role=AGENT, reason="abuse").status_code == 403
