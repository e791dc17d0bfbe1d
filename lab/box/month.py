"""A sample month of a small Spanish operator, as its billing system and its bank would tell it. Deterministic.

The month is made relative to the Tuesday on which the story plays: invoices presented on the first of the month before,
collected on the sixth, returned by the bank on the eighth, warned of by SMS with the lead that Spanish law wants.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

MADRID = ZoneInfo("Europe/Madrid")
TUESDAY = date(2026, 11, 10)
NEXT_TUESDAY = TUESDAY + timedelta(days=7)

ROUTER, RADIUS, SWITCH = "router-1", "radius-1", "switch-1"
BILLING, BANK = "/lab/billing", "/lab/bank"

_PRESENTED, _DUE, _RETURNED = date(2026, 10, 1), date(2026, 10, 6), date(2026, 10, 8)
_WARNED = {"throttled": date(2026, 10, 17), "portal": date(2026, 10, 24), "incoming_only": date(2026, 10, 17)}
_NAMED = {"throttled": TUESDAY, "portal": NEXT_TUESDAY, "incoming_only": TUESDAY}

Event = dict[str, Any]


class Habit(StrEnum):
    """How a customer of the sample month pays."""

    PAYS = "pays"
    PAYS_LATE = "pays late, by card"
    DOES_NOT_PAY = "does not pay"
    NEVER_REACHED = "does not pay; the SMS bounced"
    DISPUTES = "disputes the invoice"
    PROMISED = "promised to pay"


@dataclass(frozen=True, slots=True)
class Customer:
    """One account of the month: what it buys and how it pays."""

    number: int
    habit: Habit

    @property
    def account(self) -> str:
        return f"A{self.number:04d}"

    @property
    def internet(self) -> str:
        return f"{self.account}-net"

    @property
    def voice(self) -> str | None:
        return f"{self.account}-tel" if self.number % 4 == 0 else None

    @property
    def services(self) -> tuple[str, ...]:
        return (self.internet, self.voice) if self.voice else (self.internet,)

    @property
    def by_radius(self) -> bool:
        return self.number % 5 < 2

    @property
    def username(self) -> str:
        return f"cliente{self.number}@lab"

    @property
    def ipv4(self) -> str:
        high, low = divmod(self.number, 200)
        return f"{('198.51.100', '203.0.113')[high % 2]}.{low + 10}"

    @property
    def ipv6_prefix(self) -> str:
        return f"2001:db8:{self.number:x}::/56"

    @property
    def phone(self) -> str:
        return f"+3491000{self.number:04d}"

    @property
    def owed(self) -> int:
        """What one invoice asks for, in cents."""
        return 2990 + (1500 if self.voice else 0)


def customers(count: int) -> list[Customer]:
    """`count` customers, one in six of whom will have to be restricted."""
    return [Customer(number, _habit(number)) for number in range(1, count + 1)]


def _habit(number: int) -> Habit:
    match number % 36:
        case 3 | 8 | 12 | 17 | 24 | 31:
            return Habit.DOES_NOT_PAY
        case 5 | 20:
            return Habit.PAYS_LATE
        case 14:
            return Habit.NEVER_REACHED
        case 22:
            return Habit.DISPUTES
        case 28:
            return Habit.PROMISED
        case _:
            return Habit.PAYS


def at(day: date, hour: int = 9, minute: int = 0) -> datetime:
    """An instant of the operator's day, in UTC."""
    return datetime.combine(day, time(hour, minute), MADRID).astimezone(UTC)


def event(type: str, id: str, when: datetime, data: dict[str, Any], source: str = BILLING) -> Event:
    """A CloudEvents 1.0 envelope."""
    return {
        "specversion": "1.0",
        "id": id,
        "source": source,
        "type": f"grifo.{type}.v1",
        "time": when.isoformat(),
        "datacontenttype": "application/json",
        "data": data,
    }


def events(people: list[Customer]) -> list[Event]:
    """All that billing has to tell up to the morning of the Tuesday, payments' completeness included."""
    told = [one for person in people for one in _events_of(person)]
    return [*told, fresh(at(TUESDAY, 8))]


def fresh(until: datetime) -> Event:
    """Billing says: every payment up to `until` has been told."""
    return event("freshness", f"fresh-{until.isoformat()}", until, {"payments_known_until": until.isoformat()})


def payment(person: Customer, when: datetime, instrument: str = "card") -> Event:
    """The customer pays what is owed."""
    id = f"P-{person.account}"
    data = {
        "payment": id,
        "account": person.account,
        "amount": person.owed,
        "currency": "EUR",
        "instrument": instrument,
        "received_at": when.isoformat(),
    }
    return event("payment", id, when, data)


def _events_of(person: Customer) -> list[Event]:
    told = [*_contract(person), *_bill(person)]
    match person.habit:
        case Habit.PAYS:
            told.append(payment(person, at(_DUE, 12), "direct_debit"))
        case Habit.PAYS_LATE:
            told += [*_notices(person, delivered=True), payment(person, at(TUESDAY - timedelta(days=6), 19))]
        case Habit.NEVER_REACHED:
            told += _notices(person, delivered=False)
        case Habit.DISPUTES:
            told += [*_notices(person, delivered=True), _hold(person, "dispute", None, "Says the router never arrived")]
        case Habit.PROMISED:
            until = at(NEXT_TUESDAY + timedelta(days=10), 12)
            told += [*_notices(person, delivered=True), _hold(person, "promise", until, "Paid on the 25th, says")]
        case Habit.DOES_NOT_PAY:
            told += _notices(person, delivered=True)
    return told


