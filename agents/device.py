"""One device's turn: fetch, observe, plan, slice, permit, apply, observe, plan, report.

Level-triggered: a turn starts from the memory and from what the device is read to do, never from what should have
happened before. A sweep reads the whole device; between sweeps only the keys that the controller changed are read.

Each change is tried once a turn. What `plan` still wants afterwards is drift: it is reported, and tried again soon
where it would give access back, at the next sweep where it would take some away.
"""

import logging
from collections.abc import Callable, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from threading import Event

from agents.backoff import pause
from agents.calls import Calls
from agents.checks import Checks
from agents.circuit import FIRST_PAUSE_S, Circuit
from agents.clock import Clock
from agents.concerned import Concerned
from agents.device_memory import DeviceMemory
from agents.hands import Hands
from agents.hearing import Hearing
from agents.inbox import Inbox
from agents.known import Known
from agents.link import LinkError
from agents.openings import Openings
from agents.permits import Permits
from agents.picture import Picture
from agents.pins import Pins
from agents.reporter import Reporter
from agents.sweeps import Sweeps
from agents.told import Told
from agents.withhold import PERMIT_RAN_OUT
from drivers.base import Refused, Unsupported
from enforcement.changes import Change, Outcome, Result, key_of, needs_permit
from enforcement.keys import Key
from enforcement.observed import UNREAD, Observed

log = logging.getLogger("grifo.agent")

NEVER = float("inf")
LOOK_AT_ONCE = 1000
"""Changed keys in one look: a tenth of a second of a router's and of ours."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a device's turn works with. `pins` and `concerned` are all devices' together; `stopping` ends the work
    between two slices."""

    driver: Calls
    memory: DeviceMemory
    hearing: Hearing
    picture: Picture
    permits: Permits
    known: Known
    reporter: Reporter
    clock: Clock
    pins: Pins
    concerned: Concerned
    inbox: Inbox
    openings: Openings
    stopping: Event


