"""Reads the facts of a named case as lawyers write them, and writes a decision as the cases do."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from controller.core.decision import Decision
from controller.core.facts import (
    AccountId,
    Approval,
    Charge,
    Collection,
    Facts,
    Fresh,
    Hold,
    HoldKind,
    Imposed,
    Instalment,
    Invoice,
    InvoiceLine,
    Notice,
    Order,
    Payment,
    Port,
    PortDirection,
    PortState,
    Return,
    Service,
    Suspension,
    UnmatchedPayment,
)
from enforcement.access import Access, Kind, Reason
from enforcement.entries import ServiceId

One = Mapping[str, Any]
T = TypeVar("T")

ALLOWED = frozenset(
    [
        *("name", "source", "now", "then", "answers", "timezone"),
        *("municipality", "tags", "services", "users", "ended", "imposed", "suspensions", "orders", "holds"),
        *("invoices", "collections", "returns", "payments", "unmatched", "notices", "approvals", "ports"),
        *("conflicts", "payments_known_until"),
    ]
)


class Reader:
    """Local times and written amounts in, facts out. Ids count from 1: F-1 the first invoice, P-1 the first payment."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone

    def instant(self, written: datetime) -> datetime:
        """A local time, or one with an offset."""
        return (written if written.tzinfo else written.replace(tzinfo=self._zone)).astimezone(UTC)

    def _maybe(self, written: datetime | None) -> datetime | None:
        return None if written is None else self.instant(written)

    def facts(self, case: One) -> Facts:
        """All facts of the case."""
        return Facts(
            account=AccountId("A-1"),
            tags=frozenset(case.get("tags", [])),
            municipality=case.get("municipality", ""),
            services=tuple(self._services(case)),
            invoices=_each(case, "invoices", "F", _invoice),
            collections=tuple(_collections(case)),
            returns=tuple(_returns(case)),
            payments=_each(case, "payments", "P", self._payment),
            unmatched=_each(case, "unmatched", "U", self._unmatched),
            notices=_each(case, "notices", "N", self._notice),
            holds=_each(case, "holds", "H", self._hold),
            imposed=tuple(self._imposed(id, one) for id, one in case.get("imposed", {}).items()),
            suspensions=_each(case, "suspensions", "S", self._suspension),
            orders=_each(case, "orders", "O", self._order),
            approvals=_each(case, "approvals", "Y", self._approval),
            ports=_each(case, "ports", "M", self._port),
            conflicts=tuple(case.get("conflicts", [])),
            freshness=(Fresh("billing", self.instant(case.get("payments_known_until", case["now"]))),),
        )

    def _services(self, case: One) -> Iterable[Service]:
        ended, users = case.get("ended", {}), case.get("users", {})
        for id, kind in case.get("services", {"internet": "internet"}).items():
            yield Service(ServiceId(id), Kind(kind), self._maybe(ended.get(id)), users.get(id))

    def _payment(self, id: str, one: One) -> Payment:
        return Payment(
            id,
            _cents(one["amount"]),
            one.get("currency", "EUR"),
            one.get("by", "card"),
            self.instant(one["received"]),
            clears_at=self._maybe(one.get("clears")),
            reversed_at=self._maybe(one.get("reversed")),
            allocations=tuple((invoice, _cents(amount)) for invoice, amount in one.get("for", {}).items()),
            pending=one.get("pending", False),
            collection=one.get("collection"),
        )

    def _unmatched(self, id: str, one: One) -> UnmatchedPayment:
        return UnmatchedPayment(id, _cents(one["amount"]), one.get("currency", "EUR"), self.instant(one["received"]))

    def _notice(self, id: str, one: One) -> Notice:
        return Notice(
            id,
            one["stage"],
            one.get("channel", "sms"),
            self.instant(one.get("sent") or one["delivered"]),
            one["names"],
            self._maybe(one.get("delivered")),
            _service(one),
            bounced_at=self._maybe(one.get("bounced")),
        )

    def _hold(self, id: str, one: One) -> Hold:
        return Hold(
            id,
            HoldKind(one["kind"]),
            self.instant(one["since"]),
            "care desk",
            "as told",
            self._maybe(one.get("until")),
            _service(one),
            one.get("review"),
            one.get("beyond", False),
            tuple(Instalment(part["due"], _cents(part["amount"])) for part in one.get("instalments", [])),
            one.get("currency", "EUR") if one.get("instalments") else "",
        )

    def _imposed(self, service: str, one: One) -> Imposed:
        return Imposed(ServiceId(service), Access(one["access"]), one["stage"], self.instant(one["since"]))

    def _suspension(self, _: str, one: One) -> Suspension:
        access, since, until = Access(one["access"]), self.instant(one["since"]), self.instant(one["until"])
        return Suspension(ServiceId(one["service"]), access, since, until)

    def _order(self, id: str, one: One) -> Order:
        service, reason, access = ServiceId(one["service"]), Reason(one["reason"]), Access(one["access"])
        return Order(
            id, service, reason, access, self.instant(one["since"]), "noc", "as told", self._maybe(one.get("until"))
        )

    def _approval(self, _: str, one: One) -> Approval:
        at, refused = self.instant(one["at"]), one.get("refused", False)
        return Approval(ServiceId(one["service"]), one["stage"], one["by"], at, "as told", refused)

    def _port(self, id: str, one: One) -> Port:
        way, state = PortDirection(one["direction"]), PortState(one["state"])
        return Port(id, ServiceId(one["service"]), way, state, self.instant(one["at"]), one.get("holder", ""))

    def shown(self, decision: Decision) -> dict[str, Any]:
        """As `then` is written; `until` is when all that is missing is there, in local time, "" where nobody knows."""
        waits = [block.until for block in decision.blocks]
        known = [at for at in waits if at is not None]
        until = max(known).astimezone(self._zone).replace(tzinfo=None) if known and len(known) == len(waits) else ""
        due = decision.notice_due
        return {
            "access": decision.access.value,
            "stage": decision.stage,
            "first": decision.first,
            "next": decision.next_stage,
            "blocked_by": [str(block.code) for block in decision.blocks],
            "until": until,
            "review": self._local(decision.review_at),
            "notify": due.stage if due else "",
            "notify_from": self._local(due.send_at if due else None),
            "notice_names": due.names_date if due else "",
        }

    def _local(self, at: datetime | None) -> datetime | str:
        return "" if at is None else at.astimezone(self._zone).replace(tzinfo=None)


