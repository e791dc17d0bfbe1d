"""What may stand in a stage's way, by code, and which of two ways is nearer to its end.

Beside `decision.Block`: whoever finds something missing gives it one of these codes, and whoever waits for it, counts
it or puts it before a person goes by the code and never by the words.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from controller.core.decision import Block


class Code(StrEnum):
    """All that may stand in the way; `Block.code` is one of these."""

    SERVICE_ENDED = "service_ended"
    NEVER = "never"
    RESELLER_USER = "reseller_user"
    NOT_IN_POLICY = "not_in_policy"
    NOT_FOR_CUSTOMER = "not_for_customer"
    RULE_NOT_IN_FORCE = "rule_not_in_force"
    OVERRIDE_EXPIRED = "override_expired"
    CONFLICT = "conflict"
    HOLD = "hold"
    PART_PAYMENT = "part_payment"
    PAYMENT_CLEARING = "payment_clearing"
    UNMATCHED_PAYMENT = "unmatched_payment"
    PAYMENTS_STALE = "payments_stale"
    COLLECTION_PENDING = "collection_pending"
    RETURN_GRACE = "return_grace"
    TOO_FEW_INVOICES = "too_few_invoices"
    TOO_LITTLE = "too_little"
    TOO_FEW_RETURNS = "too_few_returns"
    TOO_FEW_SUSPENSIONS = "too_few_suspensions"
    TOO_YOUNG = "too_young"
    STAGE_TOO_YOUNG = "stage_too_young"
    NOTICE_MISSING = "notice_missing"
    NOTICE_UNPROVEN = "notice_unproven"
    NOTICE_BOUNCED = "notice_bounced"
    NOTICE_EXPIRED = "notice_expired"
    NOTICE_OF_OTHER_DEBT = "notice_of_other_debt"
    NOTICE_LEAD = "notice_lead"
    NOTICE_DATE = "notice_date"
    NOTICE_DATE_TOO_EARLY = "notice_date_too_early"
    NOTICE_RECENT = "notice_recent"
    RELEASE_UNFOUNDED = "release_unfounded"
    PORT_PENDING = "port_pending"
    PORTED_OUT = "ported_out"
    APPROVAL = "approval"
    REFUSED = "refused"
    PERSON = "person"
    WINDOW = "window"
    UNPROVEN = "unproven"
    CANARY = "canary"
    BRAKE = "brake"
    """These three are put by the review, never found here: `decide` is told of them in `also`."""


def ends_at(blocks: Sequence[Block], otherwise: datetime) -> datetime | None:
    """When the last of these ends by itself; None where one does not, `otherwise` where there are none."""
    waits = [block.until for block in blocks]
    known = [until for until in waits if until is not None]
    return None if len(known) < len(waits) else max(known, default=otherwise)


def nearness(blocks: Sequence[Block]) -> tuple[bool, float, int]:
    """Smallest for the way that is open, or that ends soonest, or that lacks the fewest things."""
    waits = [block.until.timestamp() if block.until else float("inf") for block in blocks]
    return bool(blocks), max(waits, default=0.0), len(blocks)
