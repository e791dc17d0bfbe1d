"""What a person reads on the screens: nothing that is not so, nothing twice, and in the command's own words."""

import io
import json
import re

import pytest
from rich.console import Console

from cli import service_screen
from cli.client import Access, Client
from cli.session import Session
from tests.cli.conftest import Grifo
from tests.controller.billing import DEVICE
from tests.controller.live import AGENT, Live

pytestmark = pytest.mark.slow


def enrol_weak(live: Live) -> None:
    """A device that can only throttle, with the service s9 of account a9."""
    able = {"version": 1, "driver": "radius", "keys": ["username"], "access": {"internet": ["throttled"]}}
    assert live.as_("agent1").put("/v1/agent/devices/weak", json=able).status_code == 204
    assert live.as_("noc").put("/v1/devices/weak/mode", json={"mode": "enforce"}).status_code == 200
    live.tell(live.billing.account("a9"), live.billing.service("a9", "s9", ("weak", "username:u9")))
    live.until(lambda: bool(live.entries("weak")))


def paid(live: Live) -> None:
    """The debtor s1 was read to be cut, and has paid."""
    live.report("verified", *live.entries())
    live.tell(live.billing.payment("a1", "p1"))
    live.until(lambda: live.service("s1")["access"] == "full")


def test_a_suspension_that_nothing_enforces_fails_and_says_what_is_in_the_way(live: Live, grifo: Grifo) -> None:
    enrol_weak(live)
    done = grifo("suspend", "s9", "--reason", "abuse", "--note", "spam")
    assert done.code == 1
    assert "nothing enforces it" in done.err
    assert "weak cannot give blocked" in done.err


def test_why_never_says_read_back_where_the_device_cannot_do_it(live: Live, grifo: Grifo) -> None:
    enrol_weak(live)
    live.order("suspend", "s9", reason="abuse")
    live.report("verified", *live.entries("weak"), device="weak")
    done = grifo("why", "s9")
    assert "read back from every device" not in done.out
    assert "not enforced: Device weak cannot give blocked" in done.out


def test_what_waits_for_its_next_stage_is_not_called_unenforced(live: Live, grifo: Grifo) -> None:
    live.tell(live.billing.invoice("a2", "f2"))
    live.until(lambda: bool(live.service("s2")["blocks"]))
    done = grifo("why", "s2")
    assert "not yet: " in done.out
    assert "not enforced" not in done.out


def test_why_and_drift_show_what_was_last_seen_while_nothing_newer_is_known(live: Live, grifo: Grifo) -> None:
    paid(live)
    assert "was throttled at 2026-03-03 11:00:00" in grifo("why", "s1").out
    drift = grifo("drift").out
    assert "still cut" in drift
    assert "was throttled at 2026-03-03 11:00:00" in drift


def test_what_is_not_grifos_and_cuts_an_open_customer_is_plain(live: Live, grifo: Grifo) -> None:
    [entry] = [entry for entry in live.entries() if entry["service"] == "s2"]
    told = {"binding": entry["binding"], "changed_revision": entry["changed_revision"], "state": "obstructed"}
    live.report("verified", entries=[told | {"seen": "full", "obstructions": ["address-list morosos"]}])
    done = grifo("why", "s2")
    assert "SOMETHING THAT IS NOT GRIFO'S RESTRICTS IT" in done.out.splitlines()[0]
    assert "restricted by: address-list morosos" in done.out
    assert "restricted by: address-list morosos" in grifo("drift").out


def test_an_account_is_shown_with_all_its_services(live: Live, grifo: Grifo) -> None:
    live.tell(live.billing.service("a2", "s3", (DEVICE, "username:u3")))
    done = grifo("why", "a2")
    assert done.code == 0, done.err
    assert done.out.index("s2  internet") < done.out.index("s3  internet")
    assert [one["service"] for one in grifo("why", "a2", "--json").json] == ["s2", "s3"]
    assert [one["service"] for one in grifo("timeline", "a2", "--json").json] == ["s2", "s3"]
    assert "s3  account a2" in grifo("timeline", "a2").out


@pytest.mark.parametrize("verb", [["restore"], ["suspend", "--reason", "abuse"]], ids=lambda verb: str(verb[0]))
def test_an_order_for_an_account_asks_which_service(live: Live, grifo: Grifo, verb: list[str]) -> None:
    live.tell(live.billing.service("a2", "s3", (DEVICE, "username:u3")))
    done = grifo(verb[0], "a2", *verb[1:], "--note", "x")
    assert done.code == 2
    assert "s2" in done.err
    assert "s3" in done.err


