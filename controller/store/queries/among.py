"""`column is one of these`, as one parameter: a statement is built once and fits any number of values.

PostgreSQL takes an array, SQLite a JSON list, both written out here as one text: an IN list would be a statement anew
for each batch, and a driver's own arrays are written an element at a time for each of a dozen statements.
"""

import json
from typing import Any

from sqlalchemy import ColumnElement, Dialect, Text, TypeDecorator, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import Boolean

IDS = "ids"
"""The parameter's name: `tx.execute(statement, {IDS: [...]})`."""


class _Many(TypeDecorator[Any]):
    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """PostgreSQL's array literal (its manual, 8.15.2), or a JSON list."""
        if dialect.name != "postgresql":
            return json.dumps(list(value))
        joined = '","'.join(value)
        if "\\" in joined or joined.count('"') != 2 * max(len(value) - 1, 0):
            joined = '","'.join(one.replace("\\", "\\\\").replace('"', '\\"') for one in value)
        return f'{{"{joined}"}}' if value else "{}"


class _Among(FunctionElement[bool]):
    type = Boolean()
    inherit_cache = True


@compiles(_Among, "postgresql")
def _on_postgresql(element: _Among, compiler: SQLCompiler, **more: Any) -> str:
    column, values = (compiler.process(part, **more) for part in element.clauses)
    return f"{column} = ANY(CAST({values} AS text[]))"


@compiles(_Among, "sqlite")
def _on_sqlite(element: _Among, compiler: SQLCompiler, **more: Any) -> str:
    column, values = (compiler.process(part, **more) for part in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({values}))"  # noqa: S608 - both parts are SQLAlchemy's own


def among(column: ColumnElement[Any], name: str = IDS) -> ColumnElement[bool]:
    """Whether a column of text is one of the values that are given as parameter `name`."""
    return _Among(column, bindparam(name, type_=_Many()))
