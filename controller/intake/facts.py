"""The data of each event type, read into typed facts. Every event carries the full state of its object."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from controller.core.facts import (
    Charge,
    Collection,
    Hold,
    HoldKind,
    Instalment,
    Instrument,
    Invoice,
    InvoiceLine,
    Notice,
    Payment,
    Port,
    PortDirection,
    PortState,
    Return,
    Service,
    UnmatchedPayment,
)
from controller.intake.reader import EventRefused, Reader
from enforcement.access import Kind
from enforcement.entries import ServiceId
from enforcement.keys import Key


@dataclass(frozen=True, slots=True)
class AccountTold:
    """What billing says of an account itself. `policy` None is the default one, `municipality` "" is not told."""

    tags: tuple[str, ...]
    policy: str | None
    municipality: str


@dataclass(frozen=True, slots=True)
class ServiceTold:
    """A service with its whole list of bindings, as (device, key written `type:value`)."""

    service: Service
    bindings: frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class UnmatchedTold:
    """Money that nobody has attributed, and the accounts that may have paid it; `closed` once it is none of theirs."""

    payment: UnmatchedPayment
    candidates: frozenset[str]
    closed: bool


@dataclass(frozen=True, slots=True)
class FreshnessTold:
    """Up to when this source has told every payment, and every return where it says so."""

    payments_known_until: datetime
    returns_known_until: datetime | None


Money = Invoice | Collection | Return | Payment | UnmatchedTold | FreshnessTold
"""What is told of debts and of their payment."""

Fact = AccountTold | ServiceTold | Notice | Hold | Port | Money


@dataclass(frozen=True, slots=True)
class Told:
    """One fact, and the account that it is about; None where the event need not name it."""

    account: str | None
    fact: Fact


def told(type: str, data: object) -> Told:
    """Read the data of one event. Raises EventRefused with a sentence."""
    read = _READERS.get(type)
    if read is None:
        raise EventRefused(f"type is {type!r}; expected one of {', '.join(sorted(_READERS))}")
    reader = Reader(data, "data")
    found = read(reader)
    reader.done()
    return found


def _account(data: Reader) -> Told:
    found = AccountTold(
        tags=tuple(data.texts("tags")),
        policy=data.optional("policy", data.identity),
        municipality=data.optional("municipality", data.text) or "",
    )
    return Told(data.identity("account"), found)


def _service(data: Reader) -> Told:
    service = Service(
        id=ServiceId(data.identity("service")),
        kind=data.one_of("kind", Kind),
        ended_at=data.optional("ended_at", data.instant),
        user=data.optional("user", lambda name: data.text(name, 255)),
    )
    return Told(data.identity("account"), ServiceTold(service, frozenset(map(_binding, data.objects("bindings")))))


def _binding(item: Reader) -> tuple[str, str]:
    device, text = item.identity("device"), item.text("key", 320)
    item.done()
    try:
        return device, str(Key.parse(text))
    except ValueError as wrong:
        raise EventRefused(f"a binding on device {device}: {wrong}") from wrong


def _invoice(data: Reader) -> Told:
    invoice = Invoice(
        id=data.text("invoice"),
        amount=data.amount("amount"),
        currency=data.currency("currency"),
        presented_on=data.day("presented_on"),
        due_on=data.day("due_on"),
        lines=tuple(line for item in data.objects("lines") for line in _lines(item)),
        cancelled=data.flag("cancelled"),
    )
    return Told(data.identity("account"), invoice)


def _lines(item: Reader) -> list[InvoiceLine]:
    """One line of a bill; a bundle's is laid out on the services that it sells together, by their shares."""
    amount = item.amount("amount", least=-(2**62))
    service = item.optional("service", item.identity)
    charge = item.optional("charge", lambda name: item.one_of(name, Charge)) or Charge.SERVICE
    shares = dict(_share(part) for part in item.objects("bundle"))
    item.done()
    if not shares:
        return [InvoiceLine(amount, None if service is None else ServiceId(service), charge)]
    if service is not None:
        raise item.refused("service", service, "nothing beside a bundle, whose services are named in it")
    return [InvoiceLine(part, one, charge) for one, part in _laid_out(amount, shares).items()]


def _share(part: Reader) -> tuple[ServiceId, int]:
    share = ServiceId(part.identity("service")), part.amount("share", least=1)
    part.done()
    return share


