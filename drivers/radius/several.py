"""Several RADIUS servers, each with tables of its own: written to one after the other, read as one.

A customer may log in at any of them, so a restriction holds only where every one of them has it, and an access is open
only where none of them restricts it. One that can't be reached leaves what the others show unknown: never done.
Restores still reach the others. All rows are written before the first session is told, for it may dial in at any.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import replace
from typing import TypeVar

from drivers.base import Capabilities, DriverError, News, Step
from drivers.radius.driver import RadiusDriver
from enforcement.access import Access, Kind, least, slowest
from enforcement.changes import Change, Outcome, Refresh, Restrict, Result
from enforcement.keys import Key
from enforcement.observed import Live, Observed, Seen

T = TypeVar("T")
_WORST_FIRST = (Live.STALE, Live.UNKNOWN, Live.APPLIES, Live.OFFLINE)
_OPEN = Seen(Access.FULL, Live.OFFLINE)


class SeveralServers:
    """One driver made of one for each database. Construction opens nothing."""

    def __init__(self, servers: Sequence[RadiusDriver]) -> None:
        self._servers = servers

    @property
    def capabilities(self) -> Capabilities:
        return self._servers[0].capabilities

    @property
    def news(self) -> Sequence[News]:
        return [news for server in self._servers for news in server.news]

    def observe(self, keys: Set[Key] | None = None) -> Observed:
        read, failed = self._each(self._servers, lambda server: server.observe(keys))
        seen = _merged(list(read.values()), whole=not failed)
        return Observed(seen, complete=not failed, asked=None if keys is None else frozenset(keys))

    def apply(self, slice: Sequence[Change]) -> Sequence[Outcome]:
        if not slice:
            return []
        slices = self._slices(slice)
        refused, unwritten = self._each(self._servers, lambda server: server.write(slices[server]))
        told, untold = self._each(list(refused), lambda server: server.tell(slices[server], refused[server]))
        failed = unwritten | untold
        words = [f"{server.database_name}: {wrong}" for server, wrong in failed.items()]
        return [
            _outcome(change, {server.database_name: told[server][at] for server in told}, words)
            for at, change in enumerate(slice)
        ]

    def _slices(self, slice: Sequence[Change]) -> Mapping[RadiusDriver, Sequence[Change]]:
        """The slice for each server. Where one lacks the row that another has, what is to be refreshed is to be
        written there first."""
        keys = {change.entry.key for change in slice if isinstance(change, Refresh) and change.entry.restricts}
        if not keys:
            return dict.fromkeys(self._servers, slice)
        read, _ = self._each(self._servers, lambda server: server.observe(keys))
        marked = {server: _marks(observed) for server, observed in read.items()}
        everywhere = frozenset[object]().union(*marked.values())
        return {
            server: [_to_write(change, marked.get(server, everywhere), everywhere) for change in slice]
            for server in self._servers
        }

    def check(self) -> Sequence[str]:
        found = []
        for server in self._servers:
            try:
                found += [f"{server.database_name}: {problem}" for problem in server.check_database()]
            except DriverError as wrong:
                found.append(f"{server.database_name} can't be read, so that nothing is known for sure: {wrong}")
        return [*found, *self._servers[0].check_nases()]

    def prepare(self, install: bool) -> Sequence[Step]:
        return [
            replace(step, where=f"{server.database_name}: {step.where}")
            for server in self._servers
            for step in server.prepare(install)
        ]

    def close(self) -> None:
        for server in self._servers:
            server.close()

    def _each(
        self, servers: Sequence[RadiusDriver], work: Callable[[RadiusDriver], T]
    ) -> tuple[dict[RadiusDriver, T], dict[RadiusDriver, DriverError]]:
        """What each server gave, and why others failed. Raises the first failure where all did."""
        done: dict[RadiusDriver, T] = {}
        failed: dict[RadiusDriver, DriverError] = {}
        for server in servers:
            try:
                done[server] = work(server)
            except DriverError as wrong:
                failed[server] = wrong
        if not done and failed:
            raise next(iter(failed.values()))
        return done, failed


def _marks(observed: Observed) -> frozenset[object]:
    return frozenset((key, mark, seen.access, seen.rate) for key, seen in observed.seen.items() for mark in seen.marks)


def _to_write(change: Change, here: frozenset[object], everywhere: Set[object]) -> Change:
    if not isinstance(change, Refresh):
        return change
    entry = change.entry
    if (entry.key, change.mark, entry.access, entry.rate) in everywhere - here:
        return Restrict(change.entry, change.mark, Access.FULL)
    return change


def _merged(readings: Sequence[Observed], *, whole: bool) -> dict[Key, Seen]:
    keys = {key for reading in readings for key in reading.seen}
    return {key: _one([reading.seen.get(key, _OPEN) for reading in readings], whole=whole) for key in keys}


def _one(seen: Sequence[Seen], *, whole: bool) -> Seen:
    """The least access that any imposes; `STALE` where they differ, so that the one that lacks it is written to."""
    rungs = {(one.access, one.rate) for one in seen if one.access is not None}
    access = least(Kind.INTERNET, (each for each, _ in rungs))
    lives = [one.live for one in seen] + ([Live.STALE] if len(rungs) > 1 else [])
    live = next(one for one in _WORST_FIRST if one in lives)
    return Seen(
        access,
        live if whole else Live.UNKNOWN,
        tuple(dict.fromkeys(mark for one in seen for mark in one.marks)),
        tuple(dict.fromkeys(words for one in seen for words in one.obstructions)),
        slowest(rate for each, rate in rungs if each is access),
    )


def _outcome(change: Change, by_server: Mapping[str, Outcome], failures: Iterable[str]) -> Outcome:
    failures = list(failures)
    results = {one.result for one in by_server.values()} | ({Result.UNKNOWN} if failures else set())
    result = next(one for one in (Result.REFUSED, Result.UNKNOWN, Result.DONE) if one in results)
    details = [f"{name}: {one.detail}" for name, one in by_server.items() if one.detail]
    done = not failures and all(one.effect_done for one in by_server.values())
    return Outcome(change, result, "; ".join([*details, *failures]), effect_done=done)
