"""One unpaid invoice, all the way and back, on real servers: PostgreSQL, FreeRADIUS and Kamailio, and a router.

Ana has internet over RADIUS, a second line with a static address, and a telephone. No device is told anything but by
controller and agent; what is asserted is what radclient, SIPp and the router's own tables show.
"""

import json
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from controller.administration import add_token, migrate_database
from controller.settings import load_settings
from lab.box.clock import MovedClock
from lab.box.launch import running_agent, running_controller
from lab.box.month import BANK, NEXT_TUESDAY, TUESDAY, at, event, fresh
from lab.box.noc import Noc
from lab.box.policies import write_policies
from lab.box.settings import write_secret
from lab.nas.nas import Nas
from lab.routeros import RouterOS
from tests.drivers.mikrotik_routers import USER, V4, V6, router
from tests.drivers.radius.radius_lab import SECRET, RadiusLab, given, subscribers, wait_for
from tests.drivers.sip_switches import CARE, RealSwitch, real_switch
from tests.servers.answering import Answering
from tests.servers.freeradius import running_freeradius
from tests.servers.ports import free_port
from tests.servers.postgres import Postgres
from tests.servers.sipp import Phone, calls_in

pytestmark = pytest.mark.servers

ANA, PHONE, ADDRESS, PREFIX = "ana@isp", "+34910000001", "203.0.113.77", "2001:db8:77::/56"
ANYONE = "912345678"
ROUTER, BRAS, EXCHANGE = "router-9", "bras-9", "exchange-9"
_CALLS = Phone(PHONE.removeprefix("+"))

_AGENT = """
controller = "{url}"
token_file = "{folder}/agent.token"
memory = "{folder}/agent.db"
sweep_seconds = 5
[[devices]]
name = "{router_name}"
driver = "mikrotik"
host = "127.0.0.1"
port = {router_port}
tls = false
username = "{router_user}"
password_file = "{folder}/router.password"
[[devices]]
name = "{bras_name}"
driver = "radius"
database = "{radius_database}"
groups = {{ throttled = "grifo-throttled", portal = "grifo-portal" }}
session_class = true
[[devices.nases]]
address = "127.0.0.1"
port = {nas_port}
secret_file = "{folder}/nas.secret"
live = "coa"
coa_class = true
changes = {{ full = ["Mikrotik-Rate-Limit"], throttled = ["Mikrotik-Rate-Limit"] }}
[[devices]]
name = "{exchange_name}"
driver = "sip"
nodes = [{{ rpc = "{rpc}", sip = "{sip}" }}]
database = "{sip_database}"
country = "es"
care_numbers = ["{care}"]
"""


@dataclass
class Operator:
    """Ana's operator: everything real but the router and the NAS."""

    noc: Noc
    clock: MovedClock
    router: RouterOS
    radius: RadiusLab
    nas: Nas
    exchange: RealSwitch

    def tell(self, type: str, id: str, day: date, **data: Any) -> None:
        """One event of the billing system, of the morning of that day."""
        self.noc.tell([event(type, id, at(day), data)])

    def until(self, access: dict[str, str]) -> None:
        """Until these services have this access, read back on their devices."""

        def so() -> bool:
            states = [self.noc.service(service) for service in access]
            decided = [state["access"] for state in states] == list(access.values())
            return decided and all(e["state"] == "verified" for state in states for e in state["entries"])

        try:
            wait_for(so)
        except AssertionError:
            raise AssertionError(json.dumps([self.noc.service(service) for service in access], indent=1)) from None

    def lists(self) -> list[tuple[str, str]]:
        """The router's address lists but for the operator's own."""
        rows = [*self.router.rows(V4), *self.router.rows(V6)]
        return sorted((row["list"], row["address"]) for row in rows if row["list"].startswith("grifo-"))


@pytest.fixture
def operator(migrated_postgres: Postgres, tmp_path: Path) -> Iterator[Operator]:
    with ExitStack() as stack:
        yield stack.enter_context(_operator(migrated_postgres, tmp_path))


@contextmanager
def _operator(postgres: Postgres, folder: Path) -> Iterator[Operator]:
    name = uuid.uuid4().hex
    with ExitStack() as stack:
        server = stack.enter_context(running_freeradius(postgres.create_database(f"radius_{name}"), SECRET))
        radius = RadiusLab(server.auth, server.acct, server.database, folder, is_freeradius=True)
        stack.enter_context(closing(radius))
        radius.seed(ANA)
        nas = radius.nas()
        exchange = stack.enter_context(real_switch(postgres))
        made = stack.enter_context(router())
        port = free_port()
        settings_file = folder / "controller.toml"
        settings_file.write_text(
            f'installation = "isp"\ndatabase = "{postgres.create_database(f"grifo_{name}")}"\n'
            f'listen = "127.0.0.1:{port}"\npolicies = "{write_policies(folder)}"\ndefault_policy = "es"\n'
        )
        settings = load_settings(settings_file)
        migrate_database(settings)
        url = f"http://127.0.0.1:{port}"
        for file, secret in (
            ("agent.token", add_token(settings, "agent-9", "agent")),
            ("router.password", USER.password),
            ("nas.secret", SECRET.decode()),
        ):
            write_secret(folder / file, secret)
        agent_file = folder / "agent.toml"
        agent_file.write_text(
            _AGENT.format(
                url=url,
                folder=folder,
                router_name=ROUTER,
                router_port=made.port,
                router_user=USER.name,
                bras_name=BRAS,
                radius_database=server.database,
                nas_port=nas.port,
                exchange_name=EXCHANGE,
                rpc=exchange.node["rpc"],
                sip=exchange.node["sip"],
                sip_database=exchange.database,
                care=CARE,
            )
        )
        clock = MovedClock(at(TUESDAY, 10))
        stack.enter_context(running_controller(settings, clock, url))
        stack.enter_context(running_agent(agent_file, folder / "agent.log"))
        noc = Noc(url, add_token(settings, "crm", "billing"), add_token(settings, "boss", "admin"))
        stack.enter_context(closing(noc))
        yield Operator(noc, clock, made, radius, nas, exchange)


