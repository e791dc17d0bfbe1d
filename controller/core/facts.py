"""The facts that a decision stands on: what billing, the bank and people have told. All frozen, no behaviour.

Money is integer minor units with an ISO 4217 code. Instants are aware datetimes; dates are local to the policy's zone.
Every field that was added to a fact has a default that means "not told".
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NewType

from enforcement.access import Access, Kind, Reason
from enforcement.entries import ServiceId

AccountId = NewType("AccountId", str)


@dataclass(frozen=True, slots=True)
class Service:
    """A thing that the account buys and that can be enforced. `ended_at` is set when it is no longer sold.

    `user` is who uses it where that is not the account, which pays: a reseller's customer, a child's line. A reseller's
    own service names the account itself: without that, somebody else is taken to use it.
    """

    id: ServiceId
    kind: Kind
    ended_at: datetime | None = None
    user: str | None = None


class Charge(StrEnum):
    """What a line of a bill is for. Only what is for the service itself may cost the service (RD 899/2009 art. 23)."""

    SERVICE = "service"
    PREMIUM = "premium"
    """Premium-rate calls: unpaid, they bar premium-rate calls and nothing else (RD 899/2009 art. 19.1)."""
    THIRD_PARTY = "third_party"
    """Somebody else's sale, collected with the bill: bars premium and third-party purchases and nothing else."""
    EQUIPMENT = "equipment"
    """A handset, a router: a debt like any other in court, and none that bars a service."""


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """A part of an invoice; `service` is None where the bill does not say which service it is for."""

    amount: int
    service: ServiceId | None = None
    charge: Charge = Charge.SERVICE


@dataclass(frozen=True, slots=True)
class Invoice:
    """A bill. `presented_on` is when it reached the customer (RD 899/2009 art. 19.1 counts from it)."""

    id: str
    amount: int
    currency: str
    presented_on: date
    due_on: date
    lines: tuple[InvoiceLine, ...] = ()
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Collection:
    """One attempt to debit an invoice (a "recibo"); `id` is its EndToEndId. A representment is another collection."""

    id: str
    invoice: str
    amount: int
    collected_on: date


@dataclass(frozen=True, slots=True)
class Return:
    """A collection that came back. `code` is an ISO 20022 reason code; `amount` may be a part (a partial refund)."""

    collection: str
    code: str
    returned_on: date
    amount: int


class Instrument(StrEnum):
    """How money came in. The policy says when each counts as money."""

    CARD = "card"
    BIZUM = "bizum"
    PIX = "pix"
    INSTANT_TRANSFER = "instant_transfer"
    CASH = "cash"
    TRANSFER = "transfer"
    DIRECT_DEBIT = "direct_debit"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Payment:
    """Money that came in. When it counts, its instrument says, unless `clears_at` does; `reversed_at` takes it back.

    `instrument` is a word of `Instrument` (any other word is treated as `other`). `pending` is true while it is only
    announced and not booked. `collection` names the debit that brought it: a return of that collection takes back as
    much as it says. `allocations` maps invoice ids to amounts; the rest pays the oldest due invoices first.
    """

    id: str
    amount: int
    currency: str
    instrument: str
    received_at: datetime
    clears_at: datetime | None = None
    reversed_at: datetime | None = None
    allocations: tuple[tuple[str, int], ...] = ()
    pending: bool = False
    collection: str | None = None


@dataclass(frozen=True, slots=True)
class UnmatchedPayment:
    """Money that nobody has yet attributed, and this account may be the payer: it is not cut meanwhile."""

    id: str
    amount: int
    currency: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Notice:
    """A message that the customer was sent. Only one with `delivered_at`, and not bounced, is proof.

    It binds one stage of one service (all of the account's where `service` is None) and the date that it named.
    """

    id: str
    stage: str
    channel: str
    sent_at: datetime
    names_date: date
    delivered_at: datetime | None = None
    service: ServiceId | None = None
    template: str = ""
    bounced_at: datetime | None = None


