"""Holds, outages, approvals, tasks and messages over REST: who may, what is refused in words, what is shown."""

import uuid
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.controller.billing import DAY, DEVICE, NOW
from tests.controller.live import Live

pytestmark = pytest.mark.slow


def _post(live: Live, path: str, role: str = "noc", key: str | None = None, **body: Any) -> httpx.Response:
    headers = {"Idempotency-Key": key or str(uuid.uuid4())}
    return live.as_(role).post(f"/v1/{path}", json={"note": "a test", **body}, headers=headers)


def _get(live: Live, path: str) -> Any:
    answer = live.as_("read").get(f"/v1/{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_hold_is_given_once_opens_at_once_and_is_ended_with_a_note(live: Live) -> None:
    live.enrol()
    live.debtor()
    ends = (NOW + DAY).isoformat()
    found = _post(live, "services/s1/holds", key="k", kind="promise", until=ends)
    assert found.status_code == 200, found.text
    assert found.json()["access"] == "full"
    assert _post(live, "services/s1/holds", key="k", kind="promise", until=ends).json() == found.json()
    (hold,) = _get(live, "holds")
    assert (hold["kind"], hold["author"], hold["overdue"]) == ("promise", "noc", False)
    assert live.as_("noc").delete(f"/v1/holds/{hold['hold']}").status_code == 422
    assert live.as_("noc").delete(f"/v1/holds/{hold['hold']}?note=paid").status_code == 204
    live.until(lambda: live.service("s1")["access"] == "throttled")
    assert live.as_("noc").delete(f"/v1/holds/{hold['hold']}?note=paid").status_code == 409


def test_a_hold_of_an_account_holds_all_its_services(live: Live) -> None:
    live.enrol()
    live.debtor()
    found = _post(live, "accounts/a1/holds", kind="protected")
    assert [(one["service"], one["access"]) for one in found.json()["services"]] == [("s1", "full")]
    assert _post(live, "accounts/nobody/holds", kind="protected").status_code == 404


@pytest.mark.parametrize(
    ("role", "body", "status"),
    [
        ("noc", {"kind": "promise", "until": (NOW + DAY).isoformat(), "beyond": True}, 403),
        ("billing", {"kind": "protected"}, 403),
        ("noc", {"kind": "outage"}, 422),
        ("noc", {"kind": "promise"}, 422),
        ("noc", {"kind": "claimed_payment", "until": (NOW + 9 * DAY).isoformat()}, 409),
        ("admin", {"kind": "claimed_payment", "until": (NOW + 9 * DAY).isoformat(), "beyond": True}, 200),
    ],
)
def test_who_may_hold_and_how_far(live: Live, role: str, body: dict[str, Any], status: int) -> None:
    live.tell(live.billing.service("a1", "s1"))
    assert _post(live, "services/s1/holds", role=role, **body).status_code == status


def test_an_outage_keeps_everybody_there_open_until_it_ends(live: Live) -> None:
    live.enrol()
    begun = live.as_("noc").put("/v1/outages", json={"device": DEVICE, "until": (NOW + DAY).isoformat(), "note": "x"})
    assert begun.status_code == 200, begun.text
    live.tell(live.billing.fresh(), *live.billing.debtor(1))
    live.until(lambda: [block["code"] for block in live.service("s1")["blocks"]] == ["hold"])
    assert _get(live, "status")["outages"][0]["services"] == 1
    assert live.as_("noc").delete(f"/v1/outages/{begun.json()['outage']}").status_code == 204
    live.until(lambda: live.service("s1")["access"] == "throttled")
    assert live.as_("noc").delete(f"/v1/outages/{begun.json()['outage']}").status_code == 404
    for body in ({}, {"device": DEVICE, "site": "x"}, {"device": DEVICE, "until": (NOW + 99 * DAY).isoformat()}):
        asked = {"until": (NOW + DAY).isoformat(), "note": "x", **body}
        assert live.as_("noc").put("/v1/outages", json=asked).status_code == 422
    nowhere = {"device": "nowhere", "until": (NOW + DAY).isoformat(), "note": "x"}
    assert live.as_("noc").put("/v1/outages", json=nowhere).status_code == 404


def test_what_waits_for_people_is_shown_counted_and_attributed(live: Live) -> None:
    live.enrol()
    money = {"payment": "p9", "amount": 3000, "currency": "EUR", "received_at": NOW.isoformat(), "candidates": ["a1"]}
    returned = {"collection": "c9", "code": "AM04", "returned_on": "2026-02-05", "amount": 3000}
    protected = {"hold": "h1", "account": "a2", "kind": "protected", "since": "2026-01-01T00:00:00Z"}
    live.tell(
        live.billing.event("unmatched_payment", money),
        live.billing.event("return", returned),
        live.billing.event("hold", protected | {"review_on": "2026-02-01", "author": "x", "note": "y"}),
    )
    found = _get(live, "tasks")
    assert [one["payment"] for one in found["unmatched"]] == ["p9"]
    assert [one["hold"] for one in found["holds"]] == ["h1"]
    assert _get(live, "holds?overdue=true")[0]["overdue"] is True
    nobodys = _get(live, "unmatched")
    assert (nobodys["payments_in_all"], nobodys["returns_in_all"]) == (1, 1)
    status, metrics = _get(live, "status"), live.metrics()
    assert (status["holds_overdue"], status["unmatched"]) == (1, 1)
    assert metrics["grifo_holds_overdue_for_review"] == metrics["grifo_unmatched_payments"] == 1


def test_messages_to_send_are_listed_page_by_page(live: Live) -> None:
    live.enrol()
    live.tell(live.billing.fresh(), *(event for n in (1, 2) for event in live.billing.debtor(n)[:-1]))
    live.until(lambda: len(_get(live, "notices/due?within=96")["notices"]) == 2)
    first = _get(live, "notices/due?within=96&limit=1")
    assert first["next"] == "s1"
    second = _get(live, f"notices/due?within=96&limit=1&after={first['next']}")
    assert [one["service"] for one in second["notices"]] == ["s2"]
    assert live.service("s1")["notice_due"]["stage"] == "throttle"


def test_a_brakes_monthly_day_is_learnt_shown_and_approved_by_an_admin(live: Live) -> None:
    live.enrol()
    live.debtor()
    seen = _get(live, "brakes/cycle")
    assert [(one["policy"], one["device"]) for one in seen] == [("es", DEVICE)]
    assert {(NOW + timedelta(days=shift)).day for shift in range(-3, 4)} == {one["day"] for one in seen[0]["days"]}
    path = f"brakes/es/{DEVICE}/cycle"
    assert _post(live, path, day=NOW.day, cap=500).status_code == 403
    approved = _post(live, path, role="admin", day=NOW.day, cap=500)
    assert approved.status_code == 200, approved.text
    assert [one["cap"] for one in approved.json()["days"] if one["day"] == NOW.day] == [500]
    assert _post(live, "brakes/es/nowhere/cycle", role="admin", day=1, cap=5).status_code == 404


def test_a_yes_to_a_stage_is_given_once_and_an_unknown_stage_is_refused(live: Live) -> None:
    live.enrol()
    live.debtor()
    assert "is approved by noc" in _post(live, "services/s1/approvals", stage="throttle").json()["told"]
    assert "counts once" in _post(live, "services/s1/approvals", stage="throttle").json()["told"]
    assert _post(live, "services/s1/approvals", stage="gone").status_code == 422
    assert _post(live, "services/s1/approvals", role="billing", stage="throttle").status_code == 403


def test_a_number_that_was_never_on_its_way_back_is_not_known(live: Live) -> None:
    assert _get(live, "numbers") == []
    assert live.as_("read").get("/v1/numbers/msisdn:+34910000001").status_code == 404
