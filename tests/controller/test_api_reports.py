"""Reports, and what people and Prometheus see of them: only what was read back counts as so (rule 10)."""

from datetime import timedelta
from typing import Any

import pytest

from controller.reports import save_report
from enforcement.wire import EntryReport, Report
from tests.controller.billing import DEVICE, NOW
from tests.controller.live import AGENT, Live

pytestmark = pytest.mark.slow


@pytest.fixture
def debtor(live_anywhere: Live) -> Live:
    live_anywhere.enrol()
    live_anywhere.debtor()
    return live_anywhere


def only_entry(live: Live) -> dict[str, Any]:
    [entry] = live.service("s1")["entries"]
    return dict(entry)


def test_nothing_is_applied_before_it_was_read_back(debtor: Live) -> None:
    assert (debtor.service("s1")["applied"], only_entry(debtor)["state"]) == (False, "pending")
    assert debtor.report("verified", *debtor.entries()).status_code == 204
    assert debtor.service("s1")["applied"] is True
    assert (only_entry(debtor)["seen"], only_entry(debtor)["state"]) == ("throttled", "verified")


def test_a_report_about_a_former_revision_is_an_old_story(debtor: Live) -> None:
    [entry] = debtor.entries()
    debtor.report("verified", {**entry, "changed_revision": entry["changed_revision"] - 1})
    assert only_entry(debtor)["state"] == "pending"


def test_a_report_of_another_epoch_changes_no_entry_but_is_shown(debtor: Live) -> None:
    debtor.report("verified", *debtor.entries(), epoch="other", halted="it is of another epoch")
    assert only_entry(debtor)["state"] == "pending"
    shown = debtor.as_("read").get(f"/v1/devices/{DEVICE}").json()
    assert (shown["reported_epoch"], shown["halted"]) == ("other", "it is of another epoch")
    assert debtor.metrics()[f'grifo_device_halted{{device="{DEVICE}"}}'] == 1


def test_adopting_shows_what_would_change_then_starts_a_new_epoch(debtor: Live) -> None:
    debtor.report("verified", *debtor.entries())
    before = debtor.standing()
    debtor.report("verified", epoch="other", revision=77, halted="it is of another epoch")
    debtor.tell(debtor.billing.payment("a1", "p1"))
    debtor.until(lambda: debtor.entries()[0]["access"] == "full")
    with_get = debtor.as_("read").get(f"/v1/devices/{DEVICE}/adopt-epoch").json()
    assert (with_get["adopted"], with_get["reported_revision"], with_get["unread"]) == (False, 77, 1)
    done = debtor.as_("admin").post(f"/v1/devices/{DEVICE}/adopt-epoch").json()
    assert done["adopted"]
    assert done["epoch"] != before[0]
    assert debtor.feed()["devices"][DEVICE]["adopts"] == ["other", 77]


def test_an_agent_ahead_of_us_in_our_own_epoch_leaves_it_when_that_is_adopted(debtor: Live) -> None:
    epoch, revision = debtor.standing()
    debtor.report("verified", revision=revision + 7, halted="the controller was found behind")
    assert debtor.as_("admin").post(f"/v1/devices/{DEVICE}/adopt-epoch").status_code == 200
    debtor.report("verified", epoch=epoch, revision=revision + 7, halted="the controller was found behind")
    told = debtor.feed()["devices"][DEVICE]
    assert told["adopts"] == [epoch, revision + 7]
    assert told["epoch"] != epoch


def test_a_report_that_arrives_after_a_newer_one_is_ignored(debtor: Live) -> None:
    entries = debtor.entries()
    debtor.report("verified", *entries, boot="first", number=2)
    late = debtor.report("missing", *entries, boot="first", number=1, halted="in trouble")
    assert late.status_code == 204
    assert only_entry(debtor)["state"] == "verified"
    assert debtor.as_("read").get(f"/v1/devices/{DEVICE}").json()["halted"] == ""
    debtor.report("missing", *entries, boot="second", number=1)
    assert only_entry(debtor)["state"] == "missing"


