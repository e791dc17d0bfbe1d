"""An agent's turns in few words: look, plan, apply slice by slice with restores first, look again, owe what is owed."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from agents.slices import Backlog
from drivers.base import Driver, DriverError
from enforcement.changes import Change, Outcome, Result, binding_of, key_of, needs_permit
from enforcement.entries import BindingId, Entry
from enforcement.keys import Key
from enforcement.plan import Plan, State, plan
from tests.drivers.conformance.bench import INSTALLATION

PATIENCE_S = 45.0
PAUSE_S = 0.02
AT_REST = (State.VERIFIED, State.ARMED)


@dataclass
class Turns:
    """One driver and what it owes to live sessions."""

    driver: Driver
    owed: dict[BindingId, bool] = field(default_factory=dict)
    installation: str = INSTALLATION

    def look(self, wanted: Sequence[Entry], keys: frozenset[Key] | None = None) -> Plan:
        """What a full read, or one of `keys`, leaves to be done."""
        return plan(self.installation, wanted, self.driver.observe(keys), self.owed)

    def slices(self, changes: Sequence[Change], size: int = 0) -> list[list[Change]]:
        """The changes in the slices that an agent makes of them."""
        backlog, found = Backlog(), []
        backlog.put([key_of(change) for change in changes], changes)
        while slice := backlog.next_slice(size or self.driver.capabilities.slice_size):
            found.append(slice)
            backlog.put({key_of(change) for change in slice}, [])
        return found

    def apply(self, slice: Sequence[Change]) -> list[Outcome]:
        """One slice. Raises DriverError, after which everything of it is owed."""
        before = dict(self.owed)
        if self.driver.capabilities.effects:
            self.owed |= {binding_of(change): needs_permit(change) for change in slice}
        outcomes = list(self.driver.apply(slice))
        for outcome in outcomes:
            refused_anew = outcome.result is Result.REFUSED and binding_of(outcome.change) not in before
            if refused_anew or (outcome.result is Result.DONE and outcome.effect_done):
                self.owed.pop(binding_of(outcome.change), None)
        return outcomes

    def once(self, wanted: Sequence[Entry]) -> list[Outcome]:
        """One turn: every change is tried once. Raises DriverError, with the connection closed."""
        try:
            slices = self.slices(self.look(wanted).changes)
            return [outcome for slice in slices for outcome in self.apply(slice)]
        except DriverError:
            self.driver.close()
            raise

    def settle(self, wanted: Sequence[Entry]) -> None:
        """Turn after turn until everything is so on the device; errors are tried again. Fails after PATIENCE_S."""
        deadline = time.monotonic() + PATIENCE_S
        states: dict[BindingId, State] = {}
        while not (states and all(state in AT_REST for state in states.values())):
            assert time.monotonic() < deadline, f"it did not come to rest: {states}"
            with suppress(DriverError):
                self.once(wanted)
                left = self.look(wanted)
                states = dict(left.states) if not left.changes else {}
            time.sleep(0 if states else PAUSE_S)

    def until(self, wanted: Sequence[Entry], true: Callable[[], bool]) -> None:
        """Turn after turn until something is so. Fails after PATIENCE_S."""
        deadline = time.monotonic() + PATIENCE_S
        while not true():
            assert time.monotonic() < deadline, "it did not come to be so"
            self.try_once(wanted)
            time.sleep(PAUSE_S)

    def try_once(self, wanted: Sequence[Entry]) -> None:
        """A turn on a device that may be in trouble."""
        with suppress(DriverError):
            self.once(wanted)

    def believed(self, wanted: Sequence[Entry]) -> dict[BindingId, State]:
        """What a look says of each entry now: unknown where the device can't be read."""
        try:
            return dict(self.look(wanted).states)
        except DriverError:
            self.driver.close()
            return {entry.binding: State.UNKNOWN for entry in wanted}
