"""Invariant 5: the same events, in any order and with any duplicates, give the same facts and live bindings."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from controller.intake.taking import intake
from controller.store.engine import Database
from controller.store.queries.facts import facts_of
from controller.store.tables import accounts, bindings
from tests.controller.billing import NOW, Billing
from tests.controller.dump import empty


def _month() -> list[dict[str, Any]]:
    """A month of two accounts: corrections, a move, a reversal, a return that names nobody, events of one instant."""
    billing, bank = Billing(), Billing("bank")
    events = [
        billing.account("a1"),
        billing.account("a1", tags=["business", "vip"], policy="gentle"),
        billing.service("a1", "s1", ("bras1", "username:ana")),
        billing.service("a1", "s1", ("bras1", "username:ana"), ("bras2", "username:ana")),
        billing.service("a2", "s1", ("bras2", "username:ana")),
        billing.service("a1", "s2", ("bras1", "username:ana"), ended_at="2026-02-01T00:00:00Z"),
        billing.invoice("a1", "f1", amount=3000),
        billing.invoice("a1", "f1", amount=2500),
        billing.invoice("a2", "f1", amount=2500),
        billing.payment("a1", "p1"),
        billing.payment("a1", "p1", amount=10),
        billing.notice("a1", "n1"),
        billing.fresh(NOW),
        bank.fresh(NOW.replace(hour=1)),
        bank.event("return", {"collection": "c1", "code": "AM04", "returned_on": "2026-02-05", "amount": 3000}),
        bank.event("return", {"collection": "c9", "code": "AM04", "returned_on": "2026-02-05", "amount": 3000}),
    ]
    debit = {"collection": "c1", "invoice": "f1", "amount": 3000, "collected_on": "2026-02-01"}
    events += [billing.event("collection", debit | {"account": account}) for account in ("a1", "a2")]
    hold = {
        "hold": "h1",
        "account": "a1",
        "kind": "dispute",
        "since": "2026-02-01T00:00:00Z",
        "author": "x",
        "note": "y",
    }
    money = {"amount": 3000, "currency": "EUR", "received_at": "2026-02-10T00:00:00Z"}
    events += [
        bank.event("unmatched_payment", money | {"payment": "p7", "candidates": ["a1", "a2"]}),
        bank.event("unmatched_payment", money | {"payment": "p7", "candidates": ["a2"]}),
        bank.event("unmatched_payment", money | {"payment": "p8", "candidates": ["a1"]}),
        billing.payment("a2", "p8"),
        bank.event("unmatched_payment", money | {"payment": "p9", "candidates": ["a1"], "closed": True}),
    ]
    port = {"port": "m1", "account": "a1", "service": "s2", "direction": "out", "at": "2026-02-10T00:00:00Z"}
    events += [billing.event("port", port | {"state": state}) for state in ("requested", "rejected")]
    same = NOW.isoformat()
    events += [
        billing.event("hold", hold, time=same, sequence="2"),
        billing.event("hold", hold | {"until": "2026-02-02T00:00:00Z"}, time=same, sequence="10"),
    ]
    return events


MONTH = _month()


def _told(db: Database, batches: list[list[dict[str, Any]]]) -> object:
    empty(db)
    for batch in batches:
        intake(db, batch, NOW)
    with db.read() as tx:
        live = select(bindings.c.service_id, bindings.c.device, bindings.c.key).where(bindings.c.ended_at.is_(None))
        told = select(accounts.c.id, accounts.c.policy, accounts.c.event_id).order_by(accounts.c.id)
        return (
            facts_of(tx, ["a1", "a2"]),
            sorted(map(tuple, tx.execute(live))),
            list(map(tuple, tx.execute(told))),
        )


@st.composite
def _batches(draw: st.DrawFn) -> list[list[dict[str, Any]]]:
    """The month in any order, some of it told again, cut into batches anywhere."""
    again = draw(st.lists(st.sampled_from(MONTH), max_size=6))
    events = draw(st.permutations(MONTH + again))
    cut = draw(st.integers(1, len(events)))
    return [events[:cut], events[cut:]]


@settings(max_examples=12, suppress_health_check=list(HealthCheck))
@given(batches=_batches())
def test_the_same_events_in_any_order_give_the_same_facts(
    database: Database, batches: list[list[dict[str, Any]]]
) -> None:
    assert _told(database, batches) == _told(database, [MONTH])
