"""The story that the lab tells: a Tuesday, the one after, and those who pay. Every figure in it was read back."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from statistics import quantiles
from typing import Any

from lab.box.clock import MovedClock
from lab.box.month import (
    NEXT_TUESDAY,
    RADIUS,
    ROUTER,
    SWITCH,
    Customer,
    Habit,
    at,
    customers,
    events,
    fresh,
    payment,
    returned_debits,
)
from lab.box.noc import Noc, State
from lab.box.screen import Screen

_PATIENCE_S = 60.0
_GLANCE_S = 0.005
_SHOWN = 4


class NotSettled(RuntimeError):
    """Something that had to come true did not, within a minute; says what was still open."""


@dataclass(slots=True)
class Outcome:
    """What the story ends with; `as_json` has the keys that the lab promises."""

    services: int
    cut: set[str] = field(default_factory=set)
    cut_verified: set[str] = field(default_factory=set)
    restored: set[str] = field(default_factory=set)
    restore_ms: dict[str, float] = field(default_factory=dict)
    drift: dict[str, int] = field(default_factory=dict)

    @property
    def all_was_verified(self) -> bool:
        proven = self.cut == self.cut_verified and self.restored == set(self.restore_ms)
        return bool(self.cut and self.restored) and proven and not any(self.drift.values())

    def as_json(self) -> dict[str, Any]:
        """The promised object; `restore_ms` are milliseconds from sending the payment to reading the open service."""
        ms = sorted(self.restore_ms.values())
        hundredths = quantiles(ms, n=100, method="inclusive") if len(ms) > 1 else ms * 99
        return {
            "services": self.services,
            "cut": len(self.cut),
            "cut_verified": len(self.cut_verified),
            "restored": len(self.restored),
            "restore_verified": len(self.restore_ms),
            "restore_ms": {"p50": round(hundredths[49], 1), "p99": round(hundredths[98], 1)} if ms else {},
            "drift": self.drift,
        }


class Story:
    """Told once, from an empty controller to restored customers."""

    def __init__(self, noc: Noc, clock: MovedClock, screen: Screen, people: int) -> None:
        self._noc, self._clock, self._screen = noc, clock, screen
        self._people = customers(people)
        self._debtors = [person for person in self._people if person.habit is Habit.DOES_NOT_PAY]
        self._owners = {service: person for person in self._people for service in person.services}
        self.outcome = Outcome(services=len(self._owners))

    def tell(self) -> Outcome:
        """The whole story; raises NotSettled where it does not come true."""
        self._billing_speaks()
        self._only_observed()
        self._enforced()
        self._a_week_later()
        self._customers_pay()
        self.outcome.drift = self._drift()
        return self.outcome

    def _billing_speaks(self) -> None:
        self._screen.chapter("Tuesday 10 November, ten in the morning. Billing and bank tell the month.")
        told = self._noc.tell(events(self._people))
        returned = self._noc.tell_returns(returned_debits(self._people))
        self._screen.line(f"{told} events (contracts, invoices, payments, notices, holds); {returned} debits returned")

    def _only_observed(self) -> None:
        self._wait("every account reviewed", lambda: self._noc.status()["due"] == 0)
        self._screen.chapter("Decided, and touched nothing: a new device is only observed.")
        cut = self._restricted()
        for service, state in list(cut.items())[:_SHOWN]:
            self._show_decided(service, state)
        for habit in (Habit.NEVER_REACHED, Habit.DISPUTES, Habit.PROMISED, Habit.PAYS_LATE):
            self._show_spared(next(person for person in self._people if person.habit is habit))

    def _enforced(self) -> None:
        self._screen.chapter("The NOC lets grifo enforce on the three devices.")
        for device in (ROUTER, RADIUS, SWITCH):
            self._noc.set_mode(device, "enforce")
        everyone = {service for person in self._debtors for service in person.services}
        self._past_the_brake(lambda: self._restricted().keys() >= everyone)
        self._read_back()

    def _past_the_brake(self, all_decided: Callable[[], bool]) -> None:
        """The brake lets a few through and, once those are verified, up to its cap; a person approves the rest."""
        approved: set[str] = set()

        def moved() -> bool:
            if not self._settled():
                return False
            if all_decided():
                return True
            approved.update(self._approve_where_full(approved))
            return False

        self._wait("all restrictions decided", moved)

    def _approve_where_full(self, approved: set[str]) -> list[str]:
        full = [brake for brake in self._noc.brakes() if brake["cap"] <= brake["reserved"]]
        new = [brake for brake in full if brake["device"] not in approved]
        until = (self._clock() + timedelta(hours=12)).isoformat()
        for brake in new:
            self._screen.line(f"the brake let {brake['reserved']} through on {brake['device']}; a person approves more")
            self._noc.approve(brake["policy"], brake["device"], len(self._owners), until, "the month's returned debits")
        return [brake["device"] for brake in new]

    def _a_week_later(self) -> None:
        self._screen.chapter("A week later, the same hour. Who still owes is led to the portal.")
        self._clock.forward(timedelta(days=7))
        self._noc.tell([fresh(at(NEXT_TUESDAY, 8))])
        internet = {person.internet for person in self._debtors}
        self._past_the_brake(lambda: self._at("portal") >= internet)
        self._read_back()

    def _customers_pay(self) -> None:
        self._screen.chapter("Some pay. Each is timed from the payment to the read that proved the service open.")
        for person in self._debtors[::2]:
            self._pays(person)

    def _pays(self, person: Customer) -> None:
        self.outcome.restored |= set(person.services)
        began = time.monotonic()
        self._noc.tell([payment(person, self._clock())])
        for service in person.services:
            self._wait_until_open(service)
            self.outcome.restore_ms[service] = (time.monotonic() - began) * 1000
            devices = sorted({entry["device"] for entry in self._noc.service(service)["entries"]})
            self._screen.restored(service, ", ".join(devices), self.outcome.restore_ms[service])

    def _wait_until_open(self, service: str) -> None:
        self._wait(f"{service} restored", lambda: _open(self._noc.service(service)))

    def _restricted(self) -> dict[str, State]:
        states = {service: self._noc.service(service) for service in self._owners}
        return {service: state for service, state in states.items() if state["access"] != "full"}

    def _at(self, access: str) -> set[str]:
        return {person.internet for person in self._debtors if self._noc.service(person.internet)["access"] == access}

    def _read_back(self) -> None:
        self._wait("all restrictions read back", self._settled)
        cut = self._restricted()
        self.outcome.cut |= cut.keys()
        for service, state in cut.items():
            if _proven(state):
                self.outcome.cut_verified.add(service)
                for entry in state["entries"]:
                    self._screen.read_back(service, entry["device"], entry["seen"], entry["key"])

    def _settled(self) -> bool:
        """Nothing is waiting: not a review, not an entry, and every device was read in full."""
        status = self._noc.status()
        states = [state for device in status["devices"] for state, count in device["states"].items() if count]
        return status["due"] == 0 and set(states) <= {"verified"}

    def _drift(self) -> dict[str, int]:
        self._wait("no drift", self._settled)
        counts = dict.fromkeys(("wrongful", "missing", "stray", "obstructed", "unknown"), 0)
        for found in self._noc.drift()["counts"]:
            counts[found["direction"]] += found["entries"]
        return counts

    def _wait(self, what: str, true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while not true():
            if time.monotonic() > deadline:
                raise NotSettled(f"{what}: not within {_PATIENCE_S:.0f} s; devices: {self._noc.status()['devices']}")
            time.sleep(_GLANCE_S)

    def _show_decided(self, service: str, state: State) -> None:
        why = "; ".join(reason["text"] for reason in state["reasons"])
        self._screen.decided(service, self._owners[service].habit.value, state["access"], why)

    def _show_spared(self, person: Customer) -> None:
        state = self._noc.service(person.internet)
        blocks = "; ".join(block["text"] for block in state["blocks"][:1]) or "nothing past due"
        self._screen.spared(person.internet, person.habit.value, blocks)


def _proven(state: State) -> bool:
    """Every device was read to enforce what was decided, for this service."""
    return bool(state["entries"]) and all(entry["state"] == "verified" for entry in state["entries"])


def _open(state: State) -> bool:
    return state["access"] == "full" and not state["being_reviewed"] and _proven(state)
