"""Reading a TOML file that a person wrote: all mistakes at once, each saying where, what, and what is allowed.

A table remembers all that was asked of it, which is its JSON schema: what the reader asks is what the schema says. A
*sketch* is a table without content that answers with defaults, and has one of everything of which there may be many.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from controller.policies.values import Schema, Unfit, Value, nearest, shown

T = TypeVar("T")


class Table:
    """One table of the file. What is wrong is added to `problems`, shared by all tables of the file, and read on.

    `where` is the dotted path to the table, empty for the file itself.
    """

    def __init__(self, data: Mapping[str, Any], where: str, problems: list[str], *, sketch: bool = False) -> None:
        self._data = data
        self.where = where
        self.problems = problems
        self._sketch = sketch
        self._asked: dict[str, Callable[[], Schema]] = {}
        self._required: list[str] = []

    def schema(self) -> Schema:
        """The JSON schema of all that was asked of this table, and of the tables in it. Of a sketch only."""
        properties = {key: schema_of() for key, schema_of in self._asked.items()}
        found: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
        return found | {"required": self._required} if self._required else found

    def path(self, key: str) -> str:
        """`key` as a person finds it in the file."""
        return f"{self.where}.{key}" if self.where else key

    def complain(self, key: str, what: str) -> None:
        """Say what is wrong with a key of this table."""
        self.problems.append(f"{self.path(key)}: {what}")

    def read(self, key: str, kind: Value[T], default: T, about: str = "", *, required: bool = True, ask: str = "") -> T:
        """The value of `key`; `default` where it is absent or wrong. `about` is what an editor shows of it.

        `ask` is what a person is asked where a required one is absent.
        """
        self._ask(key, lambda: {**kind.schema, **({"description": about} if about else {})}, required=required)
        if key not in self._data:
            if required:
                self.complain(key, f"is missing: {ask}" if ask else "is missing")
            return default
        value = self._data[key]
        try:
            return kind.parse(value)
        except Unfit as wrong:
            self.complain(key, f"is {shown(value)}; {wrong}")
            return default

    def table(self, key: str, *, required: bool = True) -> "Table":
        """A table inside this one; an empty one where it is absent or something else."""
        found = self._inner(key, required=required)
        self._ask(key, found.schema, required=required)
        return found

    def table_or_none(self, key: str) -> "Table | None":
        """A table inside this one that may be absent."""
        found = self.table(key, required=False)
        return found if key in self._data or self._sketch else None

    def tables(self, key: str) -> list["Table"]:
        """The tables of an array that may be absent, counted from 1 as a person counts."""
        items = self._data.get(key, [])
        if not isinstance(items, list) or not all(isinstance(item, Mapping) for item in items):
            self.complain(key, f"is {shown(items)}; it must be an array of tables ([[{self.path(key)}]])")
            items = []
        found = self._numbered(key, items)
        self._ask(key, lambda: {"type": "array", "items": found[0].schema()}, required=False)
        return found

    def one_or_more(self, key: str) -> list["Table"]:
        """A table, or an array of tables, of which any one will do."""
        items = self._data.get(key)
        if isinstance(items, list):
            found = self._numbered(key, items) if all(isinstance(item, Mapping) for item in items) else []
            if not found:
                self.complain(key, f"is {shown(items)}; it must be a table, or an array of tables, not empty")
        else:
            found = [self._inner(key, required=True)]
        self._ask(key, lambda: _one_or_more(found[0].schema()), required=True)
        return found

    def named(self, key: str, names: tuple[str, ...] = ()) -> dict[str, "Table"]:
        """The tables inside a table that may be absent, by their names: any names, or some of `names`."""
        outer = self._inner(key, required=False)
        found = outer.inside(names)
        self._ask(key, outer.schema if names else lambda: _any_name(found[""].schema()), required=False)
        return found

    def inside(self, names: tuple[str, ...]) -> dict[str, "Table"]:
        """The tables of this one by their names: any names, or some of `names`."""
        wanted = names or tuple(self._data) or ("",)
        found = {name: self.table(name, required=False) for name in wanted if name in self._data or self._sketch}
        for name in self._data.keys() - found.keys():
            self.complain(name, f"is no key here; {nearest(name, names)}")
        return found

    def done(self) -> None:
        """Refuse what nobody asked for: a misspelt key must not be lost in silence."""
        for key in self._data:
            if key not in self._asked:
                self.complain(key, f"is no key here; {nearest(key, self._asked)}")

    def _ask(self, key: str, schema_of: Callable[[], Schema], *, required: bool) -> None:
        self._asked[key] = schema_of
        if required:
            self._required.append(key)

    def _inner(self, key: str, *, required: bool) -> "Table":
        data = self._data.get(key)
        if isinstance(data, Mapping):
            return Table(data, self.path(key), self.problems)
        if data is not None:
            self.complain(key, f"is {shown(data)}; it must be a table")
        elif required:
            self.complain(key, "is missing")
        return Table({}, self.path(key), [], sketch=self._sketch)

    def _numbered(self, key: str, items: list[Mapping[str, Any]]) -> list["Table"]:
        if self._sketch:
            return [Table({}, self.path(key), [], sketch=True)]
        return [Table(item, f"{self.path(key)}[{number}]", self.problems) for number, item in enumerate(items, 1)]


def _one_or_more(table: Schema) -> Schema:
    return {"anyOf": [table, {"type": "array", "items": table, "minItems": 1}]}


def _any_name(table: Schema) -> Schema:
    return {"type": "object", "additionalProperties": table}
