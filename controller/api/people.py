"""What people ask for and are shown beside orders: holds, outages, approvals, tasks, notices, numbers, cycles."""

from datetime import date, datetime
from typing import Any

from pydantic import AwareDatetime, BaseModel, Field

from controller.api.asks import NOTE, Ask
from controller.api.models import HoldOut, ServiceBrief
from controller.api.views import BrakeOut, ConflictOut
from controller.core.facts import HoldKind


class InstalmentAsk(Ask):
    """A part of a plan."""

    due_on: date
    amount: int = Field(ge=1, le=2**62, description="Minor units.")


class HoldAsk(Ask):
    """Why not to escalate, or to open now until a date."""

    kind: HoldKind = Field(description="Any but outage, which is told of a device or a site.")
    note: str = NOTE
    until: AwareDatetime | None = Field(
        default=None, description="When it ends, with its offset; default: the policy's bound. A promise needs one."
    )
    review_on: date | None = Field(default=None, description="When a person shall look again; default: the policy's.")
    instalments: list[InstalmentAsk] = Field(default_factory=list, max_length=120, description="Of a plan.")
    currency: str = Field(default="", pattern="^([A-Z]{3})?$", description="ISO 4217, of the instalments.")
    beyond: bool = Field(default=False, description="Beyond the policy's bounds; needs the role admin.")


class HoldListed(HoldOut):
    """A hold with whose it is."""

    account: str
    overdue: bool = Field(description="A person should have looked at it by now.")
    instalments: list[dict[str, Any]]
    currency: str


class OrderedOut(BaseModel):
    """An account after an order about it."""

    account: str
    services: list[ServiceBrief]
    told: str = ""


class OutageAsk(Ask):
    """An outage of a device, or of all devices of a site."""

    device: str | None = Field(default=None, max_length=64)
    site: str | None = Field(default=None, max_length=64)
    until: AwareDatetime = Field(description="Until when at the longest, with its offset; at most 31 days ahead.")
    note: str = NOTE


class ApprovalAsk(Ask):
    """A person's yes or no to a stage of a service."""

    stage: str = Field(min_length=1, max_length=64)
    note: str = NOTE
    refused: bool = Field(default=False, description="No: the stage waits until somebody says yes anew.")


class WaitingOut(BaseModel):
    """A service whose next stage waits for people."""

    service: str
    account: str
    stage: str
    since: datetime = Field(description="Since when it was decided so.")
    text: str


class WaitingBrake(BrakeOut):
    """A brake that holds services back."""

    waiting: int = Field(description="Services that wait for it.")


class UnmatchedOut(BaseModel):
    """Money that nobody has attributed: those who may be the payers are not newly restricted meanwhile."""

    payment: str
    amount: int
    currency: str
    received_at: datetime
    source: str
    candidates: list[str]


class LooseReturnOut(BaseModel):
    """A return of a collection that nobody has told of."""

    collection: str
    code: str
    returned_on: date
    amount: int
    source: str


class NobodysOut(BaseModel):
    """What belongs to nobody yet. Each list shows at most 200."""

    payments: list[UnmatchedOut]
    payments_in_all: int
    returns: list[LooseReturnOut]
    returns_in_all: int


class PinOut(BaseModel):
    """A customer whom a hand at the site holds open, whatever is decided."""

    device: str
    key: str
    service: str
    account: str
    state: str = Field(description="withheld: open; anything else: the device was not read to be open.")
    since: datetime | None
    detail: str = Field(description="Until when, who and why, in the words of the site.")


class TasksOut(BaseModel):
    """What waits for people. Each list shows at most 200."""

    approvals: list[WaitingOut]
    persons: list[WaitingOut]
    unmatched: list[UnmatchedOut]
    conflicts: list[ConflictOut]
    holds: list[HoldListed] = Field(description="Past the day on which somebody should have looked at them.")
    brakes: list[WaitingBrake]
    pins: list[PinOut] = Field(description="Held open at their sites: make each a hold, or let it end by itself.")


class NoticeOut(BaseModel):
    """A message that billing must send."""

    account: str
    service: str
    stage: str
    template: str
    send_at: datetime
    names_date: date


class NoticesOut(BaseModel):
    """Messages to send, by service id; `next` is the `after` of the following page, null on the last."""

    notices: list[NoticeOut]
    next: str | None


class NumberOut(BaseModel):
    """A number that was ever on its way back."""

    number: str
    state: str = Field(description="in_use, quarantine, released (to its range holder) or pool.")
    since: datetime
    service: str
    account: str


class NumberMoved(BaseModel):
    """One line of a number's history."""

    at: datetime
    state: str
    service: str
    account: str
    text: str


class NumberShown(NumberOut):
    """A number with its history, newest first."""

    history: list[NumberMoved]


class CycleDay(BaseModel):
    """One day of the month of one brake, its neighbours within three days included."""

    day: int
    seen: int = Field(description="The most first impositions that such a day saw in the last months.")
    cap: int = Field(description="How many are approved around this day; 0 where none are.")
    approved_by: str | None = None
    approved_at: datetime | None = None
    note: str = ""


class CycleOut(BaseModel):
    """What a brake has seen over the months, and what is approved for its monthly days."""

    policy: str
    device: str
    days: list[CycleDay]


class CycleAsk(Ask):
    """Let more first impositions pass around one day of every month."""

    day: int = Field(ge=1, le=31, description="The day of the month; it counts three days before and after, too.")
    cap: int = Field(ge=0, le=10_000_000, description="How many in 24 h; 0 takes the approval back.")
    note: str = NOTE


class SourceOut(BaseModel):
    """What one source of payments said of its own completeness."""

    source: str
    payments_known_until: datetime
    returns_known_until: datetime | None = Field(description="Shown only: late returns cut nobody.")