def test_the_timeline_of_a_device_and_of_everything_is_newest_first(grifo: Grifo) -> None:
    assert grifo("device", "mode", DEVICE, "observe", "--note", "a new card").code == 0
    assert grifo("stop", "--note", "looking at billing").code == 0
    assert "a new card" in grifo("timeline", "--device", DEVICE).out.splitlines()[1]
    newest = grifo("timeline", "--all", "--limit", "1").out
    assert "looking at billing" in newest
    assert "a new card" not in newest


@pytest.mark.parametrize("arguments", [[], ["s1", "--all"], ["--all", "--device", DEVICE]], ids=" ".join)
def test_a_timeline_is_of_one_thing(grifo: Grifo, arguments: list[str]) -> None:
    done = grifo("timeline", *arguments)
    assert (done.code, "--device NAME" in done.err) == (2, True)


def test_a_release_and_a_settlement_answer_in_json_when_asked(live: Live, grifo: Grifo) -> None:
    assert grifo("device", "release", DEVICE, "--json").json == {"device": DEVICE, "agent": None}
    event = live.billing.invoice("a2", "f2")
    live.tell(event)
    answer = grifo("event", "send", "-", stdin=json.dumps({**event, "data": {**event["data"], "amount": 1}}))
    assert answer.code == 1
    number = grifo("conflict", "list", "--json").json[0]["id"]
    done = grifo("conflict", "settle", str(number), "--note", "looked", "--json")
    assert done.json == {"conflict": number, "settled": True}


def test_the_brake_shows_all_that_may_pass(live: Live, grifo: Grifo) -> None:
    [brake] = grifo("brake", "list", "--json").json
    most = brake["cap"] + 7
    done = grifo("brake", "approve", brake["policy"], DEVICE, "--extra", "7", "--note", "checked")
    assert done.code == 0, done.err
    row = grifo("brake", "list").out.splitlines()[1].split()
    assert row[3:5] == [str(most), "7"]
    live.clock.now = live.clock.now.replace(day=10)
    assert grifo("brake", "list").out.splitlines()[1].split()[3:5] == [str(brake["cap"]), "-"]


def test_restoring_what_is_open_and_owes_nothing_says_so_and_adds_no_hold(live: Live, grifo: Grifo) -> None:
    live.report("verified", *live.entries())
    done = grifo("restore", "s2", "--note", "to be sure")
    assert done.code == 0, done.err
    assert "open already" in done.out
    assert live.service("s2")["holds"] == []


def test_restoring_who_owes_but_is_still_open_is_a_courtesy(live: Live, grifo: Grifo) -> None:
    live.tell(live.billing.invoice("a2", "f2"))
    live.until(lambda: bool(live.service("s2")["blocks"]))
    assert grifo("restore", "s2", "--note", "promised", "--no-wait").code == 0
    assert [hold["note"] for hold in live.service("s2")["holds"]] == ["promised"]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["suspend", "s2", "--reason", "technical", "--until", "2020-01-01", "--note", "x"], "--until"),
        (["suspend", "s2", "--reason", "spite", "--note", "x"], "--reason"),
        (["suspend", "s2", "--reason", "abuse", "--access", "incoming_only", "--note", "x"], "--access"),
        (["restore", "s1", "--reason", "court", "--for", "3d", "--note", "x"], "--for"),
        (["device", "mode", DEVICE, "nonsense"], "MODE"),
        (["device", "show", "nowhere"], "grifo device list"),
        (["brake", "approve", "es", "nowhere", "--extra", "1", "--note", "x"], "grifo brake list"),
        (["brake", "approve", "es", DEVICE, "--extra", "1", "--for", "9d", "--note", "x"], "--for"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value,
)
def test_what_was_wrong_is_told_in_the_commands_own_words(grifo: Grifo, arguments: list[str], named: str) -> None:
    done = grifo(*arguments)
    assert done.code != 0
    assert named in done.err
    assert "body." not in done.err
    assert "/v1/" not in done.err


def test_ids_of_our_own_making_are_not_shown_and_an_order_is_told_once(grifo: Grifo) -> None:
    assert grifo("suspend", "s2", "--reason", "abuse", "--until", "2h", "--note", "much spam").code == 0
    assert grifo("restore", "s1", "--note", "promised", "--no-wait").code == 0
    out = grifo("why", "s2").out
    assert out.count("much spam") == 1
    assert "until 2026-03-03 13:00:00" in out
    for service in ("s1", "s2"):
        assert not re.search(r"[0-9a-f]{32}", grifo("why", service).out + grifo("timeline", service).out)
    assert grifo("why", "s1").out.count("until 2026-03-06") == 1, "of the hold; what it blocks is told with a weekday"


