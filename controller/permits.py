"""Permits: may this be restricted now? The last look before a cut, by the controller's own clock (rule 2).

Evaluated under the locks of the accounts concerned, so that a payment is either seen here or comes after: committed
before the permit it prevents the cut, committed later it is restored in the agent's next slice.

The lease is kept simple: a device belongs to the one agent that enrolled it until an admin releases it; only that
agent is given permits for it, each for `VALID_S` on its monotonic clock.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from controller.clock import Clock
from controller.conclusion import Book
from controller.core.calendar import within
from controller.core.case import cases
from controller.core.facts import AccountId, Facts
from controller.judged_again import NO_GROUND, judged_again
from controller.store.queries.accounts import mark_unlocked
from controller.store.queries.facts import facts_of
from controller.store.queries.freezing import why_frozen
from controller.store.queries.permitting import AskedEntry, asked_entries, lock_accounts_of
from controller.store.queries.standing import OBSERVE, modes_of_devices
from controller.store.queries.timeline import Happening, record
from controller.store.queries.unproven import unproven_of
from controller.store.queries.watched import installation_row
from enforcement.access import Access
from enforcement.entries import ServiceId
from enforcement.modes import Mode
from enforcement.wire import Permit, PermitAsk, PermitRequest

VALID_S = 30.0
"""How long a permit lasts: one slice, asked for just before it is applied."""

NOT_OWED = "what it was decided for is not so any more"


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a permit depends on besides the entry itself.

    `frozen` says of a freeze in force at the device's site. `locked` are the accounts whose locks are held.
    `lapsed` says of services why their stage, which no device was read to give, would not be imposed any more.
    """

    now: datetime
    stopped: bool
    frozen: str | None
    modes: Mapping[str, str]
    book: Book
    locked: Set[str]
    lapsed: Mapping[str, str]


def permit(tx: Connection, device: str, request: PermitRequest, book: Book, clock: Clock) -> Permit:
    """Judge each ask in one transaction that may write; the caller has checked that the agent owns the device.

    The clock is read once the accounts are locked: the wait for the locks is no part of what is judged.
    """
    bindings = sorted({ask.binding for ask in request.asks})
    locked = lock_accounts_of(tx, device, bindings)
    now = clock()
    entries = asked_entries(tx, device, bindings, now)
    facts = _facts_asked(tx, entries, now)
    found = _held_by_policy(entries, facts, book, now)
    lapsed = _lapsed(tx, entries, facts, book, now)
    stopped = installation_row(tx).stopped_at is not None
    modes = modes_of_devices(tx, device).get(device, OBSERVE)
    conditions = Conditions(now, stopped, why_frozen(tx, device, now), modes, book, locked, lapsed)
    verdicts = {ask.binding: refusal(ask, found.get(ask.binding), conditions) for ask in request.asks}
    granted = [binding for binding, why in verdicts.items() if why is None]
    record(tx, [_granted(found[binding], device, now) for binding in granted])
    mark_unlocked(tx, {entry.account for entry in entries.values() if entry.service in lapsed}, now)
    return Permit(granted, {binding: why for binding, why in verdicts.items() if why is not None}, VALID_S)


def _facts_asked(tx: Connection, found: Mapping[str, AskedEntry], now: datetime) -> Mapping[AccountId, Facts]:
    """What is known of the accounts that are looked at once more: first restrictions, and where a hold was given."""
    accounts = {one.account for one in found.values() if one.for_billing and (one.first or one.held)}
    return facts_of(tx, accounts, now) if accounts else {}


def _lapsed(
    tx: Connection, found: Mapping[str, AskedEntry], facts: Mapping[AccountId, Facts], book: Book, now: datetime
) -> Mapping[str, str]:
    """Of services whose stage has cut nobody yet and would not be imposed by now: what stands in its way, in words."""
    asked = {one.service: one for one in found.values() if one.for_billing and one.first}
    unproven = unproven_of(tx, asked)
    words: dict[str, str] = {}
    for service in unproven:
        entry = asked[service]
        policy = book.policies.get(entry.policy or book.default)
        if policy is None:
            continue
        judged = judged_again(facts[AccountId(entry.account)], unproven, policy, now)
        if (blocks := judged.lapsed.get(ServiceId(service))) is not None:
            texts = [block.text for block in blocks if block.code not in NO_GROUND]
            words[service] = " ".join(["it would not be imposed any more:", *texts]) if texts else NOT_OWED
    return words


