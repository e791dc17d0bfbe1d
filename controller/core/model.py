"""The facts that a decision stands on, the policy that reads them, and the decision itself. All frozen, no behaviour.

Money is integer minor units with an ISO 4217 code. Instants are aware datetimes; dates are local to the policy's zone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum
from typing import NewType

from enforcement.access import Access, Kind, Reason
from enforcement.entries import ServiceId

AccountId = NewType("AccountId", str)


# --- facts -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Service:
    """A thing that the account buys and that can be enforced. `ended_at` is set when it is no longer sold."""

    id: ServiceId
    kind: Kind
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """A part of an invoice; `service` is None where the bill does not say which service it is for."""

    amount: int
    service: ServiceId | None = None


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
    """One attempt to debit an invoice (a "recibo"); `id` is its EndToEndId."""

    id: str
    invoice: str
    amount: int
    collected_on: date


@dataclass(frozen=True, slots=True)
class Return:
    """A collection that came back. `code` is an ISO 20022 reason code."""

    collection: str
    code: str
    returned_on: date
    amount: int


@dataclass(frozen=True, slots=True)
class Payment:
    """Money that came in. It clears at once unless `clears_at` says later; `reversed_at` takes it back.

    `allocations` maps invoice ids to amounts; what is not allocated pays the oldest due invoices first.
    """

    id: str
    amount: int
    currency: str
    instrument: str
    received_at: datetime
    clears_at: datetime | None = None
    reversed_at: datetime | None = None
    allocations: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Notice:
    """A message that the customer was sent. Only one with `delivered_at` is proof.

    It binds one stage of one service (all of the account's where `service` is None) and the date that it named.
    """

    id: str
    stage: str
    channel: str
    sent_at: datetime
    names_date: date
    delivered_at: datetime | None = None
    service: ServiceId | None = None


class HoldKind(StrEnum):
    """Why not to escalate. `PROMISE`, `COURTESY` and `CLAIMED_PAYMENT` open the service until their date."""

    DISPUTE = "dispute"
    PROMISE = "promise"
    COURTESY = "courtesy"
    CLAIMED_PAYMENT = "claimed_payment"
    PLAN = "plan"
    PROTECTED = "protected"
    DECEASED = "deceased"


OPENING_HOLDS = frozenset({HoldKind.PROMISE, HoldKind.COURTESY, HoldKind.CLAIMED_PAYMENT})


@dataclass(frozen=True, slots=True)
class Hold:
    """In force from `since` to `until` (for ever where None); of one service, or of the whole account."""

    id: str
    kind: HoldKind
    since: datetime
    author: str
    note: str
    until: datetime | None = None
    service: ServiceId | None = None


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
class Imposed:
    """What billing has already imposed on a service, by which stage, and since when."""

    service: ServiceId
    access: Access
    stage: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is known of one account at the moment of the review.

    `payments_known_until` is the instant up to which the billing system says that every payment has been told;
    None where it never said. `conflicts` are events that were refused because the same id came with other content.
    """

    account: AccountId
    tags: frozenset[str] = frozenset()
    services: tuple[Service, ...] = ()
    invoices: tuple[Invoice, ...] = ()
    collections: tuple[Collection, ...] = ()
    returns: tuple[Return, ...] = ()
    payments: tuple[Payment, ...] = ()
    notices: tuple[Notice, ...] = ()
    holds: tuple[Hold, ...] = ()
    orders: tuple[Order, ...] = ()
    imposed: tuple[Imposed, ...] = ()
    payments_known_until: datetime | None = None
    conflicts: tuple[str, ...] = ()


# --- policy ----------------------------------------------------------------------------------------------------------


class DayUnit(StrEnum):
    """What a lead time counts. Working days leave out Sundays and holidays, not Saturdays (Orden PRE/361/2002, 26)."""

    HOURS = "hours"
    DAYS = "days"
    WORKING_DAYS = "working_days"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a rule comes from. `mark` is F (read in the law's text), F2 (secondary), R (remembered) or D (inferred)."""

    text: str
    mark: str
    verified_on: date


@dataclass(frozen=True, slots=True)
class Conditions:
    """What must be true of the debt. Each that is set must hold."""

    months_since_presented: int = 0
    days_since_due: int = 0
    unpaid_invoices: int = 1
    minimum_amount: int = 0
    days_in_previous_stage: int = 0


@dataclass(frozen=True, slots=True)
class NoticeRule:
    """The proven notice that a stage needs: its lead time, and for how long after the named date it binds."""

    lead: int
    unit: DayUnit
    valid_days: int


@dataclass(frozen=True, slots=True)
class Stage:
    """A rung of a ladder."""

    name: str
    access: Access
    conditions: Conditions
    notice: NoticeRule
    source: Source


@dataclass(frozen=True, slots=True)
class Window:
    """When a restriction may first be imposed: ISO weekdays (1 = Monday), local hours, eves of holidays or not."""

    weekdays: frozenset[int]
    opens: time
    closes: time
    on_eves: bool = False


@dataclass(frozen=True, slots=True)
class BrakeRule:
    """At most this many first impositions in a rolling 24 h: a number, and a share of the policy's services.

    `canary` of them must be verified on their devices before the rest may follow.
    """

    number: int
    percent: float
    canary: int


@dataclass(frozen=True, slots=True)
class Policy:
    """A versioned file, read. `holidays` are dates of the policy's calendar; `version` is a digest of the content."""

    name: str
    version: str
    timezone: str
    holidays: frozenset[date]
    window: Window
    ladders: Mapping[Kind, tuple[Stage, ...]]
    payments_fresh_hours: int
    trivial_amount: int
    courtesy_days: int
    brake: BrakeRule


# --- decision --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReasonFor:
    """One reason why a service is restricted, the access that it gives, and the words for a person."""

    reason: Reason
    access: Access
    text: str
    ref: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One fact that the decision stands on: `kind` is invoice, return, notice, payment, hold, order or rule."""

    kind: str
    ref: str
    text: str


@dataclass(frozen=True, slots=True)
class Block:
    """What keeps the next stage from being imposed; `until` is when that ends by itself, None where it does not."""

    code: str
    text: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What a review concludes for one service.

    `stage` is billing's stage that is in force after this decision ("" where billing imposes nothing); `next_stage` and
    `blocks` say what would come next and what stands in its way. `first` is true where this decision newly imposes a
    billing stage, which the brake and the permit's window count. `review_at` is the earliest instant at which any of
    this could change by the clock alone; None where only an event can change it.
    """

    service: ServiceId
    access: Access
    stage: str = ""
    reasons: tuple[ReasonFor, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    next_stage: str = ""
    blocks: tuple[Block, ...] = field(default=())
    review_at: datetime | None = None
    first: bool = False
