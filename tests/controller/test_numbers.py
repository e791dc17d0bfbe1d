"""Numbers: into quarantine, back on payment, into the pool, and then somebody else's; each step in their history."""

from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy import insert

from controller.conclusion import Book
from controller.core.calendar import DayUnit
from controller.core.policy import Conditions, NoticeRule, Policy, Source, Stage
from controller.review import review_due
from controller.store.engine import Database
from controller.store.queries import approving, numbers, shown
from controller.store.queries.devices import claim_installation, enrol, ensure_devices, set_mode
from controller.store.tables import impositions
from enforcement.access import Access, Kind
from enforcement.modes import Mode
from tests.controller.billing import DAY, MINUTE, NOW, Billing, policy, read_back, tell

NUMBER = "msisdn:+34910000001"
SWITCH = "sw1"
_RULE = NoticeRule(lead=24, unit=DayUnit.HOURS, valid_days=365)
_SOURCE = Source("a test", "D", date(2026, 1, 1))


def _policy() -> Policy:
    rungs = (("bar", Access.INCOMING_ONLY), ("rest", Access.EMERGENCY_ONLY), ("release", Access.RELEASED))
    asked = (Conditions(months_since_due=1),)
    ladder = tuple(Stage(name, access, asked, _RULE, _SOURCE) for name, access in rungs)
    return replace(policy(), ladders={Kind.MOBILE_VOICE: ladder})


BOOK = Book({"es": _policy()}, "es")


def _line(db: Database, stage: str, access: str, mode: Mode = Mode.ENFORCE) -> Billing:
    """A mobile line that owes, and is at a stage already."""
    able = (["msisdn"], {"mobile_voice": ["incoming_only", "emergency_only", "released"]})
    with db.write() as tx:
        claim_installation(tx, "test")
        ensure_devices(tx, [SWITCH])
        enrol(tx, SWITCH, "agent1", "sip", able, NOW - 60 * DAY)
        set_mode(tx, SWITCH, [Kind.MOBILE_VOICE], mode, "test", NOW - 60 * DAY)
    billing = Billing()
    tell(
        db,
        billing.fresh(),
        billing.service("a1", "s1", (SWITCH, NUMBER), kind="mobile_voice"),
        billing.invoice("a1", "f1"),
    )
    with db.write() as tx:
        made = {"service_id": "s1", "policy": "es", "stage": stage, "access": access, "observed": False}
        tx.execute(insert(impositions).values(**made, at=NOW - 5 * DAY, verified_at=NOW - 5 * DAY, ended_at=None))
    review_due(db, BOOK, NOW)
    return billing


def _number(db: Database) -> Any:
    with db.read() as tx:
        return numbers.number_shown(tx, NUMBER)


def test_a_number_rests_in_quarantine_and_a_payment_brings_it_back(database: Database) -> None:
    billing = _line(database, "rest", "emergency_only")
    assert (_number(database)["state"], _number(database)["service"]) == ("quarantine", "s1")
    tell(database, billing.payment("a1", "p1"))
    review_due(database, BOOK, NOW)
    found = _number(database)
    assert [one["state"] for one in found["history"]] == ["in_use", "quarantine"]


def test_a_number_that_was_given_back_is_in_the_pool_and_a_payment_is_told_so(database: Database) -> None:
    billing = _line(database, "release", "released")
    assert _number(database)["state"] == "quarantine"
    read_back(database, device=SWITCH)
    assert _number(database)["state"] == "pool"
    tell(database, billing.payment("a1", "p1"))
    review_due(database, BOOK, NOW)
    assert _number(database)["state"] == "pool"
    with database.read() as tx:
        decision = shown.decision_row(tx, "s1")
        lines = [line["text"] for line in shown.timeline_of(tx, "a1", "s1", 10) if line["kind"] == "number"]
    assert decision is not None
    assert decision.access == "released"
    assert len(lines) == 1
    assert "no payment brings it back" in lines[0]


