"""A town: a controller, one agent in a process of its own, a router, a RADIUS server with its NAS, and relays between.

Customers come six at a time: three whose static address the router restricts, three who dial in by PPPoE. Who owes is
to be cut, nobody else; what is so is read from the router's own table and from the NAS's sessions and the next login.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lab.nas.dae import Misbehaviour
from lab.nas.nas import Nas
from lab.routeros import RouterOS
from tests.drivers.mikrotik_routers import in_list
from tests.drivers.radius.radius_lab import PASSWORD, RadiusLab, subscribers
from tests.whole.ground import Customer, Ground
from tests.whole.radius_databases import RadiusDatabase
from tests.whole.relay import Relay

ROUTER, BRAS = "router-1", "bras-1"
LIST = GROUP = "grifo-throttled"
SESSIONS = "/ppp/active"


@dataclass(kw_only=True)
class Town(Ground):
    """The devices, and who lives there."""

    router: RouterOS
    database: RadiusDatabase
    radius: RadiusLab
    nas: Nas
    to_router: Relay

    def move_in(self, static: int = 3, dialling: int = 3) -> None:
        """New customers, all of whom pay: `newcomers`. Those who dial are connected."""
        first = len(self.customers) + 1
        numbers = range(first, first + static + dialling)
        people = [Customer(n, ROUTER, f"ipv4:203.0.{n >> 8}.{n & 255}") for n in numbers[:static]]
        people += [Customer(n, BRAS, f"username:user{n}") for n in numbers[static:]]
        for name in (one.name for one in people[static:]):
            self.radius.set_item("radcheck", "username", name, "Cleartext-Password", ":=", PASSWORD)
            self.radius.put_into(name, "plan-100", 10)
        self.nas.dial(subscribers(one.name for one in people[static:]))
        self.sign(people)

    def dial_in_at_the_router(self, sessions: Mapping[str, str]) -> list[Customer]:
        """New customers by the user names that the router's own sessions have: name to address."""
        first = len(self.customers) + 1
        people = [Customer(n, ROUTER, f"username:{name}") for n, name in enumerate(sessions, start=first)]
        self.connect(sessions)
        self.sign(people)
        return people

    def connect(self, sessions: Mapping[str, str]) -> None:
        """PPP sessions of the router's own: user name to address."""
        for name, address in sessions.items():
            self.router.log_in(SESSIONS, name, address)

    def wrongly(self, people: Iterable[Customer]) -> list[Customer]:
        """Who is cut and does not owe, or owes and is not cut: by the router's table and the NAS's sessions now, or
        where a session is away by its next login."""
        listed = {address for name, address in in_list(self.router) if name == LIST}
        given = {view.username: view.given["Mikrotik-Rate-Limit"] for view in self.nas.sessions()}
        return [one for one in people if self._is_cut(one, listed, given) is not one.owes]

    def _is_cut(self, person: Customer, listed: set[str], given: Mapping[str, Sequence[object]]) -> bool:
        if person.device == ROUTER:
            return self._at_router(person) in listed
        rates = given.get(person.name) or self.radius.login(person.name)
        return any(str(rate).endswith("1M/1M") for rate in rates)

    def _at_router(self, person: Customer) -> str:
        """The address that the router knows a customer by."""
        sessions = {row["name"]: row["address"] for row in self.router.rows(SESSIONS)}
        return sessions.get(person.name, person.name)

    def heal(self) -> None:
        """The devices behave."""
        self.router.behave()
        self.nas.misbehave(Misbehaviour())
