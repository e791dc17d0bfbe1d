"""From decisions to desired entries: what each device shall enforce for each binding of an account. Pure.

Between `decide`, which knows no device, and `plan`, which knows no account. An entry exists for every live binding,
open ones included: without it an agent could not tell that something not ours obstructs a paying customer.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from controller.core.decision import Block, Decision
from controller.core.wording import say
from controller.store.queries.bindings import Place, binding_id
from controller.store.queries.entries import Wanted, rate_of
from enforcement.access import Access, Kind, Rate, may_slow, rank
from enforcement.modes import Mode

CONTESTED = "contested"
DEVICE_CANNOT = "device_cannot"
NO_BINDING = "no_binding"


@dataclass(frozen=True, slots=True)
class Bound:
    """A live binding, and what stands between a decision and its enforcement there.

    `keys` and `access` are what the device was enrolled as able to do; None until an agent has enrolled it.
    `contested` is true where another live binding claims the same key on the same device (rule 6).
    """

    number: int
    service: str
    kind: Kind
    device: str
    key: str
    keys: frozenset[str] | None
    access: frozenset[str] | None
    mode: Mode
    contested: bool

    @property
    def binding(self) -> str:
        return binding_id(self.number)

    @property
    def place(self) -> Place:
        return self.device, self.key

    def can(self, access: Access) -> bool:
        """Whether the device, as far as is known, can give that access to that key."""
        if access is Access.FULL or self.keys is None or self.access is None:
            return True
        return self.key.partition(":")[0] in self.keys and access.value in self.access


def shortcomings(bound: Sequence[Bound], access: Access) -> tuple[Block, ...]:
    """What keeps an access from being enforced, in words for the decision: never a silent no-op."""
    if access is Access.FULL:
        return ()
    if not bound:
        return (Block(NO_BINDING, say("The service is bound to no device: there is nothing to restrict.")),)
    return tuple(block for one in bound for block in _shortcoming(one, access))


def _shortcoming(one: Bound, access: Access) -> Iterable[Block]:
    if one.contested:
        text = say(
            "Two live bindings claim {key} on {device}: neither is restricted until billing ends one.",
            key=one.key,
            device=one.device,
        )
        yield Block(CONTESTED, text)
    elif not one.can(access):
        words = {"device": one.device, "access": access.value, "key": one.key}
        yield Block(DEVICE_CANNOT, say("Device {device} cannot give {access} to {key}: it stays open there.", **words))


def enforceable(bound: Sequence[Bound], access: Access) -> bool:
    """Whether at least one device would be told to give that access."""
    return any(one.can(access) and not one.contested for one in bound)


def changed_entries(
    decision: Decision,
    account: str,
    bound: Sequence[Bound],
    present: Mapping[str, Any],
    cause_at: datetime | None,
) -> list[Wanted]:
    """The entries of one service that are to be other than at `present` (its rows of `entries` by binding)."""
    tamed = any(map(_was_in_force, present.values()))
    found = (_wanted(decision, account, one, present.get(one.binding), cause_at, tamed) for one in bound)
    return [entry for entry in found if _differs(entry, present.get(entry.binding))]


def _was_in_force(row: Any) -> bool:
    """Whether a restriction of this entry was imposed before: moving it to another key is no new cut."""
    return row.access != Access.FULL and not (row.first and row.verified_at is None)


def _wanted(
    decision: Decision, account: str, one: Bound, before: Any | None, cause_at: datetime | None, tamed: bool
) -> Wanted:
    open_ = one.contested or not one.can(decision.access)
    access = Access.FULL if open_ else decision.access
    rate = decision.rate if access is Access.THROTTLED else None
    restricting = {reason.reason.value for reason in decision.reasons if reason.access is not Access.FULL}
    return Wanted(
        binding=one.binding,
        device=one.device,
        account=account,
        service=one.service,
        kind=one.kind.value,
        key=one.key,
        access=access.value,
        reasons=tuple(sorted(restricting)) if access is not Access.FULL else (),
        ended=False,
        first=_is_first(one.kind, access, rate, before, tamed),
        cause_at=_cause(one.kind, access, rate, before, cause_at),
        rate=rate,
    )


def _is_first(kind: Kind, access: Access, rate: Rate | None, before: Any | None, tamed: bool) -> bool:
    """Whether this takes away what the customer still has; not where only the key of a restricted service changed."""
    if before is None:
        return access is not Access.FULL and not tamed
    if access == before.access:
        unproven = bool(before.first) and before.verified_at is None
        return unproven or may_slow(rate_of(before), rate)
    return rank(kind, access) > _rank(kind, before.access)


def _cause(
    kind: Kind, access: Access, rate: Rate | None, before: Any | None, cause_at: datetime | None
) -> datetime | None:
    """A restore is timed from the event that caused it, until it is verified."""
    if before is None:
        return None
    if access == before.access:
        former = rate_of(before)
        if former != rate and not may_slow(former, rate):
            return cause_at
        found: datetime | None = before.cause_at if before.verified_at is None else None
        return found
    return cause_at if rank(kind, access) < _rank(kind, before.access) else None


def _rank(kind: Kind, access: str) -> int:
    """The rung of an access; a kind that billing has mended may not have the former one, which then counts as full."""
    try:
        return rank(kind, Access(access))
    except ValueError:
        return 0


def _differs(entry: Wanted, before: Any | None) -> bool:
    if before is None:
        return True
    told = (before.device, before.account_id, before.service_id, before.kind, before.key, before.access, before.ended)
    wanted = (entry.device, entry.account, entry.service, entry.kind, entry.key, entry.access, entry.ended)
    return told != wanted or tuple(before.reasons) != entry.reasons or rate_of(before) != entry.rate


def tombstone(row: Any) -> Wanted:
    """The entry of a binding that is over: full access, so that the key is free for its next owner."""
    return Wanted(
        binding=row.binding,
        device=row.device,
        account=row.account_id,
        service=row.service_id,
        kind=row.kind,
        key=row.key,
        access=Access.FULL.value,
        reasons=(),
        ended=True,
        first=False,
        cause_at=None,
        rate=None,
    )