def _each(case: One, key: str, letter: str, read: Callable[[str, One], T]) -> tuple[T, ...]:
    return tuple(read(f"{letter}-{n}", one) for n, one in enumerate(case.get(key, []), 1))


def _invoice(id: str, one: One) -> Invoice:
    lines = tuple(_line(*line) for line in one.get("lines", []))
    amount, currency = _cents(one["amount"]), one.get("currency", "EUR")
    return Invoice(id, amount, currency, one["presented"], one["due"], lines, one.get("cancelled", False))


def _line(service: str, amount: str, charge: str = "service") -> InvoiceLine:
    return InvoiceLine(_cents(amount), ServiceId(service) if service else None, Charge(charge))


def _collections(case: One) -> Iterable[Collection]:
    """Those that are written, and one for each invoice that says what its collection came back with."""
    for n, one in enumerate(case.get("collections", []), 1):
        yield Collection(one.get("id", f"C-{n}"), one["invoice"], _cents(one["amount"]), one["on"])
    for n, one in enumerate(case.get("invoices", []), 1):
        if "returned" in one:
            yield Collection(f"R-{n}", f"F-{n}", _cents(one["amount"]), one["due"])


def _returns(case: One) -> Iterable[Return]:
    """`returns`, and `returned = ["AM04", 2026-10-08]` of an invoice: its collection came back so, on that day."""
    for one in case.get("returns", []):
        yield Return(one["collection"], one["code"], one["on"], _cents(one["amount"]))
    for n, one in enumerate(case.get("invoices", []), 1):
        if "returned" in one:
            code, day = one["returned"]
            yield Return(f"R-{n}", code, day, _cents(one["amount"]))


def _service(one: One) -> ServiceId | None:
    return ServiceId(one["service"]) if "service" in one else None


def _cents(written: str) -> int:
    return int(Decimal(written) * 100)
