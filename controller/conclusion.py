"""What a review concludes for one account: its decisions, with what only the store can know held against them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row

from controller.core.blocks import Code
from controller.core.decide import decide
from controller.core.decision import Block, Decision
from controller.core.facts import AccountId
from controller.core.fingerprint import fingerprint_of
from controller.core.policy import Policy
from controller.core.wording import say
from controller.desired import CONTESTED, enforceable, shortcomings
from controller.judged_again import Judged, judged_again
from controller.situation import Situation
from enforcement.entries import ServiceId

POLICY_MISSING = "policy_missing"

LOOK_AGAIN = timedelta(hours=1)
"""When a contested key is looked at again although no event of its own account told of a change."""

_NOTHING: Mapping[str, Block] = {}


@dataclass(frozen=True, slots=True)
class Book:
    """The loaded policies, and the name of the one for accounts that name none."""

    policies: Mapping[str, Policy]
    default: str

    def __post_init__(self) -> None:
        if self.default not in self.policies:
            loaded = ", ".join(sorted(self.policies)) or "none"
            raise ValueError(f"default_policy {self.default!r} is not among the loaded policies: {loaded}")

    def policy_of(self, row: Any) -> tuple[Policy, str]:
        """The policy of an account (a row of `accounts`), and the name that it goes by; the default where unknown."""
        named = row.policy or self.default
        return self.policies.get(named, self.policies[self.default]), named


@dataclass(frozen=True, slots=True)
class Case:
    """One account under review; `row` is its row of `accounts`, `review_at` when the clock alone may change this.

    `fingerprint` is that of its decisions, None where more than facts, policy and clock had a part in them. `withdrawn`
    are services whose stage has cut nobody yet and is not to be imposed any more.
    """

    row: Row[Any]
    policy: Policy
    decisions: tuple[Decision, ...]
    review_at: datetime | None
    fingerprint: str | None
    withdrawn: frozenset[ServiceId]


def reviewed_by(policy: Policy) -> str:
    """A policy and its version, as they are kept of a review."""
    return f"{policy.name} {policy.version}"


def conclude(
    situation: Situation, row: Row[Any], book: Book, now: datetime, held: Mapping[str, Block] = _NOTHING
) -> Case:
    """Decide for one account. `held` are services that the brake holds back.

    Where a first imposition could not be carried out at all, it is decided again without it: what never happened is
    neither imposed nor counted, and nothing follows upon it.
    """
    facts = situation.facts[AccountId(row.id)]
    policy, named = book.policy_of(row)
    also: dict[ServiceId, list[Block]] = {}
    if policy.name != named:
        also = {service.id: [policy_missing(named)] for service in facts.services}
    judged = judged_again(facts, situation.unproven, policy, now, also)
    for service, block in held.items():
        also.setdefault(ServiceId(service), []).append(block)
    found = decide(judged.facts, policy, now, also)
    for decision in found:
        blocks = _impossible(decision, judged, situation) if decision.first else ()
        if blocks:
            also.setdefault(decision.service, []).extend(blocks)
            found = decide(judged.facts, policy, now, also)
    shown = tuple(_with_shortcomings(decision, situation) for decision in found)
    pure = not also and shown == found and not _beyond_facts(shown, situation)
    review_at = next_review(shown, now, judged.review_at)
    return Case(row, policy, shown, review_at, fingerprint_of(found) if pure else None, frozenset(judged.lapsed))


def _impossible(decision: Decision, judged: Judged, situation: Situation) -> tuple[Block, ...]:
    """Why a first imposition cannot be carried out, or not yet."""
    if decision.service in judged.standing:
        text = say("The stage that is in force was not read back from any device yet: nothing follows upon it.")
        return (Block(Code.UNPROVEN, text),)
    bound = situation.bound_of(decision.service)
    return () if enforceable(bound, decision.access) else shortcomings(bound, decision.access)


def _beyond_facts(decisions: Sequence[Decision], situation: Situation) -> bool:
    """Whether the store knows more of these services than facts say: then they are looked at in full the next time."""
    return any(one.first or one.service in situation.fictions or one.service in situation.unproven for one in decisions)


def policy_missing(name: str) -> Block:
    """What stands in the way of every service of an account whose policy is not loaded."""
    text = say("Policy {name}, which the account names, is not loaded: nothing is newly imposed.", name=name)
    return Block(POLICY_MISSING, text)


def _with_shortcomings(decision: Decision, situation: Situation) -> Decision:
    found = shortcomings(situation.bound_of(decision.service), decision.access)
    return replace(decision, blocks=(*decision.blocks, *found)) if found else decision


def next_review(decisions: Sequence[Decision], now: datetime, at_latest: datetime | None = None) -> datetime | None:
    """The earliest that any decision asks for. One that is past already would be asked for again and again."""
    asked = [at for at in (at_latest, *(decision.review_at for decision in decisions)) if at is not None]
    if any(block.code == CONTESTED for decision in decisions for block in decision.blocks):
        asked.append(now + LOOK_AGAIN)
    return max(min(asked), now + timedelta(seconds=1)) if asked else None