class Device:
    """A device and its agent's knowledge of it. All of it belongs to the one thread that runs `turn`."""

    def __init__(self, name: str, sweep_seconds: float, parts: Parts) -> None:
        self.name = name
        self.parts = parts
        self.circuit = Circuit(parts.clock, sweep_seconds)
        self.sweeps = Sweeps(parts.clock, sweep_seconds)
        self.applied = 0
        self._checks = Checks(name, parts.driver, parts.concerned, parts.picture)
        self._sweep_seconds = sweep_seconds
        self._dirty: set[Key] = set()
        self._fresh: set[Key] = set()
        self._all_fresh = False
        self._at_stake: Set[Key] | None = frozenset()
        self._retry_at = NEVER
        self._retries = 0
        self._whole = True
        self._hands = Hands(name, parts.memory, parts.picture, parts.pins, parts.openings)

    @property
    def problems(self) -> tuple[str, ...]:
        """What stands in the way, for the report: why the device is lost, else what its own setup defeats; and which
        accounting tells nothing. What endangers people does so until the device is read to do it no more."""
        setup = (*self.circuit.problems, *self._checks.unsafe) if self.circuit.problems else self._checks.problems
        return (*setup, *self.parts.inbox.problems)

    @property
    def due_at(self) -> float:
        """When the next turn is due (monotonic) although nobody wakes the device."""
        memory, hearing, reports = self.parts.memory, self.parts.hearing.due_at, self.parts.reporter.due_at
        if not memory.epoch:
            return hearing
        if memory.halted:
            return min(reports, hearing)
        work = max(self.circuit.open_until, min(self.sweeps.at, self._retry_at))
        return min(work, reports, hearing)

    def turn(self, told: Callable[[], Told]) -> None:
        """One turn. Raises DriverError, after which `lost` must be called."""
        self.applied = 0
        self.parts.picture.new_turn()
        self._forget_reads()
        self._at_stake = frozenset()
        self._hear(told())
        if self._may_touch():
            self._take_news()
            swept = self._look_where_due()
            self._work(told)
            self._plan_retry()
            if swept and not self.parts.stopping.is_set():
                self._check()
        self.report()

    def report(self) -> None:
        self._hands.say("; ".join(self.circuit.problems))
        self.parts.reporter.report(self.problems, self.sweeps.read_at)

    def lost(self, problem: str) -> None:
        """The device could not be read or written: what was at stake is unknown, and all is read when it is back."""
        self.circuit.failed(problem)
        self.sweeps.at_once()
        self.parts.picture.backlog.clear()
        self.parts.picture.learn(self._at_stake, UNREAD)
        self.parts.driver.close()

    def _may_touch(self) -> bool:
        """Before the first fetch a mark on the device proves nothing; halted and lost devices are left alone."""
        memory = self.parts.memory
        return bool(memory.epoch) and not memory.halted and self.circuit.lets_through

    # --- fetch -------------------------------------------------------------------------------------------------------

    def _hear(self, told: Told) -> None:
        parts = self.parts
        heard = parts.hearing.hear(told, parts.driver.capabilities)
        parts.picture.stopped = parts.hearing.stopped
        if heard.anew:
            parts.known.clear()
        if heard.sweep:
            # What was planned stood on modes, a stop or an epoch that are no longer true.
            parts.picture.backlog.clear()
            self.sweeps.at_once()
            self._whole = self._whole or heard.whole
        for report in parts.memory.unreadable.values():
            parts.known.put(report)
        if heard.keys:
            self._retries, self._retry_at = 0, NEVER
        self._dirty |= heard.keys | self._hands.heed(told)

    def _take_news(self) -> None:
        """Whose sessions have changed, as accounting tells."""
        keys, everything = self.parts.inbox.take()
        self._dirty |= keys
        if everything:
            self.sweeps.soon()

    # --- observe and plan --------------------------------------------------------------------------------------------

    def _look_where_due(self) -> bool:
        """Whether that was a sweep."""
        if self.sweeps.due:
            self._sweep()
            return True
        if self.parts.clock.monotonic() >= self._retry_at:
            self._retry_at = NEVER
            self._dirty |= self.parts.picture.keys_to_retry()
        self._look_at_dirty()
        if not self.sweeps.wanted:
            return False
        self._sweep()
        return True

    def _sweep(self) -> None:
        parts = self.parts
        parts.picture.new_sweep()
        self._dirty.clear()
        began = parts.clock.monotonic()
        self.sweeps.done(began, complete=self._look(None))
        self._retry_at = NEVER
        self.circuit.close()
        parts.reporter.whole = parts.reporter.whole or self._whole
        self._whole = False

    def _forget_reads(self) -> None:
        self._fresh.clear()
        self._all_fresh = False

    def _look_at_dirty(self) -> None:
        """Look at what has changed, no more of it at once than lets a payment through in between; what is to be opened
        comes first. What was planned for the rest no longer counts."""
        if len(self._dirty) > LOOK_AT_ONCE:
            closed = self.parts.memory.entries.restricted(self._dirty)
            in_turn = sorted(self._dirty, key=closed.__contains__)
            keys = frozenset(in_turn[:LOOK_AT_ONCE])
            self.parts.picture.backlog.put(self._dirty - keys, [])
        else:
            keys = frozenset(self._dirty)
        self._dirty -= keys
        if keys:
            self._look(keys)

    def _look(self, keys: Set[Key] | None) -> bool:
        """Whether the read told all that was asked."""
        parts = self.parts
        self._at_stake = keys
        observed = parts.driver.observe(keys)
        if self.sweeps.has_restarted(observed.up_seconds):
            log.warning("device=%s has restarted: everything on it is read anew", self.name)
            self.sweeps.at_once()
        if keys is not None:
            # What a driver read beyond the question would look like marks that no entry knows.
            seen = {key: seen for key, seen in observed.seen.items() if key in keys}
            observed = Observed(seen, observed.complete, frozenset(keys))
        parts.picture.learn(keys, observed)
        self._all_fresh = self._all_fresh or keys is None
        self._fresh |= keys or frozenset()
        return observed.complete

    def _check(self) -> None:
        """The device's own setup: last, since customers come first."""
        self._at_stake = frozenset()
        began = self.parts.clock.monotonic()
        danger_has_changed = self._checks.check()
        self.sweeps.checked(began)
        if danger_has_changed:
            self.sweeps.at_once()

    def _plan_retry(self) -> None:
        if not self.parts.picture.keys_to_retry():
            self._retries, self._retry_at = 0, NEVER
        elif self._retry_at == NEVER:
            self._retries += 1
            self._retry_at = self.parts.clock.monotonic() + pause(self._retries, FIRST_PAUSE_S, self._sweep_seconds)

    # --- slice, permit, apply ----------------------------------------------------------------------------------------

    def _work(self, told: Callable[[], Told]) -> None:
        """Slice by slice, until nothing is left to try. Each slice is composed from the memory of its moment.

        What was read before the last write is read again before it is acted on: another hand may have been there.
        Where the device has restarted in between, or is to be read anew for another reason, that comes first. News ends
        the turn: what was tried in it for a customer may have to be tried again where he is now.
        """
        while not self.parts.stopping.is_set() and (self._dirty or self.parts.picture.backlog):
            self._next_slice()
            self._hear(told())
            if self.parts.memory.halted or self.sweeps.wanted or self.parts.inbox.has_news:
                return
            self._look_at_dirty()

    def _next_slice(self) -> None:
        """What comes next, if anything: while there is more to look at, nothing but restores."""
        slice = self.parts.picture.backlog.next_slice(self.parts.driver.capabilities.slice_size)
        if not slice or (self._dirty and needs_permit(slice[0])):
            return
        keys = frozenset(key_of(change) for change in slice)
        if not (self._all_fresh or keys <= self._fresh):
            self._look(keys)
        elif needs_permit(slice[0]):
            self._restrict(slice)
        else:
            self._apply(slice, until=NEVER)

    def _restrict(self, slice: Sequence[Change]) -> None:
        """A slice of restrictions: one more look at what the controller wants now, then its permit."""
        with suppress(LinkError):  # the permit, which can't be had either then, says so
            self._dirty |= self.parts.hearing.fetch()
        if self._dirty:
            return
        permitted = self.parts.permits.ask(slice)
        withheld = list(permitted.withheld)
        if permitted.nobody_answers:
            reason = withheld[0][1]
            withheld += [(change, reason) for change in self.parts.picture.backlog.drop_restrictions()]
        for change, reason in withheld:
            self.parts.picture.withhold(change, reason)
        if permitted.changes:
            self._apply(permitted.changes, permitted.until)

    def _apply(self, slice: Sequence[Change], until: float) -> None:
        parts = self.parts
        if parts.clock.monotonic() >= until:
            for change in slice:
                parts.picture.withhold(change, PERMIT_RAN_OUT)
            return
        owed_before = dict(parts.memory.owed)
        if parts.driver.capabilities.effects:
            parts.memory.before_slice(slice)
        keys = frozenset(key_of(change) for change in slice)
        self._at_stake = keys
        self._forget_reads()
        parts.picture.trying(slice)
        outcomes = self._carried_out(slice)
        parts.memory.after_slice(outcomes, owed_before, parts.clock.monotonic())
        self.applied += parts.picture.take(outcomes)
        self._look(keys)
        self.report()

    def _carried_out(self, slice: Sequence[Change]) -> Sequence[Outcome]:
        """A slice that is refused as a whole may have been begun: its fate is unknown, and is read."""
        try:
            return self.parts.driver.apply(slice)
        except (Refused, Unsupported) as no:
            return [Outcome(change, Result.UNKNOWN, str(no)) for change in slice]
