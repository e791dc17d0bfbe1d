"""What a device was read to do, held against what is wanted of it: from each read follow the backlog and the report.

The one place in the agent that calls `plan`. What plan wants is either withheld, still to be tried, or left: tried and
not so on the device. Only the last is drift.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import replace

from agents.device_memory import DeviceMemory
from agents.drift import Drift
from agents.known import Known, Words, entry_report
from agents.slices import Backlog
from agents.withhold import GUARD, Withheld, beyond, least_mode, why
from drivers.base import Capabilities
from enforcement.access import Access, Kind, Rate
from enforcement.changes import Change, Outcome, Remove, Result, binding_of, key_of, needs_permit
from enforcement.entries import BindingId, Entry
from enforcement.keys import Key
from enforcement.modes import Mode
from enforcement.observed import Observed
from enforcement.plan import Plan, State, plan
from enforcement.wire import EntryReport

ChangeId = tuple[type[Change], Key, BindingId, int]


def change_id(change: Change) -> ChangeId:
    """What makes two changes the same attempt: the verb, the key, the binding and the decision behind it."""
    revision = 0 if isinstance(change, Remove) else change.entry.changed_revision
    return type(change), key_of(change), binding_of(change), revision


def _limited(observed: Observed, keys: Set[Key]) -> Observed:
    """What a read tells of `keys` alone."""
    seen = {key: found for key in keys if (found := observed.seen.get(key)) is not None}
    return Observed(seen, observed.complete, observed.asked, observed.up_seconds)


class Picture:
    """`pins` are the keys that a hand at the site holds open, and its words; `stopped` is `grifo stop`. `unsafe` are
    the accesses from which emergency numbers can't be reached on this device, so that it is to give none of them.
    `shown` is what the last looks showed of the keys that a hand has `asked` for.

    `strange_rates` are those that entries ask for and the device's setup does not know, as far as the last sweep told.
    """

    def __init__(
        self,
        installation: str,
        able: Capabilities,
        memory: DeviceMemory,
        known: Known,
        drift: Drift,
        monotonic: Callable[[], float],
    ) -> None:
        self.backlog = Backlog()
        self.pins: dict[Key, str] = {}
        self.asked: Set[Key] = frozenset()
        self.shown: dict[Key, list[EntryReport]] = {}
        self.stopped = False
        self.unsafe: Set[Access] = frozenset()
        self.planned: set[ChangeId] = set()
        self.strange_rates: set[Rate] = set()
        self._installation = installation
        self._able = able
        self._kinds = frozenset(able.access)
        self._memory = memory
        self._known = known
        self._drift = drift
        self._monotonic = monotonic
        self._tried: set[ChangeId] = set()
        self._refused: set[ChangeId] = set()
        self._replies: dict[ChangeId, str] = {}
        self._left: dict[Key, list[Change]] = {}
        self._ask_again: set[Key] = set()
        self._touched: set[Key] = set()

    def new_turn(self) -> None:
        """Everything may be tried once more, but for the restrictions that the device has refused."""
        self._tried.clear()
        self.planned.clear()

    def new_sweep(self) -> None:
        """Everything may be tried once more, what the device has refused included."""
        self._refused.clear()
        self._replies.clear()
        self._touched.clear()
        self.strange_rates.clear()

    @property
    def left(self) -> int:
        """How many changes the plan still wants that nothing withholds and that were tried: drift."""
        return sum(len(changes) for changes in self._left.values())

    def keys_to_retry(self) -> set[Key]:
        """Where to look again before the next sweep: access not yet given back, permits not yet given, and customers
        whom a change disconnected, who dial in again within seconds."""
        late = {key for key, changes in self._left.items() if not all(needs_permit(change) for change in changes)}
        return late | self._ask_again

    def learn(self, keys: Set[Key] | None, observed: Observed) -> None:
        """Take a read of `keys` (None: of the whole device). All that was known of them is replaced."""
        strays = self._known.marks(keys)
        if keys is not None or observed.complete:
            self._known.forget_strays(keys)
        if keys is None:
            self.backlog.clear()
            self._left.clear()
            self._ask_again.clear()
        for some in self._pieces(keys, observed):
            self._learn(some, _limited(observed, some))
        self._drift.look_at_strays(strays, self._known.marks(keys))

    def _pieces(self, keys: Set[Key] | None, observed: Observed) -> Iterator[Set[Key]]:
        """What a read tells of, some at a time: of a hundred thousand entries, few are at hand at once."""
        if keys is not None:
            yield keys
            return
        strange = set(observed.seen)
        for some in self._memory.entries.keys_in_pieces():
            strange -= some
            yield some
        yield strange

    def _learn(self, keys: Set[Key], observed: Observed) -> None:
        wanted = self._memory.entries.of_keys(keys)
        entries = [self._as_possible(entry) for entry in wanted]
        planned = plan(self._installation, entries, observed, self._memory.owed_by(entries))
        withheld: dict[BindingId, Withheld] = {}
        todo: list[Change] = []
        left: dict[Key, list[Change]] = {}
        for change in planned.changes:
            if binding_of(change) in self._memory.unreadable:
                continue
            if reason := self._why_withheld(change):
                withheld[binding_of(change)] = reason
            elif change_id(change) in self._tried or change_id(change) in self._refused:
                left.setdefault(key_of(change), []).append(change)
            else:
                todo.append(change)
        self._replace(keys, todo, left)
        self._ask_again |= {entry.key for entry in entries if self._unproven(entry, planned.states[entry.binding])}
        pending = {binding_of(change) for change in todo}
        words = Words(withheld, self.pins, self.unsafe, self._words(left.values()), pending, self._able.rates)
        for entry in entries:
            self._drift.look(entry, planned.states[entry.binding], self._is_expected(entry, words))
        self._known.learn(wanted, planned, observed, words)
        self._show(wanted, planned, observed, words)
        unreadable = self._memory.unreadable
        self._known.learn_strays(stray for stray in planned.strays if stray.mark.binding not in unreadable)

    def _show(self, entries: Iterable[Entry], planned: Plan, observed: Observed, words: Words) -> None:
        """What this read showed of the keys that were asked for at the site."""
        reports: dict[Key, list[EntryReport]] = {}
        for entry in entries:
            if entry.key in self.asked:
                contested = entry.key in planned.contested
                report = entry_report(entry, planned.states[entry.binding], observed.of(entry.key), contested, words)
                reports.setdefault(entry.key, []).append(report)
        self.shown.update(reports)

    def _is_expected(self, entry: Entry, words: Words) -> bool:
        """Whether what is wrong with an entry is no drift: withheld, or about to be carried out for the first time."""
        if entry.binding in words.withheld:
            return True
        return entry.binding in words.pending and not self._known.was_settled(entry.binding, entry.changed_revision)

    def _unproven(self, entry: Entry, state: State) -> bool:
        return entry.key in self._touched and state in (State.ARMED, State.UNKNOWN)

    def _as_possible(self, entry: Entry) -> Entry:
        """What can be had of an entry: open where the site pinned it or the device endangers people, throttled at the
        device's own rate where its setup does not know the entry's."""
        if entry.restricts and (entry.key in self.pins or entry.access in self.unsafe):
            return replace(entry, access=Access.FULL, rate=None)
        if entry.rate is None or entry.rate in self._able.rates:
            return entry
        self.strange_rates.add(entry.rate)
        return replace(entry, rate=None)

    def _replace(self, keys: Set[Key], todo: Sequence[Change], left: dict[Key, list[Change]]) -> None:
        for key in keys:
            self._left.pop(key, None)
            self._ask_again.discard(key)
        self.backlog.put(keys, todo)
        self._left.update(left)
        self.planned.update(change_id(change) for change in todo)

    def _words(self, left: Iterable[list[Change]]) -> dict[BindingId, str]:
        """What the device replied to the changes that it did not make."""
        failed = [change for changes in left for change in changes if change_id(change) in self._replies]
        return {binding_of(change): self._replies[change_id(change)] for change in failed}

    def _why_withheld(self, change: Change) -> Withheld | None:
        flapping = self._memory.flapping(binding_of(change), self._monotonic())
        return beyond(change, self._able) or why(change, self._mode_for(change), self.stopped, flapping)

    def _mode_for(self, change: Change) -> Mode:
        """A mark that no entry knows tells no kind of service: then the most careful mode of this device counts."""
        entry = self._memory.entries.get(binding_of(change)) if isinstance(change, Remove) else change.entry
        kinds = frozenset({entry.kind}) if entry is not None else self._kinds_of(key_of(change))
        return least_mode(self._memory.modes, kinds)

    def _kinds_of(self, key: Key) -> frozenset[Kind]:
        return frozenset(entry.kind for entry in self._memory.entries.of_keys({key})) or self._kinds

    def withhold(self, change: Change, reason: Withheld) -> None:
        """A planned restriction is not made after all: nobody permits it."""
        self.backlog.put([key_of(change)], [])
        self._known.withhold(binding_of(change), reason)
        if reason is not GUARD:
            self._ask_again.add(key_of(change))

    def trying(self, slice: Sequence[Change]) -> None:
        self._tried.update(change_id(change) for change in slice)
        self._touched.update(key_of(change) for change in slice)

    def take(self, outcomes: Sequence[Outcome]) -> int:
        """Remember what the device replied to what it did not make. Returns how many changes it says are done.

        Only a restriction that was refused waits for the next sweep: what became of it may be unknown, and a restore
        that is refused now may be let through in a second.
        """
        for outcome in outcomes:
            change = change_id(outcome.change)
            self._replies.pop(change, None)
            if outcome.result is not Result.DONE and outcome.detail:
                self._replies[change] = outcome.detail
            if outcome.result is Result.REFUSED and needs_permit(outcome.change):
                self._refused.add(change)
        return sum(outcome.result is Result.DONE for outcome in outcomes)
