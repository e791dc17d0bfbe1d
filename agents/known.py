"""What is known of a device's entries after its last reads, as it is reported; and what of it the controller lacks."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, field, fields
from typing import Any

from agents.compact import Reports
from agents.drift import DIRECTIONS, SETTLED, STRAY
from agents.withhold import CONTESTED
from agents.words import plain
from enforcement.access import Rate
from enforcement.changes import Remove
from enforcement.entries import BindingId, Entry, Mark
from enforcement.keys import Key
from enforcement.observed import Observed, Seen
from enforcement.plan import Plan, State
from enforcement.wire import EntryReport, StrayReport

_FIELDS = tuple(each.name for each in fields(EntryReport))


@dataclass(frozen=True, slots=True)
class Words:
    """What is to be said of entries beside their states: why withheld, by which pin open, what the device replied.

    `pending` are the bindings with a change that is still to be tried, `rates` those that the device can give.
    """

    withheld: Mapping[BindingId, str] = field(default_factory=dict)
    pinned: Mapping[Key, str] = field(default_factory=dict)
    refused: Mapping[BindingId, str] = field(default_factory=dict)
    pending: Set[BindingId] = frozenset()
    rates: Set[Rate] = frozenset()


def body_of(report: EntryReport) -> dict[str, Any]:
    """A report as JSON wants it. Thousands are sent in a bulk: `dataclasses.asdict` would copy each of them deeply."""
    return {name: getattr(report, name) for name in _FIELDS}


_NONE: list[str] = []
"""No obstructions, of a hundred thousand entries: one list, which nobody changes."""


def entry_report(entry: Entry, state: State, seen: Seen, contested: bool, words: Words) -> EntryReport:
    """One entry's report. Withheld takes the place of missing and wrongful, never of unknown: that was not read."""
    why = _why_withheld(entry, contested, words)
    shown = "withheld" if why and state is not State.UNKNOWN else state.value
    return EntryReport(
        binding=entry.binding,
        changed_revision=entry.changed_revision,
        state=shown,
        seen=seen.access.value if seen.access is not None else None,
        obstructions=[plain(each) for each in seen.obstructions] or _NONE,
        detail=plain(why or words.refused.get(entry.binding, "") or _other_rate(entry, words)),
    )


def _other_rate(entry: Entry, words: Words) -> str:
    if entry.rate is None or entry.rate in words.rates:
        return ""
    return f"device's own rate: its settings name none of {entry.rate} kbit/s"


def _why_withheld(entry: Entry, contested: bool, words: Words) -> str:
    if entry.binding in words.withheld:
        return words.withheld[entry.binding]
    if entry.restricts and entry.key in words.pinned:
        return f"pinned at the site: {words.pinned[entry.key]}"
    return CONTESTED if contested and entry.restricts else ""


class Known:
    """The present report of each entry, the strays, and which of them were not yet acknowledged.

    An entry with a change still to be tried is pending: drift is what is left *after* applying, so it is not told yet.
    """

    def __init__(self, acknowledged: Reports) -> None:
        self._acknowledged = acknowledged
        self._reports = Reports()
        self._unsent: set[BindingId] = set()
        self._pending: set[BindingId] = set()
        self._wrong: dict[BindingId, str] = {}
        self._strays: dict[Key, frozenset[Mark]] = {}

    def learn(self, entries: Iterable[Entry], plan: Plan, seen: Observed, words: Words) -> None:
        """Take what one read showed of `entries`."""
        for entry in entries:
            contested = entry.key in plan.contested
            report = entry_report(entry, plan.states[entry.binding], seen.of(entry.key), contested, words)
            self.put(report, pending=entry.binding in words.pending)

    def forget_strays(self, keys: Set[Key] | None) -> None:
        """Those on some keys, or all: a read will tell them anew."""
        if keys is None:
            self._strays.clear()
        for key in keys or ():
            self._strays.pop(key, None)

    def learn_strays(self, strays: Iterable[Remove]) -> None:
        for stray in strays:
            self._strays[stray.key] = self._strays.get(stray.key, frozenset()) | {stray.mark}

    def put(self, report: EntryReport, pending: bool = False) -> None:
        """Take one entry's report."""
        binding = BindingId(report.binding)
        self._reports[binding] = report
        acknowledged = self._reports.share(binding, self._acknowledged)
        if pending:
            self._pending.add(binding)
        else:
            self._pending.discard(binding)
        if not pending and report.state in DIRECTIONS:
            self._wrong[binding] = report.state
        else:
            self._wrong.pop(binding, None)
        if pending or acknowledged:
            self._unsent.discard(binding)
        else:
            self._unsent.add(binding)

    def withhold(self, binding: BindingId, why: str) -> None:
        """Say of an entry that its restriction is withheld after all."""
        former = self._reports.get(binding)
        if former is not None:
            report = EntryReport(
                binding, former.changed_revision, "withheld", former.seen, former.obstructions, plain(why)
            )
            self.put(report)

    def keep_only(self, stands: Callable[[BindingId], bool]) -> None:
        """Forget what no entry stands for any more."""
        for binding in [each for each in self._reports if not stands(each)]:
            del self._reports[binding]
            self._unsent.discard(binding)
            self._pending.discard(binding)
            self._wrong.pop(binding, None)

    def clear(self) -> None:
        self._reports.clear()
        self._unsent.clear()
        self._pending.clear()
        self._wrong.clear()
        self._strays.clear()

    @property
    def has_unsent(self) -> bool:
        return bool(self._unsent)

    @property
    def settled(self) -> bool:
        """Whether nothing is pending, so that everything can be told."""
        return not self._pending

    def everything(self) -> list[EntryReport]:
        return list(self._reports.values())

    def unsent(self) -> list[EntryReport]:
        return [self._reports[binding] for binding in sorted(self._unsent)]

    def sent(self, reports: Iterable[EntryReport]) -> None:
        """The controller has these, unless they have changed since."""
        for report in reports:
            binding = BindingId(report.binding)
            if self._reports.get(binding) == report:
                self._unsent.discard(binding)
                self._reports.share(binding, self._acknowledged)
        if not self._unsent:
            self._unsent = set()  # an emptied set keeps its room

    def strays(self) -> list[StrayReport]:
        return [StrayReport(str(key), str(mark)) for key in sorted(self._strays) for mark in sorted(self._strays[key])]

    def was_settled(self, binding: BindingId, revision: int) -> bool:
        """Whether the binding, at this very decision, was last read to be as it should be."""
        report = self._reports.get(binding) or self._acknowledged.get(binding)
        return report is not None and report.changed_revision == revision and report.state in SETTLED

    def marks(self, keys: Set[Key] | None) -> set[tuple[Key, Mark]]:
        """The strays on these keys, or all."""
        found = self._strays if keys is None else self._strays.keys() & keys
        return {(key, mark) for key in found for mark in self._strays[key]}

    def in_drift(self) -> dict[str, int]:
        """How many entries, and strays, are in each direction of drift; those on their way are in none."""
        states = Counter(self._wrong.values())
        return {each: states[each] for each in DIRECTIONS} | {STRAY: sum(map(len, self._strays.values()))}
