"""Intake: events in, facts and marks for review out, in one transaction for each small batch (rules 1 and 10).

Each event is stored once. The same one again changes nothing; the same id with other content is a conflict: refused,
shown, and the accounts that either content names get no new cut until a person has settled it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection

from controller.core.facts import Hold, Invoice, Payment, Return
from controller.intake.events import Event, read_event
from controller.intake.facts import Fact, FreshnessTold, ServiceTold, UnmatchedTold
from controller.intake.reader import EventRefused
from controller.intake.rows import Row, names_of, row_of
from controller.intake.words import in_words
from controller.store.engine import Database
from controller.store.queries import bindings, told, unmatched
from controller.store.queries.accounts import lock_accounts, mark_for_review
from controller.store.queries.devices import ensure_devices
from controller.store.queries.events import EventKey, body_of, digests_of, keep_conflicts, keep_events
from controller.store.queries.timeline import Happening, record
from controller.store.queries.writing import lock_names, tell

BATCH = 100
"""Events in one transaction: their accounts are locked for some tens of milliseconds."""


class Outcome(StrEnum):
    """What became of one event."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    REFUSED = "refused"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of the event at `index` of those given; `problem` is a sentence where it was not taken."""

    index: int
    source: str
    id: str
    outcome: Outcome
    problem: str = ""


def intake(db: Database, bodies: Sequence[object], now: datetime) -> list[Answer]:
    """Take events, given as JSON objects; `now` is their arrival. One answer each, in the order given.

    An event that can't be read is refused alone. An error of the database is raised: what was committed stays, and
    sending everything again is safe.
    """
    answers: list[Answer] = []
    readable: list[tuple[int, Event]] = []
    for index, body in enumerate(bodies):
        try:
            readable.append((index, read_event(body, now)))
        except EventRefused as wrong:
            answers.append(_refused(index, body, str(wrong)))
    for batch in _batches(readable):
        with db.write() as tx:
            answers += _take(tx, batch, now)
    return sorted(answers, key=lambda answer: answer.index)


def _refused(index: int, body: object, problem: str) -> Answer:
    source, id = (str(body.get(name, ""))[:255] if isinstance(body, dict) else "" for name in ("source", "id"))
    return Answer(index, source, id, Outcome.REFUSED, problem)


def _batches(events: Sequence[tuple[int, Event]]) -> Iterator[list[tuple[int, Event]]]:
    """News of freshness comes alone: it may concern more accounts than all other events together."""
    batch: list[tuple[int, Event]] = []
    for item in events:
        alone = isinstance(item[1].told.fact, FreshnessTold)
        if batch and (alone or len(batch) == BATCH):
            yield batch
            batch = []
        batch.append(item)
        if alone:
            yield batch
            batch = []
    if batch:
        yield batch


def _take(tx: Connection, batch: Sequence[tuple[int, Event]], now: datetime) -> list[Answer]:
    lock_names(tx, {name for _, event in batch for name in names_of(event)})
    first = {_key(event): index for index, event in reversed(batch)}
    new = keep_events(tx, [_stored(event, now) for index, event in batch if first[_key(event)] == index])
    before = digests_of(tx, first)
    answers = [_answer(index, event, new, before, first) for index, event in batch]
    taken = [event for (_, event), answer in zip(batch, answers, strict=True) if answer.outcome is Outcome.ACCEPTED]
    disputed = [event for (_, event), answer in zip(batch, answers, strict=True) if answer.outcome is Outcome.CONFLICT]
    rows = [row_of(event) for event in taken]
    quarrels = {_key(event): _disputants(tx, event, before) for event in disputed}
    concerned = _concerned(tx, taken, rows).union(*quarrels.values()) - {""}
    ensure_devices(tx, {device for event in taken for device in _devices(event)})
    lock_accounts(tx, concerned)
    lines = [line for event, row in zip(taken, rows, strict=True) for line in _keep(tx, event, row, now)]
    keep_conflicts(tx, [_conflict(event, account, now) for event in disputed for account in quarrels[_key(event)]])
    urgent = _concerned_urgently(taken)
    mark_for_review(tx, concerned - urgent, now)
    mark_for_review(tx, concerned & urgent, now, urgent=True)
    record(tx, [*lines, *(_quarrel(event, now) for event in disputed)])
    return answers


def _key(event: Event) -> EventKey:
    return event.source, event.id


def _stored(event: Event, now: datetime) -> dict[str, object]:
    return {
        "source": event.source,
        "id": event.id,
        "type": event.type,
        "account_id": event.told.account,
        "digest": event.digest,
        "body": event.body,
        "received_at": now,
    }