def _laid_out(amount: int, shares: Mapping[ServiceId, int]) -> dict[ServiceId, int]:
    """The amount in parts as large as the shares to one another; no cent is lost: the first of them has the rest."""
    whole = sum(shares.values())
    parts = {service: amount * share // whole for service, share in shares.items()}
    parts[next(iter(parts))] += amount - sum(parts.values())
    return parts


def _collection(data: Reader) -> Told:
    collection = Collection(
        id=data.text("collection"),
        invoice=data.text("invoice"),
        amount=data.amount("amount"),
        collected_on=data.day("collected_on"),
    )
    return Told(data.identity("account"), collection)


def _return(data: Reader) -> Told:
    returned = Return(
        collection=data.text("collection"),
        code=data.text("code", 8),
        returned_on=data.day("returned_on"),
        amount=data.amount("amount"),
    )
    return Told(data.optional("account", data.identity), returned)


def _payment(data: Reader) -> Told:
    payment = Payment(
        id=data.text("payment"),
        amount=data.amount("amount", least=1),
        currency=data.currency("currency"),
        instrument=data.one_of("instrument", Instrument),
        received_at=data.instant("received_at"),
        clears_at=data.optional("clears_at", data.instant),
        reversed_at=data.optional("reversed_at", data.instant),
        allocations=tuple(_allocation(item) for item in data.objects("allocations")),
        pending=data.flag("pending"),
        collection=data.optional("collection", data.text),
    )
    return Told(data.identity("account"), payment)


def _unmatched(data: Reader) -> Told:
    payment = UnmatchedPayment(
        id=data.text("payment"),
        amount=data.amount("amount", least=1),
        currency=data.currency("currency"),
        received_at=data.instant("received_at"),
    )
    candidates = frozenset(item for item in data.identities("candidates"))
    return Told(None, UnmatchedTold(payment, candidates, data.flag("closed")))


def _allocation(item: Reader) -> tuple[str, int]:
    allocation = (item.text("invoice"), item.amount("amount"))
    item.done()
    return allocation


def _notice(data: Reader) -> Told:
    service = data.optional("service", data.identity)
    notice = Notice(
        id=data.text("notice"),
        stage=data.text("stage"),
        channel=data.text("channel", 32),
        sent_at=data.instant("sent_at"),
        names_date=data.day("names_date"),
        delivered_at=data.optional("delivered_at", data.instant),
        service=None if service is None else ServiceId(service),
        template=data.optional("template", data.text) or "",
        bounced_at=data.optional("bounced_at", data.instant),
    )
    return Told(data.identity("account"), notice)


def _hold(data: Reader) -> Told:
    """Nothing that billing tells goes beyond the policy's bounds: only a person of the operator may."""
    service = data.optional("service", data.identity)
    instalments = tuple(_instalment(item) for item in data.objects("instalments"))
    hold = Hold(
        id=data.text("hold"),
        kind=data.one_of("kind", HoldKind),
        since=data.instant("since"),
        author=data.text("author", 255),
        note=data.note("note"),
        until=data.optional("until", data.instant),
        service=None if service is None else ServiceId(service),
        review_on=data.optional("review_on", data.day),
        instalments=instalments,
        currency=data.currency("currency") if instalments else "",
    )
    if instalments and hold.kind is not HoldKind.PLAN:
        raise EventRefused(f"data.instalments belong to a hold of kind plan, not {hold.kind}")
    return Told(data.identity("account"), hold)


def _instalment(item: Reader) -> Instalment:
    instalment = Instalment(item.day("due_on"), item.amount("amount", least=1))
    item.done()
    return instalment


def _port(data: Reader) -> Told:
    port = Port(
        id=data.text("port"),
        service=ServiceId(data.identity("service")),
        direction=data.one_of("direction", PortDirection),
        state=data.one_of("state", PortState),
        at=data.instant("at"),
        range_holder=data.optional("range_holder", data.text) or "",
    )
    return Told(data.identity("account"), port)


def _freshness(data: Reader) -> Told:
    returns = data.optional("returns_known_until", data.instant)
    return Told(None, FreshnessTold(data.instant("payments_known_until"), returns))


_READERS: Mapping[str, Callable[[Reader], Told]] = {
    "grifo.account.v1": _account,
    "grifo.service.v1": _service,
    "grifo.invoice.v1": _invoice,
    "grifo.collection.v1": _collection,
    "grifo.return.v1": _return,
    "grifo.payment.v1": _payment,
    "grifo.unmatched_payment.v1": _unmatched,
    "grifo.notice.v1": _notice,
    "grifo.hold.v1": _hold,
    "grifo.port.v1": _port,
    "grifo.freshness.v1": _freshness,
}
