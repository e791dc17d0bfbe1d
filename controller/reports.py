"""Reports: what an agent read on its device becomes what is known of each entry (rule 10).

A report is state, resendable. It says something of an entry only at the entry's present `changed_revision`; anything
else is an old story. Instants are the controller's own: arrival times, and the age that the agent measured itself.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from controller.numbering import give_back
from controller.store.engine import Database
from controller.store.queries import reporting
from controller.store.queries.timeline import Happening, record
from controller.store.queries.told import wake_who_waits
from enforcement.access import Access
from enforcement.wire import EntryReport, Report

CHUNK = 500
"""Entries in one transaction: a payment never waits for longer than one chunk takes."""

VERIFIED = "verified"

READ_BACK = (VERIFIED, "armed")
"""The device gives what it shall, or will at the customer's next login."""

Restored = Callable[[float], None]
"""Told the seconds from a payment's arrival to the first report that verifies its restore."""


def save_report(database: Database, device: str, epoch: str, report: Report, now: datetime, restored: Restored) -> bool:
    """Keep a report of a device whose present epoch is given; true where accounts are to be reviewed because of it.

    One of another epoch changes no entry: only that the agent said so is kept, for `grifo device adopt-epoch`.
    One that a newer report has overtaken on its way changes nothing.
    """
    with database.write() as tx:
        if report.boot and not reporting.take_number(tx, device, report.boot, report.number):
            return False
    read_back = False
    spoken = sorted(report.entries, key=lambda entry: entry.binding) if report.epoch == epoch else []
    for start in range(0, len(spoken), CHUNK):
        with database.write() as tx:
            newly = _save_entries(tx, device, report, spoken[start : start + CHUNK], now)
        read_back = read_back or any(row.first for row in newly)
        for row in newly:
            if (taken := _restore_seconds(row, now)) is not None:
                restored(taken)
    with database.write() as tx:
        _save_device(tx, device, epoch, report, now)
    if not read_back:
        return False
    with database.write() as tx:
        return wake_who_waits(tx, now, "canary", "unproven", device=device) > 0


def _save_entries(
    tx: Connection, device: str, whole: Report, reports: Sequence[EntryReport], now: datetime
) -> list[Any]:
    """Save one chunk of a report under the locks of its accounts. Returns the rows, as they were, that it verifies for
    the first time at their revision."""
    reporting.lock_for_reports(tx, device, reports)
    if reporting.is_overtaken(tx, device, whole.boot, whole.number):
        return []
    rows = reporting.reported_rows(tx, device, reports)
    current = [report for report in reports if _is_current(report, rows.get(report.binding))]
    newly = [rows[report.binding] for report in current if _verifies_anew(report, rows[report.binding])]
    reporting.save_last_seen(tx, device, reports, now)
    verified = {
        report.binding: (rows[report.binding].verified_at or now)
        if report.state == VERIFIED
        else rows[report.binding].verified_at
        for report in current
    }
    reporting.save_states(tx, {report.binding: report for report in current}, verified, now)
    _keep_read_back(tx, [rows[report.binding] for report in current if report.state in READ_BACK], now)
    record(tx, [_verified(row, now) for row in newly])
    give_back(tx, [row for row in newly if row.access == Access.RELEASED and not row.ended], now)
    return newly


def _keep_read_back(tx: Connection, rows: Sequence[Any], now: datetime) -> None:
    """Of rows as they were before they were read back: which billing stages have now happened on a device."""
    services: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if row.access != Access.FULL and row.verified_at is None and row.state != "armed":
            services[row.access].add(row.service_id)
    for access, read in sorted(services.items()):
        reporting.save_read_back(tx, access, read, now)


def _is_current(report: EntryReport, row: Any) -> bool:
    return row is not None and row.changed_revision == report.changed_revision


def _verifies_anew(report: EntryReport, row: Any) -> bool:
    return report.state == VERIFIED and row.verified_at is None


def _restore_seconds(row: Any, now: datetime) -> float | None:
    """How long the restore took; None where no event raised the access, or where it was armed before: then the
    customer was away, and the time until the next login measures nothing of ours."""
    if row.cause_at is None or row.state == "armed":
        return None
    taken: float = (now - row.cause_at).total_seconds()
    return max(taken, 0.0)


def _verified(row: Any, now: datetime) -> Happening:
    return Happening(
        at=now,
        kind="report",
        actor=f"device {row.device}",
        text=f"{row.device} was read to give {row.key} {row.access}",
        account=row.account_id,
        service=row.service_id,
        device=row.device,
        detail={"binding": row.binding, "changed_revision": row.changed_revision},
    )


def _danger(device: str, former: Sequence[str], found: Sequence[str], now: datetime) -> Happening:
    """Since when, and until when, who is restricted on a device could not reach an emergency number."""
    text = "; ".join(found) or f"{device} was read to let emergency calls pass again; before: {'; '.join(former)}"
    return Happening(at=now, kind="alarm", actor=f"device {device}", text=text, device=device)


def _save_device(tx: Connection, device: str, epoch: str, report: Report, now: datetime) -> None:
    """Under the device's lock: its epoch may have changed since it was read, and reviews write entries under it.

    Accounts are locked before the device, as a review locks them.
    """
    unmentioned: list[str] = []
    if report.whole and report.epoch == epoch:
        mentioned = {entry.binding for entry in report.entries}
        unmentioned = reporting.lock_unmentioned(tx, device, report.revision, mentioned)
    same_epoch = report.epoch == reporting.lock_device(tx, device)
    if reporting.is_overtaken(tx, device, report.boot, report.number):
        return
    if same_epoch:
        reporting.forget(tx, unmentioned, report.revision, now)
        reporting.save_strays(tx, device, report.strays, now)
    if list(report.unsafe) != (former := reporting.dangers(tx, device)):
        record(tx, [_danger(device, former, report.unsafe, now)])
    read = report.full_read_age_s
    values = {
        "reported_epoch": report.epoch,
        "reported_revision": report.revision,
        "reported_at": now,
        "halted": report.halted,
        "problems": list(report.problems),
        "unsafe": list(report.unsafe),
        **({} if read is None else {"full_read_at": now - timedelta(seconds=max(read, 0.0))}),
        **({"adopts": None} if same_epoch and not report.halted else {}),
    }
    reporting.save_device_report(tx, device, **values)