def _answer(
    index: int,
    event: Event,
    new: set[EventKey],
    before: dict[EventKey, tuple[str, str | None]],
    first: dict[EventKey, int],
) -> Answer:
    key = _key(event)
    if key in new and first[key] == index:
        return Answer(index, *key, Outcome.ACCEPTED)
    if before[key][0] == event.digest:
        return Answer(index, *key, Outcome.DUPLICATE)
    problem = f"event {event.id} of {event.source} came before with other content; a person must settle which is true"
    return Answer(index, *key, Outcome.CONFLICT, problem)


def _disputants(tx: Connection, event: Event, before: dict[EventKey, tuple[str, str | None]]) -> set[str]:
    """The accounts that either content names, itself or by its collection; "" where none does."""
    named = {event.told.account, before[_key(event)][1]} - {None}
    bodies = [event.body, body_of(tx, _key(event))]
    told_of = {body["data"]["collection"] for body in bodies if "collection" in body["data"]}
    named |= set(told.accounts_of_collections(tx, told_of).values())
    named |= {account for body in bodies for account in body["data"].get("candidates") or ()}
    return {str(account) for account in named} or {""}


def _concerned(tx: Connection, taken: Sequence[Event], rows: Sequence[Row]) -> set[str]:
    """Every account whose decision may change: named now or before, of the collection, or with a claim on the key."""
    found = {event.told.account for event in taken if event.told.account is not None}
    found |= told.present_holders(tx, rows)
    unnamed = [fact.collection for event in taken if isinstance(fact := event.told.fact, Return)]
    found |= set(told.accounts_of_collections(tx, unnamed).values())
    found |= _candidates(tx, [event.told.fact for event in taken])
    services = [fact for event in taken if isinstance(fact := event.told.fact, ServiceTold)]
    places = {place for fact in services for place in fact.bindings}
    places |= {place for fact in services for place in bindings.live_bindings_of(tx, fact.service.id)}
    return found | bindings.accounts_at(tx, places)


def _concerned_urgently(taken: Sequence[Event]) -> set[str]:
    """Those whom an event may restore: money, a hold, a bill that is taken back."""
    return {event.told.account for event in taken if event.told.account is not None and _may_restore(event.told.fact)}


def _may_restore(fact: Fact) -> bool:
    return isinstance(fact, Payment | Hold) or (isinstance(fact, Invoice) and (fact.cancelled or fact.amount < 0))


def _candidates(tx: Connection, facts: Sequence[Fact]) -> set[str]:
    """Whoever may be the payer of money that nobody has attributed, as told now, and before."""
    open_ = [fact for fact in facts if isinstance(fact, UnmatchedTold)]
    ids = {fact.payment.id for fact in open_} | {fact.id for fact in facts if isinstance(fact, Payment)}
    return {account for fact in open_ for account in fact.candidates} | unmatched.candidates_of(tx, ids)


def _devices(event: Event) -> set[str]:
    return {device for device, _ in event.told.fact.bindings} if isinstance(event.told.fact, ServiceTold) else set()


def _keep(tx: Connection, event: Event, row: Row, now: datetime) -> Iterable[Happening]:
    newest = tell(tx, *row)
    match event.told.fact:
        case ServiceTold() as fact if newest:
            _rebind(tx, fact, event.time)
        case UnmatchedTold() as fact if newest:
            unmatched.set_candidates(tx, fact.payment.id, fact.candidates)
        case FreshnessTold() if newest:
            told.wake_who_waits(tx, now, "payments")
    late = "" if newest else " (older than what is known: nothing changed)"
    for account in _about(event):
        yield _line(event, f"{event.source} told: {in_words(event.told.fact)}{late}", "event", now, account)


def _about(event: Event) -> Iterable[str]:
    """In whose timeline an event stands."""
    if isinstance(event.told.fact, UnmatchedTold):
        return sorted(event.told.fact.candidates)
    return () if event.told.account is None else (event.told.account,)


def _rebind(tx: Connection, fact: ServiceTold, at: datetime) -> None:
    """The service's live bindings become those listed. Their entries follow in the review, old and new at once."""
    before = bindings.live_bindings_of(tx, fact.service.id)
    bindings.end_bindings(tx, [number for place, number in before.items() if place not in fact.bindings], at)
    bindings.bind(tx, fact.service.id, fact.bindings - set(before))


def _conflict(event: Event, account: str, now: datetime) -> dict[str, object]:
    return {
        "account_id": account,
        "source": event.source,
        "event_id": event.id,
        "digest": event.digest,
        "body": event.body,
        "seen_at": now,
    }


def _quarrel(event: Event, now: datetime) -> Happening:
    return _line(
        event,
        f"{event.source} told two things under the id {event.id}: no new cuts until settled",
        "alarm",
        now,
        event.told.account,
    )


def _line(event: Event, text: str, kind: str, now: datetime, account: str | None) -> Happening:
    detail = {"source": event.source, "id": event.id, "type": event.type}
    return Happening(at=now, kind=kind, actor=event.source, text=text, account=account, detail=detail)
