"""What people approve: more than a brake would let pass, today or around a day of every month; a stage of a service."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from controller.store.queries.writing import upsert
from controller.store.tables import approvals, brake_cycles, brakes


def approve_brake(tx: Connection, policy: str, device: str, extra: int, until: datetime, by: str) -> bool:
    """Let `extra` more first impositions pass until an instant; replaces a former approval. False: no such brake."""
    mine = update(brakes).where(brakes.c.policy == policy, brakes.c.device == device)
    approved = mine.values(approved_extra=extra, approved_by=by, approved_until=until)
    return tx.execute(approved).rowcount == 1


def keep_approval(tx: Connection, service: str, stage: str, by: str, now: datetime, note: str, refused: bool) -> None:
    """A person's yes or no to a stage of a service, beside all that were said before."""
    values = {"service_id": service, "stage": stage, "by": by, "at": now, "note": note, "refused": refused}
    tx.execute(insert(approvals).values(**values))


def approvals_of(tx: Connection, service: str, stage: str, since: datetime) -> list[dict[str, Any]]:
    """What was said to a stage of a service since an instant, in order."""
    mine = (approvals.c.service_id == service) & (approvals.c.stage == stage) & (approvals.c.at > since)
    query = select(approvals).where(mine).order_by(approvals.c.id)
    return [dict(row) for row in tx.execute(query).mappings()]


def cycles_approved(tx: Connection) -> dict[tuple[str, str], dict[int, dict[str, Any]]]:
    """What is approved around a day of every month, by (policy, device) and day."""
    found: dict[tuple[str, str], dict[int, dict[str, Any]]] = {}
    for row in tx.execute(select(brake_cycles).order_by(brake_cycles.c.day)).mappings():
        found.setdefault((row["policy"], row["device"]), {})[row["day"]] = dict(row)
    return found


def caps_of_cycle(tx: Connection, policy: str, device: str) -> dict[int, int]:
    """How many may pass around each approved day of the month."""
    mine = (brake_cycles.c.policy == policy) & (brake_cycles.c.device == device)
    return {row.day: row.cap for row in tx.execute(select(brake_cycles.c.day, brake_cycles.c.cap).where(mine))}


def approve_cycle(
    tx: Connection, brake: tuple[str, str], day: int, cap: int, now: datetime, by: str, note: str
) -> None:
    """Let `cap` first impositions pass around one day of every month; replaces a former approval of that day."""
    row = {"policy": brake[0], "device": brake[1], "day": day, "cap": cap}
    upsert(tx, brake_cycles, row | {"approved_by": by, "approved_at": now, "note": note})
