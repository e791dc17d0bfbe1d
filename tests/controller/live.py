"""The real application behind a real uvicorn on loopback, with one token for each role and a clock that tests set."""

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from controller.api.auth import Role, digest_of, new_token
from controller.app import Server, make_server
from controller.clock import system_clock
from controller.settings import Settings
from controller.store.engine import Database
from controller.store.queries import tokens
from tests.controller.billing import DEVICE, NOW, Billing
from tests.servers.ports import free_port

PATIENCE_S = 20.0
"""How long a test waits for what must come; nothing takes this long unless it is broken."""

AGENT = "agent1"

_SIGNED = max(NOW, system_clock()).date()
"""The overrides count for tests' clock, and for controllers that have the machine's own."""

POLICY = """
timezone = "Europe/Madrid"
trivial_amount = 0
courtesy_days = 3
[calendar]
country = "IT"
[draft]
accepted_by = "a test"
accepted_on = 2026-11-01
reason = "nobody is a customer of a test"
[windows.cut]
weekdays = ["mon", "tue", "wed", "thu", "fri", "sat"]
opens = "08:00"
closes = "20:00"
on_eves = true
[windows.messages]
weekdays = ["mon", "tue", "wed", "thu", "fri"]
opens = "09:00"
closes = "20:00"
[freshness]
hours = 48
[brake]
number = 1000
percent = 100
canary = 1000
[[ladders.internet]]
name = "throttle"
access = "throttled"
[ladders.internet.conditions]
[ladders.internet.notice]
lead = 24
unit = "hours"
valid_days = 365
[ladders.internet.source]
text = "a test"
mark = "D"
verified_on = 2026-01-01
""" + "".join(
    f'[[loosened]]\nkey = "{key}"\nallows = "{allows}"\nreason = "so that things happen"\nauthor = "a test"\n'
    f"signed_on = {_SIGNED}\nexpires = {_SIGNED + timedelta(days=700)}\n"
    for key, allows in (
        ("trivial_amount", "0"),
        ("windows.cut.weekdays", "fri, sat"),
        ("windows.cut.closes", "20:00"),
        ("windows.cut.on_eves", "true"),
        ("brake.percent", "100"),
        ("ladders.internet.throttle.notice.valid_days", "365 days"),
    )
)
"""Looser than prudence, so that things happen, and of a country that has no floors of law here."""


