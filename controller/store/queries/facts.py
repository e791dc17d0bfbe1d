"""Everything that is known of a batch of accounts, in a handful of set-based questions whatever the batch's size.

The caller holds the accounts' locks, so that what is read here is what the decision still stands on when it is saved.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, Executable, Row, Select, and_, func, or_, select

from controller.core.facts import AccountId, Facts, Fresh
from controller.store.queries import factual
from controller.store.queries.among import IDS, among
from controller.store.queries.episodes import imposed_and_over
from controller.store.queries.outages import outage_holds
from controller.store.queries.unmatched import is_open
from controller.store.queries.writing import TOLD_BY
from controller.store.tables import (
    accounts,
    approvals,
    collections,
    conflicts,
    freshness,
    holds,
    impositions,
    invoices,
    notices,
    orders,
    payments,
    ports,
    returns,
    services,
    unmatched_candidates,
    unmatched_payments,
)

Fact = TypeVar("Fact")
ByAccount = Mapping[str, Sequence[Fact]]


def facts_of(tx: Connection, ids: Iterable[str], now: datetime | None = None) -> dict[AccountId, Facts]:
    """The facts of each of these accounts; of one that has only a name, the facts are empty.

    Of outages, those that are not over at `now` are facts; all of them where it is None.
    """
    wanted = sorted(ids)
    spoken = _freshness(tx)
    about = {row.id: row for row in tx.execute(_ACCOUNTS, {IDS: wanted})}
    parts: dict[str, ByAccount[Any]] = {
        name: _grouped(tx, question, made, wanted) for name, (question, made) in QUESTIONS.items()
    }
    parts["imposed"], parts["suspensions"] = imposed_and_over(tx.execute(_IMPOSITIONS, {IDS: wanted}).all())
    parts["holds"] = _joined(parts["holds"], outage_holds(tx, wanted, now))
    return {
        AccountId(id): Facts(
            account=AccountId(id),
            tags=frozenset(about[id].tags) if id in about else frozenset(),
            municipality=about[id].municipality if id in about else "",
            freshness=spoken,
            **{name: tuple(found[id]) for name, found in parts.items() if id in found},
        )
        for id in wanted
    }


def _freshness(tx: Connection) -> tuple[Fresh, ...]:
    """What each billing system says of its own completeness."""
    return tuple(Fresh(row.source, row.payments_known_until) for row in tx.execute(_FRESHNESS))


def _grouped(
    tx: Connection, question: Executable, made: Callable[[Row[Any]], Fact], wanted: Sequence[str]
) -> ByAccount[Fact]:
    found: dict[str, list[Fact]] = defaultdict(list)
    for row in tx.execute(question, {IDS: wanted}).all():
        found[row.account_id].append(made(row))
    return dict(found)


def _joined(one: ByAccount[Fact], other: ByAccount[Fact]) -> ByAccount[Fact]:
    return {id: (*one.get(id, ()), *other.get(id, ())) for id in {*one, *other}} if other else one


def _of(table: Any) -> Select[Any]:
    # Ordered, since the same facts must read the same whichever event came first.
    told_by = TOLD_BY if "event_time" in table.c else ()
    columns = [column for column in table.c if column.name not in told_by]
    return select(*columns).where(among(table.c.account_id)).order_by(table.c.id)


def _returns() -> Select[Any]:
    """Returns that name the account, and those that only name one of its collections."""
    account = func.coalesce(returns.c.account_id, collections.c.account_id)
    named = among(returns.c.account_id)
    by_collection = and_(returns.c.account_id.is_(None), among(collections.c.account_id))
    joined = returns.outerjoin(collections, returns.c.collection_id == collections.c.id)
    columns = (returns.c.collection_id, returns.c.code, returns.c.returned_on, returns.c.amount)
    order = (returns.c.collection_id, returns.c.returned_on, returns.c.code)
    query = select(account.label("account_id"), *columns).select_from(joined)
    return query.where(or_(named, by_collection)).order_by(*order)


def _by_service(table: Any) -> Select[Any]:
    joined = services.join(table, table.c.service_id == services.c.id)
    query = select(services.c.account_id, table).select_from(joined).where(among(services.c.account_id))
    return query.order_by(table.c.service_id, table.c.id)


def _unmatched() -> Select[Any]:
    joined = unmatched_candidates.join(unmatched_payments, unmatched_payments.c.id == unmatched_candidates.c.payment_id)
    columns = [unmatched_payments.c[name] for name in ("id", "amount", "currency", "received_at")]
    query = select(unmatched_candidates.c.account_id, *columns).select_from(joined)
    return query.where(among(unmatched_candidates.c.account_id), is_open()).order_by(unmatched_payments.c.id)


_ACCOUNTS = select(accounts.c.id, accounts.c.tags, accounts.c.municipality).where(among(accounts.c.id))
_FRESHNESS = select(freshness.c.source, freshness.c.payments_known_until).order_by(freshness.c.source)
_IMPOSITIONS = _by_service(impositions)
QUESTIONS: Mapping[str, tuple[Select[Any], Callable[[Row[Any]], Any]]] = {
    "services": (_of(services), factual.service),
    "invoices": (_of(invoices), factual.invoice),
    "collections": (_of(collections), factual.collection),
    "returns": (_returns(), factual.returned),
    "payments": (_of(payments), factual.payment),
    "unmatched": (_unmatched(), factual.unmatched),
    "notices": (_of(notices), factual.notice),
    "holds": (_of(holds), factual.hold),
    "orders": (_of(orders), factual.order),
    "approvals": (_by_service(approvals), factual.approval),
    "ports": (_of(ports), factual.port),
    "conflicts": (_of(conflicts).where(conflicts.c.settled_at.is_(None)), factual.conflict),
}
"""What is asked of a batch, by the field of Facts, and what is made of each row."""
