"""What every town has: a controller, one agent in a process of its own, billing, and customers who owe or do not.

Who owes is to be cut, nobody else; what devices do is read by whoever knows them (`wrongly`).
"""

import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from controller.administration import add_token
from controller.settings import Settings, load_settings
from lab.box.clock import MovedClock
from lab.box.launch import running_controller
from lab.box.noc import Noc, State
from lab.box.settings import write_secret
from tests.controller.billing import NOW, Billing
from tests.servers.ports import free_port
from tests.whole.agent import Agent
from tests.whole.relay import PATIENCE_S, Relay

_CONTROLLER = """
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


def controller_in(folder: Path, policy: str) -> tuple[Settings, tuple[str, str]]:
    """The settings of a controller with one policy, the tokens of billing and of a person who may do all; the agent's
    is in a file. A migrated `grifo.db` is in the folder."""
    (folder / "policies").mkdir()
    (folder / "policies" / "es.toml").write_text(policy)
    settings = _settings_in(folder)
    write_secret(folder / "agent.token", add_token(settings, "agent-1", "agent"))
    return settings, (add_token(settings, "crm", "billing"), add_token(settings, "boss", "admin"))


def _settings_in(folder: Path) -> Settings:
    """At another port each time."""
    file = folder / "controller.toml"
    file.write_text(_CONTROLLER.format(folder=folder, port=free_port()))
    return load_settings(file)


@dataclass(kw_only=True)
class Ground(ABC):
    """`restricted` is the access of who owes, of services of `kind`."""

    folder: Path
    to_controller: Relay
    agent: Agent
    settings: Settings
    tokens: tuple[str, str]
    kind: str = "internet"
    restricted: str = "throttled"
    clock: MovedClock = field(default_factory=lambda: MovedClock(NOW))
    billing: Billing = field(default_factory=Billing)
    customers: list[Customer] = field(default_factory=list)
    newcomers: list[Customer] = field(default_factory=list)
    running: ExitStack = field(default_factory=ExitStack)
    told: list[dict[str, Any]] = field(default_factory=list)
    noc: Noc = field(init=False)

    @abstractmethod
    def wrongly(self, people: Iterable[Customer]) -> list[Customer]:
        """Who is cut and does not owe, or owes and is not cut, by what the devices do now."""

    def open_up(self, *devices: str) -> None:
        """The controller and the agent start, and these devices are enforced."""
        self.start_controller()
        self.agent.start()
        self.until(lambda: {found["device"] for found in self.noc.status()["devices"]} == set(devices))
        for name in devices:
            self.noc.set_mode(name, "enforce")
        self.tell(self.billing.fresh())

    def close(self) -> None:
        self.agent.kill()
        self.stop_controller()

    # --- the controller ----------------------------------------------------------------------------------------------

    def start_controller(self) -> None:
        """On the database as it is, at another port each time: the agent finds it through the relay."""
        self.settings = _settings_in(self.folder)
        url = f"http://127.0.0.1:{self.settings.port}"
        self.running = ExitStack()
        self.running.enter_context(running_controller(self.settings, self.clock, url))
        self.noc = self.running.enter_context(closing(Noc(url, *self.tokens)))

    def stop_controller(self) -> None:
        self.running.close()

    # --- billing -----------------------------------------------------------------------------------------------------

    def tell(self, *events: dict[str, Any]) -> None:
        self.told += events
        self.noc.tell(events)

    def sign(self, people: list[Customer]) -> None:
        """New customers, all of whom pay: `newcomers`."""
        self.tell(*(event for one in people for event in self._contract(one)))
        self.newcomers = people
        self.customers += people
        self.until(lambda: self.is_right(people), self._what_is_wrong)

    def _contract(self, person: Customer) -> list[dict[str, Any]]:
        return [self.billing.account(person.account), self._service(person)]

    def _service(self, person: Customer) -> dict[str, Any]:
        return self.billing.service(person.account, person.service, (person.device, person.key), kind=self.kind)

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
        self.tell(self._service(person))

    # --- what is so --------------------------------------------------------------------------------------------------

    def cut(self, person: Customer) -> bool:
        """Whether the device restricts the customer now."""
        return (person in self.wrongly([person])) is not person.owes

    def believes(self, person: Customer) -> str:
        """The state of the customer's live entry at what is decided now; `pending` where a review is still to come."""
        shown = self.noc.service(person.service)
        decided = shown["access"] == (self.restricted if person.owes else "full") and not shown["being_reviewed"]
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
        wrong = self.wrongly(self.customers)
        assert not wrong, [(self.cut(one), self.believes(one), one) for one in wrong]

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
