"""A person at the agent's host: what would defeat grifo here, and what a device needs before it can restrict.

Neither goes through a running agent; `check` writes nothing, `prepare` only where it is told to.
"""

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from agents.clock import SYSTEM_CLOCK
from agents.concerned import Concerned
from agents.link import Link, LinkError
from agents.memory import Memory
from agents.settings import Settings, SettingsError, read_settings, read_token
from drivers.base import Concerns, Driver, DriverError, Step
from drivers.catalog import driver as catalogued

NO_INSTALLATION = "unknown"
"""Stands in where no controller has said yet whose marks are ours: good enough to judge settings, never to write."""


class NotPrepared(ValueError):
    """A device could not be looked at or prepared; `str()` is one sentence."""


def check(path: Path, device: str = "") -> list[str]:
    """What is wrong with the settings at `path`, with the controller's welcome, or with the setup of a device that the
    settings name (all, or the one given); empty when all is well. Reads the devices, writes nothing."""
    try:
        settings = read_settings(path)
        token = read_token(settings.token_file)
        drivers = drivers_of(settings, _installation(settings), device)
    except SettingsError as wrong:
        return [str(wrong)]
    found = [f"controller: {problem}" for problem in _problems_with_controller(settings, token)]
    for name, built in drivers.items():
        found += [f"{name}: {problem}" for problem in _of_customers(settings, name, _problems(built))]
    return found


def prepare(path: Path, device: str, install: bool) -> Sequence[Step]:
    """What `device` needs, each step as it stands; where `install`, those missing are installed and read back.

    Raises SettingsError, or NotPrepared where the device can't be reached or says no.
    """
    settings = read_settings(path)
    [built] = drivers_of(settings, _installation(settings), device).values()
    with closing(built):
        try:
            return built.prepare(install)
        except DriverError as wrong:
            raise NotPrepared(f"{device}: {wrong}") from wrong


def drivers_of(settings: Settings, installation: str, only: str = "") -> dict[str, Driver]:
    """The drivers of all devices, or of one, by name; nothing is opened. Raises SettingsError naming the device."""
    names = [device.name for device in settings.devices]
    if only and only not in names:
        raise SettingsError(f"devices: there is none named {only!r}; there are {', '.join(names)}")
    built: dict[str, Driver] = {}
    for device in settings.devices:
        if only in ("", device.name):
            try:
                built[device.name] = catalogued(device.driver, device.options, installation)
            except ValueError as wrong:
                raise SettingsError(f"devices: {device.name}: {wrong}") from wrong
    return built


def _installation(settings: Settings) -> str:
    if not settings.memory.exists():
        return NO_INSTALLATION
    with closing(Memory(settings.memory, SYSTEM_CLOCK.monotonic())) as memory:
        return memory.installation or NO_INSTALLATION


def _of_customers(settings: Settings, device: str, problems: Sequence[str]) -> Sequence[str]:
    """Problems as the agent says them, which knows whom they concern; before there was one they concern nobody."""
    if not settings.memory.exists():
        return [problem for problem in problems if not isinstance(problem, Concerns)]
    with closing(Memory(settings.memory, SYSTEM_CLOCK.monotonic())) as memory:
        return Concerned(memory, {each.name: each.driver for each in settings.devices}).told(device, problems)


def _problems_with_controller(settings: Settings, token: str) -> list[str]:
    with closing(Link(settings.controller, token, settings.ca_file)) as link:
        try:
            link.feed(None, 0)
        except LinkError as wrong:
            return [str(wrong)]
    return []


def _problems(built: Driver) -> list[str]:
    """Of the device, and of each source that tells of its sessions; what both say is said once."""
    with closing(built):
        found = _said(built.check)
    for source in built.news:
        with closing(source):
            found += _said(source.check)
    return list(dict.fromkeys(found))


def _said(check: Callable[[], Sequence[str]]) -> list[str]:
    try:
        return list(check())
    except DriverError as wrong:
        return [str(wrong)]
