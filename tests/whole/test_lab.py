"""The lab as a newcomer starts it: one command, a story that comes true, and a result that says so."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import pytest

pytestmark = pytest.mark.slow

GRIFO = [sys.executable, "-c", "from cli.main import run; run()"]
PATIENCE_S = 120


def test_the_lab_told_once_ends_with_every_cut_and_restore_verified_and_no_drift() -> None:
    done = subprocess.run(
        [*GRIFO, "lab", "--once", "--json", "--accounts", "60"], capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert done.returncode == 0, done.stderr[-3000:]
    result = json.loads(done.stdout.splitlines()[-1])
    assert set(result) == {
        *("services", "cut", "cut_verified", "restored", "restore_verified", "restore_ms", "drift"),
    }
    assert result["cut"] == result["cut_verified"] > 0
    assert result["restored"] == result["restore_verified"] > 0
    assert set(result["restore_ms"]) == {"p50", "p99"}
    assert result["drift"] == {"wrongful": 0, "missing": 0, "stray": 0, "obstructed": 0, "unknown": 0}


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "terminated"])
def test_the_lab_stays_up_with_its_urls_and_the_commands_that_it_names_work_until_it_is_ended(
    end: signal.Signals,
) -> None:
    lab = subprocess.Popen(
        [*GRIFO, "lab", "--accounts", "60"], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert lab.stdout is not None
        told = _read_until(lab.stdout, "(Ctrl-C)")
        export = next(line for line in told.splitlines() if "export GRIFO_URL=" in line)
        variables = dict(part.split("=", 1) for part in export.split() if "=" in part)
        phone = next(line for line in told.splitlines() if " why " in line).split()[-1]
        why = subprocess.run(
            [*GRIFO, "why", phone, "--json"], capture_output=True, text=True, env=os.environ | variables, timeout=30
        )
        assert why.returncode == 0, why.stderr
        assert json.loads(why.stdout)
        folder = Path(variables["GRIFO_TOKEN_FILE"]).parent
        assert folder.is_dir()
        os.kill(lab.pid, end)
        assert lab.wait(timeout=30) == 0
        assert not folder.exists()
    finally:
        lab.kill()
        lab.communicate()


def _read_until(stream: IO[str], mark: str) -> str:
    told, deadline = "", time.monotonic() + PATIENCE_S
    for line in stream:
        told += line
        if mark in line:
            return told
        assert time.monotonic() < deadline, told
    raise AssertionError(f"the lab ended before it said {mark}: {told}")
