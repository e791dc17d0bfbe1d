"""foresee(): what would happen to an account from one instant to another if nobody told of anything new. Pure.

Beside `decide`, which looks at one instant: `grifo simulate` and `grifo today` walk from review to review as the clock
would, on facts that only they change: a stage that is imposed stands from then on, a notice that is due is taken as
sent and delivered where the caller says so. Nothing is stored and no device is told.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from controller.core.blocks import Code
from controller.core.decide import decide
from controller.core.decision import Block, Decision, NoticeDue
from controller.core.facts import Facts, Fresh, Imposed, Notice, Suspension
from controller.core.policy import Policy, Stage
from controller.core.wording import say, sentences
from enforcement.access import Access, Kind, Reason
from enforcement.entries import ServiceId

LONGEST_WALK = 500
"""Reviews of one account that a walk looks at; a year of daily ones, and room."""

ASSUMED = "assumed"
"""The channel of a notice that is only assumed, where the rule names none."""


class What(StrEnum):
    """What would happen to a service."""

    WARN = "warn"
    """A notice is to be sent."""
    CUT = "cut"
    """A stage would be imposed."""
    RELEASE = "release"
    """The number would be given back."""
    RESTORE = "restore"
    """Billing would restrict it no more."""
    TASK = "task"
    """All else is met, and a person has to do something."""
    WAIT = "wait"
    """It owes and is not restricted further; the blocks say why."""


@dataclass(frozen=True, slots=True)
class Foreseen:
    """One thing that would happen. `text` says why in words; `blocks` what stands in the way of what waits."""

    service: ServiceId
    kind: Kind
    what: What
    at: datetime
    stage: str
    access: Access
    text: str
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True, slots=True)
class Assume:
    """What a walk takes for granted: that notices are sent and delivered when due, that billing goes on telling."""

    notices: bool
    fresh: bool


_PEOPLE = frozenset({Code.APPROVAL, Code.PERSON})


def foresee(facts: Facts, policy: Policy, start: datetime, until: datetime, assume: Assume) -> tuple[Foreseen, ...]:
    """All that would happen from `start` to `until`, both included, in order; at the end, what waits and for what."""
    walk = _Walk(facts, policy, assume, start)
    for _ in range(LONGEST_WALK):
        ahead = walk.step()
        if ahead is None or ahead > until:
            break
        walk.now = ahead
    return (*walk.found, *walk.waiting())


class _Walk:
    """One account on its way. `step` decides at `now` until nothing more happens there, and says when to look again."""

    def __init__(self, facts: Facts, policy: Policy, assume: Assume, start: datetime) -> None:
        self.now = start
        self.found: list[Foreseen] = []
        self._facts, self._policy, self._assume = facts, policy, assume
        self._kinds = {service.id: service.kind for service in facts.services}
        self._told: set[tuple[ServiceId, str, What]] = set()
        self._decided: Sequence[Decision] = ()

    def step(self) -> datetime | None:
        """The next instant at which anything can change; None where only an event can change it."""
        if self._assume.fresh:
            self._facts = _kept_fresh(self._facts, self.now)
        self._decided = decide(self._facts, self._policy, self.now)
        while self._take(self._decided):
            self._decided = decide(self._facts, self._policy, self.now)
        asked = [one.review_at for one in self._decided] + [due.send_at for _, due in self._due()]
        return min((at for at in asked if at is not None and at > self.now), default=None)

    def waiting(self) -> Iterable[Foreseen]:
        """What every service that still has a stage ahead waits for, as last decided."""
        for decision in self._decided:
            if decision.next_stage and decision.blocks and not self._told_of_people(decision):
                yield self._foreseen(decision, What.WAIT, decision.next_stage, _all_said(decision.blocks))

    def _take(self, decisions: Sequence[Decision]) -> bool:
        """Note what these decisions do; whether the facts are other than before: then they are decided again."""
        changed = False
        for decision in decisions:
            changed = self._impose(decision) or self._restore(decision) or changed
            self._ask_people(decision)
        for decision, due in self._due():
            changed = self._warn(decision, due) or changed
        return changed

    def _impose(self, decision: Decision) -> bool:
        if not decision.first:
            return False
        access = next(one.access for one in decision.reasons if one.reason is Reason.BILLING)
        what = What.RELEASE if access is Access.RELEASED else What.CUT
        self.found.append(self._foreseen(decision, what, decision.stage, _reasons(decision)))
        self._facts = _with_imposed(self._facts, Imposed(decision.service, access, decision.stage, self.now))
        return True

    def _restore(self, decision: Decision) -> bool:
        """Not where a hold opens the service for a while: the stage is over, and begins anew, in reviews too."""
        before = next((one for one in self._facts.imposed if one.service == decision.service), None)
        if before is None or decision.stage:
            return False
        text = _all_said(decision.blocks) or sentences(one.text for one in decision.evidence)
        self.found.append(self._foreseen(decision, What.RESTORE, before.stage, text))
        over = Suspension(before.service, before.access, before.since, self.now)
        left = tuple(one for one in self._facts.imposed if one.service != decision.service)
        self._facts = replace(self._facts, imposed=left, suspensions=(*self._facts.suspensions, over))
        return True

    def _ask_people(self, decision: Decision) -> None:
        blocks = tuple(block for block in decision.blocks if block.code in _PEOPLE)
        if (
            blocks
            and len(blocks) == len(decision.blocks)
            and self._new(decision.service, decision.next_stage, What.TASK)
        ):
            self.found.append(self._foreseen(decision, What.TASK, decision.next_stage, _all_said(blocks), blocks))

    def _told_of_people(self, decision: Decision) -> bool:
        return (decision.service, decision.next_stage, What.TASK) in self._told

    def _due(self) -> list[tuple[Decision, NoticeDue]]:
        return [(decision, decision.notice_due) for decision in self._decided if decision.notice_due is not None]

    def _warn(self, decision: Decision, due: NoticeDue) -> bool:
        if due.send_at > self.now or not self._new(decision.service, f"{due.stage} {due.names_date}", What.WARN):
            return False
        self.found.append(
            self._foreseen(decision, What.WARN, due.stage, say("The message names {day}.", day=due.names_date))
        )
        if not self._assume.notices:
            return False
        self._facts = replace(self._facts, notices=(*self._facts.notices, self._notice(decision, due)))
        return True

    def _notice(self, decision: Decision, due: NoticeDue) -> Notice:
        stage = self._stage(decision.service, due.stage)
        channel = min(stage.notice.channels, default=ASSUMED) if stage is not None else ASSUMED
        return Notice(
            id=f"{ASSUMED}-{decision.service}-{due.stage}-{self.now.isoformat()}",
            stage=due.stage,
            channel=channel,
            sent_at=self.now,
            names_date=due.names_date,
            delivered_at=self.now,
            service=decision.service,
            template=due.template,
        )

    def _stage(self, service: ServiceId, name: str) -> Stage | None:
        ladder = self._policy.ladders.get(self._kinds[service], ())
        return next((stage for stage in ladder if stage.name == name), None)

    def _new(self, service: ServiceId, what: str, kind: What) -> bool:
        told = (service, what, kind)
        if told in self._told:
            return False
        self._told.add(told)
        return True

    def _foreseen(
        self, decision: Decision, what: What, stage: str, text: str, blocks: tuple[Block, ...] | None = None
    ) -> Foreseen:
        shown = decision.blocks if blocks is None and what is What.WAIT else (blocks or ())
        kind = self._kinds[decision.service]
        return Foreseen(decision.service, kind, what, self.now, stage, decision.access, text, shown)


def _kept_fresh(facts: Facts, now: datetime) -> Facts:
    """Billing goes on telling: what each source has told is never older than now."""
    told = tuple(Fresh(one.source, max(one.payments_known_until, now)) for one in facts.freshness)
    return facts if told == facts.freshness else replace(facts, freshness=told)


def _with_imposed(facts: Facts, imposed: Imposed) -> Facts:
    others = tuple(one for one in facts.imposed if one.service != imposed.service)
    return replace(facts, imposed=(*others, imposed))


def _reasons(decision: Decision) -> str:
    return sentences(one.text for one in decision.reasons if one.reason is Reason.BILLING)


def _all_said(blocks: Iterable[Block]) -> str:
    return sentences(block.text for block in blocks)
