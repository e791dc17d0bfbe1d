"""The driver of one MikroTik router: address lists, by mark, and for users and MAC addresses what their way says.

Rules act on the lists (`prepare` installs them, or the operator has his own); a change moves membership and nothing
else. An entry acts on new packets at once; what rules no longer see (FastTrack, dst-nat) is ended with each change,
looked for at each read, and owed until it is done.
"""

from collections.abc import Sequence, Set

from drivers.base import Capabilities, News, Step, Unsupported
from drivers.mikrotik.checks import problems
from drivers.mikrotik.followed import Followed
from drivers.mikrotik.judging import Sightings
from drivers.mikrotik.prepare import Preparation
from drivers.mikrotik.reading import Reader
from drivers.mikrotik.settings import Connections, Settings
from drivers.mikrotik.turn import Turn
from drivers.mikrotik.ways import HOLDERS
from drivers.mikrotik.wire import Connection
from enforcement.access import Kind
from enforcement.changes import Change, Outcome
from enforcement.keys import Key
from enforcement.observed import Observed

SLICE_SIZE = 500


class MikrotikDriver:
    """One router, one connection, one thread (drivers.base.Driver). Construction opens nothing."""

    def __init__(
        self, settings: Settings, installation: str, news: Sequence[News] = (), followed: Followed | None = None
    ) -> None:
        """`followed` is what `news` hear of this router."""
        self._settings = settings
        self._installation = installation
        self._followed = followed
        self.news = news
        self._connection = Connection(settings)
        self._reader = Reader(self._connection, settings)

    @property
    def capabilities(self) -> Capabilities:
        access = {Kind.INTERNET: frozenset(self._settings.lists)}
        ways = self._settings.ways
        ends = self._settings.connections is not Connections.LEAVE or any(way in HOLDERS for way in ways.items())
        keys, rates = frozenset({*self._reader.types, *ways}), frozenset(self._settings.rates)
        return Capabilities(keys, access, slice_size=SLICE_SIZE, effects=ends, rates=rates)

    def observe(self, keys: Set[Key] | None = None) -> Observed:
        view = self._reader.look(keys, with_links=True)
        if self._followed is not None:
            self._followed.saw(view)
        seen = Sightings(view, self._settings, self._installation)
        if keys is None:
            return Observed(seen, up_seconds=view.up_seconds)
        return Observed(dict(seen), asked=frozenset(keys))

    def apply(self, slice: Sequence[Change]) -> Sequence[Outcome]:
        if len(slice) > SLICE_SIZE:
            raise Unsupported(f"a slice of {len(slice)} changes; this driver takes {SLICE_SIZE} at most")
        return Turn(self._connection, self._reader, self._settings, slice).carry_out()

    def check(self) -> Sequence[str]:
        return problems(self._connection, self._settings, self._installation, self._reader)

    def prepare(self, install: bool) -> Sequence[Step]:
        return Preparation(self._connection, self._settings, self._installation).steps(install)

    def close(self) -> None:
        self._connection.close()
