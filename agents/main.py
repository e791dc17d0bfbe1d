"""The agent as a process: it runs until it is told to stop."""

import gc
import logging
import signal
from pathlib import Path
from threading import Event
from types import FrameType

from agents.agent import Agent, MakeDriver
from agents.settings import Settings, SettingsError, read_settings
from agents.setup import NO_INSTALLATION
from drivers.catalog import driver as catalogued


def run(path: Path, make_driver: MakeDriver = catalogued) -> None:
    """Run the agent of the settings at `path` until SIGTERM or SIGINT.

    Raises SettingsError, MemoryUnusable, or OSError (the metrics' address), before anything is started.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    _quiet_libraries()
    settings = read_settings(path)
    _try_settings(settings, make_driver)
    agent = Agent(settings, make_driver)
    told_to_stop = Event()

    def stop(number: int, frame: FrameType | None) -> None:
        told_to_stop.set()

    former = {each: signal.signal(each, stop) for each in (signal.SIGTERM, signal.SIGINT)}
    _spare_the_collector()
    try:
        agent.start()
        told_to_stop.wait()
    finally:
        agent.stop()
        for each, handler in former.items():
            signal.signal(each, handler)


def _spare_the_collector() -> None:
    """A sweep makes a hundred thousand small objects that die together: looking for cycles among them is its fifth."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def _quiet_libraries() -> None:
    """What they log at this level is a line for each request; at a lower one, some write what they send."""
    for name in ("httpx", "httpcore", "librouteros", "netmiko", "paramiko"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _try_settings(settings: Settings, make_driver: MakeDriver) -> None:
    """Build each driver once, so that a wrong setting is said before anything is started. Raises SettingsError."""
    for device in settings.devices:
        try:
            make_driver(device.driver, device.options, NO_INSTALLATION).close()
        except ValueError as wrong:
            raise SettingsError(f"devices: {device.name}: {wrong}") from wrong
