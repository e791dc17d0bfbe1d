"""What came back of each collection: the bank's returns and the payer's refunds, each told once or more, as one event.

Between the facts and whatever asks about money (`payments`) or about returned receipts (`ledger`, `returns`). One
return comes in a pain.002, in a camt file and perhaps from billing too: it is still one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from controller.core.facts import Facts, Return
from controller.core.return_codes import ReturnClass, class_of

_CAREFUL = {known: place for place, known in enumerate(ReturnClass)}


@dataclass(frozen=True, slots=True)
class CameBack:
    """All that came back of one collection: `amount` in all, and the day and the class of the latest of it.

    Where two files give different codes for it, the more careful reading is taken.
    """

    collection: str
    amount: int
    on: date
    kind: ReturnClass


_NOTHING: Mapping[str, CameBack] = {}


def came_back(facts: Facts) -> Mapping[str, CameBack]:
    """What came back, by collection.

    Returns of the same amount are one event, told twice: a debit comes back whole but once. Different amounts are
    parts, and add up to no more than was collected.
    """
    if not facts.returns:
        return _NOTHING
    told: dict[str, list[Return]] = {}
    for one in facts.returns:
        told.setdefault(one.collection, []).append(one)
    most = {one.id: one.amount for one in facts.collections}
    return {id: _event(id, returns, most.get(id)) for id, returns in told.items()}


def _event(collection: str, returns: list[Return], most: int | None) -> CameBack:
    if len(returns) == 1:
        (one,) = returns
        amount = one.amount if most is None else min(one.amount, most)
        return CameBack(collection, max(amount, 0), one.returned_on, class_of(one.code))
    amount = sum({max(one.amount, 0) for one in returns})
    on = max(one.returned_on for one in returns)
    kind = min((class_of(one.code) for one in returns), key=_CAREFUL.__getitem__)
    return CameBack(collection, amount if most is None else min(amount, most), on, kind)
