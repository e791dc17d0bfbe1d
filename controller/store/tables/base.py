"""What all tables share: names of constraints, aware instants, and the order of the event behind a fact."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, Dialect, MetaData, String, TypeDecorator

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Identity = String(64)


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime on every database; a naive one is a bug and is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive datetime {value!r} cannot be stored")
        return value.astimezone(UTC)

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """PostgreSQL's sessions are in UTC (see `engine`): what comes from there is as it shall be."""
        return None if dialect.name == "postgresql" else super().result_processor(dialect, coltype)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def told_by() -> list[Column[Any]]:
    """The order of the event that a row of facts comes from: (time, sequence, source, id)."""
    return [
        Column("event_time", Instant, nullable=False),
        Column("event_sequence", BigInteger, nullable=False),
        Column("event_source", String(255), nullable=False),
        Column("event_id", String(255), nullable=False),
    ]