@dataclass
class Clock:
    """The controller's clock, which stands still until a test moves it."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Live:
    """A running controller; `as_*` are clients with the token of that role."""

    server: Server
    url: str
    database: Database
    clock: Clock
    secrets: Mapping[str, str]
    billing: Billing = field(default_factory=Billing)
    clients: dict[str, httpx.Client] = field(default_factory=dict)

    def as_(self, name: str) -> httpx.Client:
        """A client with the token of that name: a role, or an agent."""
        if name not in self.clients:
            headers = {"Authorization": f"Bearer {self.secrets[name]}"}
            self.clients[name] = httpx.Client(
                base_url=self.url, headers=headers, timeout=90, trust_env=False, verify=False
            )
        return self.clients[name]

    def tell(self, *events: Mapping[str, Any]) -> dict[str, Any]:
        """Send a batch of events as the billing system; all are accepted."""
        headers = {"Content-Type": "application/cloudevents-batch+json"}
        answer = self.as_("billing").post("/v1/events", content=json.dumps(events), headers=headers)
        assert answer.status_code == 202, answer.text
        assert answer.json()["accepted"] == len(events), answer.text
        return dict(answer.json())

    def enrol(self, device: str = DEVICE, mode: str = "enforce", agent: str = AGENT, site: str = "") -> None:
        """An agent enrols a device that can throttle user names, and the NOC sets its mode."""
        able = {
            "version": 1,
            "driver": "radius",
            "keys": ["username"],
            "access": {"internet": ["throttled", "blocked"]},
            "site": site,
        }
        assert self.as_(agent).put(f"/v1/agent/devices/{device}", json=able).status_code == 204
        assert self.as_("noc").put(f"/v1/devices/{device}/mode", json={"mode": mode}).status_code == 200

    def hold_reviews(self) -> None:
        """No review is made from now on, as if this were the instant between a commit and its review."""
        self.server.config.app.state.schedule.stop()  # type: ignore[union-attr]

    def move_to(self, now: datetime) -> None:
        """Move the clock; what comes due by it is reviewed before this returns."""
        self.clock.now = now
        self.until(lambda: self.as_("read").get("/v1/status").json()["due"] == 0)

    def debtor(self, number: int = 1) -> str:
        """A service that is decided to be throttled."""
        self.tell(self.billing.fresh(), *self.billing.debtor(number))
        self.until(lambda: self.service(f"s{number}")["access"] == "throttled")
        return f"s{number}"

    def service(self, service: str) -> dict[str, Any]:
        """GET /v1/services/{service}."""
        return dict(self.as_("read").get(f"/v1/services/{service}").json())

    def order(self, verb: str, service: str, role: str = "noc", key: str | None = None, **body: Any) -> httpx.Response:
        """Suspend or restore, under a new Idempotency-Key unless one is given."""
        headers = {"Idempotency-Key": key or str(uuid.uuid4())}
        return self.as_(role).post(f"/v1/services/{service}/{verb}", json={"note": "a test", **body}, headers=headers)

    def feed(self, wait: float = 0, agent: str = AGENT, **known: Any) -> dict[str, Any]:
        """The agent's feed, for one that knows what `told` says of a former answer; without it, for one that is new."""
        answer = self.as_(agent).post("/v1/agent/feed", json={"wait": wait, **known})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def standing(self, device: str = DEVICE) -> tuple[str, int]:
        """(epoch, revision) of a device."""
        found = self.feed()["devices"][device]
        return found["epoch"], found["revision"]

    def entries(self, device: str = DEVICE) -> list[dict[str, Any]]:
        """All entries that the agent is told of."""
        epoch, _ = self.standing(device)
        answer = self.as_(AGENT).get(f"/v1/agent/devices/{device}/entries", params={"epoch": epoch, "after": 0})
        assert answer.status_code == 200, answer.text
        return list(answer.json()["entries"])

    def ask(self, *entries: Mapping[str, Any], device: str = DEVICE) -> dict[str, Any]:
        """Ask for permits at the revisions of these entries."""
        asks = [{"binding": entry["binding"], "changed_revision": entry["changed_revision"]} for entry in entries]
        body = {"epoch": self.standing(device)[0], "asks": asks}
        answer = self.as_(AGENT).post(f"/v1/agent/devices/{device}/permits", json=body)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def report(self, state: str, *entries: Mapping[str, Any], device: str = DEVICE, **more: Any) -> httpx.Response:
        """Report entries as read to enforce what they want."""
        epoch, revision = self.standing(device)
        body: dict[str, Any] = {"version": 1, "epoch": epoch, "revision": revision, "whole": False, "strays": []}
        told = [
            {
                "binding": entry["binding"],
                "changed_revision": entry["changed_revision"],
                "state": state,
                "seen": entry["access"],
            }
            for entry in entries
        ]
        body |= {"entries": told, "full_read_age_s": 1.5, **more}
        return self.as_(AGENT).put(f"/v1/agent/devices/{device}/report", json=body)

    def metrics(self) -> dict[str, float]:
        """Every sample of /metrics by its name and labels, as written there."""
        text = self.as_("read").get("/metrics").text
        lines = [line for line in text.splitlines() if line and not line.startswith("#")]
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}

    def until(self, true: Callable[[], bool]) -> None:
        """Wait until something is so."""
        deadline = time.monotonic() + PATIENCE_S
        while not true():
            assert time.monotonic() < deadline, "it did not come to be so in time"
            time.sleep(0.005)


def told(feed: Mapping[str, Any]) -> dict[str, Any]:
    """What an agent that got this answer of the feed says that it knows, when it asks again."""
    return {
        "known": {name: [device["epoch"], device["revision"]] for name, device in feed["devices"].items()},
        "modes": {name: device["modes"] for name, device in feed["devices"].items()},
        "stopped": feed["stopped"],
    }


@contextmanager
def running(database: Database, folder: Path, policy: str = POLICY) -> Iterator[Live]:
    """Start a controller on a migrated database, and stop it."""
    policies = folder / "policies"
    policies.mkdir()
    (policies / "es.toml").write_text(policy)
    url = database.engine.url.render_as_string(hide_password=False)
    port, clock = free_port(), Clock()
    settings = Settings("test", policies, "es", url, "127.0.0.1", port, timezone="Europe/Madrid")
    server = make_server(settings, clock)
    secrets = _tokens(database)
    thread = threading.Thread(target=server.run)
    thread.start()
    live = Live(server, f"http://127.0.0.1:{port}", database, clock, secrets)
    try:
        live.until(lambda: server.started)
        yield live
    finally:
        for client in live.clients.values():
            client.close()
        server.should_exit = True
        thread.join(PATIENCE_S)
        assert not thread.is_alive(), "the controller did not end"


def _tokens(database: Database) -> dict[str, str]:
    secrets = {name: new_token() for name in (*Role, AGENT, "agent2")}
    with database.write() as tx:
        for name, secret in secrets.items():
            role = "agent" if name.startswith("agent") else name
            assert tokens.add_token(tx, str(name), str(role), digest_of(secret), NOW)
    return {str(name): secret for name, secret in secrets.items()}
