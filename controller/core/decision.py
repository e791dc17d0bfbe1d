"""The decision: what a review concludes for one service, in words that a person can defend. All frozen."""

from dataclasses import dataclass
from datetime import date, datetime

from enforcement.access import Access, Rate, Reason
from enforcement.entries import ServiceId


@dataclass(frozen=True, slots=True)
class ReasonFor:
    """One reason why a service is restricted, the access that it gives, and the words for a person."""

    reason: Reason
    access: Access
    text: str
    ref: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One fact that the decision stands on.

    `kind` is invoice, return, notice, approval, suspension, payment, hold, order, port or rule.
    """

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
class NoticeDue:
    """A message that the customer must get before the stage: not before `send_at`, in the policy's message hours.

    `names_date` is the earliest lawful date that it can name if it is sent and delivered then.
    """

    stage: str
    template: str
    send_at: datetime
    names_date: date


@dataclass(frozen=True, slots=True)
class Decision:
    """What a review concludes for one service.

    `stage` is billing's stage that is in force after this decision ("" where billing imposes nothing); `next_stage` and
    `blocks` say what would come next and what stands in its way. `first` is true where this decision newly imposes a
    billing stage, which the brake and the permit's window count. `review_at` is the earliest instant at which any of
    this could change by the clock alone; None where only an event can change it. `rate` is what a throttled service
    still has, None where the device's own setting says. `notice_due` is the message that the next stage lacks.
    """

    service: ServiceId
    access: Access
    stage: str = ""
    reasons: tuple[ReasonFor, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    next_stage: str = ""
    blocks: tuple[Block, ...] = ()
    review_at: datetime | None = None
    first: bool = False
    rate: Rate | None = None
    notice_due: NoticeDue | None = None
