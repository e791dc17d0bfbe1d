"""Everything that is known of a batch of accounts, in a handful of set-based questions whatever the batch's size.

The caller holds the accounts' locks, so that what is read here is what the decision still stands on when it is saved.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, Select, and_, func, or_, select

from controller.core.facts import (
    AccountId,
    Collection,
    Facts,
    Fresh,
    Hold,
    HoldKind,
    Imposed,
    Invoice,
    InvoiceLine,
    Notice,
    Order,
    Payment,
    Return,
    Service,
)
from controller.store.tables import (
    accounts,
    collections,
    conflicts,
    freshness,
    holds,
    impositions,
    invoices,
    notices,
    orders,
    payments,
    returns,
    services,
)
from enforcement.access import Access, Kind, Reason
from enforcement.entries import ServiceId

Fact = TypeVar("Fact")
ByAccount = dict[str, tuple[Fact, ...]]


def facts_of(tx: Connection, ids: Iterable[str]) -> dict[AccountId, Facts]:
    """The facts of each of these accounts; of one that has only a name, the facts are empty."""
    wanted = sorted(ids)
    spoken = _freshness(tx)
    tags = {row.id: row.tags for row in tx.execute(select(accounts.c.id, accounts.c.tags).where(_in(accounts, wanted)))}
    parts: dict[str, Any] = {
        "services": _grouped(tx, _of(services, wanted), _service),
        "invoices": _grouped(tx, _of(invoices, wanted), _invoice),
        "collections": _grouped(tx, _of(collections, wanted), _collection),
        "returns": _grouped(tx, _returns_of(wanted), _return),
        "payments": _grouped(tx, _of(payments, wanted), _payment),
        "notices": _grouped(tx, _of(notices, wanted), _notice),
        "holds": _grouped(tx, _of(holds, wanted), _hold),
        "orders": _grouped(tx, _of(orders, wanted), _order),
        "imposed": _grouped(tx, _imposed_on(wanted), _imposition),
        "conflicts": _grouped(tx, _open_conflicts_of(wanted), _conflict),
    }
    return {
        AccountId(id): Facts(
            account=AccountId(id),
            tags=frozenset(tags.get(id, ())),
            freshness=spoken,
            **{name: found.get(id, ()) for name, found in parts.items()},
        )
        for id in wanted
    }


def _freshness(tx: Connection) -> tuple[Fresh, ...]:
    """What each billing system says of its own completeness."""
    query = select(freshness.c.source, freshness.c.payments_known_until).order_by(freshness.c.source)
    return tuple(Fresh(row.source, row.payments_known_until) for row in tx.execute(query))


def payments_known_until(tx: Connection) -> datetime | None:
    """Up to when every billing system has told every payment: the oldest of what they said, None where none spoke."""
    oldest: datetime | None = tx.execute(select(func.min(freshness.c.payments_known_until))).scalar_one()
    return oldest


def _in(table: Any, wanted: Sequence[str]) -> Any:
    return table.c.id.in_(wanted)


def _of(table: Any, wanted: Sequence[str]) -> Select[Any]:
    # Ordered, since the same facts must read the same whichever event came first.
    return select(table).where(table.c.account_id.in_(wanted)).order_by(table.c.id)


def _returns_of(wanted: Sequence[str]) -> Select[Any]:
    """Returns that name the account, and those that only name one of its collections."""
    account = func.coalesce(returns.c.account_id, collections.c.account_id)
    named = returns.c.account_id.in_(wanted)
    by_collection = and_(returns.c.account_id.is_(None), collections.c.account_id.in_(wanted))
    joined = returns.outerjoin(collections, returns.c.collection_id == collections.c.id)
    columns = (account.label("account_id"), *(column for column in returns.c if column.name != "account_id"))
    order = (returns.c.collection_id, returns.c.returned_on, returns.c.code)
    return select(*columns).select_from(joined).where(or_(named, by_collection)).order_by(*order)


def _imposed_on(wanted: Sequence[str]) -> Select[Any]:
    joined = impositions.join(services, impositions.c.service_id == services.c.id)
    in_force = and_(services.c.account_id.in_(wanted), impositions.c.ended_at.is_(None))
    return (
        select(services.c.account_id, impositions)
        .select_from(joined)
        .where(in_force)
        .order_by(impositions.c.service_id, impositions.c.id)
    )


def _open_conflicts_of(wanted: Sequence[str]) -> Select[Any]:
    return _of(conflicts, wanted).where(conflicts.c.settled_at.is_(None))


def _grouped(tx: Connection, question: Select[Any], made: Callable[[Row[Any]], Fact]) -> ByAccount[Fact]:
    found: dict[str, list[Fact]] = defaultdict(list)
    for row in tx.execute(question):
        found[row.account_id].append(made(row))
    return {account: tuple(facts) for account, facts in found.items()}


def _service(row: Row[Any]) -> Service:
    return Service(ServiceId(row.id), Kind(row.kind), row.ended_at)


def _invoice(row: Row[Any]) -> Invoice:
    lines = tuple(InvoiceLine(line["amount"], line["service"]) for line in row.lines)
    return Invoice(row.id, row.amount, row.currency, row.presented_on, row.due_on, lines, row.cancelled)


def _collection(row: Row[Any]) -> Collection:
    return Collection(row.id, row.invoice_id, row.amount, row.collected_on)


def _return(row: Row[Any]) -> Return:
    return Return(row.collection_id, row.code, row.returned_on, row.amount)


def _payment(row: Row[Any]) -> Payment:
    return Payment(
        id=row.id,
        amount=row.amount,
        currency=row.currency,
        instrument=row.instrument,
        received_at=row.received_at,
        clears_at=row.clears_at,
        reversed_at=row.reversed_at,
        allocations=tuple((part["invoice"], part["amount"]) for part in row.allocations),
    )


def _notice(row: Row[Any]) -> Notice:
    return Notice(row.id, row.stage, row.channel, row.sent_at, row.names_date, row.delivered_at, row.service_id)


def _hold(row: Row[Any]) -> Hold:
    return Hold(row.id, HoldKind(row.kind), row.since, row.author, row.note, row.until, row.service_id)


def _order(row: Row[Any]) -> Order:
    """An order that a person ended is in force until then at most."""
    ends = [instant for instant in (row.until, row.ended_at) if instant is not None]
    return Order(
        id=row.id,
        service=ServiceId(row.service_id),
        reason=Reason(row.reason),
        access=Access(row.access),
        since=row.since,
        author=row.author,
        note=row.note,
        until=min(ends, default=None),
    )


def _imposition(row: Row[Any]) -> Imposed:
    return Imposed(ServiceId(row.service_id), Access(row.access), row.stage, row.at)


def _conflict(row: Row[Any]) -> str:
    return f"{row.source} {row.event_id}"
