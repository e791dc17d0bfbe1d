"""What the API answers about services, accounts and events: the shapes of what is true of them now."""

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

EXAMPLE_SERVICE: dict[str, Any] = {
    "service": "S-1001",
    "account": "A-17",
    "kind": "internet",
    "ended_at": None,
    "access": "portal",
    "stage": "portal",
    "stage_since": "2026-03-10T08:00:05Z",
    "applied": True,
    "being_reviewed": False,
    "reasons": [
        {"reason": "billing", "access": "portal", "text": "Invoice F-9 is unpaid since 2026-01-20.", "ref": ""}
    ],
    "evidence": [{"kind": "invoice", "ref": "F-9", "text": "40.00 EUR, presented 2026-01-05, due 2026-01-20"}],
    "next_stage": "",
    "blocks": [],
    "review_at": None,
    "restored_by": ["Paying what is past due (invoice F-9): it opens by itself."],
    "decided_at": "2026-03-10T08:00:05Z",
    "policy": "es",
    "policy_version": "5f0c",
    "orders": [],
    "holds": [],
    "entries": [],
}


class ReasonOut(BaseModel):
    """One reason why the service is restricted. The access is the least that any reason gives."""

    reason: str = Field(description="billing, abuse, court, technical or customer_request.")
    access: str = Field(description="The access that this reason gives.")
    text: str = Field(description="Why, in words for a person.")
    ref: str = Field(default="", description="The invoice, order or notice that it stands on.")


class EvidenceOut(BaseModel):
    """One fact, or one rule with its source, that the decision stands on."""

    kind: str = Field(description="invoice, return, notice, payment, hold, order or rule.")
    ref: str = Field(description="Its id in the billing system; a rule's stage.")
    text: str = Field(description="What it says, in words for a person.")


class BlockOut(BaseModel):
    """What keeps the next stage from being imposed."""

    code: str = Field(description="A word for programs, such as `no_notice`.")
    text: str = Field(description="The same for a person.")
    until: datetime | None = Field(default=None, description="When it ends by itself; null where it does not.")


class EntryOut(BaseModel):
    """What one device shall enforce for the service, and what it was last read to enforce."""

    binding: str = Field(description="The binding's id.")
    device: str = Field(description="The device.")
    key: str = Field(description="How the device knows the customer, as `type:value`.")
    access: str = Field(description="The access that is wanted there.")
    seen: str | None = Field(description="The access that the device was read to enforce since the entry changed.")
    last_seen: str | None = Field(description="The access that it was last read to enforce at all; null if never.")
    last_seen_at: datetime | None = Field(description="When that was reported.")
    full_read_at: datetime | None = Field(description="When the device was last read in full.")
    state: str = Field(
        description="`pending` until the agent reports it, then verified, armed (acts at the next login), wrongful, "
        "missing, obstructed, unknown, withheld or refused."
    )
    detail: str = Field(description="Why it is withheld or refused, in the agent's or the device's words.")
    why: str = Field(
        default="",
        description="In a word, what withholds it or holds it open: unsafe, flapping, pinned, guard, contested, "
        "device_cannot, permit, no_controller, stopped or mode; empty where nothing does.",
    )
    obstructions: list[str] = Field(description="What is not grifo's and restricts the key too.")
    mode: str = Field(description="The device's mode for this kind of service: observe, restore_only or enforce.")
    changed_at: datetime = Field(description="When the wanted access last changed.")
    state_at: datetime | None = Field(description="Since when it is in this state, as reported.")
    verified_at: datetime | None = Field(description="When the device was first read to enforce what is wanted.")
    ended: bool = Field(description="The binding is over; kept until the device is read to be open.")


class OrderOut(BaseModel):
    """A suspension ordered by name, for a reason other than billing."""

    order: str = Field(description="The order's id.")
    reason: str = Field(description="abuse, court, technical or customer_request.")
    access: str = Field(description="The access that it gives.")
    since: datetime
    until: datetime | None = Field(description="When it ends by itself.")
    author: str = Field(description="The token that gave the order.")
    note: str


class HoldOut(BaseModel):
    """Why not to escalate, or to open now until a date."""

    hold: str = Field(description="The hold's id.")
    kind: str = Field(
        description="dispute, promise, courtesy, claimed_payment, plan, protected, deceased, court, fault or outage."
    )
    service: str | None = Field(description="The service; null where it holds for the whole account.")
    since: datetime
    until: datetime | None
    author: str
    note: str
    review_on: date | None = Field(default=None, description="When a person shall look whether it is still right.")
    beyond: bool = Field(default=False, description="Given beyond the policy's bounds by somebody who may.")
    why_not: str = Field(
        default="", description="Why the policy keeps it from being in force; empty where it does not."
    )


class RateOut(BaseModel):
    """What a throttled service still has, seen from the customer."""

    down_kbps: int
    up_kbps: int


