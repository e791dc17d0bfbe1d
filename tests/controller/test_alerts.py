"""Alerts: each fires when it should and is silent when it should, by Prometheus itself, on figures that exist."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.controller.billing import DEVICE
from tests.controller.live import Live

ROOT = Path(__file__).parents[2]
RULES = ROOT / "configs/prometheus/alerts.yml"
BY_DEVICE = f'{{device="{DEVICE}"}}'

FIRING: dict[str, tuple[str, str, str]] = {
    # alert: (series, a value that fires, one that does not)
    "GrifoPaidServiceRestricted": (
        'grifo_wrongful_open_entries{device="d",kind="internet",direction="obstructed"}',
        "1",
        "0",
    ),
    "GrifoStillCut": ('grifo_still_cut_entries{device="d",kind="internet"}', "1", "0"),
    "GrifoEmergencyNumbersBarred": ('grifo_device_unsafe{device="d"}', "1", "0"),
    "GrifoRestrictionsFlapping": (
        'grifo_withheld_entries{device="d",kind="internet",why="flapping"}',
        "2",
        "0",
    ),
    "GrifoRestrictionsMissing": ('grifo_drift_entries{device="d",kind="internet",direction="missing"}', "2", "0"),
    "GrifoStrayMarks": ('grifo_drift_entries{device="d",kind="",direction="stray"}', "2", "0"),
    "GrifoEntriesUnknown": ('grifo_drift_entries{device="d",kind="internet",direction="unknown"}', "2", "0"),
    "GrifoDeviceUnread": ('grifo_device_full_read_age_seconds{device="d"}', "1801", "1800"),
    "GrifoDeviceNeverRead": ('grifo_device_never_read{device="d"}', "1", "0"),
    "GrifoAgentSilent": ('grifo_agent_last_contact_age_seconds{agent="a"}', "301", "300"),
    "GrifoDeviceHalted": ('grifo_device_halted{device="d"}', "1", "0"),
    "GrifoDeviceProblems": ('grifo_device_problems{device="d"}', "3", "0"),
    "GrifoKeysContested": ("grifo_contested_keys", "1", "0"),
    "GrifoControllerDown": ('up{job="grifo",instance="c"}', "0", "1"),
    "GrifoReviewsFailing": ("grifo_reviews_failing", "1", "0"),
    "GrifoStoppedForLong": ("grifo_stopped", "1", "0"),
    "GrifoEventConflicts": ("grifo_conflicts", "1", "0"),
    "GrifoHoldsOverdue": ("grifo_holds_overdue_for_review", "2", "0"),
    "GrifoUnmatchedPayments": ("grifo_unmatched_payments", "1", "0"),
}


AT_ONCE = frozenset({"GrifoEmergencyNumbersBarred"})
"""They wait for no second look: what they are about was proved."""


def written() -> str:
    return RULES.read_text()


def named() -> list[str]:
    return re.findall(r"- alert: (\w+)", written())


def promtool(*arguments: str) -> None:
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_summary_a_command_to_run_and_a_section_in_its_runbook() -> None:
    runbook = (ROOT / "docs/runbooks/alerts.md").read_text()
    for block in re.split(r"- alert: ", written())[1:]:
        name = block.split()[0]
        assert re.search(r"summary: \"", block), name
        assert re.search(r"description: .*Run: grifo \w", block), name
        assert f"runbook_url: docs/runbooks/alerts.md#{name.lower()}" in block
        assert f"## {name}\n" in runbook


def test_alerts_are_about_figures_that_the_controller_has(live: Live) -> None:
    live.enrol()
    live.debtor()
    live.report("verified", *live.entries())
    live.tell(live.billing.payment("a1", "p1"))
    live.until(lambda: live.entries()[0]["access"] == "full")
    live.report("verified", *live.entries())
    expressions = " ".join(re.findall(r"expr: (.*)", written()))
    shown = {re.split(r"[{ ]", name)[0] for name in live.metrics()}
    missing = set(re.findall(r"grifo_\w+", expressions)) - shown
    assert not missing


@pytest.mark.servers
def test_prometheus_takes_the_rules() -> None:
    promtool("check", "rules", str(RULES))


def alert_test(name: str, series: dict[str, str], labels: dict[str, str] | None, minutes: int) -> dict[str, Any]:
    """Whether `name` fires (with `labels`), or does not (None), when these series had their values for so long."""
    lasting = [{"series": each, "values": values} for each, values in series.items()]
    fires: list[dict[str, Any]] = [] if labels is None else [{"exp_labels": labels}]
    return {
        "interval": "1m",
        "input_series": lasting,
        "promql_expr_test": [
            {
                "expr": f'count(ALERTS{{alertname="{name}",alertstate="firing"}}) or vector(0)',
                "eval_time": f"{minutes}m",
                "exp_samples": [{"labels": "{}", "value": len(fires)}],
            }
        ],
    }


def run_tests(tests: list[dict[str, Any]], folder: Path) -> None:
    file = folder / "alerts_test.yml"
    file.write_text(json.dumps({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": tests}))
    promtool("test", "rules", str(file))


@pytest.mark.servers
@pytest.mark.parametrize("name", list(FIRING))
def test_an_alert_fires_for_what_it_is_about_and_only_then(name: str, tmp_path: Path) -> None:
    series, bad, good = FIRING[name]
    nine_hours = 9 * 60
    tests = [
        alert_test(name, {series: f"{bad}x{nine_hours}"}, {}, nine_hours),
        alert_test(name, {series: f"{good}x{nine_hours}"}, None, nine_hours),
    ]
    if name not in AT_ONCE:
        tests.append(alert_test(name, {series: f"{good}x{nine_hours} {bad}"}, None, nine_hours))
    run_tests(tests, tmp_path)


@pytest.mark.servers
def test_a_paid_service_that_was_last_seen_cut_pages_after_five_minutes(tmp_path: Path) -> None:
    series = {'grifo_still_cut_entries{device="d",kind="internet"}': "1x10"}
    run_tests([alert_test("GrifoStillCut", series, None, 4), alert_test("GrifoStillCut", series, {}, 5)], tmp_path)


@pytest.mark.servers
def test_emergency_numbers_that_cannot_be_reached_page_at_the_first_look(tmp_path: Path) -> None:
    series = {'grifo_device_unsafe{device="d"}': "0 1"}
    name, paged = "GrifoEmergencyNumbersBarred", {"severity": "page", "device": "d"}
    run_tests([alert_test(name, series, None, 0), alert_test(name, series, paged, 1)], tmp_path)


@pytest.mark.servers
def test_the_brake_alert_compares_what_is_reserved_with_what_may_pass(tmp_path: Path) -> None:
    where = '{policy="es",device="d"}'

    def brake(reserved: int) -> dict[str, str]:
        return {f"grifo_brake_reserved{where}": f"{reserved}x60", f"grifo_brake_cap{where}": "10x60"}

    run_tests(
        [
            alert_test("GrifoBrakeFull", brake(10), {}, 30),
            alert_test("GrifoBrakeFull", brake(9), None, 30),
        ],
        tmp_path,
    )


@pytest.mark.servers
def test_slow_restores_page_and_quick_ones_do_not(tmp_path: Path) -> None:
    def restores(slow: int) -> dict[str, str]:
        return {
            'grifo_restore_seconds_bucket{le="60"}': f"0+{10 - slow}x120",
            'grifo_restore_seconds_bucket{le="120"}': "0+10x120",
            'grifo_restore_seconds_bucket{le="+Inf"}': "0+10x120",
        }

    tests = [
        alert_test("GrifoRestoresSlow", restores(5), {}, 90),
        alert_test("GrifoRestoresSlow", restores(0), None, 90),
    ]
    run_tests(tests, tmp_path)


def test_every_alert_is_tested_here() -> None:
    assert set(named()) == set(FIRING) | {"GrifoBrakeFull", "GrifoRestoresSlow"}
