"""Holds, outages, approvals and tasks at the command: what a person reads, and the exit code."""

import pytest

from tests.cli.conftest import Grifo
from tests.controller.billing import DEVICE, NOW
from tests.controller.live import Live

pytestmark = pytest.mark.slow


def test_a_hold_is_added_listed_and_ended(grifo: Grifo) -> None:
    added = grifo("hold", "add", "s1", "--kind", "promise", "--until", "3d", "--note", "pays on Friday")
    assert added.code == 0, added.err
    assert "is given" in added.out
    (hold,) = grifo("hold", "list", "--json").json
    assert (hold["kind"], hold["note"]) == ("promise", "pays on Friday")
    assert "pays on Friday" in grifo("hold", "list").out
    assert grifo("hold", "end", hold["hold"], "--note", "he paid").code == 0
    assert grifo("hold", "list", "--json").json == []


def test_a_plan_of_an_account_has_instalments(grifo: Grifo) -> None:
    plan = ("--kind", "plan", "--note", "in two parts", "--account", "--instalment", "2026-04-01=1500")
    assert grifo("hold", "add", "s1", *plan, "--instalment", "2026-05-01=1500").code == 0
    (hold,) = grifo("hold", "list", "--json").json
    assert (hold["service"], len(hold["instalments"]), hold["currency"]) == (None, 2, "EUR")
    assert grifo("hold", "add", "s1", *plan, "--instalment", "soon").code == 2


def test_an_outage_is_told_of_a_device_or_a_site(grifo: Grifo) -> None:
    begun = grifo("outage", "begin", DEVICE, "--until", "6h", "--note", "fibre cut", "--json")
    assert begun.code == 0, begun.err
    assert f"outage {begun.json['outage']} of {DEVICE}: 2 services held" in grifo("status").out
    assert grifo("outage", "begin", "--site", "porto", "--until", "6h", "--note", "power").code == 0
    assert grifo("outage", "end", str(begun.json["outage"])).code == 0
    assert [one["site"] for one in grifo("outage", "list", "--json").json] == ["porto"]
    assert grifo("outage", "begin", "--until", "6h", "--note", "where?").code == 2


def test_approvals_say_what_came_of_them(grifo: Grifo) -> None:
    assert "is approved by" in grifo("approve", "s1", "throttle", "--note", "looked").out
    assert "is refused by" in grifo("refuse", "s1", "throttle", "--note", "not this one").out
    unknown = grifo("approve", "s1", "release", "--note", "x")
    assert unknown.code == 1
    assert "--stage is 'release'" in unknown.err


def test_tasks_show_what_waits_for_people(grifo: Grifo, live: Live) -> None:
    assert "Nothing waits" in grifo("tasks").out
    money = {"payment": "p9", "amount": 3000, "currency": "EUR", "received_at": NOW.isoformat(), "candidates": ["a1"]}
    protected = {"hold": "h1", "account": "a2", "kind": "protected", "since": "2026-01-01T00:00:00Z", "author": "x"}
    live.tell(
        live.billing.event("unmatched_payment", money),
        live.billing.event("hold", protected | {"note": "dialysis", "review_on": "2026-02-01"}),
    )
    shown = grifo("tasks").out
    assert "p9" in shown
    assert "dialysis" in shown
    assert "p9" in grifo("unmatched").out
    status = grifo("status").out
    assert "1 holds are past their review date" in status
    assert "1 payments belong to nobody yet" in status


@pytest.mark.parametrize("verb", [("notices", "due"), ("number", "list"), ("brake", "cycle")])
def test_what_there_is_to_look_at_is_drawn_or_given_as_json(grifo: Grifo, verb: tuple[str, str]) -> None:
    assert grifo(*verb).code == 0
    assert isinstance(grifo(*verb, "--json").json, list)


def test_a_monthly_day_is_approved_with_all_it_takes(grifo: Grifo) -> None:
    found = grifo(
        "brake", "cycle", "es", DEVICE, "--day", "5", "--cap", "500", "--note", "the month's returns", "--json"
    )
    assert found.code == 0, found.err
    assert [one["cap"] for one in found.json["days"] if one["day"] == 5] == [500]
    assert grifo("brake", "cycle", "es").code == 2
