"""Allowed: which tracked connections of an address a change has outlived (pure).

Rules judge new packets; a fasttracked connection passes them by until it ends, and where a connection goes is decided
by its first packet. So the truth can be read: a restricted customer's connection that is fasttracked, or (where the
garden is known) leads where his access does not, is stale; so is an open customer's that still leads to the portal.
"""

from collections.abc import Iterable
from functools import lru_cache

from drivers.mikrotik.reading import Link
from drivers.mikrotik.settings import Settings
from drivers.mikrotik.spans import network_of
from drivers.mikrotik.values import Network, networks_of
from enforcement.access import Access
from enforcement.keys import Key, KeyType


class Allowed:
    """The connections of a view, by customer's address."""

    def __init__(self, links: Iterable[Link], settings: Settings) -> None:
        garden = settings.garden
        self._portal = garden.portal if garden else ()
        voice = (*garden.voice, *garden.dns) if garden else ()
        self._open = {
            Access.PORTAL: _networks((*voice, *garden.portal, *garden.hosts) if garden else ()),
            Access.BLOCKED: _networks(voice),
        }
        self._known = garden is not None and not any(_is_name(place) for place in (*garden.hosts, *voice))
        self._any_dns = garden is not None and not garden.dns
        self._by_end: dict[str, list[Link]] = {}
        for link in links:
            for end in {link.src, link.answers}:
                self._by_end.setdefault(end, []).append(link)

    def of(self, key: Key) -> list[Link]:
        """The connections that the customer of an address opened, or that came in to him."""
        if key.type is KeyType.IPV4 and "/" not in key.value:
            return self._by_end.get(key.value, [])
        network = network_of(key)
        found = (its for end, its in self._by_end.items() if _within(end, (network,)))
        return [link for its in found for link in its]

    def stale(self, key: Key, access: Access) -> bool:
        """Whether any of its connections is of another access."""
        return bool(self._by_end) and any(self.outlived(link, access) for link in self.of(key))

    def outlived(self, link: Link, access: Access) -> bool:
        """Whether a connection would not be as it is, had it been opened under `access`."""
        if access is Access.FULL:
            return link.natted and link.answers in self._portal
        if access is Access.THROTTLED:
            return link.fasttracked or (link.natted and link.answers in self._portal)
        if any(_within(end, self._open[access]) for end in (link.src, link.dst, link.answers)):
            return False
        return link.fasttracked or self._leads_elsewhere(link)

    def must_end(self, link: Link, access: Access) -> bool:
        """Whether a change to `access` ends a connection: all that may have outlived it, known to or not."""
        if access in self._open:
            return not any(_within(end, self._open[access]) for end in (link.src, link.dst, link.answers))
        to_portal = link.natted and (not self._portal or link.answers in self._portal)
        return to_portal or (access is Access.THROTTLED and link.fasttracked)

    def _leads_elsewhere(self, link: Link) -> bool:
        return self._known and not self._any_dns and not link.natted


def _networks(places: Iterable[str]) -> tuple[Network, ...]:
    return tuple(network for place in places for network in networks_of(place))


def _is_name(place: str) -> bool:
    return not networks_of(place)


@lru_cache(65536)
def _within(end: str, networks: tuple[Network, ...]) -> bool:
    own = networks_of(end)
    return any(network.version == one.version and one.subnet_of(network) for one in own for network in networks)  # type: ignore[arg-type]
