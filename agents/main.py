"""The agent as a process: `run` until it is told to stop, `check` what it would run with."""

import logging
import signal
from pathlib import Path
from threading import Event
from types import FrameType

from agents.agent import Agent, MakeDriver
from agents.clock import SYSTEM_CLOCK
from agents.memory import Memory
from agents.settings import Settings, SettingsError, read_settings, read_token
from drivers.base import Driver, DriverError
from drivers.catalog import driver as catalogued

_NO_INSTALLATION = "unknown"
"""Stands in where no controller has said yet whose marks are ours: good enough to judge settings, never to write."""


def run(path: Path, make_driver: MakeDriver = catalogued) -> None:
    """Run the agent of the settings at `path` until SIGTERM or SIGINT.

    Raises SettingsError, MemoryUnusable, or OSError (the metrics' address), before anything is started.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs every request
    settings = read_settings(path)
    for built in _drivers(settings, _NO_INSTALLATION, make_driver).values():
        built.close()
    agent = Agent(settings, make_driver)
    told_to_stop = Event()

    def stop(number: int, frame: FrameType | None) -> None:
        told_to_stop.set()

    former = {each: signal.signal(each, stop) for each in (signal.SIGTERM, signal.SIGINT)}
    try:
        agent.start()
        told_to_stop.wait()
    finally:
        agent.stop()
        for each, handler in former.items():
            signal.signal(each, handler)


def check(path: Path) -> list[str]:
    """What is wrong with the settings at `path`, or with the setup of a device that they name; empty when all is well.

    Reads the devices, writes nothing.
    """
    try:
        settings = read_settings(path)
        read_token(settings.token_file)
        drivers = _drivers(settings, _installation(settings), catalogued)
    except SettingsError as wrong:
        return [str(wrong)]
    return [f"{name}: {problem}" for name, built in drivers.items() for problem in _problems(built)]


def _drivers(settings: Settings, installation: str, make_driver: MakeDriver) -> dict[str, Driver]:
    built: dict[str, Driver] = {}
    for device in settings.devices:
        try:
            built[device.name] = make_driver(device.driver, device.options, installation)
        except ValueError as wrong:
            raise SettingsError(f"devices: {device.name}: {wrong}") from wrong
    return built


def _installation(settings: Settings) -> str:
    if not settings.memory.exists():
        return _NO_INSTALLATION
    memory = Memory(settings.memory, SYSTEM_CLOCK.monotonic())
    try:
        return memory.installation or _NO_INSTALLATION
    finally:
        memory.close()


def _problems(built: Driver) -> list[str]:
    try:
        return list(built.check())
    except DriverError as wrong:
        return [str(wrong)]
    finally:
        built.close()
