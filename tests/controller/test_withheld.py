"""What agents withhold or hold open, and why: told apart, listed one by one, and a task where a person must act."""

from typing import Any

import pytest

from tests.controller.billing import DEVICE
from tests.controller.live import AGENT, Live

pytestmark = pytest.mark.slow

OPEN_THERE = "pinned at the site until 2026-03-06 10:00 UTC: paid at the door"


@pytest.fixture
def debtors(live: Live) -> Live:
    live.enrol()
    live.tell(live.billing.fresh(), *live.billing.debtor(1), *live.billing.debtor(2))
    live.until(lambda: {live.service(name)["access"] for name in ("s1", "s2")} == {"throttled"})
    return live


def say(live: Live, whys: dict[str, str], **more: Any) -> None:
    """A report in which services are withheld, each for its why; empty where the agent knows no such words."""
    epoch, revision = live.standing()
    told = [
        {name: entry[name] for name in ("binding", "changed_revision")}
        | {"state": "withheld", "seen": "full", "detail": OPEN_THERE}
        | ({"why": whys[entry["service"]]} if whys[entry["service"]] else {})
        for entry in live.entries()
        if entry["service"] in whys
    ]
    body = {"version": 1, "epoch": epoch, "revision": revision, "whole": False, "entries": told, "strays": []}
    answer = live.as_(AGENT).put(f"/v1/agent/devices/{DEVICE}/report", json={**body, "full_read_age_s": 1.0, **more})
    assert answer.status_code == 204, answer.text


def figure(live: Live, why: str) -> float | None:
    return live.metrics().get(f'grifo_withheld_entries{{device="{DEVICE}",kind="internet",why="{why}"}}')


def test_what_is_withheld_is_counted_and_listed_by_why(debtors: Live) -> None:
    say(debtors, {"s1": "flapping", "s2": "guard"})
    found = debtors.as_("read").get("/v1/drift").json()
    assert [(one["service"], one["why"]) for one in found["withheld_entries"]] == [("s1", "flapping"), ("s2", "guard")]
    assert [(one["why"], one["entries"]) for one in found["withheld"]] == [("flapping", 1), ("guard", 1)]
    assert (figure(debtors, "flapping"), figure(debtors, "guard"), figure(debtors, "pinned")) == (1, 1, 0)
    assert found["entries"] == []
    assert debtors.service("s1")["entries"][0]["why"] == "flapping"


def test_what_mode_or_stop_withholds_of_everybody_is_counted_and_not_listed(debtors: Live) -> None:
    say(debtors, {"s1": "mode", "s2": "stopped"})
    found = debtors.as_("read").get("/v1/drift").json()
    assert found["withheld_entries"] == []
    assert {one["why"] for one in found["withheld"]} == {"mode", "stopped"}


def test_a_report_without_the_word_is_of_an_older_agent_and_is_counted_and_listed_all_the_same(debtors: Live) -> None:
    say(debtors, {"s1": ""})
    assert figure(debtors, "withheld") == 1
    assert [one["why"] for one in debtors.as_("read").get("/v1/drift").json()["withheld_entries"]] == [""]


def test_a_word_of_a_newer_agent_is_shown_as_it_is_and_no_word_is_refused(debtors: Live) -> None:
    say(debtors, {"s1": "moonshine"})
    assert figure(debtors, "moonshine") == 1
    [entry, _] = debtors.entries()
    told = {"binding": entry["binding"], "changed_revision": 1, "state": "withheld", "why": "Not a word!"}
    epoch, revision = debtors.standing()
    body = {"version": 1, "epoch": epoch, "revision": revision, "whole": False, "entries": [told], "strays": []}
    answer = debtors.as_(AGENT).put(f"/v1/agent/devices/{DEVICE}/report", json={**body, "full_read_age_s": 1.0})
    assert answer.status_code == 422
    assert "why must be a word" in answer.json()["detail"]


def test_a_decision_that_changes_takes_the_word_with_it(debtors: Live) -> None:
    say(debtors, {"s1": "flapping"})
    debtors.tell(debtors.billing.payment("a1", "p1"))
    debtors.until(lambda: debtors.service("s1")["access"] == "full")
    assert debtors.service("s1")["entries"][0]["why"] == ""
    assert figure(debtors, "flapping") == 0


def test_who_is_held_open_at_a_site_is_a_task_until_the_site_says_it_no_more(debtors: Live) -> None:
    say(debtors, {"s1": "pinned"})
    [task] = debtors.as_("read").get("/v1/tasks").json()["pins"]
    assert (task["service"], task["account"], task["device"], task["state"]) == ("s1", "a1", DEVICE, "withheld")
    assert task["detail"] == OPEN_THERE
    assert debtors.as_("read").get("/v1/status").json()["pinned"] == 1
    assert debtors.service("s1")["holds"] == [], "no hold is made without a person"
    debtors.report("verified", *debtors.entries())
    assert debtors.as_("read").get("/v1/tasks").json()["pins"] == []


def test_what_endangers_people_is_shown_counted_and_told_until_it_is_over(debtors: Live) -> None:
    say(debtors, {}, problems=["node n1 would bar 112"], unsafe=["node n1 would bar 112"])
    say(debtors, {}, problems=["node n1 would bar 112"], unsafe=["node n1 would bar 112"])
    assert debtors.as_("read").get(f"/v1/devices/{DEVICE}").json()["unsafe"] == ["node n1 would bar 112"]
    assert debtors.metrics()[f'grifo_device_unsafe{{device="{DEVICE}"}}'] == 1
    say(debtors, {})
    assert debtors.metrics()[f'grifo_device_unsafe{{device="{DEVICE}"}}'] == 0
    items = debtors.as_("read").get("/v1/timeline", params={"device": DEVICE}).json()["items"]
    told = [item["text"] for item in items if item["kind"] == "alarm"]
    assert told == [
        f"{DEVICE} was read to let emergency calls pass again; before: node n1 would bar 112",
        "node n1 would bar 112",
    ]
