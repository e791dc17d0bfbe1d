"""Is a site frozen? Nobody is newly restricted there until an instant; what is restricted stays so, restores go on."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from controller.store.queries.writing import upsert
from controller.store.tables import devices, freezes


def sites_named(tx: Connection) -> list[str]:
    """The sites that agents have named for their devices."""
    query = select(devices.c.site).where(devices.c.site != "").distinct().order_by(devices.c.site)
    return list(tx.execute(query).scalars())


def freeze(tx: Connection, site: str, now: datetime, until: datetime, by: str, note: str) -> None:
    """Freeze a site; replaces a former freeze of it."""
    upsert(tx, freezes, {"site": site, "since": now, "until": until, "by": by, "note": note})


def end_freeze(tx: Connection, site: str, now: datetime) -> bool:
    """End a freeze; False where none was in force."""
    in_force = (freezes.c.site == site) & (freezes.c.until > now)
    return tx.execute(update(freezes).where(in_force).values(until=now)).rowcount == 1


def freezes_in_force(tx: Connection, now: datetime) -> list[dict[str, Any]]:
    """The frozen sites, in their order."""
    query = select(freezes).where(freezes.c.until > now).order_by(freezes.c.site)
    return [dict(row) for row in tx.execute(query).mappings()]


def why_frozen(tx: Connection, device: str, now: datetime) -> str | None:
    """Why nobody may be newly restricted on a device, in words; None where its site is not frozen."""
    query = (
        select(freezes.c.site, freezes.c.until)
        .join_from(freezes, devices, devices.c.site == freezes.c.site)
        .where(devices.c.name == device, freezes.c.until > now)
    )
    found = tx.execute(query).one_or_none()
    return None if found is None else f"the site {found.site} is frozen until {found.until.isoformat()} (grifo freeze)"
