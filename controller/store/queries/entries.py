"""Entries: what each device is to enforce, told to its agent by revision, and written by the review alone."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, insert, or_, select, update

from controller.store.tables import bindings, devices, entries
from enforcement.access import Access, Kind, Rate, Reason
from enforcement.entries import BindingId, Entry, ServiceId
from enforcement.keys import Key

_UNSEEN: Mapping[str, Any] = {
    "state": "pending",
    "seen": None,
    "detail": "",
    "why": "",
    "obstructions": [],
    "state_revision": None,
    "state_at": None,
    "verified_at": None,
}
"""What is known of an entry that has just changed: nothing. Reports about its former revision are an old story.

What the device was last seen to give the customer (`last_seen`) stays: it is true until the next read."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a device shall enforce for one binding from now on; its revision is given when it is written.

    `cause_at` is when the event arrived that raised the access: the restore is timed from it. `rate` is what
    `throttled` leaves, None for what the device's own setup gives.
    """

    binding: str
    device: str
    account: str
    service: str
    kind: str
    key: str
    access: str
    reasons: tuple[str, ...]
    ended: bool
    first: bool
    cause_at: datetime | None
    rate: Rate | None


@dataclass(frozen=True, slots=True)
class DeviceEntries:
    """Where a device stands, and what changed there since a revision, or the beginning of it where there is `more`: one
    snapshot of both (rule 3)."""

    epoch: str
    revision: int
    entries: tuple[Entry, ...]
    more: bool = False


class AnotherEpoch(ValueError):
    """The asker is of another epoch, or ahead of the device: what it has does not come from this database (rule 4)."""


def entries_after(
    tx: Connection, device: str, epoch: str, after: int, past: str = "", limit: int | None = None
) -> DeviceEntries | None:
    """The entries of a device that changed after a revision, tombstones included; None where there is no such device.

    At most `limit` of them, in the order of revisions and bindings; with `past` also those of the very revision `after`
    whose bindings come after it.

    `tx` is a `Database.read()`: one snapshot. Since revisions are committed in their order, applying the answer to
    what the agent had at `after` leaves no gap. Raises AnotherEpoch.
    """
    standing = tx.execute(select(devices.c.epoch, devices.c.revision).where(devices.c.name == device)).one_or_none()
    if standing is None:
        return None
    if standing.epoch != epoch or after > standing.revision:
        raise AnotherEpoch(
            f"device {device} is at revision {standing.revision} of epoch {standing.epoch}, not {after} of {epoch}"
        )
    later = entries.c.changed_revision > after
    if past:
        later = and_(entries.c.changed_revision >= after, or_(later, entries.c.binding > past))
    changed = select(entries).where(entries.c.device == device, later)
    in_order = changed.order_by(entries.c.changed_revision, entries.c.binding)
    found = tuple(_entry(row) for row in tx.execute(in_order.limit(None if limit is None else limit + 1)))
    return DeviceEntries(standing.epoch, standing.revision, found[:limit], more=len(found) != len(found[:limit]))


def entries_for_review(
    tx: Connection, accounts: Collection[str], live: Collection[str]
) -> tuple[Sequence[Row[Any]], Sequence[Row[Any]]]:
    """The present entries of these accounts or of the live bindings, and those of them whose binding is over.

    An entry may still stand under the account from which its service was moved: then its live binding finds it.
    """
    ours = or_(entries.c.account_id.in_(sorted(accounts)), entries.c.binding.in_(sorted(live)))
    found = tx.execute(select(entries).where(ours).order_by(entries.c.binding)).all()
    others = {row.binding for row in found if not row.ended} - set(live)
    numbers = [int(binding.removeprefix("b")) for binding in others]
    ended = select(bindings.c.number).where(bindings.c.number.in_(numbers), bindings.c.ended_at.is_not(None))
    over = {f"b{number}" for number in tx.execute(ended).scalars()}
    return found, [row for row in found if row.binding in over]


def write_entries(tx: Connection, wanted: Collection[Wanted], revisions: Mapping[str, int], now: datetime) -> None:
    """Write entries at the revisions that `next_revisions` has just given: the transaction's very last writes."""
    rows = [_row(entry, revisions[entry.device], now) for entry in sorted(wanted, key=lambda entry: entry.binding)]
    if not rows:
        return
    known = select(entries.c.binding).where(entries.c.binding.in_([row["binding"] for row in rows]))
    there = set(tx.execute(known).scalars())
    new = [row for row in rows if row["binding"] not in there]
    if new:
        tx.execute(insert(entries), new)
    changed = [{"_binding": row["binding"], **row} for row in rows if row["binding"] in there]
    if changed:
        tx.execute(update(entries).where(entries.c.binding == bindparam("_binding")), changed)


def _row(entry: Wanted, revision: int, now: datetime) -> dict[str, Any]:
    return {
        "binding": entry.binding,
        "device": entry.device,
        "account_id": entry.account,
        "service_id": entry.service,
        "kind": entry.kind,
        "key": entry.key,
        "access": entry.access,
        "reasons": list(entry.reasons),
        "changed_revision": revision,
        "ended": entry.ended,
        "first": entry.first,
        "changed_at": now,
        "cause_at": entry.cause_at,
        "down_kbps": entry.rate.down_kbps if entry.rate is not None else None,
        "up_kbps": entry.rate.up_kbps if entry.rate is not None else None,
        **_UNSEEN,
    }


def _entry(row: Row[Any]) -> Entry:
    return Entry(
        binding=BindingId(row.binding),
        service=ServiceId(row.service_id),
        kind=Kind(row.kind),
        key=Key.parse(row.key),
        access=Access(row.access),
        reasons=tuple(Reason(reason) for reason in row.reasons),
        changed_revision=row.changed_revision,
        ended=row.ended,
        first=row.first,
        rate=rate_of(row),
    )


def rate_of(row: Row[Any]) -> Rate | None:
    """The rate of an entry's row; None where the device's own counts."""
    return None if row.down_kbps is None else Rate(row.down_kbps, row.up_kbps)