def _held_by_policy(
    found: Mapping[str, AskedEntry], facts: Mapping[AccountId, Facts], book: Book, now: datetime
) -> Mapping[str, AskedEntry]:
    """The entries, `held` as the policy's bounds, outages and the bank's own words have it, not only what was written.

    A first restriction is always looked at; what stands already only where a hold that may open it was given.
    """
    asked = {one.binding for one in found.values() if one.for_billing and (one.first or one.held)}
    return {
        binding: replace(one, held=_is_held(one, facts[AccountId(one.account)], book, now)) if binding in asked else one
        for binding, one in found.items()
    }


def _is_held(entry: AskedEntry, facts: Facts, book: Book, now: datetime) -> bool:
    """Whether a hold opens the service, or keeps it from a first restriction."""
    policy = book.policies.get(entry.policy or book.default)
    if policy is None:
        return True
    mine = (case for case in cases(facts, policy, now) if case.service.id == entry.service)
    return any(held.opens or entry.first for case in mine for held in case.held)


def refusal(ask: PermitAsk, entry: AskedEntry | None, conditions: Conditions) -> str | None:
    """Why the entry may not be restricted now, in words; None where it may."""
    if conditions.stopped:
        return "restricting is stopped (grifo stop)"
    if entry is None:
        return "no such binding on this device"
    if entry.ended:
        return "its binding is over"
    if ask.changed_revision != entry.changed_revision:
        return f"it has changed since: revision {entry.changed_revision}, asked for {ask.changed_revision}"
    if entry.access == Access.FULL:
        return "it is to be open"
    if conditions.modes.get(entry.kind) != Mode.ENFORCE:
        return f"the device is in mode {conditions.modes.get(entry.kind)} for {entry.kind}"
    if entry.first and conditions.frozen is not None:
        return conditions.frozen
    if entry.contested:
        return "two live bindings claim this key"
    return _refusal_by_account(entry, conditions)


def _refusal_by_account(entry: AskedEntry, conditions: Conditions) -> str | None:
    if entry.present_account != entry.account or entry.account not in conditions.locked:
        return "its service has moved to another account"
    # A mark is told by its cause, whatever the clock of the controller that made it; a time that has come, by ours.
    if entry.marked or (entry.review_at is not None and entry.review_at <= conditions.now):
        return "its account is being reviewed"
    if entry.review_error is not None:
        return "the last review of its account failed"
    if entry.decided != entry.access:
        return f"it is decided to be {entry.decided}"
    if not entry.for_billing:
        return None
    if entry.held:
        return "a hold is in force"
    if entry.fiction:
        return "it was decided while the device only observed; it is to be decided again"
    return _refusal_of_a_first(entry, conditions) if entry.first else None


def _refusal_of_a_first(entry: AskedEntry, conditions: Conditions) -> str | None:
    if entry.disputed:
        return "billing told one event of its account in two ways; a person must settle it"
    return _refusal_by_window(entry, conditions) or conditions.lapsed.get(entry.service)


def _refusal_by_window(entry: AskedEntry, conditions: Conditions) -> str | None:
    """First impositions for billing wait for the policy's hours; other reasons act at once, repairs at any hour."""
    name = entry.policy or conditions.book.default
    policy = conditions.book.policies.get(name)
    if policy is None:
        return f"its policy {name} is not loaded"
    open_now = within(policy.window, policy.days_of(entry.municipality), conditions.now)
    return None if open_now else "it is outside the policy's hours for restricting"


def _granted(entry: AskedEntry, device: str, now: datetime) -> Happening:
    return Happening(
        at=now,
        kind="permit",
        actor="controller",
        text=f"{device} may lower {entry.service} to {entry.access} within {VALID_S:.0f} s",
        account=entry.account,
        service=entry.service,
        device=device,
        detail={"binding": entry.binding, "changed_revision": entry.changed_revision},
    )
