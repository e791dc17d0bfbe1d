"""An agent as a process of its own, beside a box that hangs: `python -m tests.agents.process SETTINGS`."""

import sys
import threading
from pathlib import Path

from agents.main import run
from tests.agents.device import Box, BoxDriver, Faults

if __name__ == "__main__":
    box = Box()
    box.faults = Faults(hangs=threading.Event())
    run(Path(sys.argv[1]), make_driver=lambda name, options, installation: BoxDriver(box))
