"""`column is one of these`, as one parameter: a statement is built once and fits any number of values.

PostgreSQL takes an array, SQLite a JSON list; an IN list would be written out anew for each batch.
"""

import json
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Dialect, Text, TypeDecorator, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import Boolean, TypeEngine

IDS = "ids"
"""The parameter's name: `tx.execute(statement, {IDS: [...]})`."""


class _Many(TypeDecorator[Any]):
    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(ARRAY(Text()) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return list(value) if dialect.name == "postgresql" else json.dumps(list(value))


class _Among(FunctionElement[bool]):
    type = Boolean()
    inherit_cache = True


@compiles(_Among, "postgresql")
def _on_postgresql(element: _Among, compiler: SQLCompiler, **more: Any) -> str:
    column, values = (compiler.process(part, **more) for part in element.clauses)
    return f"{column} = ANY({values})"


@compiles(_Among, "sqlite")
def _on_sqlite(element: _Among, compiler: SQLCompiler, **more: Any) -> str:
    column, values = (compiler.process(part, **more) for part in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({values}))"  # noqa: S608 - both parts are SQLAlchemy's own


def among(column: ColumnElement[Any], name: str = IDS) -> ColumnElement[bool]:
    """Whether a column of text is one of the values that are given as parameter `name`."""
    return _Among(column, bindparam(name, type_=_Many()))