def test_a_number_of_the_pool_is_in_use_again_once_somebody_else_has_it(database: Database) -> None:
    billing = _line(database, "release", "released")
    read_back(database, device=SWITCH)
    tell(
        database,
        billing.service("a1", "s1", kind="mobile_voice"),
        billing.service("a2", "s2", (SWITCH, NUMBER), kind="mobile_voice"),
    )
    review_due(database, BOOK, NOW)
    found = _number(database)
    assert (found["state"], found["service"], found["account"]) == ("in_use", "s2", "a2")
    assert [one["state"] for one in found["history"]] == ["in_use", "pool", "quarantine"]


def test_a_number_that_was_ported_in_goes_back_to_its_range_holder(database: Database) -> None:
    billing = _line(database, "rest", "emergency_only")
    port = {"port": "m1", "account": "a1", "service": "s1", "direction": "in", "state": "done"}
    tell(database, billing.event("port", port | {"at": "2025-01-01T00:00:00Z", "range_holder": "Otra"}))
    with database.write() as tx:
        tx.execute(impositions.update().values(stage="release", access="released"))
    review_due(database, BOOK, NOW)
    read_back(database, device=SWITCH)
    found = _number(database)
    assert found["state"] == "released"
    assert "Otra" in found["history"][0]["text"]


def test_what_is_only_observed_moves_no_number(database: Database) -> None:
    _line(database, "rest", "emergency_only", mode=Mode.OBSERVE)
    assert _number(database) is None


def _about_to_be_released(db: Database) -> tuple[Billing, Book]:
    """A line whose number is decided to be given back while the agent is away."""
    bar, rest, release = _policy().ladders[Kind.MOBILE_VOICE]
    ladder = (bar, replace(rest, approvals=2), release)
    book = Book({"es": replace(_policy(), ladders={Kind.MOBILE_VOICE: ladder})}, "es")
    billing = _line(db, "rest", "emergency_only")
    with db.write() as tx:
        tx.execute(impositions.update().values(at=NOW - 40 * DAY, verified_at=NOW - 40 * DAY))
        for stage in ("rest", "release"):
            for who in ("ana", "bea"):
                approving.keep_approval(tx, "s1", stage, who, NOW - DAY, "ok", False)
    tell(db, billing.notice("a1", "n1", "release"), billing.notice("a1", "n2", "rest"))
    review_due(db, book, NOW)
    billing.now = NOW
    return billing, book


def _access(db: Database) -> str:
    with db.read() as tx:
        decision = shown.decision_row(tx, "s1")
    assert decision is not None
    return str(decision.access)


def test_a_number_that_no_device_has_released_yet_rests_and_a_payment_takes_the_release_back(
    database: Database,
) -> None:
    billing, book = _about_to_be_released(database)
    assert (_access(database), _number(database)["state"]) == ("released", "quarantine")
    tell(database, billing.payment("a1", "p1"), now=NOW + MINUTE)
    review_due(database, book, NOW + MINUTE)
    assert (_access(database), _number(database)["state"]) == ("full", "in_use")


def test_a_port_out_that_is_asked_for_before_a_device_has_released_the_number_takes_the_release_back(
    database: Database,
) -> None:
    billing, book = _about_to_be_released(database)
    port = {"port": "m1", "account": "a1", "service": "s1", "direction": "out", "state": "requested"}
    tell(database, billing.event("port", port | {"at": NOW.isoformat()}), now=NOW + MINUTE)
    review_due(database, book, NOW + MINUTE)
    assert (_access(database), _number(database)["state"]) == ("emergency_only", "quarantine")


def test_a_number_that_a_device_was_read_to_have_released_stays_so(database: Database) -> None:
    billing, book = _about_to_be_released(database)
    read_back(database, device=SWITCH)
    assert _number(database)["state"] == "pool"
    tell(database, billing.payment("a1", "p1"), now=NOW + MINUTE)
    review_due(database, book, NOW + MINUTE)
    assert (_access(database), _number(database)["state"]) == ("released", "pool")
