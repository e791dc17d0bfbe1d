"""The `grifo` command as a person runs it, against a running controller."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

import cli.main
from controller.store.engine import Database
from tests.controller.billing import DEVICE
from tests.controller.live import Live, running

GRIFO = [sys.executable, "-c", "from cli.main import run; run()"]


@dataclass(frozen=True)
class Done:
    """What a run of the command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def environment(home: Path, **variables: str) -> dict[str, str]:
    """A person's environment, without the variables of whoever runs the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GRIFO_")}
    return kept | {"HOME": str(home), "COLUMNS": "160", "LC_ALL": "C"} | variables


def run(*arguments: str, env: dict[str, str], stdin: str = "") -> Done:
    done = subprocess.run(
        [*GRIFO, *arguments], capture_output=True, text=True, check=False, env=env, input=stdin, timeout=90
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Done(done.returncode, done.stdout, done.stderr)


def run_inside(*arguments: str, env: dict[str, str], stdin: str = "") -> Done:
    """The same in this process, where that makes no difference: starting Python takes longer than most verbs do."""
    out, err = io.StringIO(), io.StringIO()
    code: object = 0
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(os, "environ", env)
        patch.setattr(Console, "_environ", env)  # or it would take the width from whoever runs the tests
        patch.setattr(sys, "argv", ["grifo", *arguments])
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        try:
            cli.main.run()
        except SystemExit as end:
            code = end.code or 0
    assert isinstance(code, int)
    return Done(code, out.getvalue(), err.getvalue())


Grifo = Callable[..., Done]


@pytest.fixture
def live(sqlite_database: Database, tmp_path: Path) -> Iterator[Live]:
    """A controller with a device that enforces, a debtor s1 and a customer s2."""
    with running(sqlite_database, tmp_path) as found:
        found.enrol(site="porto")
        found.tell(found.billing.account("a2"), found.billing.service("a2", "s2", (DEVICE, "username:u2")))
        found.debtor()
        yield found


@pytest.fixture
def grifo(live: Live, tmp_path: Path) -> Grifo:
    """Runs the command with the token of a role (`admin` unless told otherwise)."""

    def call(*arguments: str, role: str = "admin", stdin: str = "") -> Done:
        env = environment(tmp_path, GRIFO_URL=live.url, GRIFO_TOKEN=live.secrets[role])
        return run_inside(*arguments, env=env, stdin=stdin)

    return call
