"""A person's yes or no to a stage of a service: written down under the account's lock, and looked at at once.

The core says how many people must have said yes, for how long that counts, and what a no does. Here it is made sure
that a yes is to something that the policy knows, and that nobody believes to be two people.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from controller.core.policy import Policy, Stage
from controller.core.wording import say
from controller.refusals import OrderRefused
from controller.store.queries import accounts, approving
from controller.store.queries.timeline import Happening, record
from enforcement.access import Kind


@dataclass(frozen=True, slots=True)
class Said:
    """Who says yes or no to which stage of a service (a row of `shown.service_row`), and why."""

    service: Any
    stage: str
    by: str
    note: str
    refused: bool


def say_to_stage(tx: Connection, said: Said, policy: Policy, now: datetime) -> str:
    """Write it down and mark the account; a sentence for who said it. Raises OrderRefused."""
    stage = _stage(said, policy)
    since = now - timedelta(days=policy.approval_days)
    given = approving.approvals_of(tx, said.service.id, stage.name, since)
    mine = [one for one in given if one["by"] == said.by]
    if not said.refused and mine and not mine[-1]["refused"] and not _refused_since(given, mine[-1]["at"]):
        return say("{by} has approved {stage} already: the same person counts once.", by=said.by, stage=stage.name)
    approving.keep_approval(tx, said.service.id, stage.name, said.by, now, said.note, said.refused)
    what = "refused" if said.refused else "approved"
    text = f"{what} {stage.name}: {said.note}"
    record(tx, [Happening(now, "approval", said.by, text, said.service.account_id, said.service.id)])
    accounts.mark_for_review(tx, [said.service.account_id], now)
    names = {"stage": stage.name, "service": said.service.id, "by": said.by}
    if said.refused:
        return say("{stage} of {service} is refused by {by}.", **names)
    return say("{stage} of {service} is approved by {by}.", **names)


def _stage(said: Said, policy: Policy) -> Stage:
    ladder = policy.ladders.get(Kind(said.service.kind), ())
    for stage in ladder:
        if stage.name == said.stage:
            return stage
    known = ", ".join(stage.name for stage in ladder) or "none"
    words = f"body.stage is {said.stage!r}; the stages of {said.service.kind} in policy {policy.name} are: {known}"
    raise OrderRefused(words, wrong_request=True)


def _refused_since(given: Sequence[Any], at: datetime) -> bool:
    """Whether anybody has said no after that: then a yes said before counts no more, and must be said anew."""
    return any(one["refused"] and one["at"] >= at for one in given)
