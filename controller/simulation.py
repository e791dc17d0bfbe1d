"""What would happen to all customers: `foresee` for each account, on the facts of this moment, changing nothing.

Reads a part of the accounts at a time, each in a snapshot of its own, and locks none: reviews and payments go on. What
comes out is told as it is found, so that a million accounts need no more memory than one part of them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from controller.conclusion import Book, policy_missing
from controller.core.decision import Block
from controller.core.facts import AccountId
from controller.core.foresight import Assume, Foreseen, What, foresee
from controller.core.policy import Policy
from controller.core.wording import say
from controller.judged_again import judged_again
from controller.situation import Situation, situation_of
from controller.store.engine import Database
from controller.store.queries.facts import facts_of
from controller.store.queries.foreseeing import Chosen, accounts_after, how_many, sites_of
from enforcement.access import Access, Kind
from enforcement.entries import ServiceId

FAILED = "failed"
"""The code of what keeps an account from being foreseen."""

PART = 500
"""Accounts that are read at once."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: whose future, from when until when, by which policies.

    `policy` stands in for every account's own, and `against` for that in a second look whose differences alone are
    told; None is the account's own.
    """

    chosen: Chosen
    start: datetime
    until: datetime
    assume: Assume
    policy: Policy | None = None
    against: Policy | None = None
    compare: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """How many of the chosen accounts have been looked at."""

    done: int
    of: int


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that would happen to an account. In a comparison `against_at` is when it would happen by the other
    policy, None where it would not; `foreseen.at` counts only where `here`."""

    account: str
    policy: str
    sites: frozenset[str]
    foreseen: Foreseen
    here: bool = True
    against_at: datetime | None = None


def simulate(database: Database, book: Book, question: Question) -> Iterator[Progress | Found]:
    """All that would happen, account by account in the order of their ids, with the progress after each part."""
    with database.read() as tx:
        total = how_many(tx, question.chosen)
    last, done = "", 0
    while True:
        with database.read() as tx:
            rows = accounts_after(tx, last, PART, question.chosen)
            ids = [str(row.id) for row in rows]
            situation = situation_of(tx, facts_of(tx, ids)) if ids else None
            sites = sites_of(tx, ids) if ids else {}
        if situation is not None:
            for row in rows:
                yield from _of_account(row, situation, sites, book, question)
        done += len(rows)
        yield Progress(done, max(total, done))
        if len(rows) < PART:
            return
        last = ids[-1]


def _of_account(
    row: Row[Any, Any], situation: Situation, sites: Mapping[str, frozenset[str]], book: Book, question: Question
) -> Iterable[Found]:
    own, named = book.policy_of(row)
    missing = policy_missing(named) if own.name != named else None
    policy = question.policy or own
    ahead = _ahead(row, situation, policy, missing if question.policy is None else None, question)
    if question.compare:
        against = question.against or own
        other = _ahead(row, situation, against, missing if question.against is None else None, question)
        return _differences(row.id, sites, policy.name, ahead, other)
    site = question.chosen.site
    found = (Found(row.id, policy.name, sites.get(one.service, frozenset()), one) for one in ahead)
    return [one for one in found if not site or site in one.sites]


def _ahead(
    row: Row[Any, Any], situation: Situation, policy: Policy, missing: Block | None, question: Question
) -> Sequence[Foreseen]:
    """What would happen, on the facts as a review takes them: what was only observed, or has cut nobody and would not
    be imposed any more, is none of them. Under a policy that is not loaded nothing is newly imposed."""
    facts, start = situation.facts[AccountId(row.id)], question.start
    try:
        judged = judged_again(facts, situation.unproven, policy, start)
        found = foresee(judged.facts, policy, start, question.until, question.assume)
    except Exception as wrong:  # noqa: BLE001 - an account's turn: as in a review, its failure stops no other
        text = say("It cannot be foreseen: {error}", error=f"{type(wrong).__name__}: {wrong}")
        return [_waits(one.id, one.kind, Block(FAILED, text), start) for one in facts.services]
    if missing is None:
        return found
    lifted = [one for one in found if one.what is What.RESTORE]
    kinds = {one.service: one.kind for one in found if one.what is not What.RESTORE}
    return [*lifted, *(_waits(service, kind, missing, start) for service, kind in kinds.items())]


def _waits(service: ServiceId, kind: Kind, block: Block, at: datetime) -> Foreseen:
    return Foreseen(service, kind, What.WAIT, at, "", Access.FULL, block.text, (block,))


def _differences(
    account: str, sites: Mapping[str, frozenset[str]], policy: str, ours: Sequence[Foreseen], theirs: Sequence[Foreseen]
) -> Iterator[Found]:
    """What would happen by one policy alone, or at another time; what waits is told by neither."""
    mine, others = _by_what(ours), _by_what(theirs)
    for what in [*mine, *(what for what in others if what not in mine)]:
        one, other = mine.get(what), others.get(what)
        shown = one or other
        if shown is None or (one is not None and other is not None and one.at == other.at):
            continue
        at = None if other is None else other.at
        yield Found(account, policy, sites.get(shown.service, frozenset()), shown, one is not None, at)


def _by_what(found: Iterable[Foreseen]) -> dict[tuple[str, What, str], Foreseen]:
    """The first of each kind, for each service and stage."""
    kept: dict[tuple[str, What, str], Foreseen] = {}
    for one in found:
        if one.what is not What.WAIT:
            kept.setdefault((one.service, one.what, one.stage), one)
    return kept
