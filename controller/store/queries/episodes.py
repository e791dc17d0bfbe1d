"""From the impositions of a service to what billing imposes now, and to the suspensions that are over. Pure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from controller.core.facts import Imposed, Suspension
from enforcement.access import Access
from enforcement.entries import ServiceId

_RUNGS = list(Access)
"""From the highest down, on every ladder: the accesses are declared in that order."""


def imposed_and_over(rows: Sequence[Any]) -> tuple[Mapping[str, list[Imposed]], Mapping[str, list[Suspension]]]:
    """Of rows of `impositions` with their `account_id`, by service and in the order in which they began.

    What was only observed, or never read back from a device, cut nobody: it is no suspension.
    """
    imposed: dict[str, list[Imposed]] = defaultdict(list)
    over: dict[str, list[Suspension]] = defaultdict(list)
    for service, found in groupby(rows, key=lambda row: (row.account_id, row.service_id)):
        mine = list(found)
        imposed[service[0]] += [_imposed(row) for row in mine if row.ended_at is None]
        over[service[0]] += _suspensions([row for row in mine if not row.observed])
    return ({id: some for id, some in imposed.items() if some}, {id: some for id, some in over.items() if some})


def _imposed(row: Any) -> Imposed:
    return Imposed(ServiceId(row.service_id), Access(row.access), row.stage, row.at)


def _suspensions(rows: Sequence[Any]) -> list[Suspension]:
    """A stage that follows another at once is the same suspension; one that goes on is none that is over."""
    episodes: list[list[Any]] = []
    for row in rows:
        if episodes and _follows(row, episodes[-1]):
            episodes[-1].append(row)
        else:
            episodes.append([row])
    return [_suspension(one) for one in episodes if _is_over(one) and any(map(_happened, one))]


def _follows(row: Any, episode: Sequence[Any]) -> bool:
    """At once; or after a time in which a hold left the service open, and its debt went on unpaid."""
    return bool(episode[-1].owed_at_end) or any(one.ended_at is not None and row.at <= one.ended_at for one in episode)


def _is_over(episode: Sequence[Any]) -> bool:
    return all(row.ended_at is not None for row in episode)


def _happened(row: Any) -> bool:
    return row.verified_at is not None


def _suspension(episode: Sequence[Any]) -> Suspension:
    read = [row for row in episode if _happened(row)]
    lowest = max((Access(row.access) for row in read), key=_RUNGS.index)
    return Suspension(ServiceId(read[0].service_id), lowest, read[0].at, max(row.ended_at for row in episode))
