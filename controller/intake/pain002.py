"""A bank's file of returned debits: pain.002.001.03 (ISO 20022, CustomerPaymentStatusReport) into `grifo.return.v1`.

Read as a stream by defusedxml, whole or not at all: an error anywhere refuses the file and says where. Each event's id
is made of (MsgId, EndToEndId, code, date), so that reading a file twice changes nothing. A return that names a
collection of which nobody has told is kept all the same, and shown until somebody does.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import IO, Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import iterparse

from controller.intake.events import read_event
from controller.intake.reader import EventRefused
from controller.intake.taking import Answer, intake
from controller.store.engine import Database

SOURCE = "pain.002"
_NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.002.001.03"
_REJECTED = "RJCT"


@dataclass(frozen=True, slots=True)
class _Header:
    message: str
    created_on: date


def take_pain002(db: Database, file: IO[bytes], now: datetime) -> list[Answer]:
    """Read a file and take its returns. Raises EventRefused, having changed nothing, where any part can't be read."""
    bodies = read_pain002(file)
    for body in bodies:
        read_event(body, now)
    return intake(db, bodies, now)


def read_pain002(file: IO[bytes]) -> Sequence[dict[str, Any]]:
    """The rejected transactions of a file as CloudEvents. Raises EventRefused with the place of what was wrong."""
    try:
        return list(_events(file))
    except ParseError as wrong:
        raise EventRefused(f"the file is not well-formed XML: {wrong}") from wrong
    except DefusedXmlException as wrong:
        problem = "the file declares a document type or entities, which no bank's file does"
        raise EventRefused(f"{problem}: {wrong}") from wrong


def _events(file: IO[bytes]) -> Iterator[dict[str, Any]]:
    header: _Header | None = None
    count = found = 0
    for _, element in iterparse(file, forbid_dtd=True):
        match _name(element):
            case "GrpHdr":
                header = _header(element)
            case "TxInfAndSts":
                count, found = count + 1, found + 1
                yield from _rejected(element, header, count)
                element.clear()
            case "OrgnlGrpInfAndSts":
                _check_group(element, "GrpSts", "the whole message")
            case "OrgnlPmtInfAndSts":
                if not found:
                    _check_group(element, "PmtInfSts", f"all of payment information {_text(element, 'OrgnlPmtInfId')}")
                found = 0
                element.clear()
    if header is None:
        raise EventRefused("the file has no GrpHdr; expected a CustomerPaymentStatusReport")


def _name(element: Element) -> str:
    namespace, brace, name = element.tag.rpartition("}")
    if namespace + brace != f"{{{_NAMESPACE}}}":
        raise EventRefused(f"element {name} is of {namespace.lstrip('{') or 'no namespace'!r}; expected {_NAMESPACE}")
    return name


def _header(element: Element) -> _Header:
    message, created = _text(element, "MsgId"), _text(element, "CreDtTm")
    if not message:
        raise EventRefused("GrpHdr/MsgId is missing; without it the file could be counted twice")
    try:
        return _Header(message, datetime.fromisoformat(created).date())
    except ValueError:
        raise EventRefused(f"GrpHdr/CreDtTm is {created!r}; expected an instant such as 2026-03-31T12:00:00") from None


def _check_group(element: Element, status: str, what: str) -> None:
    """A rejection of a whole group lists no transactions: no customer's debit came back, it was never tried."""
    if _text(element, status) == _REJECTED:
        raise EventRefused(f"the bank rejected {what} ({status} {_REJECTED}) and names no debits: nothing came back")


def _rejected(element: Element, header: _Header | None, count: int) -> Iterator[dict[str, Any]]:
    if _text(element, "TxSts") != _REJECTED:
        return
    end_to_end = _text(element, "OrgnlEndToEndId")
    where = f"transaction {count} (OrgnlEndToEndId {end_to_end or 'missing'})"
    code = _text(element, "StsRsnInf/Rsn/Cd") or _text(element, "StsRsnInf/Rsn/Prtry")
    if header is None:
        raise EventRefused(f"{where}: comes before GrpHdr")
    if not end_to_end:
        raise EventRefused(f"{where}: which debit came back is not said")
    if not code:
        raise EventRefused(f"{where}: StsRsnInf/Rsn/Cd is missing; the reason decides whether the return counts")
    yield _event(header, end_to_end, code, _amount(element, where))


def _amount(element: Element, where: str) -> int:
    """Cents of OrgnlTxRef/Amt/InstdAmt. SEPA debits are in euro, and nothing else is guessed."""
    found = element.find(_path("OrgnlTxRef/Amt/InstdAmt"))
    if found is None or not (found.text or "").strip():
        raise EventRefused(f"{where}: OrgnlTxRef/Amt/InstdAmt is missing")
    if found.get("Ccy") != "EUR":
        raise EventRefused(f"{where}: InstdAmt is in {found.get('Ccy')!r}; expected EUR")
    written = (found.text or "").strip()
    try:
        cents = Decimal(written) * 100 if re.fullmatch(r"\d{1,15}(\.\d{1,5})?", written) else Decimal("NaN")
        if cents == cents.to_integral_value():
            return int(cents)
    except InvalidOperation:
        pass
    raise EventRefused(f"{where}: InstdAmt is {written!r}; expected euro and cents such as 30.00")


def _event(header: _Header, end_to_end: str, code: str, amount: int) -> dict[str, Any]:
    day = header.created_on.isoformat()
    identity = "\n".join((header.message, end_to_end, code, day))
    return {
        "specversion": "1.0",
        "type": "grifo.return.v1",
        "source": SOURCE,
        "id": hashlib.sha256(identity.encode()).hexdigest(),
        "time": _earliest(header.created_on).isoformat(),
        "data": {"collection": end_to_end, "code": code, "returned_on": day, "amount": amount},
    }


def _earliest(day: date) -> datetime:
    """The first instant at which it was that date anywhere (UTC+14): banks write local time without an offset."""
    return datetime.combine(day, time(), UTC) - timedelta(hours=14)


def _text(element: Element, path: str) -> str:
    return (element.findtext(_path(path)) or "").strip()


def _path(path: str) -> str:
    return "/".join(f"{{{_NAMESPACE}}}{part}" for part in path.split("/"))
