"""Permits, the last look before a cut: given where everything is so, refused where any one thing is not (rule 2)."""

import threading
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from controller.store.engine import Database
from controller.store.queries.accounts import lock_accounts, mark_for_review
from controller.store.tables import decisions
from tests.controller.billing import DEVICE, NOW
from tests.controller.live import AGENT, Live, running

pytestmark = pytest.mark.slow


@pytest.fixture
def debtor(live_anywhere: Live) -> Live:
    """A controller with one service that is to be throttled."""
    live_anywhere.enrol()
    live_anywhere.debtor()
    return live_anywhere


def test_a_decided_restriction_is_permitted_for_half_a_minute(debtor: Live) -> None:
    [entry] = debtor.entries()
    permit = debtor.ask(entry)
    assert permit == {"granted": [entry["binding"]], "refused": {}, "valid_s": 30.0}


def test_a_permit_leaves_a_line_in_the_timeline(debtor: Live) -> None:
    debtor.ask(*debtor.entries())
    items = debtor.as_("read").get("/v1/services/s1/timeline").json()["items"]
    assert "permit" in [item["kind"] for item in items]


def test_a_payment_committed_before_the_permit_prevents_the_cut(debtor: Live) -> None:
    [entry] = debtor.entries()
    debtor.tell(debtor.billing.payment("a1", "p1"))
    permit = debtor.ask(entry)
    assert permit["granted"] == []
    assert entry["binding"] in permit["refused"]


def test_between_a_payments_commit_and_its_review_there_is_no_cut(debtor: Live) -> None:
    [entry] = debtor.entries()
    debtor.hold_reviews()
    debtor.tell(debtor.billing.payment("a1", "p1"))
    assert debtor.service("s1")["access"] == "throttled"
    assert debtor.ask(entry)["refused"] == {entry["binding"]: "its account is being reviewed"}


@pytest.mark.servers
def test_a_permit_waits_for_a_payment_that_is_being_written_and_then_refuses(
    postgresql_database: Database, tmp_path: Path
) -> None:
    with running(postgresql_database, tmp_path) as live:
        live.enrol()
        live.debtor()
        [entry] = live.entries()
        live.hold_reviews()
        answers: list[dict[str, object]] = []
        asking = threading.Thread(target=lambda: answers.append(live.ask(entry)))
        with live.database.write() as tx:
            lock_accounts(tx, ["a1"])
            mark_for_review(tx, ["a1"], NOW)
            asking.start()
            asking.join(0.5)
            waited = asking.is_alive()
        asking.join()
        assert waited, "the permit did not wait for the account's lock"
        assert answers[0]["refused"] == {entry["binding"]: "its account is being reviewed"}


def test_an_older_revision_than_the_present_is_refused(debtor: Live) -> None:
    [entry] = debtor.entries()
    permit = debtor.ask({**entry, "changed_revision": entry["changed_revision"] - 1})
    assert "has changed since" in permit["refused"][entry["binding"]]


def test_a_binding_that_the_device_does_not_have_is_refused(debtor: Live) -> None:
    assert debtor.ask({"binding": "b999", "changed_revision": 1})["refused"] == {
        "b999": "no such binding on this device"
    }


def test_while_restricting_is_stopped_nothing_is_permitted(debtor: Live) -> None:
    [entry] = debtor.entries()
    assert debtor.as_("noc").put("/v1/stop", json={"note": "wait"}).status_code == 200
    assert "stopped" in debtor.ask(entry)["refused"][entry["binding"]]
    assert debtor.as_("noc").delete("/v1/stop").status_code == 204
    assert debtor.ask(entry)["granted"] == [entry["binding"]]


@pytest.mark.parametrize("mode", ["observe", "restore_only"])
def test_a_device_that_is_not_enforcing_gets_no_permit(debtor: Live, mode: str) -> None:
    [entry] = debtor.entries()
    debtor.as_("noc").put(f"/v1/devices/{DEVICE}/mode", json={"mode": mode})
    assert mode in debtor.ask(entry)["refused"][entry["binding"]]


def test_a_first_restriction_waits_for_the_policys_hours(debtor: Live) -> None:
    [entry] = debtor.entries()
    assert entry["first"]
    debtor.move_to(NOW + timedelta(hours=11))
    assert "hours" in debtor.ask(entry)["refused"][entry["binding"]]


def test_a_repair_is_permitted_at_any_hour(debtor: Live) -> None:
    [entry] = debtor.entries()
    debtor.report("verified", entry)
    debtor.move_to(NOW + timedelta(hours=11))
    assert debtor.ask(entry)["granted"] == [entry["binding"]]


def test_a_decision_that_no_longer_restricts_is_refused(debtor: Live) -> None:
    [entry] = debtor.entries()
    with debtor.database.write() as tx:
        tx.execute(update(decisions).where(decisions.c.service_id == "s1").values(access="full"))
    assert "full" in debtor.ask(entry)["refused"][entry["binding"]]


def test_a_courtesy_bars_the_cut(debtor: Live) -> None:
    [entry] = debtor.entries()
    assert debtor.order("restore", "s1").status_code == 200
    assert debtor.ask(entry)["granted"] == []


def test_an_order_for_abuse_is_permitted_outside_the_policys_hours(live: Live) -> None:
    live.enrol()
    live.tell(live.billing.account("a2"), live.billing.service("a2", "s2", (DEVICE, "username:u2")))
    live.until(lambda: bool(live.service("s2")["decided_at"]))
    live.move_to(NOW + timedelta(hours=11))
    assert live.order("suspend", "s2", reason="abuse").status_code == 200
    [entry] = live.entries()
    assert entry["access"] == "blocked"
    assert live.ask(entry)["granted"] == [entry["binding"]]


def test_another_agent_gets_no_permit_for_the_device(debtor: Live) -> None:
    body = {"epoch": debtor.standing()[0], "asks": []}
    answer = debtor.as_("agent2").post(f"/v1/agent/devices/{DEVICE}/permits", json=body)
    assert answer.status_code == 403
    assert AGENT in answer.json()["detail"]


def test_a_permit_for_another_epoch_is_a_conflict(debtor: Live) -> None:
    answer = debtor.as_(AGENT).post(f"/v1/agent/devices/{DEVICE}/permits", json={"epoch": "other", "asks": []})
    assert answer.status_code == 409
