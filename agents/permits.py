"""The permit step: nothing is taken away from a customer unless the controller agrees at this moment.

Permits are asked for the restrictions of one slice, just before it, and die with it. The site's own guard comes after
the controller's word, so that what the controller refuses uses up nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from agents.clock import Clock
from agents.device_memory import DeviceMemory
from agents.guard import Limits
from agents.line import Line
from agents.link import ControllerAway, LinkError
from agents.memory import Memory
from agents.withhold import GUARD, NO_CONTROLLER, Withheld
from enforcement.changes import Change, Restrict, binding_of
from enforcement.wire import Permit, PermitAsk, PermitRequest
from enforcement.withheld import Why

LONGEST_VALID_S = 30.0


@dataclass(frozen=True, slots=True)
class Permitted:
    """The changes that may be made before `until` (monotonic), and why the others may not.

    `nobody_answers` is true where there is no sense in asking for further slices now.
    """

    changes: list[Change] = field(default_factory=list)
    until: float = 0.0
    withheld: list[tuple[Change, Withheld]] = field(default_factory=list)
    nobody_answers: bool = False


class Permits:
    """Asks for one device; the guard's account is its whole site's."""

    def __init__(self, memory: DeviceMemory, site: Memory, line: Line, clock: Clock, limits: Limits) -> None:
        self._memory = memory
        self._site = site
        self._line = line
        self._clock = clock
        self._limits = limits

    def ask(self, slice: Sequence[Change]) -> Permitted:
        """Ask for a slice of restrictions. Its time runs from before the question was sent: never too long."""
        room = self._site.room(self._limits, self._clock.monotonic())
        wanted, guarded = self._within(room, slice)
        if not wanted:
            return Permitted(withheld=guarded)
        asked_at = self._clock.monotonic()
        asks = [PermitAsk(binding_of(change), _revision(change)) for change in wanted]
        try:
            permit = self._line.permit(PermitRequest(self._memory.epoch, asks))
        except LinkError as wrong:
            why = NO_CONTROLLER if isinstance(wrong, ControllerAway) else Withheld(Why.PERMIT, str(wrong))
            return Permitted(withheld=[(change, why) for change in slice], nobody_answers=True)
        granted, refused = _sorted(wanted, permit)
        given, late = self._reserve(granted)
        until = asked_at + min(permit.valid_s, LONGEST_VALID_S)
        return Permitted(given, until, guarded + refused + late)

    def _reserve(self, granted: list[Change]) -> tuple[list[Change], list[tuple[Change, Withheld]]]:
        firsts = sum(self._is_first(change) for change in granted)
        if not firsts:
            return granted, []
        return self._within(self._site.take_room(firsts, self._limits, self._clock.monotonic()), granted)

    def _within(self, room: int, changes: Sequence[Change]) -> tuple[list[Change], list[tuple[Change, Withheld]]]:
        """Let through what is no first restriction, and as many of those as there is room for."""
        through: list[Change] = []
        guarded: list[tuple[Change, Withheld]] = []
        for change in changes:
            first = self._is_first(change)
            if first and room <= 0:
                guarded.append((change, GUARD))
                continue
            room -= first
            through.append(change)
        return through, guarded

    def _is_first(self, change: Change) -> bool:
        return isinstance(change, Restrict) and change.entry.first and not self._memory.was_imposed(change.entry)


def _revision(change: Change) -> int:
    entry = getattr(change, "entry", None)
    return entry.changed_revision if entry is not None else 0


def _sorted(wanted: Sequence[Change], permit: Permit) -> tuple[list[Change], list[tuple[Change, Withheld]]]:
    """What the permit grants, and what it refuses or does not mention."""
    granted = [change for change in wanted if binding_of(change) in permit.granted]
    refused = [
        (change, Withheld(Why.PERMIT, permit.refused.get(binding_of(change), "no permit")))
        for change in wanted
        if binding_of(change) not in permit.granted
    ]
    return granted, refused
