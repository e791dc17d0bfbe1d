"""One device's part of the memory, kept at hand and written through before it counts.

Only the device's own thread uses it, so what a slice is composed from cannot change under it.
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

from agents.compact import Entries, Reports
from agents.known import body_of
from agents.memory import REPAIRS_WINDOW_S, Memory
from enforcement.access import Kind
from enforcement.changes import Change, Outcome, Restrict, Result, binding_of, key_of, needs_permit
from enforcement.entries import BindingId, Entry
from enforcement.keys import Key
from enforcement.modes import Mode
from enforcement.wire import EntryReport, Unreadable, entry_from_wire

REPAIRS_BEFORE_FLAPPING = 3


class DeviceMemory:
    """What the controller wants of a device, and how far that has come.

    `epoch` is empty until the controller's entries were first fetched: until then nothing is known, and a mark on the
    device proves nothing. `unreadable` maps bindings to a report of what this version could not read of them.
    `ahead` is true from when the controller was found behind `revision` in this very epoch until an epoch is adopted.
    """

    def __init__(self, memory: Memory, device: str) -> None:
        self._memory = memory
        self._device = device
        self.epoch = ""
        self.revision = 0
        self.halted = ""
        self.ahead = False
        self.modes: dict[Kind, Mode] = {}
        self.entries = Entries()
        self.unreadable: dict[BindingId, EntryReport] = {}
        self.owed: dict[BindingId, bool] = {}
        self.acknowledged = Reports()
        self._imposed: dict[BindingId, int] = {}
        self._repairs: dict[BindingId, list[float]] = {}
        self._load()

    def _load(self) -> None:
        found = self._rows("epoch, revision, modes, halted, ahead", "devices")
        if not found:
            return
        epoch, revision, modes, halted, ahead = found[0]
        self.epoch, self.revision, self.halted = str(epoch), int(revision), str(halted)
        self.ahead = bool(ahead)
        self.modes = _modes(json.loads(modes))
        self._memory.each_row(
            lambda body: self._keep(json.loads(body)), "SELECT body FROM entries WHERE device = ?", self._device
        )
        self.owed = {BindingId(b): bool(lowers) for b, lowers in self._rows("binding, lowers", "owed")}
        self._imposed = {BindingId(b): int(r) for b, r in self._rows("binding, changed_revision", "imposed")}
        self._memory.each_row(self._recall, "SELECT binding, body FROM acknowledged WHERE device = ?", self._device)
        for binding, at in self._rows("binding, at", "repairs"):
            self._repairs.setdefault(BindingId(binding), []).append(float(at))

    def _recall(self, binding: str, body: str) -> None:
        """What the controller has acknowledged, under the entry's own id: a hundred thousand of them are kept."""
        self.acknowledged[self.entries.own(BindingId(binding))] = EntryReport(**json.loads(body))

    def _rows(self, columns: str, table: str) -> list[tuple[Any, ...]]:
        return self._memory.rows(f"SELECT {columns} FROM {table} WHERE device = ?", self._device)  # noqa: S608

    # --- what the controller says ------------------------------------------------------------------------------------

    def set_modes(self, modes: Mapping[str, str]) -> bool:
        """Take the device's modes; whether they changed. A mode that this version does not know is `observe`."""
        known = _modes(modes)
        if known == self.modes:
            return False
        self.modes = known
        with self._memory.writing() as db:
            self._save_self(db)
        return True

    def halt(self, why: str, ahead: bool = False) -> None:
        """Change nothing on the device from now on; an empty `why` ends that. Nothing but `adopt` ends `ahead`."""
        ahead = ahead or self.ahead
        if (why, ahead) != (self.halted, self.ahead):
            self.halted, self.ahead = why, ahead
            with self._memory.writing() as db:
                self._save_self(db)

    def merge(self, epoch: str, revision: int, entries: Sequence[Mapping[str, Any]]) -> set[Key]:
        """Take entries that changed up to `revision`. Returns the keys that they concern, former ones included."""
        with self._memory.writing() as db:
            return self._take(db, epoch, revision, entries)

    def adopt(self, epoch: str, revision: int, entries: Sequence[Mapping[str, Any]]) -> None:
        """Leave what was known for the controller's new epoch, in one transaction.

        Owed effects stay owed: the sessions know nothing of epochs. Which way they go is read from the new entries.
        """
        with self._memory.writing() as db:
            for table in ("entries", "acknowledged", "imposed", "repairs"):
                db.execute(f"DELETE FROM {table} WHERE device = ?", (self._device,))  # noqa: S608
            for kept in (self.entries, self.unreadable, self.acknowledged, self._imposed, self._repairs):
                kept.clear()
            self.halted, self.ahead = "", False
            self._take(db, epoch, revision, entries)
            owed = {b: self.entries[b].restricts for b in self.owed if b in self.entries}
            db.execute("DELETE FROM owed WHERE device = ?", (self._device,))
            self.owed.clear()
            self._owe(db, owed)

    def _take(
        self, db: sqlite3.Connection, epoch: str, revision: int, entries: Sequence[Mapping[str, Any]]
    ) -> set[Key]:
        keys: set[Key] = set()
        bindings: list[BindingId] = []

        def taken(body: Mapping[str, Any]) -> tuple[str, str, str]:
            binding = BindingId(str(body.get("binding", "?")))
            keys.update(self._drop(binding), self._keep(body))
            bindings.append(binding)
            return self._device, binding, json.dumps(body)

        db.executemany("INSERT OR REPLACE INTO entries VALUES (?, ?, ?)", map(taken, entries))
        self.epoch, self.revision = epoch, revision
        self._save_self(db)
        self._forget_repairs(db, bindings)
        return keys

    def _keep(self, body: Mapping[str, Any]) -> set[Key]:
        try:
            entry = entry_from_wire(body)
        except Unreadable as wrong:
            report = _unreadable(body, str(wrong))
            self.unreadable[BindingId(report.binding)] = report
            return set()
        self.entries.put(entry)
        return {entry.key}

    def _drop(self, binding: BindingId) -> set[Key]:
        self.unreadable.pop(binding, None)
        former = self.entries.drop(binding)
        return set() if former is None else {former.key}

    def _save_self(self, db: sqlite3.Connection) -> None:
        modes = json.dumps({kind.value: mode.value for kind, mode in self.modes.items()})
        row = (self._device, self.epoch, self.revision, modes, self.halted, self.ahead)
        db.execute("INSERT OR REPLACE INTO devices VALUES (?, ?, ?, ?, ?, ?)", row)

    def _forget_repairs(self, db: sqlite3.Connection, bindings: Iterable[BindingId]) -> None:
        """A new decision is a new start: only repairs of one and the same decision are a quarrel."""
        known = [binding for binding in bindings if self._repairs.pop(binding, None)]
        rows = ((self._device, binding) for binding in known)
        db.executemany("DELETE FROM repairs WHERE device = ? AND binding = ?", rows)

    # --- what is asked of it -----------------------------------------------------------------------------------------

    def entries_for(self, keys: Set[Key] | None) -> list[Entry]:
        """The entries of `keys`, or all: what was decided first comes first."""
        bindings = self.entries if keys is None else {b for key in keys for b in self.entries.of(key)}
        entries = (self.entries[binding] for binding in bindings)
        return sorted(entries, key=lambda entry: (entry.changed_revision, entry.binding))

    def knows(self, key: Key) -> bool:
        return bool(self.entries.of(key))

    def stands(self, binding: BindingId) -> bool:
        """Whether the controller wants anything of a binding, readable or not."""
        return binding in self.entries or binding in self.unreadable

    def restricts(self, key: Key) -> bool:
        """Whether any entry of a key takes something away."""
        return any(self.entries[binding].restricts for binding in self.entries.of(key))

    def owed_by(self, entries: Iterable[Entry]) -> dict[BindingId, bool]:
        """What is owed to the sessions of `entries`. To tell of an open entry never takes anything away."""
        return {e.binding: self.owed[e.binding] and e.restricts for e in entries if e.binding in self.owed}

    def was_imposed(self, entry: Entry) -> bool:
        """Whether this very decision has been carried out before: then to do it again is a repair."""
        return self._imposed.get(entry.binding) == entry.changed_revision

    def flapping(self, binding: BindingId, now: float) -> bool:
        """Whether another hand keeps undoing this entry."""
        recent = [at for at in self._repairs.get(binding, ()) if now - at < REPAIRS_WINDOW_S]
        return len(recent) >= REPAIRS_BEFORE_FLAPPING

    # --- what is done ------------------------------------------------------------------------------------------------

    def before_slice(self, changes: Sequence[Change]) -> None:
        """Record what the slice will owe to live sessions, before its first write."""
        owed = {
            binding_of(change): needs_permit(change) or self._still_lowers(binding_of(change))
            for change in changes
            if binding_of(change) in self.entries
        }
        with self._memory.writing() as db:
            self._owe(db, owed)

    def _still_lowers(self, binding: BindingId) -> bool:
        """A session that was never told of a restriction loses by being told of a milder one."""
        return self.owed.get(binding, False) and self.entries[binding].restricts

    def after_slice(self, outcomes: Sequence[Outcome], before: Mapping[BindingId, bool], now: float) -> None:
        """Take what came of a slice; `before` is what was owed before it.

        A refused change wrote nothing, so it owes what it owed before. What is unknown stays owed. A session that was
        told was told of its key, so that former bindings of the same key owe it nothing either.
        """
        with self._memory.writing() as db:
            for outcome in outcomes:
                binding = binding_of(outcome.change)
                refused_anew = outcome.result is Result.REFUSED and binding not in before
                if refused_anew:
                    self._settle(db, binding)
                if outcome.result is Result.DONE and outcome.effect_done:
                    for told in {binding, *self.entries.of(key_of(outcome.change))}:
                        self._settle(db, told)
                if outcome.result is Result.DONE and isinstance(outcome.change, Restrict):
                    self._impose(db, outcome.change.entry, now)

    def _owe(self, db: sqlite3.Connection, owed: Mapping[BindingId, bool]) -> None:
        self.owed.update(owed)
        rows = ((self._device, binding, lowers) for binding, lowers in owed.items())
        db.executemany("INSERT OR REPLACE INTO owed VALUES (?, ?, ?)", rows)

    def _settle(self, db: sqlite3.Connection, binding: BindingId) -> None:
        if self.owed.pop(binding, None) is not None:
            db.execute("DELETE FROM owed WHERE device = ? AND binding = ?", (self._device, binding))

    def _impose(self, db: sqlite3.Connection, entry: Entry, now: float) -> None:
        if self.was_imposed(entry):
            kept = [at for at in self._repairs.get(entry.binding, []) if now - at < REPAIRS_WINDOW_S]
            self._repairs[entry.binding] = [*kept, now]
            db.execute("INSERT INTO repairs VALUES (?, ?, ?)", (self._device, entry.binding, now))
        self._imposed[entry.binding] = entry.changed_revision
        row = (self._device, entry.binding, entry.changed_revision)
        db.execute("INSERT OR REPLACE INTO imposed VALUES (?, ?, ?)", row)

    def acknowledge(self, reports: Iterable[EntryReport]) -> None:
        """The controller has these states. An ended binding that it knows to be open on the device is forgotten."""
        reports = list(reports)
        over = [BindingId(report.binding) for report in reports if self._is_over(report)]
        with self._memory.writing() as db:
            rows = ((self._device, report.binding, json.dumps(body_of(report))) for report in reports)
            db.executemany("INSERT OR REPLACE INTO acknowledged VALUES (?, ?, ?)", rows)
            self.acknowledged.update((BindingId(report.binding), report) for report in reports)
            for binding in over:
                self._forget(db, binding)

    def _is_over(self, report: EntryReport) -> bool:
        entry = self.entries.get(BindingId(report.binding))
        if entry is None or not entry.ended or entry.changed_revision != report.changed_revision:
            return False
        return report.state in ("verified", "armed")

    def _forget(self, db: sqlite3.Connection, binding: BindingId) -> None:
        self._drop(binding)
        self.acknowledged.pop(binding, None)
        for kept in (self.owed, self._imposed, self._repairs):
            kept.pop(binding, None)
        for table in ("entries", "owed", "acknowledged", "imposed", "repairs"):
            where = (self._device, binding)
            db.execute(f"DELETE FROM {table} WHERE device = ? AND binding = ?", where)  # noqa: S608


def _modes(modes: Mapping[str, str]) -> dict[Kind, Mode]:
    return {
        Kind(kind): Mode(mode) if mode in set(Mode) else Mode.OBSERVE
        for kind, mode in modes.items()
        if kind in set(Kind)
    }


def _unreadable(body: Mapping[str, Any], why: str) -> EntryReport:
    revision = body.get("changed_revision")
    return EntryReport(
        binding=str(body.get("binding", "?")),
        changed_revision=revision if isinstance(revision, int) else 0,
        state="refused",
        detail=why,
    )
