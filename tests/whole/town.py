"""A town: a controller, one agent in a process of its own, a router, a RADIUS server with its NAS, and relays between.

Customers come six at a time: three whose static address the router restricts, three who dial in by PPPoE. Who owes is
to be cut, nobody else; what is so is read from the router's own table and from the NAS's sessions and the next login.
"""

import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from controller.settings import Settings, load_settings
from lab.box.clock import MovedClock
from lab.box.launch import running_controller
from lab.box.noc import Noc, State
from lab.nas.dae import Misbehaviour
from lab.nas.nas import Nas
from lab.routeros import RouterOS
from tests.controller.billing import NOW, Billing
from tests.drivers.mikrotik_routers import in_list
from tests.drivers.radius.radius_lab import PASSWORD, RadiusLab, subscribers
from tests.servers.ports import free_port
from tests.whole.agent import Agent
from tests.whole.radius_databases import RadiusDatabase
from tests.whole.relay import PATIENCE_S, Relay

ROUTER, BRAS = "router-1", "bras-1"
LIST = GROUP = "grifo-throttled"

CONTROLLER = """
installation = "isp"
database = "sqlite:///{folder}/grifo.db"
listen = "127.0.0.1:{port}"
policies = "{folder}/policies"
default_policy = "es"
timezone = "Europe/Madrid"
"""


@dataclass
class Customer:
    """One account with one service. `owes` is what the test has made of it: what must come of it everywhere."""

    number: int
    device: str
    key: str
    owes: bool = False

    @property
    def account(self) -> str:
        return f"a{self.number}"

    @property
    def service(self) -> str:
        return f"s{self.number}"

    @property
    def name(self) -> str:
        """The address or the user name."""
        return self.key.partition(":")[2]


