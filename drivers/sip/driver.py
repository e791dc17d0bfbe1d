"""The driver of a SIP switch: a row in the database, the same in each node's memory, and both read back.

The dial plan (configs/sip/kamailio) answers outgoing calls of whoever has a row with 603. Order of writing: the row
first, so that a node that restarts in between comes back as wanted; then each node's memory, which acts at once. A
restore goes as far as it gets: a node or a database that is away keeps no customer barred on the others.
"""

import itertools
from collections.abc import Collection, Mapping, Sequence, Set

from drivers.base import Capabilities, DriverError, Step, StepState
from drivers.sip import allowlist, check, probe
from drivers.sip.reading import Reading, observed
from drivers.sip.rows import Rows
from drivers.sip.rpc import NodeRpc
from drivers.sip.settings import SipSettings
from drivers.sip.values import ENFORCED, KEY_TYPES, compose, mark_of, name_of
from enforcement.access import Kind
from enforcement.changes import Change, Outcome, Remove, Result, key_of
from enforcement.entries import Mark
from enforcement.keys import Key
from enforcement.observed import Observed

SLICE = 500
_ONE_BY_ONE = 40
"""More names than this, and one dump of the whole table is quicker than asking for each."""

DATABASE = "the database"


class SipDriver:
    """One switch of one or more nodes behind one database. Construction opens nothing."""

    capabilities = Capabilities(
        keys=KEY_TYPES,
        access={Kind.FIXED_VOICE: frozenset({ENFORCED}), Kind.MOBILE_VOICE: frozenset({ENFORCED})},
        slice_size=SLICE,
        effects=False,
    )

    def __init__(self, settings: SipSettings, installation: str) -> None:
        self._settings = settings
        self._installation = installation
        self._rows = Rows(settings.database, settings.database_table, settings.read_timeout_s)
        times = (settings.connect_timeout_s, settings.read_timeout_s)
        self._nodes = tuple(
            NodeRpc(node.name, node.rpc, *times, settings.tls, settings.rpc_token) for node in settings.nodes
        )

    def observe(self, keys: Set[Key] | None = None) -> Observed:
        """Every node's memory and the database. One that can't be read makes it incomplete; no node at all, an error.

        While it is incomplete nothing is known of a key without a row, so nobody new is barred, and restores go on.
        """
        asked = None if keys is None else frozenset(keys)
        reading = self._read(None if asked is None else {name_of(key) for key in asked})
        return observed(self._installation, reading, asked)

    def apply(self, slice: Sequence[Change]) -> Sequence[Outcome]:
        """Restores need no proof; before anything is barred the allow-list is proved on every node, each time."""
        outcomes: list[Outcome] = []
        for bars, run in itertools.groupby(slice, key=_bars):
            changes = list(run)
            outcomes += self._bar(changes) if bars else self._lift(changes)
        return outcomes

    def check(self) -> Sequence[str]:
        """The allow-list, the tables' definitions, what can't be read and where the places differ."""
        try:
            reading = self._read(None)
        except DriverError as wrong:
            return [str(wrong)]
        found = [f"{place} can't be read: {reason}" for place, reason in reading.unread.items()]
        for node in self._nodes:
            if node.name in reading.live:
                found += self._definition(node)
        return [*found, *check.differences(self._installation, reading), *self._faults()]

    def prepare(self, install: bool) -> Sequence[Step]:
        """The dial-plan fragment is the operator's to include: a file is installed by hand alone."""
        return (Step("kamailio.cfg", 'include_file "grifo-routes.cfg"', StepState.BY_HAND),)

    def close(self) -> None:
        for node in self._nodes:
            node.close()
        self._rows.close()

    def _read(self, names: Collection[str] | None) -> Reading:
        unread: dict[str, str] = {}
        live: dict[str, Mapping[str, tuple[str, ...]]] = {}
        failures: list[DriverError] = []
        for node in self._nodes:
            try:
                live[node.name] = {name: (value,) for name, value in self._live(node, names).items()}
            except DriverError as wrong:
                unread[node.name] = str(wrong)
                failures.append(wrong)
        if not live:
            raise failures[0]
        try:
            return Reading(self._rows.read(names), live, unread)
        except DriverError as wrong:
            return Reading(None, live, {**unread, DATABASE: str(wrong)})

    def _live(self, node: NodeRpc, names: Collection[str] | None) -> dict[str, str]:
        if names is not None and len(names) <= _ONE_BY_ONE:
            return node.values(self._settings.table, names)
        table = node.dump(self._settings.table)
        return table if names is None else {name: table[name] for name in names if name in table}

    def _bar(self, changes: Sequence[Change]) -> list[Outcome]:
        faults = self._faults()
        if faults:
            return [
                _refused(change, f"not barred, the allow-list is not proved: {'; '.join(faults)}") for change in changes
            ]
        reading = self._read([name_of(key_of(change)) for change in changes])
        if reading.unread:
            words = "; ".join(f"{place}: {reason}" for place, reason in reading.unread.items())
            return [_refused(change, f"not barred, the switch can't be read whole: {words}") for change in changes]
        reasons = {change.mark.binding: self._against(change, reading) for change in changes}
        wanted = {name_of(key_of(c)): compose(c.mark) for c in changes if not reasons[c.mark.binding]}
        unknown = self._write(wanted, reading) if wanted else ""
        return [
            _refused(change, reasons[change.mark.binding]) if reasons[change.mark.binding] else _done(change, unknown)
            for change in changes
        ]

    def _against(self, change: Change, reading: Reading) -> str:
        """Why this change is not carried out, in words; empty where nothing speaks against it."""
        key = key_of(change)
        if key.type not in KEY_TYPES:
            return f"device cannot: a switch knows no {key.type} key"
        if not isinstance(change, Remove) and change.entry.access is not ENFORCED:
            return f"device cannot: its dial plan has no {change.entry.access}"
        for place, table in reading.places.items():
            for value in table.get(name_of(key), ()):
                if mark_of(self._installation, value) is None:
                    return f"{place} already has a barring of {name_of(key)} that is not ours: {value!r}; it is left"
        return ""

    def _write(self, wanted: Mapping[str, str], reading: Reading) -> str:
        """Rows, then memories. What went wrong at a node, in words, where others were written; else it is raised."""
        rows = reading.rows or {}
        amiss = {name: value for name, value in wanted.items() if rows.get(name) != (value,)}
        self._rows.replace([(name, value) for name in amiss for value in rows.get(name, ())], amiss)
        failures: list[DriverError] = []
        for node in self._nodes:
            here = reading.live[node.name]
            try:
                node.set_all(self._settings.table, {n: v for n, v in wanted.items() if here.get(n) != (v,)})
            except DriverError as wrong:
                failures.append(wrong)
        return _words_unless_all(failures, len(self._nodes))

    def _lift(self, changes: Sequence[Change]) -> list[Outcome]:
        """Rows and memories are compared with the mark first: what is not that binding's is left where it stands."""
        marks: dict[str, set[Mark]] = {}
        for change in changes:
            marks.setdefault(name_of(key_of(change)), set()).add(change.mark)
        failures: list[DriverError] = []
        try:
            rows = self._rows.read(marks)
            self._rows.replace(self._ours(marks, rows), {})
        except DriverError as wrong:
            failures.append(wrong)
        for node in self._nodes:
            try:
                live = {name: (value,) for name, value in self._live(node, marks).items()}
                node.delete_all(self._settings.table, [name for name, _ in self._ours(marks, live)])
            except DriverError as wrong:
                failures.append(wrong)
        unknown = _words_unless_all(failures, len(self._nodes) + 1)
        return [_done(change, unknown) for change in changes]

    def _ours(self, marks: Mapping[str, set[Mark]], table: Mapping[str, tuple[str, ...]]) -> list[tuple[str, str]]:
        """The rows (name, value) of `table` that carry one of the marks wanted away."""
        return [
            (name, value)
            for name, values in table.items()
            for value in values
            if mark_of(self._installation, value) in marks.get(name, ())
        ]

    def _faults(self) -> list[str]:
        """Why the allow-list is not proved, on whichever node; empty where it is."""
        settings = self._settings
        destinations = (*settings.allowed, settings.control_number)
        found: list[str] = []
        for node in settings.nodes:
            verdicts = probe.ask(node.sip, probe.ALWAYS_BARRED, destinations, settings.probe_timeout_s)
            found += allowlist.faults(node.name, verdicts, settings.allowed, settings.control_number)
        return found

    def _definition(self, node: NodeRpc) -> list[str]:
        try:
            listed = node.call("htable.listTables")
        except DriverError as wrong:
            return [str(wrong)]
        return check.definition(node.name, listed, self._settings.table, self._settings.database_table)


def _bars(change: Change) -> bool:
    """Whether a row of ours is to stand afterwards: only then is the proof of the allow-list needed."""
    return not isinstance(change, Remove) and change.entry.restricts


def _refused(change: Change, detail: str) -> Outcome:
    return Outcome(change, Result.REFUSED, detail)


def _done(change: Change, unknown: str) -> Outcome:
    return Outcome(change, Result.UNKNOWN, unknown) if unknown else Outcome(change, Result.DONE)


def _words_unless_all(failures: Sequence[DriverError], places: int) -> str:
    """Nothing done anywhere is the caller's error to hear; done in part is an unknown outcome with these words."""
    if len(failures) == places:
        raise failures[0]
    return "; ".join(str(failure) for failure in failures)
