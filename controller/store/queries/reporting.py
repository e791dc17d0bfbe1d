"""What did the agent see on the device? The writes of a report: entries at their revision, strays, the device."""

from collections.abc import Collection, Mapping, Sequence, Set
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, case, delete, insert, select, update

from controller.store.queries.permitting import lock_accounts_of
from controller.store.tables import devices, entries, impositions, strays
from enforcement.wire import EntryReport, StrayReport

BOOTS_KEPT = 20
"""Former starts of an agent that are remembered: a report under way is seconds old, and starts are minutes apart."""


def lock_for_reports(tx: Connection, device: str, reports: Sequence[EntryReport]) -> None:
    """Keep reviews away from these entries until the commit; without it the two could wait for each other."""
    lock_accounts_of(tx, device, [report.binding for report in reports])


def take_number(tx: Connection, device: str, boot: str, number: int) -> bool:
    """Note that this report of an agent's start has come; False where it or a newer one had come before.

    Whatever a former start of the agent still had under way is older than the first word of the present one.
    """
    columns = (devices.c.report_boot, devices.c.report_number, devices.c.former_boots)
    row = tx.execute(select(*columns).where(devices.c.name == device).with_for_update(key_share=True)).one()
    if boot in row.former_boots or (boot == row.report_boot and number <= row.report_number):
        return False
    former = row.former_boots
    if row.report_boot not in (None, boot):
        former = [row.report_boot, *former][:BOOTS_KEPT]
    values = {"report_boot": boot, "report_number": number, "former_boots": former}
    tx.execute(update(devices).where(devices.c.name == device).values(values))
    return True


def is_overtaken(tx: Connection, device: str, boot: str, number: int) -> bool:
    """Whether a newer report, of the same start or a later one, has come while this one is being saved."""
    newer = (devices.c.report_boot != boot) | (devices.c.report_number > number)
    return bool(boot) and tx.execute(select(devices.c.name).where(devices.c.name == device, newer)).first() is not None


def lock_device(tx: Connection, device: str) -> str:
    """Lock the device's row, as a review does before it writes entries. Its present epoch."""
    epoch: str = tx.execute(
        select(devices.c.epoch).where(devices.c.name == device).with_for_update(key_share=True)
    ).scalar_one()
    return epoch


def dangers(tx: Connection, device: str) -> list[str]:
    """What endangers people on a device, as last reported."""
    found: list[str] = tx.execute(select(devices.c.unsafe).where(devices.c.name == device)).scalar_one()
    return found


def reported_rows(tx: Connection, device: str, reports: Sequence[EntryReport]) -> dict[str, Any]:
    """The entries that a report speaks of, by binding."""
    bindings = [report.binding for report in reports]
    query = select(entries).where(entries.c.binding.in_(bindings))
    return {row.binding: row for row in tx.execute(query) if row.device == device}


def save_states(
    tx: Connection, reports: Mapping[str, EntryReport], verified: Mapping[str, datetime | None], now: datetime
) -> None:
    """What was seen of entries, and since when they are verified. The caller has checked revisions under the lock."""
    seen = [
        {
            "_binding": binding,
            "_revision": report.changed_revision,
            "_state": report.state,
            "seen": report.seen,
            "detail": report.detail,
            "why": report.why,
            "obstructions": list(report.obstructions),
            "verified_at": verified[binding],
            "_now": now,
        }
        for binding, report in sorted(reports.items())
    ]
    if seen:
        tx.execute(_SEEN, seen)


_SEEN = (
    update(entries)
    .where(entries.c.binding == bindparam("_binding"), entries.c.changed_revision == bindparam("_revision"))
    .values(
        state=bindparam("_state"),
        seen=bindparam("seen"),
        detail=bindparam("detail"),
        why=bindparam("why"),
        obstructions=bindparam("obstructions"),
        state_revision=bindparam("_revision"),
        state_at=case(
            (
                (entries.c.state == bindparam("_state")) & (entries.c.state_revision == bindparam("_revision")),
                entries.c.state_at,
            ),
            else_=bindparam("_now", type_=entries.c.state_at.type),
        ),
        verified_at=bindparam("verified_at"),
    )
)
"""A report that repeats a state does not begin it again."""


def save_read_back(tx: Connection, access: str, services: Collection[str], now: datetime) -> None:
    """Devices were read to give these services an access: a billing stage that gives it has happened from now on."""
    in_force = (impositions.c.ended_at.is_(None), ~impositions.c.observed, impositions.c.verified_at.is_(None))
    mine = (impositions.c.service_id.in_(sorted(services)), impositions.c.access == access)
    tx.execute(update(impositions).where(*mine, *in_force).values(verified_at=now))


def save_last_seen(tx: Connection, device: str, reports: Sequence[EntryReport], now: datetime) -> None:
    """What the device gives these customers, whatever revision of their entries the agent knows."""
    seen = [
        {"_binding": report.binding, "last_seen": report.seen, "last_seen_at": now}
        for report in reports
        if report.seen is not None
    ]
    if seen:
        mine = (entries.c.binding == bindparam("_binding")) & (entries.c.device == device)
        tx.execute(update(entries).where(mine), seen)


def lock_unmentioned(tx: Connection, device: str, revision: int, mentioned: Set[str]) -> list[str]:
    """The entries that a whole report leaves out though its agent must know of them, their accounts locked.

    Before the device's row is: reviews lock accounts first, and the two would wait for each other.
    """
    query = select(entries.c.binding).where(
        entries.c.device == device, ~entries.c.ended, entries.c.changed_revision <= revision
    )
    unmentioned = sorted(set(tx.execute(query).scalars()) - mentioned)
    lock_accounts_of(tx, device, unmentioned)
    return unmentioned


def forget(tx: Connection, bindings: Sequence[str], revision: int, now: datetime) -> None:
    """Nothing is known of these entries any more, as far as they are still of a revision that the agent knows."""
    words = "the agent's last whole report does not mention it"
    for binding in bindings:
        tx.execute(
            update(entries)
            .where(entries.c.binding == binding, ~entries.c.ended, entries.c.changed_revision <= revision)
            .values(state="unknown", seen=None, detail=words, why="", state_at=now)
        )


def save_strays(tx: Connection, device: str, found: Sequence[StrayReport], now: datetime) -> None:
    """The marks that no entry knows: these, and no others any more. One seen before keeps its first instant."""
    before = {(row.key, row.mark) for row in tx.execute(select(strays).where(strays.c.device == device))}
    present = {(stray.key, stray.mark) for stray in found}
    for key, mark in before - present:
        tx.execute(delete(strays).where(strays.c.device == device, strays.c.key == key, strays.c.mark == mark))
    new = [{"device": device, "key": key, "mark": mark, "seen_at": now} for key, mark in sorted(present - before)]
    if new:
        tx.execute(insert(strays), new)


def save_device_report(tx: Connection, device: str, **values: Any) -> None:
    """How the agent is with the device: where it stands, when it read it, why it halted. The last write."""
    tx.execute(update(devices).where(devices.c.name == device).values(**values))
