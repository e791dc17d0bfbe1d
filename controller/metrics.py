"""What Prometheus sees. States are counted from the database at each scrape; only what happens is counted by hand.

One registry for each application, so that two controllers in one process (tests, the lab) do not share figures.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Connection

from controller.clock import Clock
from controller.concluded import APPROVAL, PAYMENTS, PERSON
from controller.conclusion import Book
from controller.core.blocks import Code
from controller.store.engine import Database
from controller.store.queries import holding, unmatched, waiting, watched, withheld
from enforcement.access import Access
from enforcement.modes import Mode

_RESTORE_BUCKETS = (0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 900, 3600, 86400)


class Metrics:
    """What happens, counted; and the collector that counts what is."""

    def __init__(self, database: Database, clock: Clock, book: Book) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(_States(database, clock, book))
        self.restore_seconds = Histogram(
            "grifo_restore_seconds",
            "From the arrival of a payment's event to its restore read back from the device.",
            buckets=_RESTORE_BUCKETS,
            registry=self.registry,
        )
        self._events = self._counter("grifo_events", "Billing events taken, by what came of them.", "type", "result")
        self._reviews = self._counter("grifo_reviews", "Reviews of accounts, by what came of them.", "result")
        self._permits = self._counter("grifo_permits", "Restrictions that agents asked for.", "result")
        self.tick_failures = Counter(
            "grifo_tick_failures", "Ticks of the schedule that failed.", registry=self.registry
        )

    def _counter(self, name: str, words: str, *labels: str) -> Counter:
        return Counter(name, words, labels, registry=self.registry)

    def event(self, type: str, result: str, count: int = 1) -> None:
        """`count` billing events of a type were accepted, duplicates, or refused."""
        if count:
            self._events.labels(type, result).inc(count)

    def reviews(self, result: str, count: int) -> None:
        """`count` accounts were reviewed, or their review failed."""
        self._reviews.labels(result).inc(count)

    def permits(self, granted: int, refused: int) -> None:
        """An agent asked for permits."""
        self._permits.labels("granted").inc(granted)
        self._permits.labels("refused").inc(refused)

    def text(self) -> bytes:
        """Everything in Prometheus's text format 0.0.4."""
        return generate_latest(self.registry)


