"""What is known of a device's entries after its last reads, as it is reported; and what of it the controller lacks.

Only that is at hand: what the controller has acknowledged stands in the memory's file, with the entry.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from itertools import islice

from agents.drift import SETTLED, STRAY
from agents.entries import Entries
from agents.rows import report_of, written
from agents.withhold import CONTESTED, UNSAFE, Withheld, pinned
from agents.words import plain
from enforcement.access import Access, Rate
from enforcement.changes import Remove
from enforcement.entries import BindingId, Entry, Mark
from enforcement.keys import Key
from enforcement.observed import Observed, Seen
from enforcement.plan import DRIFT, Plan, State
from enforcement.wire import EntryReport, StrayReport


@dataclass(frozen=True, slots=True)
class Words:
    """What is to be said of entries beside their states: why withheld, by which pin open, what the device replied.

    `unsafe` are the accesses that are kept open since emergency numbers can't be reached from them here; `pending` are
    the bindings with a change that is still to be tried, `rates` those that the device can give.
    """

    withheld: Mapping[BindingId, Withheld] = field(default_factory=dict)
    pinned: Mapping[Key, str] = field(default_factory=dict)
    unsafe: Set[Access] = frozenset()
    refused: Mapping[BindingId, str] = field(default_factory=dict)
    pending: Set[BindingId] = frozenset()
    rates: Set[Rate] = frozenset()


_NONE: list[str] = []
"""No obstructions, of a hundred thousand entries: one list, which nobody changes."""


def entry_report(entry: Entry, state: State, seen: Seen, contested: bool, words: Words) -> EntryReport:
    """One entry's report. Withheld takes the place of missing and wrongful, never of unknown: that was not read.

    What is to be held open and is not, though it was tried, is wrongful.
    """
    forbidden, kept_open = words.withheld.get(entry.binding), _why_open(entry, words)
    why = forbidden or kept_open or (CONTESTED if contested and entry.restricts else None)
    shut = state is State.WRONGFUL and forbidden is None and kept_open is not None
    withheld = why is not None and state is not State.UNKNOWN and not shut
    reply = words.refused.get(entry.binding, "")
    said = [why.words if why else "", reply if shut or not why else ""]
    return EntryReport(
        binding=entry.binding,
        changed_revision=entry.changed_revision,
        state="withheld" if withheld else state.value,
        seen=seen.access.value if seen.access is not None else None,
        obstructions=[plain(each) for each in seen.obstructions] or _NONE,
        detail=plain("; ".join(filter(None, said)) or _other_rate(entry, words)),
        why=why.why.value if why else "",
    )


def _other_rate(entry: Entry, words: Words) -> str:
    if entry.rate is None or entry.rate in words.rates:
        return ""
    return f"device's own rate: its settings name none of {entry.rate} kbit/s"


def _why_open(entry: Entry, words: Words) -> Withheld | None:
    """Why an entry that restricts is to be open here all the same; None where it is not."""
    if entry.restricts and entry.key in words.pinned:
        return pinned(words.pinned[entry.key])
    return UNSAFE if entry.access in words.unsafe else None


class Known:
    """The present report of each entry, the strays, and which of them were not yet acknowledged.

    An entry with a change still to be tried is pending: drift is what is left *after* applying, so it is not told yet.
    """

    def __init__(self, entries: Entries) -> None:
        self._entries = entries
        self._unsent: dict[BindingId, EntryReport] = {}
        self._pending: dict[BindingId, EntryReport] = {}
        self._wrong: dict[BindingId, str] = {}
        self._strays: dict[Key, frozenset[Mark]] = {}

    def learn(self, entries: Sequence[Entry], plan: Plan, seen: Observed, words: Words) -> None:
        """Take what one read showed of `entries`."""
        acknowledged = self._entries.acknowledged(entry.binding for entry in entries)
        for entry in entries:
            contested = entry.key in plan.contested
            report = entry_report(entry, plan.states[entry.binding], seen.of(entry.key), contested, words)
            self._take(report, entry.binding in words.pending, acknowledged.get(entry.binding))

    def forget_strays(self, keys: Set[Key] | None) -> None:
        """Those on some keys, or all: a read will tell them anew."""
        if keys is None:
            self._strays.clear()
        for key in keys or ():
            self._strays.pop(key, None)

    def learn_strays(self, strays: Iterable[Remove]) -> None:
        for stray in strays:
            self._strays[stray.key] = self._strays.get(stray.key, frozenset()) | {stray.mark}

    def put(self, report: EntryReport) -> None:
        """Take one entry's report, from elsewhere than a read."""
        binding = BindingId(report.binding)
        self._take(report, pending=False, acknowledged=self._entries.acknowledged([binding]).get(binding))

    def _take(self, report: EntryReport, pending: bool, acknowledged: str | None) -> None:
        binding = BindingId(report.binding)
        for former in (self._pending, self._unsent, self._wrong):
            former.pop(binding, None)
        if pending:
            self._pending[binding] = report
            return
        if report.state in DRIFT:
            self._wrong[binding] = report.state
        if written(report) != acknowledged:
            self._unsent[binding] = report

    def withhold(self, binding: BindingId, reason: Withheld) -> None:
        """Say of an entry that its restriction is withheld after all."""
        former = self._present(binding)
        if former is not None:
            self.put(replace(former, state="withheld", detail=plain(reason.words), why=reason.why.value))

    def _present(self, binding: BindingId) -> EntryReport | None:
        at_hand = self._pending.get(binding) or self._unsent.get(binding)
        if at_hand is not None:
            return at_hand
        acknowledged = self._entries.acknowledged([binding]).get(binding)
        return None if acknowledged is None else report_of(acknowledged)

    def clear(self) -> None:
        for each in (self._unsent, self._pending, self._wrong, self._strays):
            each.clear()

    @property
    def unsent_count(self) -> int:
        return len(self._unsent)

    @property
    def settled(self) -> bool:
        """Whether nothing is pending, so that everything can be told."""
        return not self._pending

    def everything(self) -> Iterator[str]:
        """The present report of every entry, written, one after the other."""
        for binding, report in self._entries.every_acknowledged():
            if binding not in self._unsent:
                yield report
        yield from map(written, self._unsent.values())

    def unsent(self, most: int) -> list[EntryReport]:
        """What the controller lacks, some of it where it is much."""
        return list(islice(self._unsent.values(), most))

    def sent(self, reports: Iterable[EntryReport]) -> None:
        """The controller has these, unless they have changed since."""
        for report in reports:
            if self._unsent.get(BindingId(report.binding)) == report:
                del self._unsent[BindingId(report.binding)]
        if not self._unsent:
            self._unsent = {}  # an emptied one keeps its room

    def strays(self) -> list[StrayReport]:
        return [StrayReport(str(key), str(mark)) for key in sorted(self._strays) for mark in sorted(self._strays[key])]

    def was_settled(self, binding: BindingId, revision: int) -> bool:
        """Whether the binding, at this very decision, was last read to be as it should be."""
        report = self._present(binding)
        return report is not None and report.changed_revision == revision and report.state in SETTLED

    def marks(self, keys: Set[Key] | None) -> set[tuple[Key, Mark]]:
        """The strays on these keys, or all."""
        found = self._strays if keys is None else self._strays.keys() & keys
        return {(key, mark) for key in found for mark in self._strays[key]}

    def in_drift(self) -> dict[str, int]:
        """How many entries, and strays, are in each direction of drift; those on their way are in none."""
        states = Counter(self._wrong.values())
        return {each: states[each] for each in DRIFT} | {STRAY: sum(map(len, self._strays.values()))}