@dataclass
class Town:
    """Everything that runs, and who lives there."""

    folder: Path
    router: RouterOS
    database: RadiusDatabase
    radius: RadiusLab
    nas: Nas
    to_router: Relay
    to_controller: Relay
    agent: Agent
    settings: Settings
    tokens: tuple[str, str]
    clock: MovedClock = field(default_factory=lambda: MovedClock(NOW))
    billing: Billing = field(default_factory=Billing)
    customers: list[Customer] = field(default_factory=list)
    newcomers: list[Customer] = field(default_factory=list)
    running: ExitStack = field(default_factory=ExitStack)
    told: list[dict[str, Any]] = field(default_factory=list)
    noc: Noc = field(init=False)

    # --- the controller ----------------------------------------------------------------------------------------------

    def start_controller(self) -> None:
        """On the database as it is, at another port each time: the agent finds it through the relay."""
        port = free_port()
        file = self.folder / "controller.toml"
        file.write_text(CONTROLLER.format(folder=self.folder, port=port))
        self.settings = load_settings(file)
        url = f"http://127.0.0.1:{port}"
        self.running = ExitStack()
        self.running.enter_context(running_controller(self.settings, self.clock, url))
        self.noc = self.running.enter_context(closing(Noc(url, *self.tokens)))

    def stop_controller(self) -> None:
        self.running.close()

    # --- billing -----------------------------------------------------------------------------------------------------

    def tell(self, *events: dict[str, Any]) -> None:
        self.told += events
        self.noc.tell(events)

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
        self.tell(*(event for one in people for event in self._contract(one)))
        self.newcomers = people
        self.customers += people
        self.until(lambda: self.is_right(people), self._what_is_wrong)

    def _contract(self, person: Customer) -> list[dict[str, Any]]:
        place = (person.device, person.key)
        return [self.billing.account(person.account), self.billing.service(person.account, person.service, place)]

    def owes(self, *people: Customer) -> None:
        """An invoice that nobody paid, and a notice that was delivered."""
        for one in people:
            one.owes = True
        unpaid = [self.billing.invoice(one.account, f"f{one.number}") for one in people]
        self.tell(*unpaid, *(self.billing.notice(one.account, f"n{one.number}") for one in people))

    def pays(self, *people: Customer) -> None:
        """All that is owed."""
        for one in people:
            one.owes = False
        self.tell(*(self.billing.payment(one.account, f"p{one.number}") for one in people))

    def binds(self, person: Customer, key: str) -> None:
        """The customer has another key from now on."""
        person.key = key
        self.tell(self.billing.service(person.account, person.service, (person.device, key)))

    # --- what is so --------------------------------------------------------------------------------------------------

    def wrongly(self, people: Iterable[Customer]) -> list[Customer]:
        """Who is cut and does not owe, or owes and is not cut: by the router's table and the NAS's sessions now, or
        where a session is away by its next login."""
        listed = {address for name, address in in_list(self.router) if name == LIST}
        given = {view.username: view.given["Mikrotik-Rate-Limit"] for view in self.nas.sessions()}
        return [one for one in people if self._is_cut(one, listed, given) is not one.owes]

    def cut(self, person: Customer) -> bool:
        """Whether the device restricts the customer now."""
        return (person in self.wrongly([person])) is not person.owes

    def _is_cut(self, person: Customer, listed: set[str], given: Mapping[str, Sequence[object]]) -> bool:
        if person.device == ROUTER:
            return person.name in listed
        rates = given.get(person.name) or self.radius.login(person.name)
        return any(str(rate).endswith("1M/1M") for rate in rates)

    def believes(self, person: Customer) -> str:
        """The state of the customer's live entry at what is decided now; `pending` where a review is still to come."""
        shown = self.noc.service(person.service)
        decided = shown["access"] == ("throttled" if person.owes else "full") and not shown["being_reviewed"]
        states = [str(entry["state"]) for entry in shown["entries"] if not entry["ended"]]
        return states[0] if decided and states else "pending"

    def is_right(self, people: Sequence[Customer]) -> bool:
        """Decided, on the device and read back."""
        return not self.wrongly(people) and all(self.believes(one) in ("verified", "armed") for one in people)

    def until_right(self) -> None:
        """Nobody is wrongly cut and everyone due is, all read back; and it is still so a sweep later, without drift."""
        self.until(lambda: self.is_right(self.newcomers), self._what_is_wrong)
        self.until_swept()
        self.until(lambda: self.is_right(self.newcomers) and not self._drift(), self._what_is_wrong)
        assert self.wrongly(self.customers) == []

    def problems(self, device: str) -> str:
        """What is shown to stand in the way; empty where nothing does."""
        return " ".join(self._device(device)["problems"])

    def is_lost(self, device: str) -> bool:
        return "circuit is open" in self.problems(device)

    def halted(self, device: str) -> str:
        return str(self._device(device)["halted"])

    def _device(self, name: str) -> State:
        [found] = [one for one in self.noc.status()["devices"] if one["device"] == name]
        return dict(found)

    def adopt_epoch(self, device: str) -> None:
        """What a person does who has looked at what it would change."""
        url = f"http://127.0.0.1:{self.settings.port}/v1/devices/{device}/adopt-epoch"
        headers = {"Authorization": f"Bearer {self.tokens[1]}", "Idempotency-Key": uuid.uuid4().hex}
        httpx.post(url, headers=headers, timeout=PATIENCE_S).raise_for_status()

    def until_swept(self) -> None:
        """Until each device was read in full once more."""
        before = self._sweeps()
        self.until(lambda: all(at and at != before[name] for name, at in self._sweeps().items()), self._sweeps)

    def until(self, true: Callable[[], bool], why: Callable[[], object] = lambda: "") -> None:
        """Wait, with much patience."""
        deadline = time.monotonic() + PATIENCE_S
        while not true():
            assert time.monotonic() < deadline, f"it did not come to be so: {why()}"
            time.sleep(0.05)

    def _sweeps(self) -> dict[str, str | None]:
        return {device["device"]: device["full_read_at"] for device in self.noc.status()["devices"]}

    def _drift(self) -> int:
        return sum(found["entries"] for found in self.noc.drift()["counts"])

    def _what_is_wrong(self) -> object:
        found = [(self.cut(one), self.believes(one), one) for one in self.newcomers if not self.is_right([one])]
        return found, self.noc.status()["devices"], (self.folder / "agent.log").read_text()[-2000:]

    def heal(self) -> None:
        """The devices behave."""
        self.router.behave()
        self.nas.misbehave(Misbehaviour())