def test_modes_of_a_device_that_differ_are_a_line_each(grifo: Grifo) -> None:
    assert grifo("device", "mode", DEVICE, "observe", "--kind", "fixed_voice").code == 0
    assert "observe: fixed_voice" in grifo("status").out
    assert "enforce: internet, mobile_voice" in grifo("status").out


def test_why_tells_the_rule_that_comes_next_and_the_message_to_send(live: Live, grifo: Grifo) -> None:
    live.tell(live.billing.invoice("a2", "f2"))
    live.until(lambda: bool(live.service("s2")["blocks"]))
    out = grifo("why", "s2").out
    assert (
        "what comes next: throttle: anything past due; notice at least 24 hours before. a test [D, looked at on" in out
    )
    assert "notice of throttle to send (-) from 2026-03-03 09:00:00; it can name 2026-03-05" in out


def test_why_tells_which_hold_does_not_hold_and_why(live: Live, grifo: Grifo) -> None:
    plan = {"hold": "h1", "account": "a1", "kind": "plan", "since": "2026-02-01T10:00:00Z", "author": "care"}
    parts = [{"due_on": "2026-02-15", "amount": 1500}, {"due_on": "2026-06-15", "amount": 1500}]
    live.tell(live.billing.event("hold", plan | {"note": "two parts", "instalments": parts, "currency": "EUR"}))
    live.until(lambda: bool(live.service("s1")["holds"]))
    assert live.service("s1")["holds"][0]["why_not"] == "The plan is broken: 0.00 EUR of 15.00 EUR came."
    out = grifo("why", "s1").out
    assert "holds that do not hold:\n  plan since 2026-02-01 11:00:00" in out
    assert "\nholds:" not in out


def test_many_invoices_leave_the_rest_of_why_on_the_screen(live: Live, grifo: Grifo) -> None:
    live.tell(*(live.billing.invoice("a1", f"m{number}") for number in range(20)))
    live.until(lambda: len(live.service("s1")["evidence"]) > 20)
    out = grifo("why", "s1").out
    assert "invoice: and 13 more (--json shows them)" in out
    assert out.count("unpaid, presented on") == 8
    assert len(out.splitlines()) <= 40


def test_who_waits_for_a_yes_is_shown_with_the_command_that_gives_it(live: Live) -> None:
    block = {"code": "approval", "text": "rest needs 2 people's approval; given by: nobody; missing: 2.", "until": None}
    data = live.service("s1") | {"next_stage": "rest", "blocks": [block], "waits_for": "approval"}
    screen = Session(Client(Access(live.url, live.secrets["noc"])), False, Console(file=io.StringIO(), width=160))
    service_screen.service(screen, data)
    screen.client.close()
    assert isinstance(screen.console.file, io.StringIO)
    assert "to say yes: grifo approve s1 rest --note ..." in screen.console.file.getvalue()


def test_what_endangers_people_stands_on_the_status_screen(live: Live, grifo: Grifo) -> None:
    live.report("verified", problems=["node n1 would bar 112"], unsafe=["node n1 would bar 112"])
    for verb in (["status"], ["device", "show", DEVICE]):
        assert "EMERGENCY NUMBERS CAN'T BE REACHED" in grifo(*verb).out
        assert "node n1 would bar 112" in grifo(*verb).out


def test_what_is_withheld_is_shown_with_its_reason_and_what_a_site_holds_open_is_a_task(
    live: Live, grifo: Grifo
) -> None:
    entries = live.entries()
    epoch, revision = live.standing()
    words = "pinned at the site until 2026-03-06 10:00 UTC: paid"
    told = [
        {name: entry[name] for name in ("binding", "changed_revision")}
        | {"state": "withheld", "why": "pinned", "detail": words, "seen": "full"}
        for entry in entries
    ]
    body = {"version": 1, "epoch": epoch, "revision": revision, "whole": False, "entries": told, "strays": []}
    answer = live.as_(AGENT).put(f"/v1/agent/devices/{DEVICE}/report", json={**body, "full_read_age_s": 1.0})
    assert answer.status_code == 204
    assert "pinned" in grifo("drift").out
    tasks = grifo("tasks").out
    assert "held open at their sites" in tasks
    assert "2026-03-06" in tasks
    assert "held open at their sites (grifo tasks)" in grifo("status").out
