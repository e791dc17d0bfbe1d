"""What becomes of numbers by a review: into quarantine, back into use on payment, given back for good.

Between the decisions of a batch and the `numbers` table, in the review's own transaction. Only what a device enforces
moves a number: what is merely observed leaves it in use. It is given back once its device was read to have released it,
and rests in quarantine until then: a report says so, in the report's transaction.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from controller.conclusion import Case
from controller.core.decision import Decision
from controller.core.facts import AccountId, Port, PortDirection, PortState, Service
from controller.situation import Situation
from controller.store.queries.facts import facts_of
from controller.store.queries.numbers import (
    IN_USE,
    POOL,
    QUARANTINE,
    RELEASED,
    Move,
    move_numbers,
    numbers_known,
)
from enforcement.access import Access, Kind, Reason


def follow_numbers(
    tx: Connection, changed: Sequence[tuple[Case, Decision]], situation: Situation, now: datetime
) -> None:
    """Move the numbers of these decisions, which differ from what was decided before."""
    wanted = [move for case, decision in changed for move in _moves(case, decision, situation)]
    if not wanted:
        return
    known = numbers_known(tx, {move.key for move in wanted})
    move_numbers(tx, [move for move in wanted if _is_news(move, known.get(move.key))], now)


def _is_news(move: Move, row: object) -> bool:
    """A number that somebody else uses by now is not moved by the service that it was taken from."""
    if row is None:
        return move.state != IN_USE
    state, service = getattr(row, "state", ""), getattr(row, "service_id", "")
    if service == move.service:
        return bool(state != move.state) and not (state in (RELEASED, POOL) and move.state == QUARANTINE)
    return move.state == IN_USE and state in (RELEASED, POOL)


def _moves(case: Case, decision: Decision, situation: Situation) -> Iterable[Move]:
    service = next(one for one in situation.facts[AccountId(case.row.id)].services if one.id == decision.service)
    if service.kind is Kind.INTERNET:
        return
    state, text = _state(case, decision, service, situation)
    for key in sorted({one.key for one in situation.bound_of(service.id)}):
        yield Move(key, service.id, case.row.id, state, text)


def _state(case: Case, decision: Decision, service: Service, situation: Situation) -> tuple[str, str]:
    given = next((one for one in decision.reasons if one.reason is Reason.BILLING), None)
    if given is None or not situation.enforcing(service.id, given.access):
        return IN_USE, "in use"
    if given.access is Access.RELEASED:
        return QUARANTINE, "in quarantine until its device was read to have released it"
    ladder = case.policy.ladders.get(service.kind, ())
    if given.access is Access.EMERGENCY_ONLY and any(stage.access is Access.RELEASED for stage in ladder):
        return QUARANTINE, f"in quarantine by {decision.stage}: a payment still brings it back"
    return IN_USE, "in use"


def give_back(tx: Connection, rows: Sequence[Any], now: datetime) -> None:
    """Numbers whose devices were just read to have released them; `rows` are their rows of `entries`."""
    if not rows:
        return
    facts = facts_of(tx, {row.account_id for row in rows}, now)
    wanted = []
    for row in rows:
        state, text = _given_back(facts[AccountId(row.account_id)].ports, row.service_id)
        wanted.append(Move(row.key, row.service_id, row.account_id, state, text))
    known = numbers_known(tx, {move.key for move in wanted})
    move_numbers(tx, [move for move in wanted if _is_news(move, known.get(move.key))], now)


def _given_back(ports: Sequence[Port], service: str) -> tuple[str, str]:
    """Into the pool; a number that was ported in goes back to the operator whose range it is of."""
    moved = [one for one in ports if one.service == service and one.state is PortState.DONE]
    last = max(moved, key=lambda one: (one.at, one.id), default=None)
    if last is not None and last.direction is PortDirection.IN:
        return RELEASED, f"given back to its range holder, {last.range_holder or 'which is not told'}"
    return POOL, "given back: in the pool"
