"""The brake at work in a review: which of its first impositions may pass, reserved where they do (rule 9)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row

from controller.core.blocks import Code
from controller.core.brake import allowance, cap, of_cycle
from controller.core.calendar import local_date
from controller.core.decision import Block
from controller.core.policy import Policy
from controller.core.wording import say
from controller.store.queries import brakes
from controller.store.queries.brakes import Brake, Count

CANARY_AGAIN = timedelta(minutes=1)
"""A first part waits to be read back; the report that says so has the account reviewed at once."""

FULL_AGAIN = timedelta(minutes=10)
"""The day's number is reached: room comes as the day moves on; an approval has the account reviewed at once."""


@dataclass(frozen=True, slots=True)
class FirstImposition:
    """A service that a review would newly restrict, under a policy, on the devices that would enforce it."""

    service: str
    policy: str
    devices: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Room:
    """What one brake lets pass now: `left` beside the `made`; where that is too little, whether a `canary` is why."""

    made: int
    left: int
    canary: bool

    @property
    def again(self) -> timedelta:
        return CANARY_AGAIN if self.canary else FULL_AGAIN


def pass_brake(
    tx: Connection,
    wanted: Sequence[FirstImposition],
    policies: Mapping[str, Policy],
    default_policy: str,
    now: datetime,
) -> dict[str, Block]:
    """Reserve what may pass, in the order given. Returns, by service, the block of each that may not.

    A service that has been counted in these 24 hours has its place: cut again, it is no other customer.
    """
    rows = brakes.lock_brakes(tx, {(one.policy, device) for one in wanted for device in one.devices}, now)
    rooms = {
        brake: _room(tx, row, policies[brake[0]], brakes.count(tx, row, default_policy, now), now)
        for brake, row in rows.items()
    }
    services = [one.service for one in wanted]
    before = {brake: brakes.counted(tx, brake, services, now) for brake in rows}
    taken: Counter[Brake] = Counter()
    held = {}
    for one in wanted:
        here = [(one.policy, device) for device in sorted(one.devices)]
        asked = [brake for brake in here if one.service not in before[brake]]
        full = [brake for brake in asked if taken[brake] >= rooms[brake].left]
        if full:
            longest = max(full, key=lambda brake: rooms[brake].again)
            held[one.service] = _held(longest, rooms[longest], now)
        else:
            taken.update(asked)
    for brake, places in sorted(taken.items()):
        _reserve(tx, brake, places, rooms[brake].made + rooms[brake].left)
    return held


def _room(tx: Connection, row: Row[Any], policy: Policy, found: Count, now: datetime) -> _Room:
    rule, made, extra = policy.brake, found.impositions.made, found.approved_extra
    cycle = of_cycle(local_date(policy.days_of("").zone, now), found.cycle)
    usual = cap(rule, found.population, of_cycle=cycle)
    brakes.recount(tx, (row.policy, row.device), made, usual, rule.percent, now)
    left = allowance(rule, found.population, found.impositions, extra, cycle)
    return _Room(made, left, canary=made + left < usual + max(extra, 0))


def _reserve(tx: Connection, brake: Brake, places: int, limit: int) -> None:
    if not brakes.reserve(tx, brake, places, limit):
        raise RuntimeError(f"brake {brake[0]} on {brake[1]} moved under its lock: {places} places beyond {limit}")


def _held(brake: Brake, room: _Room, now: datetime) -> Block:
    policy, device = brake
    if room.canary:
        text = say(
            "The first services of policy {policy} on {device} must be read back as restricted before more follow.",
            policy=policy,
            device=device,
        )
        return Block(Code.CANARY, text, now + room.again)
    text = say(
        "Enough services of policy {policy} were newly restricted on {device} for now; an approval lets more pass.",
        policy=policy,
        device=device,
    )
    return Block(Code.BRAKE, text, now + room.again)