class HoldKind(StrEnum):
    """Why not to escalate."""

    DISPUTE = "dispute"
    PROMISE = "promise"
    COURTESY = "courtesy"
    CLAIMED_PAYMENT = "claimed_payment"
    PLAN = "plan"
    PROTECTED = "protected"
    DECEASED = "deceased"
    COURT = "court"
    FAULT = "fault"
    OUTAGE = "outage"


OPENING_HOLDS = frozenset(
    {
        HoldKind.PROMISE,
        HoldKind.COURTESY,
        HoldKind.CLAIMED_PAYMENT,
        HoldKind.PLAN,
        HoldKind.PROTECTED,
        HoldKind.COURT,
    }
)
"""Those that open the service while they are in force; the others keep it as it is."""


@dataclass(frozen=True, slots=True)
class Instalment:
    """A part of a plan: by the end of `due_on` at least `amount` more must have been paid since the plan began."""

    due_on: date
    amount: int


@dataclass(frozen=True, slots=True)
class Hold:
    """In force from `since` to `until` (for ever where None); of one service, or of the whole account.

    `review_on` is when a person shall look whether it is still right. `beyond` is true where somebody who may do so
    gave it beyond the policy's bounds. `instalments` are a plan's, in `currency`: it is broken when one is missed.
    """

    id: str
    kind: HoldKind
    since: datetime
    author: str
    note: str
    until: datetime | None = None
    service: ServiceId | None = None
    review_on: date | None = None
    beyond: bool = False
    instalments: tuple[Instalment, ...] = ()
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """A suspension ordered by name for a reason other than billing, in force from `since` to `until`."""

    id: str
    service: ServiceId
    reason: Reason
    access: Access
    since: datetime
    author: str
    note: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Approval:
    """A person's yes or no to a stage of a service. Two approvals are two people's."""

    service: ServiceId
    stage: str
    by: str
    at: datetime
    note: str
    refused: bool = False


class PortState(StrEnum):
    """How far the moving of a number to or from another operator has come."""

    REQUESTED = "requested"
    DONE = "done"
    REJECTED = "rejected"


class PortDirection(StrEnum):
    """Whether the number comes to us or leaves us."""

    IN = "in"
    OUT = "out"


@dataclass(frozen=True, slots=True)
class Port:
    """A number portability request as it stands. A number that was ported in goes back to its range holder."""

    id: str
    service: ServiceId
    direction: PortDirection
    state: PortState
    at: datetime
    range_holder: str = ""


@dataclass(frozen=True, slots=True)
class Imposed:
    """What billing has already imposed on a service, by which stage, and since when."""

    service: ServiceId
    access: Access
    stage: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Suspension:
    """A time during which billing restricted a service, over by now: from its first stage to its restore."""

    service: ServiceId
    access: Access
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Fresh:
    """Up to when one source of payments says that it has told every payment."""

    source: str
    payments_known_until: datetime


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is known of one account at the moment of the review.

    `municipality` chooses the calendar. `freshness` is what each source of payments says of its own completeness;
    empty where none ever spoke. `conflicts` are events that were refused because the same id came with other content.
    """

    account: AccountId
    tags: frozenset[str] = frozenset()
    municipality: str = ""
    services: tuple[Service, ...] = ()
    invoices: tuple[Invoice, ...] = ()
    collections: tuple[Collection, ...] = ()
    returns: tuple[Return, ...] = ()
    payments: tuple[Payment, ...] = ()
    unmatched: tuple[UnmatchedPayment, ...] = ()
    notices: tuple[Notice, ...] = ()
    holds: tuple[Hold, ...] = ()
    orders: tuple[Order, ...] = ()
    approvals: tuple[Approval, ...] = ()
    ports: tuple[Port, ...] = ()
    imposed: tuple[Imposed, ...] = ()
    suspensions: tuple[Suspension, ...] = ()
    freshness: tuple[Fresh, ...] = ()
    conflicts: tuple[str, ...] = ()