class NoticeDueOut(BaseModel):
    """A message that the customer must get before the stage."""

    stage: str
    template: str
    send_at: datetime = Field(description="Not before this instant.")
    names_date: date = Field(description="The earliest lawful date that it can name if it is sent and delivered then.")


class ServiceOut(BaseModel):
    """Everything that is known of one service: the answer to "why"."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE_SERVICE]})

    service: str
    account: str
    kind: str = Field(description="internet, fixed_voice or mobile_voice.")
    ended_at: datetime | None = Field(description="When it was no longer sold.")
    access: str = Field(description="What was decided.")
    stage: str = Field(description="Billing's stage in force; empty where billing imposes nothing.")
    stage_since: datetime | None
    applied: bool = Field(description="Every device was read to enforce what was decided (armed counts).")
    being_reviewed: bool = Field(description="Something changed that the decision does not yet know of.")
    reasons: list[ReasonOut]
    evidence: list[EvidenceOut]
    next_stage: str = Field(description="What would come next; empty where nothing would.")
    next_rule: str = Field(default="", description="That stage's rule in words, with its source.")
    blocks: list[BlockOut] = Field(description="What keeps the next stage from being imposed.")
    review_at: datetime | None = Field(description="When any of this may change by the clock alone.")
    restored_by: list[str] = Field(description="What would restore the service, in words.")
    decided_at: datetime | None = Field(description="Null until the first review.")
    policy: str
    policy_version: str = Field(description="A digest of the policy's content.")
    orders: list[OrderOut] = Field(description="Orders in force.")
    holds: list[HoldOut] = Field(description="Holds in force, now or later.")
    entries: list[EntryOut]
    rate: RateOut | None = Field(default=None, description="What a throttled service still has; null: the device says.")
    notice_due: NoticeDueOut | None = Field(default=None, description="The message that the next stage lacks.")
    waits_for: str = Field(
        default="",
        description="payments, brake, canary, unproven, approval or person, where the next stage waits for these.",
    )
    told: str = Field(
        default="",
        description="In the answer to an order: why there was nothing to do. Of a number that was given back: what can "
        "no longer be done, and what can.",
    )


class TimelineItem(BaseModel):
    """One thing that happened."""

    at: datetime
    kind: str = Field(description="event, decision, order, hold, permit, report, mode, stop, brake or epoch.")
    actor: str = Field(description="Who or what did it.")
    text: str
    account: str | None = None
    service: str | None = None
    device: str | None = None
    detail: dict[str, Any] = Field(default_factory=dict)


class TimelineOut(BaseModel):
    """What happened to a service and its account, newest first."""

    service: str
    account: str
    items: list[TimelineItem]


class HappenedOut(BaseModel):
    """What happened, to one device or at all, newest first."""

    device: str | None = Field(description="The device that was asked about; null for everything.")
    items: list[TimelineItem]


class InvoiceOut(BaseModel):
    """An invoice as the billing system told it. Money is integer minor units."""

    invoice: str
    amount: int
    currency: str
    presented_on: str
    due_on: str
    cancelled: bool


class PaymentOut(BaseModel):
    """A payment as the billing system told it. Money is integer minor units."""

    payment: str
    amount: int
    currency: str
    instrument: str
    received_at: datetime
    clears_at: datetime | None
    reversed_at: datetime | None


class AccountOut(BaseModel):
    """A customer by the billing system's id, with what decides about their services."""

    account: str
    policy: str = Field(description="The policy that applies.")
    municipality: str = Field(description="Whose calendar applies; empty where it is not told.")
    tags: list[str]
    being_reviewed: bool
    review_at: datetime | None
    reviewed_at: datetime | None
    services: list["ServiceBrief"]
    invoices: list[InvoiceOut]
    payments: list[PaymentOut]
    holds: list[HoldOut]
    conflicts: int = Field(description="Unsettled conflicts: they stop new cuts of this account.")


class ServiceBrief(BaseModel):
    """A service in a list."""

    service: str
    account: str
    kind: str
    access: str
    ended_at: datetime | None
    keys: list[str] = Field(description="How devices know it, each as `type:value@device`.")


class FoundOut(BaseModel):
    """The services that a phone, user name, address, account or service id names."""

    key: str
    services: list[ServiceBrief]


# --- what billing is answered ----------------------------------------------------------------------------------------


class RefusedEvent(BaseModel):
    """One event of a batch that was refused."""

    index: int = Field(description="Its place in the batch, from 0.")
    id: str | None
    source: str | None
    problem: str = Field(description="What was wrong, and where.")


class EventsOut(BaseModel):
    """What came of the events that were sent. Each accepted one is stored; its account will be reviewed."""

    accepted: int
    duplicates: int = Field(description="Known already, with the same content: nothing to do.")
    refused: list[RefusedEvent]
