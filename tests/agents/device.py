"""A device that behaves: it has records, live sessions, other people's restrictions, and faults to switch on.

The agent sees it through `BoxDriver` alone; a test looks at the box itself. The box outlives agents, as devices do.
"""

import threading
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, field

from drivers.base import Capabilities, Garbled, News, Refused, Step, StepState, Unreachable
from enforcement.access import LADDERS, Access, Kind, Rate, rank, slowest
from enforcement.changes import Change, Outcome, Refresh, Remove, Restore, Restrict, Result, key_of
from enforcement.entries import Mark
from enforcement.keys import Key, KeyType
from enforcement.observed import Live, Observed, Seen

INSTALLATION = "test"


@dataclass
class Faults:
    """What is wrong with the box at the moment."""

    unreachable: bool = False
    garbled: bool = False
    refuses: dict[Key, str] = field(default_factory=dict)
    unsure: dict[Key, str] = field(default_factory=dict)
    refuses_slices: str = ""
    drops_after: int | None = None
    lies: bool = False
    sessions_deaf: bool = False
    hangs: threading.Event | None = None
    """Calls wait for it, or for the connection to be closed."""
    stuck: threading.Event | None = None
    """Calls wait for it, whatever is closed."""


class Box:
    """One network element. `records` is its configuration: what marked entries impose on each key."""

    def __init__(self, effects: bool = False, slice_size: int = 3) -> None:
        self.effects = effects
        self.slice_size = slice_size
        self.lock = threading.RLock()
        self.records: dict[Key, dict[Mark, Access]] = {}
        self.rates: frozenset[Rate] = frozenset()
        self.given: dict[Mark, Rate | None] = {}
        self.sessions: dict[Key, Access] = {}
        self.foreign: dict[Key, str] = {}
        self.faults = Faults()
        self.setup: list[str] = []
        self.needs: list[str] = []
        self.has: set[str] = set()
        self.up_seconds: float | None = None
        self.shows_sessions = True
        self.incomplete = False
        self.history: list[tuple[str, Access]] = []
        self.before_apply: Callable[[Sequence[Change]], None] = lambda changes: None
        self.after_write: Callable[[Change], None] = lambda change: None
        self.reads: list[frozenset[Key] | None] = []
        self.sources: Sequence[News] = ()
        self.generation = 0

    def forsake(self) -> None:
        """The process that talks to the box dies: nothing more comes from it."""
        self.generation += 1

    def access(self, key: Key | str) -> Access:
        """What the customer has by the box's records (as an operator would read them)."""
        with self.lock:
            held = self.records.get(Key.parse(str(key)), {})
            return max(held.values(), key=lambda access: rank(Kind.INTERNET, access), default=Access.FULL)

    def rate(self, key: Key | str) -> Rate | None:
        """What a throttled customer still has by the box's records; None for the box's own rate."""
        with self.lock:
            held = self.records.get(Key.parse(str(key)), {})
            return slowest(self.given.get(mark) for mark in held if held[mark] is Access.THROTTLED)

    def restricted(self) -> set[str]:
        """The values of the keys that are not open."""
        with self.lock:
            return {key.value for key in self.records if self.access(key) is not Access.FULL}

    def impose(self, key: str, binding: str, access: Access = Access.BLOCKED, installation: str = INSTALLATION) -> None:
        """Put a marked record there by another hand."""
        service = f"s-{binding}"
        mark = Mark.parse(f"grifo:v1:{installation}:{service}:{binding}")
        assert mark is not None
        with self.lock:
            self.records.setdefault(Key.parse(key), {})[mark] = access

    def wipe(self, key: str) -> None:
        """Another hand opens a key."""
        with self.lock:
            self.records.pop(Key.parse(key), None)

    def login(self, key: str) -> None:
        """A session starts with what the records say now."""
        with self.lock:
            self.sessions[Key.parse(key)] = self.access(key)


