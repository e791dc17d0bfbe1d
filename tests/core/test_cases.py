"""Named cases of a country's rules, as data that a lawyer can read: tests/core/cases/<policy>.toml."""

import tomllib
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from controller.core.decide import decide
from controller.core.decision import Decision
from controller.core.facts import (
    AccountId,
    Facts,
    Hold,
    HoldKind,
    Imposed,
    Invoice,
    InvoiceLine,
    Notice,
    Order,
    Payment,
    Service,
)
from enforcement.access import Access, Kind, Reason
from enforcement.entries import ServiceId
from tests.core import policies
from tests.core.histories import fresh

FOLDER = Path(__file__).parent / "cases"
CASES = [
    pytest.param(path.stem, case, id=f"{path.stem}: {case['name']}")
    for path in sorted(FOLDER.glob("*.toml"))
    for case in tomllib.loads(path.read_text(encoding="utf-8"))["case"]
]
ALLOWED = frozenset(
    [
        *("name", "source", "now", "then"),
        *("services", "ended", "imposed", "orders", "holds"),
        *("invoices", "payments", "notices", "conflicts", "payments_known_until"),
    ]
)


@pytest.mark.parametrize(("policy", "case"), CASES)
def test_the_case_is_decided_as_written(policy: str, case: Mapping[str, Any]) -> None:
    assert not case.keys() - ALLOWED
    rules = policies.policy(policy)
    reader = Reader(ZoneInfo(rules.timezone))
    now = reader.instant(case["now"])
    decided = {str(one.service): reader.shown(one) for one in decide(reader.facts(case), rules, now)}
    assert decided == {service: dict(then) for service, then in case["then"].items()}


class Reader:
    """Reads a case's local times and written amounts; writes a decision as cases do."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone

    def instant(self, written: datetime) -> datetime:
        return written.replace(tzinfo=self._zone)

    def _maybe(self, written: datetime | None) -> datetime | None:
        return None if written is None else self.instant(written)

    def facts(self, case: Mapping[str, Any]) -> Facts:
        return Facts(
            account=AccountId("A-1"),
            services=self._services(case),
            invoices=tuple(self._invoice(f"F-{n}", one) for n, one in enumerate(case.get("invoices", []), 1)),
            payments=tuple(self._payment(f"P-{n}", one) for n, one in enumerate(case.get("payments", []), 1)),
            notices=tuple(self._notice(f"N-{n}", one) for n, one in enumerate(case.get("notices", []), 1)),
            holds=tuple(self._hold(f"H-{n}", one) for n, one in enumerate(case.get("holds", []), 1)),
            imposed=tuple(self._imposed(id, one) for id, one in case.get("imposed", {}).items()),
            orders=tuple(self._order(f"O-{n}", one) for n, one in enumerate(case.get("orders", []), 1)),
            conflicts=tuple(case.get("conflicts", [])),
            freshness=fresh(self.instant(case.get("payments_known_until", case["now"]))),
        )

    def _services(self, case: Mapping[str, Any]) -> tuple[Service, ...]:
        kinds, ended = case.get("services", {"internet": "internet"}), case.get("ended", {})
        return tuple(Service(ServiceId(id), Kind(kind), self._maybe(ended.get(id))) for id, kind in kinds.items())

    def _order(self, id: str, one: Mapping[str, Any]) -> Order:
        since, until = self.instant(one["since"]), self._maybe(one.get("until"))
        service, reason, access = ServiceId(one["service"]), Reason(one["reason"]), Access(one["access"])
        return Order(id, service, reason, access, since, "noc", "as told", until)

    def _invoice(self, id: str, one: Mapping[str, Any]) -> Invoice:
        lines = tuple(InvoiceLine(_cents(amount), ServiceId(service)) for service, amount in one.get("lines", []))
        return Invoice(id, _cents(one["amount"]), "EUR", one["presented"], one["due"], lines)

    def _payment(self, id: str, one: Mapping[str, Any]) -> Payment:
        received, clears = self.instant(one["received"]), self._maybe(one.get("clears"))
        return Payment(id, _cents(one["amount"]), "EUR", "card", received, clears)

    def _notice(self, id: str, one: Mapping[str, Any]) -> Notice:
        sent = self.instant(one.get("sent") or one["delivered"])
        return Notice(id, one["stage"], "sms", sent, one["names"], self._maybe(one.get("delivered")))

    def _hold(self, id: str, one: Mapping[str, Any]) -> Hold:
        since, until = self.instant(one["since"]), self._maybe(one.get("until"))
        return Hold(id, HoldKind(one["kind"]), since, "care desk", "as told", until)

    def _imposed(self, service: str, one: Mapping[str, Any]) -> Imposed:
        return Imposed(ServiceId(service), Access(one["access"]), one["stage"], self.instant(one["since"]))

    def shown(self, decision: Decision) -> dict[str, Any]:
        """As `then` is written: what is empty or no is left out; `until` is when all that is missing is there."""
        waits = [block.until for block in decision.blocks]
        known = [at.astimezone(self._zone).replace(tzinfo=None) for at in waits if at is not None]
        told = {
            "access": decision.access.value,
            "stage": decision.stage,
            "first": decision.first,
            "next": decision.next_stage,
            "blocked_by": [block.code for block in decision.blocks],
            "until": max(known) if known and len(known) == len(waits) else None,
        }
        return {name: value for name, value in told.items() if value}


def _cents(written: str) -> int:
    return int(Decimal(written) * 100)