def _contract(operator: Operator) -> None:
    keys = {
        "net": [{"device": BRAS, "key": f"username:{ANA}"}],
        "fix": [{"device": ROUTER, "key": f"ipv4:{ADDRESS}"}, {"device": ROUTER, "key": f"ipv6_prefix:{PREFIX}"}],
        "tel": [{"device": EXCHANGE, "key": f"msisdn:{PHONE}"}],
    }
    begun = date(2026, 9, 1)
    operator.tell("account", "a", begun, account="ana")
    for service, bindings in keys.items():
        kind = "fixed_voice" if service == "tel" else "internet"
        operator.tell("service", service, begun, service=service, account="ana", kind=kind, bindings=bindings)
    for device in (ROUTER, BRAS, EXCHANGE):
        operator.noc.set_mode(device, "enforce")
    operator.until({"net": "full", "fix": "full", "tel": "full"})


def _goes_unpaid(operator: Operator) -> None:
    """Presented on the first, returned on the eighth, warned in October of two Tuesdays in November."""
    presented, due = date(2026, 10, 1), date(2026, 10, 6)
    money = {"amount": 5990, "currency": "EUR"}
    operator.tell(
        "invoice", "f", presented, invoice="F1", account="ana", presented_on=str(presented), due_on=str(due), **money
    )
    operator.tell(
        "collection", "c", due, collection="R1", account="ana", invoice="F1", amount=5990, collected_on=str(due)
    )
    returned = {"collection": "R1", "code": "AM04", "returned_on": "2026-10-08", "amount": 5990}
    operator.noc.tell([event("return", "r", at(date(2026, 10, 8)), returned, BANK)])
    for stage, service, named in (
        ("throttled", None, TUESDAY),
        ("incoming_only", "tel", TUESDAY),
        ("portal", None, NEXT_TUESDAY),
    ):
        sent = at(named - timedelta(days=24))
        told = {"stage": stage, "channel": "sms", "names_date": str(named), "sent_at": sent.isoformat()}
        about = {"service": service} if service else {}
        id = f"n-{stage}"
        operator.tell(
            "notice", id, sent.date(), notice=id, account="ana", delivered_at=sent.isoformat(), **told, **about
        )
    operator.noc.tell([fresh(at(TUESDAY, 8))])


def test_one_unpaid_invoice_all_the_way_and_back(operator: Operator) -> None:
    radius, nas, node = operator.radius, operator.nas, operator.exchange.kamailio
    assert nas.dial(subscribers([ANA])) == 1
    with Answering(node.gateway_port):
        _contract(operator)
        before = radius.login(ANA)
        rows, barred, lists = radius.dump(), operator.exchange.live(), operator.router.rows(V4)
        _CALLS.calls(node, ANYONE)

        _goes_unpaid(operator)
        operator.until({"net": "throttled", "fix": "throttled", "tel": "incoming_only"})
        assert "Mikrotik-Rate-Limit = 1M/1M" in radius.login(ANA)
        assert given(nas, ANA, "Mikrotik-Rate-Limit") == "1M/1M"
        assert operator.lists() == [("grifo-throttled", PREFIX), ("grifo-throttled", ADDRESS)]
        _CALLS.is_barred(node, ANYONE)
        _CALLS.calls(node, "112")
        _CALLS.calls(node, CARE)
        node.kill()
        node.start()
        _CALLS.is_barred(node, ANYONE)

        operator.clock.forward(timedelta(days=7))
        operator.noc.tell([fresh(at(NEXT_TUESDAY, 8))])
        operator.until({"net": "portal", "fix": "portal", "tel": "incoming_only"})
        assert "Framed-Pool = pool-walled" in radius.login(ANA)
        wait_for(lambda: given(nas, ANA, "Framed-Pool") == "pool-walled")
        assert operator.lists() == [("grifo-portal", PREFIX), ("grifo-portal", ADDRESS)]

        paid = {"payment": "P1", "account": "ana", "amount": 5990, "currency": "EUR", "instrument": "card"}
        operator.noc.tell(
            [event("payment", "p", operator.clock(), paid | {"received_at": operator.clock().isoformat()})]
        )
        operator.until({"net": "full", "fix": "full", "tel": "full"})
        assert radius.login(ANA) == before
        assert given(nas, ANA, "Framed-Pool") == "pool-active"
        assert radius.dump() == rows
        assert operator.exchange.live() == barred
        assert operator.router.rows(V4) == lists
        _CALLS.calls(node, ANYONE)


def test_incoming_calls_reach_a_barred_customer(operator: Operator) -> None:
    node = operator.exchange.kamailio
    with Answering(0) as telephone:
        _contract(operator)
        _CALLS.registers(node, telephone.port)
        _goes_unpaid(operator)
        operator.until({"tel": "incoming_only"})
        calls_in(node, PHONE.removeprefix("+"))
