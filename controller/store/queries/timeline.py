"""The timeline: what happened, in words for a person, append-only."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert

from controller.store.tables import timeline


@dataclass(frozen=True, slots=True)
class Happening:
    """One line. `kind` is event, decision, order, hold, permit, report, mode, stop, brake, epoch or alarm.

    `actor` is who did it: a token's name, a billing system's source, `review`, or `device` and its name.
    """

    at: datetime
    kind: str
    actor: str
    text: str
    account: str | None = None
    service: str | None = None
    device: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


def record(tx: Connection, happenings: Iterable[Happening]) -> None:
    """Add lines, in the order given."""
    rows = [
        {
            "at": line.at,
            "account_id": line.account,
            "service_id": line.service,
            "device": line.device,
            "actor": line.actor,
            "kind": line.kind,
            "text": line.text,
            "detail": dict(line.detail),
        }
        for line in happenings
    ]
    if rows:
        tx.execute(insert(timeline), rows)
