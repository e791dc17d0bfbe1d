"""The agent beside the real controller: from a billing event to the device and back, and the instants between."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import update

from controller.store.engine import Database
from controller.store.tables import devices
from enforcement.access import Access
from enforcement.changes import Change, needs_permit
from tests.agents.conftest import Gate, Site
from tests.agents.controller import Controller
from tests.agents.device import Box
from tests.controller.billing import DEVICE
from tests.controller.live import AGENT, Live, running

pytestmark = pytest.mark.slow


class At(Controller):
    """Where the real controller is, for a site that asks for nothing else of it."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    @property
    def url(self) -> str:
        return self._url


class Operator:
    """A controller, one device in enforce, and the agent between them."""

    def __init__(self, live: Live, site: Site) -> None:
        self.live = live
        self.site = site
        self.box = site.box

    def entry_state(self, service: str = "s1") -> str:
        return str(self.live.service(service)["entries"][0]["state"])

    def until_access(self, key: str, access: Access, service: str = "s1") -> None:
        """Until the box has it and the controller knows."""
        self.live.until(lambda: self.box.access(key) is access and self.entry_state(service) == "verified")


@pytest.fixture
def operator(database: Database, tmp_path: Path) -> Iterator[Operator]:
    """On each kind of database."""
    with running(database, tmp_path) as live:
        live.enrol()
        site = Site(tmp_path, At(live.url), {DEVICE: Box()}, token=live.secrets[AGENT])
        try:
            site.start()
            yield Operator(live, site)
        finally:
            site.stop()


def test_a_debtor_is_throttled_and_read_back_and_a_payment_opens_the_line(operator: Operator) -> None:
    operator.live.debtor()
    operator.until_access("username:u1", Access.THROTTLED)
    operator.live.tell(operator.live.billing.payment("a1", "p1"))
    operator.until_access("username:u1", Access.FULL)


def test_a_payment_before_the_permit_prevents_the_cut(operator: Operator) -> None:
    gate = Gate()
    permits = operator.site.agent

    operator.live.until(lambda: DEVICE in permits.devices)
    ask = permits.devices[DEVICE].parts.permits
    asked = ask.ask

    def held(slice: Sequence[Change]) -> object:
        gate.hold()
        return asked(slice)

    ask.ask = held  # type: ignore[method-assign,assignment]
    operator.live.debtor()
    assert gate.reached.wait(15)
    operator.live.tell(operator.live.billing.payment("a1", "p1"))
    gate.open.set()
    operator.until_access("username:u1", Access.FULL)
    assert operator.box.history == []


def test_a_payment_after_the_permit_is_restored_in_the_next_slice(operator: Operator) -> None:
    gate = Gate()

    def hold(slice: Sequence[Change]) -> None:
        if needs_permit(slice[0]):
            gate.hold()

    operator.box.before_apply = hold
    operator.live.debtor()
    assert gate.reached.wait(15)
    operator.live.tell(operator.live.billing.payment("a1", "p1"))
    operator.live.until(lambda: operator.live.service("s1")["access"] == "full")
    gate.open.set()
    operator.until_access("username:u1", Access.FULL)
    assert operator.box.history == [("u1", Access.THROTTLED), ("u1", Access.FULL)]


def test_a_device_that_is_set_to_observe_is_left_as_it_is(operator: Operator) -> None:
    operator.live.as_("noc").put(f"/v1/devices/{DEVICE}/mode", json={"mode": "observe"})
    operator.live.debtor()
    operator.live.until(lambda: operator.entry_state() == "withheld")
    assert operator.box.history == []
    operator.live.as_("noc").put(f"/v1/devices/{DEVICE}/mode", json={"mode": "enforce"})
    operator.until_access("username:u1", Access.THROTTLED)


def test_a_stop_holds_cuts_and_lets_payments_through(operator: Operator) -> None:
    operator.live.debtor(1)
    operator.until_access("username:u1", Access.THROTTLED)
    assert operator.live.as_("noc").put("/v1/stop", json={"note": "a bad import"}).status_code == 200
    operator.live.tell(*operator.live.billing.debtor(2))
    operator.live.tell(operator.live.billing.payment("a1", "p1"))
    operator.until_access("username:u1", Access.FULL)
    assert operator.box.restricted() == set()


def test_a_new_epoch_halts_the_device_until_a_person_has_adopted_it(operator: Operator) -> None:
    operator.live.debtor()
    operator.until_access("username:u1", Access.THROTTLED)
    operator.site.stop()
    _rewind(operator.live.database)
    operator.site.start()
    admin = operator.live.as_("admin")
    operator.live.until(lambda: bool(admin.get(f"/v1/devices/{DEVICE}").json()["halted"]))
    assert operator.box.restricted() == {"u1"}
    assert admin.get(f"/v1/devices/{DEVICE}/adopt-epoch").status_code == 200
    answer = admin.post(f"/v1/devices/{DEVICE}/adopt-epoch", headers={"Idempotency-Key": "adopt-1"})
    assert answer.status_code in (200, 204), answer.text
    operator.live.until(lambda: not admin.get(f"/v1/devices/{DEVICE}").json()["halted"])
    operator.until_access("username:u1", Access.THROTTLED)


def _rewind(database: Database) -> None:
    """The controller's database, as a backup would bring it back: of another epoch."""
    with database.write() as tx:
        tx.execute(update(devices).where(devices.c.name == DEVICE).values(epoch="from-a-backup"))