def test_a_late_report_of_a_former_start_of_the_agent_is_ignored(debtor: Live) -> None:
    entries = debtor.entries()
    debtor.report("missing", *entries, boot="first", number=7)
    debtor.report("verified", *entries, boot="second", number=1)
    debtor.report("missing", *entries, boot="first", number=8, halted="in trouble")
    assert only_entry(debtor)["state"] == "verified"
    assert debtor.as_("read").get(f"/v1/devices/{DEVICE}").json()["halted"] == ""
    debtor.report("missing", *entries, boot="second", number=2)
    assert only_entry(debtor)["state"] == "missing"


def test_a_newer_report_overtakes_one_that_is_being_saved(debtor: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controller.reports.CHUNK", 1)
    debtor.debtor(2)
    debtor.report("verified", *debtor.entries())
    debtor.tell(debtor.billing.payment("a1", "p1"), debtor.billing.payment("a2", "p2"))
    debtor.until(lambda: [entry["access"] for entry in debtor.entries()] == ["full", "full"])
    entries, (epoch, revision) = debtor.entries(), debtor.standing()

    newer: list[int] = []

    def in_between(seconds: float) -> None:
        if not newer:
            newer.append(debtor.report("wrongful", *entries, boot="first", number=2).status_code)

    spoken = [EntryReport(entry["binding"], entry["changed_revision"], "verified", "full") for entry in entries]
    older = Report(1, epoch, revision, False, spoken, [], 1.0, boot="first", number=1)
    save_report(debtor.database, DEVICE, epoch, older, debtor.clock(), in_between)
    states = [debtor.service(service)["entries"][0]["state"] for service in ("s1", "s2")]
    assert states == ["wrongful", "wrongful"]


def test_a_whole_report_that_leaves_an_entry_out_makes_it_unknown(debtor: Live) -> None:
    debtor.report("verified", *debtor.entries())
    debtor.report("verified", whole=True)
    assert only_entry(debtor)["state"] == "unknown"


def test_a_report_that_repeats_a_state_does_not_begin_it_again(debtor: Live) -> None:
    debtor.report("verified", *debtor.entries())
    debtor.clock.now += timedelta(hours=1)
    debtor.report("verified", *debtor.entries())
    assert only_entry(debtor)["state_at"] == "2026-03-03T10:00:00Z"
    debtor.report("missing", *debtor.entries())
    assert only_entry(debtor)["state_at"] == "2026-03-03T11:00:00Z"


def test_strays_are_those_of_the_last_report(debtor: Live) -> None:
    mark = {"key": "username:x", "mark": "grifo:v1:test:s9:b9"}
    debtor.report("verified", strays=[mark])
    drift = debtor.as_("read").get("/v1/drift").json()
    assert [(entry["direction"], entry["key"]) for entry in drift["entries"]] == [("stray", "username:x")]
    debtor.report("verified", strays=[])
    assert debtor.as_("read").get("/v1/drift").json()["entries"] == []


def test_a_paid_service_that_is_still_restricted_is_drift_that_pages(debtor: Live) -> None:
    debtor.report("verified", *debtor.entries())
    debtor.tell(debtor.billing.payment("a1", "p1"))
    debtor.until(lambda: debtor.entries()[0]["access"] == "full")
    debtor.report("wrongful", *debtor.entries())
    labels = f'{{device="{DEVICE}",direction="wrongful",kind="internet"}}'
    assert debtor.metrics()[f"grifo_wrongful_open_entries{labels}"] == 1
    assert debtor.metrics()[f"grifo_drift_entries{labels}"] == 1


def test_what_a_mode_withholds_is_no_drift(debtor: Live) -> None:
    debtor.report("withheld", *debtor.entries())
    found = debtor.as_("read").get("/v1/drift").json()
    assert found["counts"] == []
    assert found["withheld"][0]["entries"] == 1
    assert debtor.metrics()[f'grifo_withheld_entries{{device="{DEVICE}",kind="internet",why="withheld"}}'] == 1


@pytest.mark.parametrize("state", ["pending", "unknown", "withheld", "refused"])
def test_a_paid_service_that_was_last_seen_cut_counts_as_cut_until_it_is_seen_open(debtor: Live, state: str) -> None:
    cut = f'grifo_still_cut_entries{{device="{DEVICE}",kind="internet"}}'
    debtor.report("verified", *debtor.entries())
    assert debtor.metrics()[cut] == 0, "it is to be cut"
    debtor.tell(debtor.billing.payment("a1", "p1"))
    debtor.until(lambda: debtor.entries()[0]["access"] == "full")
    [entry] = debtor.entries()
    if state != "pending":
        debtor.report(state, {**entry, "access": None})
    shown = only_entry(debtor)
    assert (shown["state"], shown["seen"]) == (state, None)
    assert (shown["last_seen"], shown["last_seen_at"]) == ("throttled", "2026-03-03T10:00:00Z")
    assert debtor.metrics()[cut] == 1
    [listed] = debtor.as_("read").get("/v1/drift").json()["still_cut"]
    assert (listed["service"], listed["direction"], listed["last_seen"]) == ("s1", state, "throttled")
    debtor.report("verified", entry)
    assert debtor.metrics()[cut] == 0
    assert debtor.as_("read").get("/v1/drift").json()["still_cut"] == []


def test_what_a_report_of_a_former_revision_saw_is_kept_as_last_seen(debtor: Live) -> None:
    [cut] = debtor.entries()
    debtor.tell(debtor.billing.payment("a1", "p1"))
    debtor.until(lambda: debtor.entries()[0]["access"] == "full")
    debtor.report("verified", cut)
    found = only_entry(debtor)
    assert (found["state"], found["seen"], found["last_seen"]) == ("pending", None, "throttled")


def test_what_is_counted_as_wrongful_is_not_counted_twice(debtor: Live) -> None:
    debtor.report("verified", *debtor.entries())
    debtor.tell(debtor.billing.payment("a1", "p1"))
    debtor.until(lambda: debtor.entries()[0]["access"] == "full")
    debtor.report("wrongful", {**debtor.entries()[0], "access": "throttled"})
    assert debtor.metrics()[f'grifo_still_cut_entries{{device="{DEVICE}",kind="internet"}}'] == 0


def test_a_device_without_strays_has_the_figure_nought(debtor: Live) -> None:
    assert debtor.metrics()[f'grifo_drift_entries{{device="{DEVICE}",direction="stray",kind=""}}'] == 0


def test_a_restore_is_timed_from_the_payments_arrival_to_its_verification(debtor: Live) -> None:
    debtor.report("verified", *debtor.entries())
    debtor.clock.now = NOW + timedelta(minutes=1)
    debtor.tell(debtor.billing.payment("a1", "p1"))
    debtor.until(lambda: debtor.entries()[0]["access"] == "full")
    debtor.clock.now += timedelta(seconds=3)
    debtor.report("verified", *debtor.entries())
    debtor.report("verified", *debtor.entries())
    found = debtor.metrics()
    assert (found["grifo_restore_seconds_count"], found["grifo_restore_seconds_sum"]) == (1, 3)


def test_an_age_of_a_read_is_measured_by_the_agent_and_counted_from_arrival(debtor: Live) -> None:
    debtor.report("verified", full_read_age_s=90)
    assert debtor.metrics()[f'grifo_device_full_read_age_seconds{{device="{DEVICE}"}}'] == 90
    debtor.report("verified", full_read_age_s=None)
    assert debtor.metrics()[f'grifo_device_full_read_age_seconds{{device="{DEVICE}"}}'] == 90


def test_the_figures_say_who_has_what_access_and_what_came_in(debtor: Live) -> None:
    found = debtor.metrics()
    assert found['grifo_services{access="throttled",kind="internet"}'] == 1
    assert found['grifo_events_total{result="accepted",type="grifo.invoice.v1"}'] == 1
    assert found[f'grifo_device_mode{{device="{DEVICE}",kind="internet",mode="enforce"}}'] == 1
    assert found['grifo_reviews_total{result="done"}'] >= 1
    assert found["grifo_agent_last_contact_age_seconds" + f'{{agent="{AGENT}"}}'] == 0


def test_a_report_with_an_unknown_state_is_refused(debtor: Live) -> None:
    assert debtor.report("fine", *debtor.entries()).status_code == 422
    assert only_entry(debtor)["state"] == "pending"
