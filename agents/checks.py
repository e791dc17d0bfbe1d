"""Checks: what in a device's own setup would defeat us, asked after each sweep; what endangers people is acted upon.

What a check found stays said until another one finds otherwise: a device that is lost endangers people all the same.
"""

import logging

from agents.calls import Calls
from agents.concerned import Concerned
from agents.picture import Picture
from agents.words import unknown_rates
from drivers.base import Refused, Unsafe, Unsupported
from enforcement.access import Access

log = logging.getLogger("grifo.agent")


class Checks:
    """One device's. `problems` are the words of the last check."""

    def __init__(self, device: str, driver: Calls, concerned: Concerned, picture: Picture) -> None:
        self._device = device
        self._driver = driver
        self._concerned = concerned
        self._picture = picture
        self.problems: tuple[str, ...] = ()

    @property
    def unsafe(self) -> tuple[Unsafe, ...]:
        """Those of the problems that endanger people."""
        return tuple(problem for problem in self.problems if isinstance(problem, Unsafe))

    def check(self) -> bool:
        """Whether what endangers people has changed: then all is to be read and planned anew. Raises Unreachable or
        Garbled."""
        try:
            found = self._concerned.told(self._device, self._driver.check())
            self.problems = (*found, *unknown_rates(self._picture.strange_rates))
        except (Refused, Unsupported) as no:
            self.problems = (f"the device's setup can't be checked: {no}", *self.unsafe)
        return self._heed_danger()

    def _heed_danger(self) -> bool:
        """Who is restricted so that emergency numbers can't be reached is opened at once, until they can. A number that
        was given back is nobody's to open."""
        unsafe = frozenset(access for problem in self.unsafe for access in problem.accesses) - {Access.RELEASED}
        if unsafe == self._picture.unsafe:
            return False
        log.error("device=%s unsafe=%s", self._device, ",".join(sorted(unsafe)) or "no longer")
        self._picture.unsafe = unsafe
        return True
