"""The driver of one MikroTik router: address lists, by mark. The operator's own rules act on the lists; we never touch
a rule. An entry acts on traffic at once, so that what is read is what is enforced; connections that were established
before are for the operator's rules to judge (`check()` says where FastTrack would let them pass)."""

from collections.abc import Sequence, Set

from drivers.base import Capabilities, Refused, Step, Unsupported
from drivers.mikrotik.checks import problems
from drivers.mikrotik.entries import Row, questions, rows_of
from drivers.mikrotik.judging import seen_by_key
from drivers.mikrotik.settings import Settings
from drivers.mikrotik.turn import Turn
from drivers.mikrotik.wire import Connection
from enforcement.access import Kind
from enforcement.changes import Change, Outcome
from enforcement.keys import Key, KeyType
from enforcement.observed import Live, Observed, Seen

SLICE_SIZE = 500

_CANNOT_TELL = Seen(access=None, live=Live.UNKNOWN)


class MikrotikDriver:
    """One router, one connection, one thread (drivers.base.Driver). Construction opens nothing."""

    def __init__(self, settings: Settings, installation: str) -> None:
        self._settings = settings
        self._installation = installation
        self._connection = Connection(settings)
        self._types = (KeyType.IPV4, KeyType.IPV6_PREFIX) if settings.ipv6 else (KeyType.IPV4,)

    @property
    def capabilities(self) -> Capabilities:
        access = {Kind.INTERNET: frozenset(self._settings.lists)}
        return Capabilities(frozenset(self._types), access, slice_size=SLICE_SIZE, effects=False)

    def observe(self, keys: Set[Key] | None = None) -> Observed:
        seen = seen_by_key(self._read(keys), self._settings, self._installation)
        if keys is None:
            return Observed(seen)
        limited = {key: seen[key] for key in keys if key in seen}
        limited |= {key: _CANNOT_TELL for key in keys if key.type not in self._types}
        return Observed(limited, asked=frozenset(keys))

    def apply(self, slice: Sequence[Change]) -> Sequence[Outcome]:
        if len(slice) > SLICE_SIZE:
            raise Unsupported(f"a slice of {len(slice)} changes; this driver takes {SLICE_SIZE} at most")
        return Turn(self._connection, self._read, self._settings, slice).carry_out()

    def check(self) -> Sequence[str]:
        return problems(self._connection, self._settings, self._installation, self._read)

    def prepare(self, install: bool) -> Sequence[Step]:
        return ()

    def close(self) -> None:
        self._connection.close()

    def _read(self, keys: Set[Key] | None) -> list[Row]:
        """The entries of `keys`, or all. Raises Refused where the account may not read them."""
        asked = questions(self._types, keys)
        rows: list[Row] = []
        replies = self._connection.run([words for _, words in asked]) if asked else []
        for (type, words), reply in zip(asked, replies, strict=True):
            if "no such command" in reply.trap:
                raise Unsupported(f"the router has no {words[0]}; set ipv6 = false where it has no IPv6")
            if reply.trap:
                raise Refused(f"{words[0]}: {reply.trap}")
            rows += rows_of(type, reply.rows, keys)
        return rows
