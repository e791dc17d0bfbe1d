"""Spans: entries found by an address that they cover, or that covers them; ranges in pieces (pure)."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from functools import lru_cache
from ipaddress import ip_network

from drivers.mikrotik.entries import Row
from drivers.mikrotik.values import Network, networks_of
from enforcement.keys import Key

Piece = tuple[int, int, int]
"""Version, prefix length, the network's address as a number."""


class Spans:
    """An index of entries by what they span. Names span nothing."""

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self._by_piece: dict[Piece, list[Row]] = {}
        self._lengths: dict[int, set[int]] = {4: set(), 6: set()}
        for row in rows:
            for network in _networks(row):
                piece = (network.version, network.prefixlen, int(network.network_address))
                self._by_piece.setdefault(piece, []).append(row)
                self._lengths[network.version].add(network.prefixlen)
        self._starts = {
            version: sorted((piece[2], piece[1]) for piece in self._by_piece if piece[0] == version)
            for version in (4, 6)
        }

    def __bool__(self) -> bool:
        return bool(self._by_piece)

    def over(self, key: Key) -> list[Row]:
        """The entries that share an address with an address key, each once, in no order that matters."""
        network = network_of(key)
        found = {(row.path, row.id): row for piece in self._pieces(network) for row in self._by_piece.get(piece, ())}
        return list(found.values())

    def _pieces(self, network: Network) -> Iterator[Piece]:
        version, length, start = network.version, network.prefixlen, int(network.network_address)
        bits = network.max_prefixlen
        for wider in self._lengths[version]:
            if wider <= length:
                yield version, wider, start >> (bits - wider) << (bits - wider)
        if length < bits:
            end = int(network.broadcast_address)
            starts = self._starts[version]
            for at in range(bisect_left(starts, (start, 0)), len(starts)):
                if starts[at][0] > end:
                    return
                if starts[at][1] > length:
                    yield version, starts[at][1], starts[at][0]


@lru_cache(65536)
def network_of(key: Key) -> Network:
    """The network of a key of type ipv4 or ipv6_prefix."""
    return ip_network(key.value)


def _networks(row: Row) -> tuple[Network, ...]:
    return (network_of(row.key),) if row.key is not None else networks_of(row.address)