def _contract(person: Customer) -> list[Event]:
    when = at(date(2026, 9, 1))
    account = event("account", f"acc-{person.account}", when, {"account": person.account})
    keys = (
        [{"device": RADIUS, "key": f"username:{person.username}"}]
        if person.by_radius
        else [
            {"device": ROUTER, "key": f"ipv4:{person.ipv4}"},
            {"device": ROUTER, "key": f"ipv6_prefix:{person.ipv6_prefix}"},
        ]
    )
    told = [account, _service(person, person.internet, "internet", keys, when)]
    if person.voice:
        number = [{"device": SWITCH, "key": f"msisdn:{person.phone}"}]
        told.append(_service(person, person.voice, "fixed_voice", number, when))
    return told


def _service(person: Customer, service: str, kind: str, bindings: list[dict[str, str]], when: datetime) -> Event:
    data = {"service": service, "account": person.account, "kind": kind, "bindings": bindings}
    return event("service", f"svc-{service}", when, data)


def _bill(person: Customer) -> list[Event]:
    invoice = f"F-{person.account}"
    lines = [{"service": person.internet, "amount": 2990}]
    if person.voice:
        lines.append({"service": person.voice, "amount": 1500})
    money = {"amount": person.owed, "currency": "EUR"}
    dates = {"presented_on": _PRESENTED.isoformat(), "due_on": _DUE.isoformat()}
    bill = {"invoice": invoice, "account": person.account, **money, **dates, "lines": lines}
    debit = {
        "collection": f"R-{person.account}",
        "account": person.account,
        "invoice": invoice,
        "amount": person.owed,
        "collected_on": _DUE.isoformat(),
    }
    return [
        event("invoice", f"inv-{invoice}", at(_PRESENTED), bill),
        event("collection", f"col-{invoice}", at(_DUE, 6), debit),
    ]


def _notices(person: Customer, *, delivered: bool) -> list[Event]:
    stages = [("throttled", person.internet), ("portal", person.internet)]
    if person.voice:
        stages.append(("incoming_only", person.voice))
    return [_notice(person, stage, service, delivered) for stage, service in stages]


def _notice(person: Customer, stage: str, service: str, delivered: bool) -> Event:
    sent = at(_WARNED[stage], 10)
    id = f"N-{person.account}-{stage}"
    data = {
        "notice": id,
        "account": person.account,
        "service": service,
        "stage": stage,
        "channel": "sms",
        "sent_at": sent.isoformat(),
        "names_date": _NAMED[stage].isoformat(),
    }
    if delivered:
        data["delivered_at"] = (sent + timedelta(seconds=8)).isoformat()
    return event("notice", id, sent + timedelta(minutes=1), data)


def _hold(person: Customer, kind: str, until: datetime | None, note: str) -> Event:
    since = at(TUESDAY - timedelta(days=7), 17)
    data = {
        "hold": f"H-{person.account}",
        "account": person.account,
        "kind": kind,
        "since": since.isoformat(),
        "author": "care desk",
        "note": note,
    }
    if until is not None:
        data["until"] = until.isoformat()
    return event("hold", f"H-{person.account}", since, data)


def returned_debits(people: list[Customer]) -> bytes:
    """The bank's pain.002.001.03: the collections of everyone who did not pay by direct debit, returned."""
    namespace = "urn:iso:std:iso:20022:tech:xsd:pain.002.001.03"
    root = ET.Element("Document", xmlns=namespace)
    report = ET.SubElement(root, "CstmrPmtStsRpt")
    header = ET.SubElement(report, "GrpHdr")
    _leaf(header, "MsgId", f"RET{_RETURNED:%Y%m%d}")
    _leaf(header, "CreDtTm", f"{_RETURNED.isoformat()}T07:30:00")
    group = ET.SubElement(report, "OrgnlGrpInfAndSts")
    _leaf(group, "OrgnlMsgId", f"COL{_DUE:%Y%m%d}")
    _leaf(group, "OrgnlMsgNmId", "pain.008.001.02")
    batch = ET.SubElement(report, "OrgnlPmtInfAndSts")
    _leaf(batch, "OrgnlPmtInfId", f"COL{_DUE:%Y%m%d}-1")
    for person in people:
        if person.habit is not Habit.PAYS:
            _returned(batch, person)
    body: bytes = ET.tostring(root, encoding="UTF-8", xml_declaration=True)
    return body


def _returned(batch: ET.Element, person: Customer) -> None:
    one = ET.SubElement(batch, "TxInfAndSts")
    _leaf(one, "OrgnlEndToEndId", f"R-{person.account}")
    _leaf(one, "TxSts", "RJCT")
    reason = ET.SubElement(ET.SubElement(one, "StsRsnInf"), "Rsn")
    _leaf(reason, "Cd", "AM04" if person.number % 3 else "MS03")
    original = ET.SubElement(one, "OrgnlTxRef")
    amount = ET.SubElement(ET.SubElement(original, "Amt"), "InstdAmt", Ccy="EUR")
    amount.text = f"{person.owed // 100}.{person.owed % 100:02d}"
    _leaf(original, "ReqdColltnDt", _DUE.isoformat())


def _leaf(parent: ET.Element, tag: str, text: str) -> None:
    ET.SubElement(parent, tag).text = text
