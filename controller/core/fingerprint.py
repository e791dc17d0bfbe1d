"""A fingerprint of an account's decisions: equal where what was concluded is the same, whenever it was looked at.

`review_at` is left out: it belongs to the look, not to what is so.
"""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import blake2b

from controller.core.decision import Decision
from enforcement.access import Access

OPEN = "open"
"""Of an account all of whose services are open, with nothing to be said about them: nearly all, nearly always."""


def fingerprint_of(decisions: Sequence[Decision]) -> str:
    """At most 32 characters; the same in every process and on every day."""
    if all(_says_nothing(one) for one in decisions):
        return OPEN
    told = [replace(one, review_at=None) for one in decisions]
    return blake2b(repr(told).encode(), digest_size=16).hexdigest()


def _says_nothing(decision: Decision) -> bool:
    return (
        decision.access is Access.FULL
        and not decision.reasons
        and not decision.evidence
        and not decision.blocks
        and not decision.next_stage
        and decision.notice_due is None
    )