class _States(Collector):
    """Counts what is true at the scrape, from one snapshot."""

    def __init__(self, database: Database, clock: Clock, book: Book) -> None:
        self._database = database
        self._clock = clock
        self._book = book

    def describe(self) -> Iterator[Metric]:
        """Nothing to tell before the first scrape: registering must not need the database."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """The families of one scrape. Raises SQLAlchemyError where the database is away: the scrape fails then."""
        with self._database.read() as tx:
            now = self._clock()
            families = [*_whole(tx, now), *_entries(tx), *_devices(tx, now), *_brakes(tx, now)]
            families += _for_people(tx, now, self._book)
        return iter(families)


def _gauge(name: str, words: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, words, labels=labels)


def _single(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(name, words, value=value)


def _whole(tx: Connection, now: datetime) -> Iterator[Metric]:
    total, due = watched.accounts_counted(tx, now)
    stopped = watched.installation_row(tx).stopped_at
    yield _single("grifo_accounts", "Accounts known.", total)
    yield _single("grifo_reviews_due", "Accounts that wait for their review.", due)
    yield _single("grifo_stopped", "1 while restricting is stopped by hand.", float(stopped is not None))
    yield _single(
        "grifo_conflicts", "Events refused for contradicting an earlier one, unsettled.", watched.conflicts_counted(tx)
    )
    yield _single(
        "grifo_contested_keys", "Keys that two live bindings of one device claim.", watched.contested_keys(tx)
    )
    yield _single("grifo_reviews_failing", "Accounts whose last review failed.", watched.reviews_failing(tx))
    services = _gauge("grifo_services", "Live services by the access that was decided.", "kind", "access")
    for row in watched.services_counted(tx):
        services.add_metric([row["kind"], row["access"]], row["services"])
    yield services


def _for_people(tx: Connection, now: datetime, book: Book) -> Iterator[Metric]:
    overdue = holding.overdue_holds(tx, book.policies, book.default, now)
    yield _single("grifo_holds_overdue_for_review", "Holds that a person should have looked at by now.", len(overdue))
    open_payments = unmatched.open_payments_counted(tx)
    yield _single("grifo_unmatched_payments", "Payments that nobody has attributed.", open_payments)
    loose = unmatched.returns_of_nobody_counted(tx)
    yield _single("grifo_returns_of_nobody", "Returns of collections that nobody has told of.", loose)
    waits = _gauge("grifo_services_waiting", "Services whose next stage waits for something but the clock.", "for")
    counted = waiting.waiting_counted(tx)
    for what in (PAYMENTS, APPROVAL, PERSON, Code.BRAKE.value, Code.CANARY.value):
        waits.add_metric([what], counted.get(what, 0))
    yield waits
    known = _gauge("grifo_payments_known_age_seconds", "Since this source of payments told all.", "source")
    for source in waiting.sources(tx):
        known.add_metric([source["source"]], (now - source["payments_known_until"]).total_seconds())
    yield known


def _entries(tx: Connection) -> Iterator[Metric]:
    drift = _gauge("grifo_drift_entries", "Entries that differ from what is wanted.", "device", "kind", "direction")
    paid = _gauge(
        "grifo_wrongful_open_entries",
        "Entries that should be open and are restricted, by us (wrongful) or by something else (obstructed).",
        "device",
        "kind",
        "direction",
    )
    pending = _gauge("grifo_pending_entries", "Entries not yet reported since they changed.", "device", "kind")
    counts: dict[tuple[str, str, str], int] = {}
    open_ones: dict[tuple[str, str, str], int] = {}
    for row in watched.entries_counted(tx):
        where = (row.device, row.kind, row.state)
        counts[where] = counts.get(where, 0) + row.entries
        if row.access == Access.FULL:
            open_ones[where] = row.entries
    for device, kind in sorted({(device, kind) for device, kind, _ in counts}):
        for direction in watched.IN_DRIFT:
            drift.add_metric([device, kind, direction], counts.get((device, kind, direction), 0))
        for direction in ("wrongful", "obstructed"):
            paid.add_metric([device, kind, direction], open_ones.get((device, kind, direction), 0))
        pending.add_metric([device, kind], counts.get((device, kind, "pending"), 0))
    strays = watched.strays_counted(tx)
    for name in watched.device_names(tx):
        drift.add_metric([name, "", "stray"], strays.get(name, 0))
    yield from (drift, paid, _withheld(tx, sorted({(device, kind) for device, kind, _ in counts})), pending)
    yield _still_cut(tx)


def _withheld(tx: Connection, places: Iterable[tuple[str, str]]) -> Metric:
    family = _gauge(
        "grifo_withheld_entries",
        "Entries that are not given what is wanted, by why: mode, stop, guard, permit, flapping, pinned, unsafe ...",
        "device",
        "kind",
        "why",
    )
    counts = {(*place, why.value): 0 for place in places for why in withheld.PEOPLES}
    for row in withheld.withheld_counted(tx):
        where = (row["device"], row["kind"], row["why"] or row["direction"])
        counts[where] = counts.get(where, 0) + row["entries"]
    for labels, entries in counts.items():
        family.add_metric(list(labels), entries)
    return family


def _still_cut(tx: Connection) -> Metric:
    cut = _gauge(
        "grifo_still_cut_entries",
        "Entries that should be open, were last read to be restricted, and were not read to be open since.",
        "device",
        "kind",
    )
    for (device, kind), entries in watched.still_cut_counted(tx).items():
        cut.add_metric([device, kind], entries)
    return cut


def _devices(tx: Connection, now: datetime) -> Iterator[Metric]:
    read = _gauge("grifo_device_full_read_age_seconds", "Since the device was last read in full.", "device")
    never = _gauge("grifo_device_never_read", "1 for a device that was never read in full.", "device")
    halted = _gauge(
        "grifo_device_halted", "1 where the agent changes nothing: another epoch, or ahead of us.", "device"
    )
    modes = _gauge("grifo_device_mode", "1 for the mode of a device for a kind of service.", "device", "kind", "mode")
    problems = _gauge("grifo_device_problems", "What in the device's setup would defeat us: how many.", "device")
    unsafe = _gauge(
        "grifo_device_unsafe", "Ways in which who is restricted there can't reach an emergency number.", "device"
    )
    for device in watched.devices_shown(tx):
        name, read_at = device["device"], device["full_read_at"]
        if read_at is not None:
            read.add_metric([name], (now - read_at).total_seconds())
        never.add_metric([name], float(read_at is None))
        halted.add_metric([name], float(bool(device["halted"])))
        problems.add_metric([name], len(device["problems"]))
        unsafe.add_metric([name], len(device["unsafe"]))
        for kind, mode in device["modes"].items():
            for each in Mode:
                modes.add_metric([name, kind, each.value], float(mode == each))
    contact = _gauge("grifo_agent_last_contact_age_seconds", "Since the agent was last heard of.", "agent")
    for agent, heard in watched.agents_heard(tx).items():
        contact.add_metric([agent], (now - heard).total_seconds())
    yield from (read, never, halted, problems, unsafe, modes, contact)


def _brakes(tx: Connection, now: datetime) -> Iterator[Metric]:
    reserved = _gauge("grifo_brake_reserved", "First impositions of the last 24 h.", "policy", "device")
    cap = _gauge("grifo_brake_cap", "First impositions that may pass in 24 h, approvals included.", "policy", "device")
    for brake in watched.brakes_shown(tx, now):
        where = [brake["policy"], brake["device"]]
        reserved.add_metric(where, brake["reserved"])
        cap.add_metric(where, brake["cap"] + brake["approved_extra"])
    yield from (reserved, cap)
