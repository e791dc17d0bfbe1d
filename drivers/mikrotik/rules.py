"""Rules: what a router needs so that membership of a list means what its access says (pure).

Two small chains for `portal` and for `blocked`, one each way, entered from the top of `forward`: before FastTrack and
before established traffic is accepted, so that a customer who is cut is cut at once. Outward what is not for him is
rejected, not dropped (QUIC too): a phone then notices the portal in a moment. `throttled` keeps its established
traffic from FastTrack, which no queue sees, and is marked for a PCQ class that serves any number of customers: last of
all, in `postrouting`, which queues come after (manual, "Packet Flow"), and without ending the operator's own mangle
there. So his MSS clamp and his DSCP act on a throttled customer as on anybody, and the mark that counts is ours.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, auto

from drivers.mikrotik.garden import Garden, Rates
from drivers.mikrotik.settings import Settings
from drivers.mikrotik.values import networks_of
from drivers.mikrotik.ways import Way
from enforcement.access import Access

GARDEN, VOICE, DNS = "grifo-garden", "grifo-voice", "grifo-dns"
RULE = "grifo:rule:"
"""How comments of these begin; a mark of a restriction begins otherwise, and neither is taken for the other."""


class Among(Enum):
    """Where a rule belongs among others of its chain."""

    OURS = auto()
    """A chain of ours, where nobody else has a rule."""
    FIRST = auto()
    """Before the operator's own."""
    LAST = auto()
    """After the operator's own."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One item of a menu. `key` are the properties by which it is known."""

    path: str
    words: tuple[tuple[str, str], ...]
    key: tuple[str, ...] = ("comment",)
    among: Among = Among.OURS

    @property
    def chain(self) -> str:
        return dict(self.words).get("chain", "")


def wanted(settings: Settings, installation: str) -> list[Wanted]:
    """Everything, in the order in which it must be installed: what is entered before the way into it."""
    found = list(_profiles(settings))
    if settings.garden is None:
        return found
    maker = _Maker(settings, settings.garden, installation)
    for family in ("/ip", "/ipv6") if settings.ipv6 else ("/ip",):
        found += maker.members(family)
        found += maker.chains(family)
        found += maker.entrances(family)
        found += maker.marks(family)
    found += maker.redirect()
    found += maker.queues()
    return found


def _profiles(settings: Settings) -> Iterator[Wanted]:
    """What secrets and hotspot users are swapped to: the list is how the router shows that a session obeys."""
    paths = {Way.PPP_SECRET: "/ppp/profile", Way.HOTSPOT: "/ip/hotspot/user/profile"}
    menus = {paths[way] for type, way in settings.ways.items() if way in paths and type == "username"}
    for path in sorted(menus):
        for name in settings.gives:
            words = [("name", name), ("address-list", name)]
            if (rates := _speeds(settings).get(name)) is not None:
                words.append(("rate-limit", f"{rates.up}/{rates.down}"))
            yield Wanted(path, tuple(words), key=("name",))