class BoxDriver:
    """A driver as the protocol wants it: it remembers nothing but its connection."""

    def __init__(self, box: Box) -> None:
        self._box = box
        self._closed = threading.Event()
        self._generation = box.generation
        self.news: Sequence[News] = box.sources

    @property
    def capabilities(self) -> Capabilities:
        access = {Kind.INTERNET: frozenset(LADDERS[Kind.INTERNET][1:])}
        box = self._box
        return Capabilities(frozenset({KeyType.USERNAME}), access, box.slice_size, box.effects, box.rates)

    def observe(self, keys: Set[Key] | None = None) -> Observed:
        self._reach()
        if self._box.faults.garbled:
            raise Garbled("an answer of half a word")
        with self._box.lock:
            self._box.reads.append(None if keys is None else frozenset(keys))
            every = self._box.records.keys() | self._box.foreign.keys() | self._box.sessions.keys()
            shown = every if keys is None else every & keys
            seen = {key: self._seen(key) for key in shown}
            asked = None if keys is None else frozenset(keys)
            return Observed(seen, not self._box.incomplete, asked, self._box.up_seconds)

    def _seen(self, key: Key) -> Seen:
        marks = tuple(mark for mark in sorted(self._box.records.get(key, {})) if mark.installation == INSTALLATION)
        others = [f"mark {mark}" for mark in self._box.records.get(key, {}) if mark.installation != INSTALLATION]
        obstructions = tuple([self._box.foreign[key]] if key in self._box.foreign else []) + tuple(others)
        held = {mark: self._box.records[key][mark] for mark in marks}
        access = max(held.values(), key=lambda each: rank(Kind.INTERNET, each), default=Access.FULL)
        return Seen(access, self._live(key), marks, obstructions, self._box.rate(key))

    def _live(self, key: Key) -> Live:
        if not self._box.effects or not self._box.shows_sessions:
            return Live.APPLIES
        if key not in self._box.sessions:
            return Live.OFFLINE
        return Live.APPLIES if self._box.sessions[key] is self._box.access(key) else Live.STALE

    def apply(self, slice: Sequence[Change]) -> Sequence[Outcome]:
        assert len(slice) <= self._box.slice_size
        self._reach()
        self._box.before_apply(slice)
        self._live_on()
        if self._box.faults.refuses_slices:
            raise Refused(self._box.faults.refuses_slices)
        outcomes: list[Outcome] = []
        for change in slice:
            self._drop_if_due(len(outcomes))
            outcomes.append(self._one(change))
            self._box.after_write(change)
            self._live_on()
        self._drop_if_due(len(outcomes))
        return outcomes

    def _drop_if_due(self, written: int) -> None:
        if self._box.faults.drops_after is not None and written >= self._box.faults.drops_after:
            raise Unreachable("the connection was dropped")

    def _one(self, change: Change) -> Outcome:
        faults, key = self._box.faults, key_of(change)
        if key in faults.refuses:
            return Outcome(change, Result.REFUSED, faults.refuses[key])
        if key in faults.unsure:
            return Outcome(change, Result.UNKNOWN, faults.unsure[key], effect_done=False)
        if faults.lies:
            return Outcome(change, Result.DONE)
        with self._box.lock:
            self._write(change, key)
            self._box.history.append((key.value, self._box.access(key)))
            return Outcome(change, Result.DONE, effect_done=self._tell_session(key))

    def _write(self, change: Change, key: Key) -> None:
        held = self._box.records.setdefault(key, {})
        match change:
            case Restrict(entry=entry, mark=mark) | Restore(entry=entry, mark=mark):
                if entry.restricts:
                    held[mark] = entry.access
                    self._box.given[mark] = entry.rate
                else:
                    held.pop(mark, None)
            case Remove(mark=mark):
                held.pop(mark, None)
            case Refresh():
                pass
        if not held:
            self._box.records.pop(key, None)

    def _tell_session(self, key: Key) -> bool:
        if key not in self._box.sessions:
            return True
        if self._box.faults.sessions_deaf:
            return False
        self._box.sessions[key] = self._box.access(key)
        return True

    def _live_on(self) -> None:
        if self._generation != self._box.generation:
            raise Unreachable("this process is dead")

    def _reach(self) -> None:
        self._live_on()
        if self._box.faults.stuck is not None:
            self._box.faults.stuck.wait()
        hangs = self._box.faults.hangs
        while hangs is not None and not hangs.is_set():
            if self._closed.wait(0.005):
                raise Unreachable("the connection was closed")
        self._closed.clear()
        if self._box.faults.unreachable:
            raise Unreachable("no route to the box")

    def check(self) -> Sequence[str]:
        self._reach()
        return list(self._box.setup)

    def prepare(self, install: bool) -> Sequence[Step]:
        self._reach()
        with self._box.lock:
            missing = [each for each in self._box.needs if each not in self._box.has]
            if install:
                self._box.has |= set(missing)
            return [Step("box", each, self._state(each, missing)) for each in self._box.needs]

    def _state(self, thing: str, missing: Sequence[str]) -> StepState:
        if thing not in missing:
            return StepState.PRESENT
        return StepState.INSTALLED if thing in self._box.has else StepState.MISSING

    def close(self) -> None:
        self._closed.set()
