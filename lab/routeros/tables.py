"""Tables: the items under one path, with ids, checks and order, as `add`, `set`, `remove` and `print` see them.

Ids are `*` and a number in capital hexadecimal, given in order and never again while the device is up; a reboot
numbers anew, which real devices may do. What a `remove` of several ids does when one is missing is not documented:
here it stops at the missing one, those before it are gone (`Table.atomic` makes it all or nothing).
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

from lab.routeros import traps, values

Row = dict[str, str]
Clean = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Schema:
    """What one path holds. `clean` maps a property to the function that writes it as the device would.

    `unique` are properties that no two items may share together; `name` is one that may stand for an id;
    `verbs` are the commands beside print, getall and listen.
    """

    properties: frozenset[str]
    required: tuple[str, ...] = ()
    defaults: Mapping[str, str] = field(default_factory=dict)
    clean: Mapping[str, Clean] = field(default_factory=dict)
    unique: tuple[str, ...] = ()
    name: str = ""
    hidden: frozenset[str] = frozenset()
    ordered: bool = False
    expires: bool = False
    stamped: bool = False
    verbs: frozenset[str] = frozenset({"add", "set", "remove", "enable", "disable"})


class Table:
    """The items of one path. Not thread-safe: the server's loop owns it."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.atomic = False
        self.rows: dict[str, Row] = {}
        self.watchers: list[Callable[[Row, bool], None]] = []
        self.effects: list[Callable[[], None]] = []
        self._numbers = count(1)
        self._taken: dict[tuple[str, ...], int] = {}
        self._deadlines: dict[str, float] = {}

    def next_id(self) -> str:
        return f"*{next(self._numbers):X}"

    def add(self, given: Mapping[str, str]) -> str:
        """A new item; answers its id. Raises Trap."""
        before = given.get("place-before")
        row = self._cleaned({name: value for name, value in given.items() if name != "place-before"})
        if before is not None and not self.schema.ordered:
            raise traps.unknown_parameter("place-before")
        missing = [name for name in self.schema.required if not row.get(name)]
        if missing:
            raise traps.missing_values(missing)
        place = self._found(before) if before else None
        row = {**self.schema.defaults, **row}
        if self._unique(row) in self._taken:
            raise traps.already_there()
        return self._insert(row, place)

    def grow(self, row: Row) -> None:
        """An item that the device makes by itself, as it stands; none where an equal one is there."""
        if self._unique(row) not in self._taken:
            self._insert(dict(row), None)

    def load(self, rows: Iterable[Mapping[str, str]]) -> list[str]:
        """Items as an imported or older configuration brings them: duplicates are let in."""
        return [self._insert({**self.schema.defaults, **self._cleaned(row)}, None) for row in rows]

    def set(self, ids: Sequence[str], given: Mapping[str, str]) -> None:
        """Change items; nothing is changed where one id is missing or one value is wrong. Raises Trap."""
        changes = self._cleaned(given)
        found = [self._found(id) for id in ids]
        for id in found:
            row = {**self.rows[id], **changes}
            if self._unique(row) != self._unique(self.rows[id]) and self._unique(row) in self._taken:
                raise traps.already_there()
            deadline = self._deadlines.get(id)
            self._forget(id)
            self._store(id, row)
            if deadline is not None and "timeout" not in changes:
                self._deadlines[id] = deadline
            self._tell(row, dead=False)

    def remove(self, ids: Sequence[str]) -> None:
        """Take items away, in the order given. Raises Trap at the first that is missing."""
        if self.atomic:
            ids = [self._found(id) for id in ids]
        for id in ids:
            row = self.rows[self._found(id)]
            self._forget(row[".id"])
            del self.rows[row[".id"]]
            self._tell(row, dead=True)

    def shown(self, id: str) -> Row | None:
        """One item as `print` returns it; None where it is gone."""
        row = self.rows.get(id)
        if row is None or id not in self._deadlines:
            return row
        return {**row, "timeout": values.duration(self._deadlines[id] - time.monotonic())}

    def expire(self) -> None:
        """Entries whose timeout has run out vanish."""
        if self._deadlines:
            now = time.monotonic()
            for id in [id for id, deadline in self._deadlines.items() if deadline <= now]:
                self.remove([id])

    def reboot(self) -> None:
        """What is dynamic vanishes, what is static is numbered anew."""
        rows = [row for row in self.rows.values() if row.get("dynamic") != "true"]
        self.rows, self._taken, self._deadlines = {}, {}, {}
        self.watchers.clear()
        self._numbers = count(1)
        for row in rows:
            self._store(self.next_id(), row)
        for effect in self.effects:
            effect()

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows.values())

    def _cleaned(self, given: Mapping[str, str]) -> Row:
        schema = self.schema
        row: Row = {}
        for name, value in given.items():
            if name not in schema.properties:
                raise traps.unknown_parameter(name)
            clean = schema.clean.get(name)
            row[name] = clean(value) if clean else value
        return row

    def _insert(self, row: Row, place: str | None) -> str:
        id = self.next_id()
        if self.schema.stamped:
            row["creation-time"] = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
        self._store(id, row)
        if place is not None:
            self._place(id, place)
        self._tell(row, dead=False)
        return id

    def _store(self, id: str, row: Row) -> None:
        """File a row under its id; an empty comment is no comment."""
        row[".id"] = id
        if not row.get("comment", "-"):
            del row["comment"]
        if self.schema.expires:
            self._time(id, row)
        self.rows[id] = row
        self._taken[self._unique(row)] = self._taken.get(self._unique(row), 0) + 1

    def _time(self, id: str, row: Row) -> None:
        """A timeout makes an entry dynamic; `none-static` keeps it, `none-dynamic` keeps it until a reboot."""
        timeout = row.pop("timeout", "")
        if timeout == "none-dynamic":
            row["dynamic"] = "true"
        elif timeout and timeout != "none-static":
            row["dynamic"] = "true"
            self._deadlines[id] = time.monotonic() + values.seconds("timeout", timeout)

    def _forget(self, id: str) -> None:
        self._deadlines.pop(id, None)
        unique = self._unique(self.rows[id])
        self._taken[unique] -= 1
        if not self._taken[unique]:
            del self._taken[unique]

    def _unique(self, row: Mapping[str, str]) -> tuple[str, ...]:
        """What must differ between items; an item's own id where the path allows twins."""
        if not self.schema.unique:
            return (row.get(".id", ""),)
        return tuple([row.get(name, "") for name in self.schema.unique])

    def _place(self, id: str, before: str) -> None:
        order = [other for other in self.rows if other != id]
        order.insert(order.index(before), id)
        self.rows = {other: self.rows[other] for other in order}

    def _found(self, id: str) -> str:
        if id in self.rows:
            return id
        for row in self.rows.values() if self.schema.name else ():
            if row.get(self.schema.name) == id:
                return row[".id"]
        raise traps.no_such_item()

    def _tell(self, row: Row, dead: bool) -> None:
        for watcher in self.watchers:
            watcher(row, dead)
        for effect in self.effects:
            effect()