class _Maker:
    """Makes the items of one router."""

    def __init__(self, settings: Settings, garden: Garden, installation: str) -> None:
        self._settings = settings
        self._garden = garden
        self._installation = installation

    def members(self, family: str) -> Iterator[Wanted]:
        garden = self._garden
        path = f"{family}/firewall/address-list"
        for name, places in ((VOICE, garden.voice), (DNS, garden.dns), (GARDEN, (*garden.portal, *garden.hosts))):
            for place in dict.fromkeys(places):
                if _belongs(place, family):
                    words = (("list", name), ("address", place), ("comment", self._comment("place")))
                    yield Wanted(path, words, key=("list", "address"))

    def chains(self, family: str) -> Iterator[Wanted]:
        for access in (Access.PORTAL, Access.BLOCKED):
            name = self._settings.lists.get(access)
            if name is not None:
                lists = (VOICE, GARDEN) if access is Access.PORTAL else (VOICE,)
                yield from self._outward(family, f"{name}-out", lists)
                yield from self._inward(family, f"{name}-in", lists)

    def _outward(self, family: str, chain: str, lists: Iterable[str]) -> Iterator[Wanted]:
        for name in lists:
            yield self._rule(family, chain, name, ("dst-address-list", name), ("action", "accept"))
        for protocol in ("udp", "tcp"):
            resolvers = [("dst-address-list", DNS)] if self._garden.dns else []
            port = (("protocol", protocol), ("dst-port", "53"))
            yield self._rule(family, chain, f"dns-{protocol}", *port, *resolvers, ("action", "accept"))
        reset = (("protocol", "tcp"), ("action", "reject"), ("reject-with", "tcp-reset"))
        yield self._rule(family, chain, "reset", *reset)
        yield self._rule(family, chain, "reject", ("action", "reject"), ("reject-with", "icmp-admin-prohibited"))

    def _inward(self, family: str, chain: str, lists: Iterable[str]) -> Iterator[Wanted]:
        for name in lists:
            yield self._rule(family, chain, name, ("src-address-list", name), ("action", "accept"))
        for protocol in ("udp", "tcp"):
            resolvers = [("src-address-list", DNS)] if self._garden.dns else []
            answer = (("protocol", protocol), ("src-port", "53"), ("connection-state", "established,related"))
            yield self._rule(family, chain, f"dns-{protocol}", *answer, *resolvers, ("action", "accept"))
        yield self._rule(family, chain, "drop", ("action", "drop"))

    def entrances(self, family: str) -> Iterator[Wanted]:
        for name, (access, _) in self._settings.gives.items():
            for side, way in (("src-address-list", "out"), ("dst-address-list", "in")):
                if access is Access.THROTTLED:
                    its = ((side, name), ("connection-state", "established,related"), ("action", "accept"))
                else:
                    its = ((side, name), ("action", "jump"), ("jump-target", f"{name}-{way}"))
                yield self._rule(family, "forward", f"{name}-{way}", *its, among=Among.FIRST)

    def marks(self, family: str) -> Iterator[Wanted]:
        """The last mark counts: the slowest rate comes last. Voice gets none, since it shares no choke."""
        for name in reversed(_speeds(self._settings)):
            for side, other, way in (
                ("src-address-list", "dst-address-list", "up"),
                ("dst-address-list", "src-address-list", "down"),
            ):
                whose = ((side, name), (other, f"!{VOICE}"))
                mark = (("action", "mark-packet"), ("new-packet-mark", f"{name}-{way}"), ("passthrough", "yes"))
                yield self._rule(family, "postrouting", f"{name}-{way}", *whose, *mark, among=Among.LAST, menu="mangle")

    def redirect(self) -> Iterator[Wanted]:
        """HTTP of a customer in `portal` goes to the portal; HTTPS cannot be redirected. IPv4 alone."""
        name = self._settings.lists.get(Access.PORTAL)
        portals = [place for place in self._garden.portal if ":" not in place]
        if name is None or not portals:
            return
        http = (("src-address-list", name), ("protocol", "tcp"), ("dst-port", "80"))
        to_voice = (*http, ("dst-address-list", VOICE), ("action", "accept"))
        yield self._rule("/ip", "dstnat", "not-voice", *to_voice, among=Among.FIRST, menu="nat")
        target = (("action", "dst-nat"), ("to-addresses", portals[0]), ("to-ports", str(self._garden.portal_port)))
        to_portal = (*http, ("dst-address-list", f"!{GARDEN}"), *target)
        yield self._rule("/ip", "dstnat", "redirect", *to_portal, among=Among.FIRST, menu="nat")

    def queues(self) -> Iterator[Wanted]:
        for name, rates in _speeds(self._settings).items():
            for way, rate, side in _sides(rates):
                kind = (("kind", "pcq"), ("pcq-rate", rate), ("pcq-classifier", f"{side}-address"))
                masks = ((f"pcq-{side}-address6-mask", str(self._settings.ipv6_delegation)),)
                yield Wanted("/queue/type", (("name", f"{name}-{way}"), *kind, *masks), key=("name",))
                tree = (("parent", "global"), ("packet-mark", f"{name}-{way}"), ("queue", f"{name}-{way}"))
                yield Wanted("/queue/tree", (("name", f"{name}-{way}"), *tree), key=("name",))

    def _rule(
        self,
        family: str,
        chain: str,
        what: str,
        *words: tuple[str, str],
        among: Among = Among.OURS,
        menu: str = "filter",
    ) -> Wanted:
        comment = self._comment(f"{chain}:{what}")
        return Wanted(f"{family}/firewall/{menu}", (("chain", chain), *words, ("comment", comment)), among=among)

    def _comment(self, what: str) -> str:
        return f"{RULE}{self._installation}:{what}"


def _belongs(place: str, family: str) -> bool:
    """A name belongs to both families: the router resolves it for each."""
    networks = networks_of(place)
    return not networks or networks[0].version == (6 if family == "/ipv6" else 4)


def _speeds(settings: Settings) -> dict[str, Rates]:
    """How fast each list of `throttled` is, as far as the settings say; in the order of `gives`."""
    speeds = {name: Rates(f"{rate.up_kbps}k", f"{rate.down_kbps}k") for rate, name in settings.rates.items()}
    own = settings.lists.get(Access.THROTTLED)
    return speeds | ({own: settings.throttle} if own is not None and settings.throttle is not None else {})


def _sides(rates: Rates) -> Iterable[tuple[str, str, str]]:
    return (("up", rates.up, "src"), ("down", rates.down, "dst"))
