"""`grifo freeze`: at one site nobody is newly restricted for a while; what is restricted stays, restores go on."""

from datetime import timedelta

import pytest

from tests.controller.billing import DEVICE, NOW
from tests.controller.live import Live

pytestmark = pytest.mark.slow

UNTIL = (NOW + timedelta(hours=6)).isoformat()
FROZEN = {"until": UNTIL, "note": "flood at the exchange"}


@pytest.fixture
def debtor(live_anywhere: Live) -> Live:
    """A controller with one service that is to be throttled on a device at the site `porto`."""
    live_anywhere.enrol(site="porto")
    live_anywhere.enrol("other", agent="agent2", site="lugo")
    live_anywhere.debtor()
    return live_anywhere


def freeze(live: Live, site: str = "porto") -> None:
    assert live.as_("noc").put(f"/v1/freezes/{site}", json=FROZEN).status_code == 200


def test_a_frozen_site_gets_no_permit_for_a_new_restriction_and_is_told_why(debtor: Live) -> None:
    freeze(debtor)
    [entry] = debtor.entries()
    why = debtor.ask(entry)["refused"][entry["binding"]]
    assert why.startswith("the site porto is frozen until")


def test_another_site_restricts_on(debtor: Live) -> None:
    freeze(debtor, "lugo")
    [entry] = debtor.entries()
    assert debtor.ask(entry)["granted"] == [entry["binding"]]


def test_a_freeze_ends_by_itself(debtor: Live) -> None:
    freeze(debtor)
    [entry] = debtor.entries()
    debtor.move_to(NOW + timedelta(hours=6))
    debtor.tell(debtor.billing.fresh(debtor.clock.now))
    assert debtor.ask(entry)["granted"] == [entry["binding"]]
    assert debtor.as_("read").get("/v1/freezes").json() == []


def test_a_person_ends_a_freeze(debtor: Live) -> None:
    freeze(debtor)
    assert debtor.as_("noc").delete("/v1/freezes/porto").status_code == 204
    [entry] = debtor.entries()
    assert debtor.ask(entry)["granted"] == [entry["binding"]]


def test_who_was_restricted_before_the_freeze_is_repaired_during_it(debtor: Live) -> None:
    [entry] = debtor.entries()
    debtor.report("verified", entry)
    freeze(debtor)
    assert debtor.ask(entry)["granted"] == [entry["binding"]]


def test_a_freeze_is_listed_and_shown_in_the_status_with_its_note_and_author(debtor: Live) -> None:
    freeze(debtor)
    [listed] = debtor.as_("read").get("/v1/freezes").json()
    assert (listed["site"], listed["by"], listed["note"]) == ("porto", "noc", "flood at the exchange")
    assert debtor.as_("read").get("/v1/status").json()["frozen"] == [listed]
    assert debtor.as_("read").get(f"/v1/devices/{DEVICE}").json()["site"] == "porto"


def test_a_freeze_and_its_end_stand_in_the_timeline(debtor: Live) -> None:
    freeze(debtor)
    debtor.as_("noc").delete("/v1/freezes/porto")
    ended, begun = debtor.as_("read").get("/v1/timeline", params={"limit": 2}).json()["items"]
    assert "flood at the exchange" in begun["text"]
    assert ended["text"] == "restricting goes on at porto"


def test_a_site_that_no_device_is_at_can_not_be_frozen(debtor: Live) -> None:
    answer = debtor.as_("noc").put("/v1/freezes/prto", json=FROZEN)
    assert answer.status_code == 404
    assert "Sites: lugo, porto." in answer.json()["detail"]


@pytest.mark.parametrize("days", [0, -1, 32])
def test_a_freeze_ends_ahead_of_now_and_within_a_month(debtor: Live, days: int) -> None:
    body = {**FROZEN, "until": (NOW + timedelta(days=days)).isoformat()}
    assert debtor.as_("noc").put("/v1/freezes/porto", json=body).status_code == 422


def test_a_site_that_is_no_name_is_refused_at_enrolment(live: Live) -> None:
    able = {"version": 1, "driver": "radius", "keys": [], "access": {}, "site": "up the hill"}
    answer = live.as_("agent1").put(f"/v1/agent/devices/{DEVICE}", json=able)
    assert answer.status_code == 422
    assert "body.site" in answer.json()["detail"]
