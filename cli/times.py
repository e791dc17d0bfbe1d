"""Times as people write and read them: `3d`, `2026-04-01 18:00`, in the operator's time zone."""

import re
from datetime import MAXYEAR, UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cli.errors import Exit, Failed

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def span(text: str, option: str) -> timedelta:
    """A length of time such as 90m, 12h, 3d or 2w. Raises Failed."""
    found = re.fullmatch(r"([1-9][0-9]{0,4})([mhdw])", text.strip().lower())
    if found is None:
        raise Failed(f"{option} {text!r} is not a length of time such as 90m, 12h, 3d or 2w.", Exit.USAGE)
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def moment(text: str, option: str, now: datetime, zone: ZoneInfo) -> str:
    """An instant in RFC 3339, from a length of time, a date or a local time. Raises Failed."""
    if re.fullmatch(r"[0-9]+[mhdwMHDW]", text.strip()):
        return (now + span(text, option)).isoformat()
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        words = f"{option} {text!r} is neither a time such as 2026-04-01T18:00 nor a length such as 3d."
        raise Failed(words, Exit.USAGE) from None
    return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC).isoformat()


def instant(text: str) -> datetime:
    """An instant of the API."""
    return datetime.fromisoformat(text)


def local(text: str | None, zone: ZoneInfo) -> str:
    """An instant of the API as the operator's clock shows it; the end of the year 9999, which is never, as it is."""
    if not text:
        return "-"
    at = instant(text)
    return (at if at.year == MAXYEAR else at.astimezone(zone)).strftime("%Y-%m-%d %H:%M:%S")


def age(text: str | None, now: datetime) -> tuple[int, str]:
    """How long ago an instant of the API was, in one unit: d, h, min or s; no unit where it never was."""
    if not text:
        return 0, ""
    seconds = max((now - instant(text)).total_seconds(), 0)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return round(seconds / size), unit
    return round(seconds), "s"
