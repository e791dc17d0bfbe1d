"""Spans: entries found by an address that they cover, or that covers them; ranges in pieces (pure)."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, ip_network

from drivers.mikrotik.entries import Row
from drivers.mikrotik.values import Network, networks_of
from enforcement.keys import Key, KeyType

Piece = tuple[int, int, int]
"""Version, prefix length, the network's address as a number."""

_BITS = {4: 32, 6: 128}


class Spans:
    """An index of entries by what they span. Names span nothing."""

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self._by_piece: dict[Piece, list[Row]] = {}
        self._lengths: dict[int, set[int]] = {4: set(), 6: set()}
        for row in rows:
            for network in _networks(row):
                self._by_piece.setdefault(_piece(network), []).append(row)
                self._lengths[network.version].add(network.prefixlen)
        self._starts = {
            version: sorted((piece[2], piece[1]) for piece in self._by_piece if piece[0] == version)
            for version in (4, 6)
        }

    def __bool__(self) -> bool:
        return bool(self._by_piece)

    def over(self, key: Key) -> list[Row]:
        """The entries that share an address with an address key, each once, in no order that matters."""
        pieces = self._pieces(*_piece_of(key))
        found = {(row.path, row.id): row for piece in pieces for row in self._by_piece.get(piece, ())}
        return list(found.values())

    def _pieces(self, version: int, length: int, start: int) -> Iterator[Piece]:
        bits = _BITS[version]
        for wider in self._lengths[version]:
            if wider <= length:
                yield version, wider, start >> (bits - wider) << (bits - wider)
        if length < bits:
            end = start | ((1 << (bits - length)) - 1)
            starts = self._starts[version]
            for at in range(bisect_left(starts, (start, 0)), len(starts)):
                if starts[at][0] > end:
                    return
                if starts[at][1] > length:
                    yield version, starts[at][1], starts[at][0]


def network_of(key: Key) -> Network:
    """The network of a key of type ipv4 or ipv6_prefix."""
    return ip_network(key.value)


def _piece_of(key: Key) -> Piece:
    """What an address key spans. A sweep asks for each of a hundred thousand, almost all of which are single."""
    if key.type is KeyType.IPV4 and "/" not in key.value:
        return 4, 32, int(IPv4Address(key.value))
    return _piece(network_of(key))


def _piece(network: Network) -> Piece:
    return network.version, network.prefixlen, int(network.network_address)


def _networks(row: Row) -> tuple[Network, ...]:
    return (network_of(row.key),) if row.key is not None else networks_of(row.address)
