"""A small billing system for tests: events as it would send them, and policies that let things happen."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import select

from controller.conclusion import Book
from controller.core.calendar import Calendar, DayUnit, Window
from controller.core.policy import BrakeRule, Conditions, FreshnessRules, NoticeRule, Policy, Source, Stage
from controller.intake.taking import Answer, Outcome, intake
from controller.reports import save_report
from controller.review import ReviewResult, review_due
from controller.store.engine import Database
from controller.store.queries.devices import claim_installation, enrol, ensure_devices, set_mode
from controller.store.tables import devices, entries
from enforcement.access import Access, Kind
from enforcement.modes import Mode
from enforcement.wire import EntryReport, Report

NOW = datetime(2026, 3, 3, 10, 0, tzinfo=UTC)
"""A Tuesday, in office hours."""

DEVICE = "bras1"
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)

_EVERY_HOUR = Window(frozenset(range(1, 8)), time(0), time(23, 59), on_eves=True)
_SOURCE = Source("a test", "D", date(2026, 1, 1))
_NOTICE = NoticeRule(lead=24, unit=DayUnit.HOURS, valid_days=365)


def policy(name: str = "es", number: int = 1000, percent: float = 100.0, canary: int = 1000) -> Policy:
    """Throttles a day after a notice; the brake lets everything pass unless told otherwise."""
    ladder = (Stage("throttle", Access.THROTTLED, (Conditions(),), _NOTICE, _SOURCE),)
    return Policy(
        name=name,
        version="1",
        timezone="Europe/Madrid",
        calendar=Calendar(frozenset()),
        messages=_EVERY_HOUR,
        window=_EVERY_HOUR,
        ladders={Kind.INTERNET: ladder},
        freshness=FreshnessRules(hours=48),
        trivial_amount=0,
        courtesy_days=3,
        brake=BrakeRule(number, percent, canary),
    )


def book(**brake: Any) -> Book:
    """One policy, for everybody."""
    return Book({"es": policy(**brake)}, "es")


class Billing:
    """Makes events with ids and times of their own; `now` moves on by a second with each."""

    def __init__(self, source: str = "crm", now: datetime = NOW - 30 * DAY) -> None:
        self.source = source
        self.now = now
        self._count = 0

    def event(self, type: str, data: Mapping[str, Any], **envelope: Any) -> dict[str, Any]:
        self._count += 1
        self.now += timedelta(seconds=1)
        made = {"specversion": "1.0", "source": self.source, "id": f"e{self._count}", "time": self.now.isoformat()}
        return {**made, "type": f"grifo.{type}.v1", "data": dict(data), **envelope}

    def account(self, account: str, **more: Any) -> dict[str, Any]:
        return self.event("account", {"account": account, **more})

    def service(self, account: str, service: str, *places: tuple[str, str], **more: Any) -> dict[str, Any]:
        bindings = [{"device": device, "key": key} for device, key in places]
        data = {"service": service, "account": account, "kind": "internet", "bindings": bindings, **more}
        return self.event("service", data)

    def invoice(self, account: str, invoice: str, amount: int = 3000, due: str = "2026-01-10") -> dict[str, Any]:
        data = {"invoice": invoice, "account": account, "amount": amount, "currency": "EUR", "due_on": due}
        return self.event("invoice", data | {"presented_on": "2025-12-20"})

    def payment(self, account: str, payment: str, amount: int = 3000) -> dict[str, Any]:
        data = {"payment": payment, "account": account, "amount": amount, "currency": "EUR", "instrument": "card"}
        return self.event("payment", data | {"received_at": self.now.isoformat()})

    def notice(self, account: str, notice: str, stage: str = "throttle") -> dict[str, Any]:
        sent = (NOW - 10 * DAY).isoformat()
        data = {"notice": notice, "account": account, "stage": stage, "channel": "sms", "sent_at": sent}
        return self.event("notice", data | {"delivered_at": sent, "names_date": "2026-02-25"})

    def fresh(self, until: datetime = NOW) -> dict[str, Any]:
        return self.event("freshness", {"payments_known_until": until.isoformat()})

    def debtor(self, number: int, device: str = DEVICE) -> list[dict[str, Any]]:
        """Everything that gets service `s<number>` of account `a<number>` throttled at its next review."""
        account = f"a{number}"
        return [
            self.account(account),
            self.service(account, f"s{number}", (device, f"username:u{number}")),
            self.invoice(account, f"f{number}"),
            self.notice(account, f"n{number}"),
        ]


def set_up(db: Database, *devices: str, mode: Mode = Mode.ENFORCE) -> None:
    """An installation whose devices can throttle user names, enrolled by an agent."""
    with db.write() as tx:
        claim_installation(tx, "test")
        for device in devices or (DEVICE,):
            ensure_devices(tx, [device])
            enrol(tx, device, "agent1", "radius", (["username"], {"internet": ["throttled", "portal"]}), NOW - 60 * DAY)
            set_mode(tx, device, [Kind.INTERNET], mode, "test", NOW - 60 * DAY)


def tell(db: Database, *events: Mapping[str, Any], now: datetime = NOW) -> list[Answer]:
    """Take events that must all be accepted."""
    answers = intake(db, list(events), now)
    assert [answer.outcome for answer in answers] == [Outcome.ACCEPTED] * len(events), answers
    return answers


def review(db: Database, now: datetime = NOW, **brake: Any) -> ReviewResult:
    """Review until nobody is due."""
    result = review_due(db, book(**brake), now)
    total = result
    while result.remaining:
        result = review_due(db, book(**brake), now)
        total = ReviewResult(total.reviewed + result.reviewed, total.changed + result.changed, total.failed, 0)
    return total


def _nobody(seconds: float) -> None:
    """Who measures restores is not of interest here."""


def read_back(db: Database, state: str = "verified", device: str = DEVICE) -> None:
    """The agent reports that the device gives what every entry wants."""
    with db.read() as tx:
        standing = tx.execute(select(devices).where(devices.c.name == device)).one()
        rows = tx.execute(select(entries).where(entries.c.device == device)).all()
    told = [EntryReport(row.binding, row.changed_revision, state, row.access) for row in rows]
    report = Report(1, standing.epoch, standing.revision, False, told, [], full_read_age_s=1.0)
    save_report(db, device, standing.epoch, report, NOW, _nobody)


def outcomes(answers: Sequence[Answer]) -> list[str]:
    return [answer.outcome.value for answer in answers]
