"""One device's part of the memory, written through before it counts.

Entries and acknowledged reports are in the file alone (agents/entries.py); what is owed, imposed and repaired is kept
at hand besides. Only the device's own thread uses it, so what a slice is composed from cannot change under it.
"""

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from agents.drift import SETTLED
from agents.entries import Entries
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
        self.entries = Entries(memory, device)
        self.unreadable: dict[BindingId, EntryReport] = {}
        self.owed: dict[BindingId, bool] = {}
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
        self.owed = {BindingId(b): bool(lowers) for b, lowers in self._rows("binding, lowers", "owed")}
        self._imposed = {BindingId(b): int(r) for b, r in self._rows("binding, changed_revision", "imposed")}
        for binding, at in self._rows("binding, at", "repairs"):
            self._repairs.setdefault(BindingId(binding), []).append(float(at))
        self._read_again()

    def _read_again(self) -> None:
        """What a former version could not read may be plain to this one."""
        if unread := self.entries.unread():
            with self._memory.writing() as db:
                for body in unread:
                    self._keep(db, body)

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

    def merge(self, epoch: str, revision: int, entries: Iterable[Mapping[str, Any]]) -> set[Key]:
        """Take entries that changed up to `revision`. Returns the keys that they concern, former ones included."""
        with self._memory.writing() as db:
            keys = {key for body in entries for key in self._take(db, body)}
            self._stand(db, epoch, revision)
        return keys

    def adopt(self, epoch: str, revision: int, entries: Iterable[Mapping[str, Any]]) -> None:
        """Leave what was known, if anything, for all that the controller wants in an epoch, in one transaction.

        Owed effects stay owed: the sessions know nothing of epochs. Which way they go is read from the new entries.
        """
        with self._memory.writing() as db:
            for table in ("entries", "imposed", "repairs"):
                db.execute(f"DELETE FROM {table} WHERE device = ?", (self._device,))  # noqa: S608
            for kept in (self.unreadable, self._imposed, self._repairs):
                kept.clear()
            self.halted, self.ahead = "", False
            for body in entries:
                self._keep(db, body)
            self._stand(db, epoch, revision)
            owed = {binding: entry.restricts for binding, entry in self.entries.some(self.owed).items()}
            db.execute("DELETE FROM owed WHERE device = ?", (self._device,))
            self.owed.clear()
            self._owe(db, owed)

    def _take(self, db: sqlite3.Connection, body: Mapping[str, Any]) -> set[Key]:
        """Take a new decision on an entry; the keys that it concerns."""
        binding = _binding(body)
        former = self.entries.get(binding)
        self._forget_repairs(db, binding)
        present = self._keep(db, body)
        return {entry.key for entry in (former, present) if entry is not None}

    def _keep(self, db: sqlite3.Connection, body: Mapping[str, Any]) -> Entry | None:
        """Put an entry into the file, in place of its binding's former one; None where it can't be read."""
        binding = _binding(body)
        self.unreadable.pop(binding, None)
        try:
            entry = entry_from_wire(body)
            self.entries.put(db, entry)
        except Unreadable as wrong:
            self.unreadable[binding] = _unreadable(body, str(wrong))
            self.entries.put_unread(db, binding, body)
            return None
        return entry

    def _stand(self, db: sqlite3.Connection, epoch: str, revision: int) -> None:
        self.epoch, self.revision = epoch, revision
        self._save_self(db)

    def _save_self(self, db: sqlite3.Connection) -> None:
        modes = json.dumps({kind.value: mode.value for kind, mode in self.modes.items()})
        row = (self._device, self.epoch, self.revision, modes, self.halted, self.ahead)
        db.execute("INSERT OR REPLACE INTO devices VALUES (?, ?, ?, ?, ?, ?)", row)

    def _forget_repairs(self, db: sqlite3.Connection, binding: BindingId) -> None:
        """A new decision is a new start: only repairs of one and the same decision are a quarrel."""
        if self._repairs.pop(binding, None):
            db.execute("DELETE FROM repairs WHERE device = ? AND binding = ?", (self._device, binding))

    # --- what is asked of it -----------------------------------------------------------------------------------------

    def knows(self, key: Key) -> bool:
        return bool(self.entries.of(key))

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
        """Record what the slice will owe to live sessions, before its first write.

        A session that was never told of a restriction loses by being told of a milder one.
        """
        entries = self.entries.some(binding_of(change) for change in changes)
        owed = {
            binding: needs_permit(change) or (self.owed.get(binding, False) and entries[binding].restricts)
            for change in changes
            if (binding := binding_of(change)) in entries
        }
        with self._memory.writing() as db:
            self._owe(db, owed)

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

    def acknowledge(self, reports: Collection[EntryReport]) -> None:
        """The controller has these states. An ended binding that it knows to be open on the device is forgotten."""
        ended = self.entries.ended()
        with self._memory.writing() as db:
            self.entries.acknowledge(db, reports)
            for report in reports:
                binding = BindingId(report.binding)
                if report.state in SETTLED and ended.get(binding) == report.changed_revision:
                    self._forget(db, binding)

    def _forget(self, db: sqlite3.Connection, binding: BindingId) -> None:
        for kept in (self.owed, self._imposed, self._repairs):
            kept.pop(binding, None)
        for table in ("entries", "owed", "imposed", "repairs"):
            where = (self._device, binding)
            db.execute(f"DELETE FROM {table} WHERE device = ? AND binding = ?", where)  # noqa: S608


def _modes(modes: Mapping[str, str]) -> dict[Kind, Mode]:
    return {
        Kind(kind): Mode(mode) if mode in set(Mode) else Mode.OBSERVE
        for kind, mode in modes.items()
        if kind in set(Kind)
    }


def _binding(body: Mapping[str, Any]) -> BindingId:
    return BindingId(str(body.get("binding", "?")))


def _unreadable(body: Mapping[str, Any], why: str) -> EntryReport:
    revision = body.get("changed_revision")
    return EntryReport(
        binding=_binding(body),
        changed_revision=revision if isinstance(revision, int) else 0,
        state="refused",
        detail=why,
    )
