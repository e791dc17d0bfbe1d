"""A bench: one device under a driver, seen from both sides. The driver's side is the protocol; ours are the device's
own tables, read past the driver, so that nothing that a driver believes is taken as proof."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pytest

from drivers.base import Driver
from enforcement.access import Access
from enforcement.entries import Entry

INSTALLATION = "isp"
CUSTOMERS = range(1, 8)
"""Numbers of the customers that a bench knows."""


class Bench(Protocol):
    """A device with CUSTOMERS, none of them restricted, and with objects of its operator's own."""

    @property
    def restricted(self) -> Access:
        """The access that the tests restrict to."""
        ...

    def driver(self, impatient: bool = False, installation: str = INSTALLATION) -> Driver:
        """A driver of the device; an impatient one gives up waiting within a second."""
        ...

    def entry(self, number: int, access: Access) -> Entry:
        """What is wanted for a customer."""
        ...

    def enforced(self, number: int) -> Access:
        """What the device does to a customer now, read past the driver."""
        ...

    def snapshot(self) -> bytes:
        """The device's whole state, ours included, but for what passes by itself (clocks, traffic)."""
        ...

    def operators(self) -> bytes:
        """The same without what carries our mark."""
        ...

    def obstruct(self, number: int) -> None:
        """The operator restricts a customer by hand, as an old system would."""
        ...

    def fault(self, name: str) -> AbstractContextManager[Any]:
        """Something goes wrong for as long as the context lasts. Raises KeyError for a fault that is not known."""
        ...


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of bench: how it is opened, and the faults that it can have. While one of `blinding` lasts, nothing can be
    read."""

    name: str
    open: Callable[[Path, pytest.FixtureRequest], AbstractContextManager[Bench]]
    blinding: tuple[str, ...]
    faults: tuple[str, ...] = ()
    marks: tuple[pytest.MarkDecorator, ...] = field(default=())
