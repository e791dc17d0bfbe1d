"""The agent as systemd would run it, for tests that kill it."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Agent:
    """`grifo agent run` over one memory file, which may be killed and started again."""

    folder: Path
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        command = [sys.executable, "-c", "from cli.main import run; run()", "agent", "run", "--config"]
        with (self.folder / "agent.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, str(self.folder / "agent.toml")], stdout=log, stderr=log, start_new_session=True
            )

    def kill(self) -> None:
        """What `kill -9` does. Safe to call twice."""
        process, self.process = self.process, None
        if process is not None:
            process.kill()
            process.wait()
