"""All that a review looks at besides its policies, loaded at once for a batch of locked accounts."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row

from controller.core.facts import AccountId, Facts, Imposed
from controller.desired import Bound
from controller.store.queries.bindings import Place, binding_id, bindings_of_accounts, claims_of
from controller.store.queries.decisions import decisions_of, only_observed
from controller.store.queries.devices import devices_named
from controller.store.queries.entries import entries_for_review
from controller.store.queries.standing import OBSERVE, modes_of_devices
from controller.store.queries.unproven import Unproven, unproven_of
from enforcement.access import Access, Kind
from enforcement.modes import Mode

_NONE: Mapping[str, Row[Any]] = {}


@dataclass(frozen=True, slots=True)
class Situation:
    """`bound` are the live bindings of each service, `entries` the rows of their entries by
    service and binding.

    `over` are the entries whose bindings have ended, `decided` and `imposed` what is in force, by service. `fictions`
    are services with a stage that was only observed, which a device would enforce by now: it cut nobody, so it is no
    fact any more, and is decided again with brake and hours. `unproven` are services whose stage no device was read to
    give yet.
    """

    facts: Mapping[AccountId, Facts]
    bound: Mapping[str, tuple[Bound, ...]]
    entries: Mapping[str, Mapping[str, Row[Any]]]
    over: tuple[Row[Any], ...]
    decided: Mapping[str, Row[Any]]
    imposed: Mapping[str, Imposed]
    fictions: frozenset[str]
    unproven: Mapping[str, Unproven]

    def bound_of(self, service: str) -> tuple[Bound, ...]:
        """The live bindings of a service."""
        return self.bound.get(service, ())

    def entries_of(self, service: str) -> Mapping[str, Row[Any]]:
        """The rows of a service's entries, by binding."""
        return self.entries.get(service, _NONE)

    def enforcing(self, service: str, access: Access) -> frozenset[str]:
        """The devices that would be let enforce that access for a service now: those that a first cut counts on."""
        return _enforcing(self.bound_of(service), access)


def situation_of(tx: Connection, facts: Mapping[AccountId, Facts]) -> Situation:
    """Load what concerns the accounts of these facts; the caller holds their locks."""
    ids = sorted(facts)
    rows = bindings_of_accounts(tx, ids)
    claims = claims_of(tx, {(row.device, row.key) for row in rows})
    devices = devices_named(tx, {row.device for row in rows})
    modes = modes_of_devices(tx)
    bound: dict[str, tuple[Bound, ...]] = {}
    for row in rows:
        mode = Mode(modes.get(row.device, OBSERVE)[row.kind])
        bound[row.service_id] = (*bound.get(row.service_id, ()), _bound(row, devices[row.device], mode, claims))
    live = {binding_id(row.number) for row in rows}
    found, over = entries_for_review(tx, ids, live)
    services = [service.id for known in facts.values() for service in known.services]
    observed = only_observed(tx, services)
    fictions = frozenset(id for id, access in observed.items() if _enforcing(bound.get(id, ()), access))
    facts = {account: _without(known, fictions) for account, known in facts.items()}
    return Situation(
        facts=facts,
        bound=bound,
        entries=_by_service(found),
        over=tuple(over),
        decided=decisions_of(tx, services),
        imposed={one.service: one for known in facts.values() for one in known.imposed},
        fictions=fictions,
        unproven=unproven_of(tx, services),
    )


def _by_service(rows: Sequence[Row[Any]]) -> dict[str, dict[str, Row[Any]]]:
    found: dict[str, dict[str, Row[Any]]] = {}
    for row in rows:
        found.setdefault(row.service_id, {})[row.binding] = row
    return found


def _enforcing(bound: Sequence[Bound], access: Access) -> frozenset[str]:
    return frozenset(one.device for one in bound if one.mode is Mode.ENFORCE and one.can(access) and not one.contested)


def _without(facts: Facts, fictions: Set[str]) -> Facts:
    if not fictions:
        return facts
    return replace(facts, imposed=tuple(one for one in facts.imposed if one.service not in fictions))


def _bound(row: Row[Any], device: Row[Any], mode: Mode, claims: Mapping[Place, list[int]]) -> Bound:
    enrolled = device.enrolled_at is not None
    return Bound(
        number=row.number,
        service=row.service_id,
        kind=Kind(row.kind),
        device=row.device,
        key=row.key,
        keys=frozenset(device.keys) if enrolled else None,
        access=frozenset(device.access.get(row.kind, ())) if enrolled else None,
        mode=mode,
        contested=len(claims[row.device, row.key]) > 1,
    )
