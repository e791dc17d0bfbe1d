"""`grifo simulate` and `grifo today`: what would happen, on live data, changing nothing."""

import csv
from pathlib import Path

import pytest

from tests.cli.conftest import Grifo
from tests.controller.billing import DEVICE
from tests.controller.dump import dump
from tests.controller.live import POLICY, Live

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def unwarned(live: Live) -> None:
    """Besides the debtor s1, who was read to be restricted: s3 owes and nobody has warned it."""
    assert live.report("verified", *live.entries()).status_code == 204
    told = live.billing.debtor(3)[:3]
    live.tell(*told)
    live.until(lambda: bool(live.service("s3")["next_stage"]))


def test_it_says_who_would_be_warned_and_cut_and_changes_nothing(live: Live, grifo: Grifo) -> None:
    before = dump(live.database)
    done = grifo("simulate", "--until", "30d", "--json")
    found = {(row["service"], row["what"]) for row in done.json["found"]}
    assert {("s3", "warn"), ("s3", "cut")} <= found
    assert done.json["counts"]["cut"] == 1
    assert dump(live.database) == before


def test_without_notices_it_says_what_the_service_waits_for(grifo: Grifo) -> None:
    done = grifo("simulate", "--at", "2026-03-10T10:00", "--no-notices", "--account", "a3", "--json")
    waits = [row for row in done.json["found"] if row["what"] == "wait"]
    assert [block["code"] for row in waits for block in row["blocks"]].count("notice_missing") == 1


def test_its_table_is_in_the_operators_time_and_ends_with_the_counts(grifo: Grifo) -> None:
    done = grifo("simulate", "--until", "2026-03-20T12:00")
    assert done.code == 0
    assert "2026-03-03 11:00:00 to 2026-03-20 12:00:00: warn 1, cut 1" in done.out


def test_it_writes_lines_for_a_spreadsheet(grifo: Grifo) -> None:
    done = grifo("simulate", "--until", "30d", "--format", "csv")
    rows = list(csv.DictReader(done.out.splitlines()))
    assert {row["what"] for row in rows if row["service"] == "s3"} >= {"warn", "cut"}
    assert rows[0]["sites"] == "porto"


def test_two_policies_are_told_apart_by_what_each_would_do_otherwise(grifo: Grifo, tmp_path: Path) -> None:
    slower = tmp_path / "es.toml"
    slower.write_text(POLICY.replace("lead = 24\n", "lead = 240\n"))
    done = grifo("simulate", "--policy", str(slower), "--against", _same(tmp_path), "--until", "40d", "--json")
    rows = [row for row in done.json["found"] if row["service"] == "s3" and row["what"] == "cut"]
    assert len(rows) == 1
    assert rows[0]["at"] > rows[0]["against_at"]
    assert not [row for row in done.json["found"] if row["service"] == "s1"], "both leave s1 as it is"


def _same(folder: Path) -> str:
    (folder / "same").mkdir()
    path = folder / "same" / "es.toml"
    path.write_text(POLICY)
    return str(path)


def test_a_policy_that_cannot_be_used_is_refused_with_every_mistake(grifo: Grifo, tmp_path: Path) -> None:
    bad = tmp_path / "es.toml"
    bad.write_text(POLICY.replace("lead = 24", 'lead = "soon"').replace("courtesy_days = 3", "courtesy = 3"))
    done = grifo("simulate", "--policy", str(bad))
    assert done.code == 1
    assert "notice.lead" in done.err
    assert "courtesy" in done.err


def test_today_lists_who_is_to_be_cut_before_midnight_and_when(live: Live, grifo: Grifo) -> None:
    hold = {"hold": "h3", "account": "a3", "kind": "dispute", "since": "2026-03-01T10:00:00Z", "author": "care"}
    live.tell(
        live.billing.event("hold", hold | {"note": "asks", "until": "2026-03-03T12:30:00Z"}),
        live.billing.notice("a3", "n3"),
    )
    live.until(lambda: {block["code"] for block in live.service("s3")["blocks"]} == {"hold"})
    done = grifo("today", "--site", "porto", "--json")
    assert [(row["service"], row["what"], row["at"]) for row in done.json["found"]] == [
        ("s3", "cut", "2026-03-03T12:30:00+00:00")
    ]
    assert "past due" in done.json["found"][0]["text"]


def test_today_of_a_site_that_nobody_knows_names_those_that_are(grifo: Grifo) -> None:
    done = grifo("today", "--site", "lisboa")
    assert done.code == 1
    assert "porto" in done.err


def test_today_is_quiet_where_nobody_is_to_be_cut(live: Live, grifo: Grifo) -> None:
    done = grifo("today", "--site", "porto")
    assert done.code == 0
    assert "nothing" in done.out
    assert DEVICE not in done.out
