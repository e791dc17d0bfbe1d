"""The trailing run of returned receipts of a service, recomputed from the ledger each time: nothing is counted up.

Between the ledger and `decide`: so many in a row are what a release may be proposed on. A receipt is an invoice:
however often it is presented again, it counts once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from controller.core.facts import Facts
from controller.core.horizon import Horizon
from controller.core.ledger import Unpaid
from controller.core.policy import Policy, Track
from controller.core.refunds import came_back
from controller.core.return_codes import ReturnClass
from enforcement.entries import ServiceId


@dataclass(frozen=True, slots=True)
class Run:
    """`length` is how many returned receipts in a row are unpaid; `certain` is that number without late refunds.

    `invoices` are those of `length`, the oldest first.
    """

    length: int
    certain: int
    invoices: tuple[str, ...]


def run_of(
    facts: Facts,
    policy: Policy,
    service_id: ServiceId,
    unpaid: Sequence[Unpaid],
    now: datetime,
    horizon: Horizon,
) -> Run:
    """The trailing run of a service's returned receipts that are unpaid now."""
    back = came_back(facts)
    counting = {one.invoice for one in facts.collections if one.id in back and back[one.id].kind is ReturnClass.COUNTS}
    owed = [one.invoice.id for one in unpaid if one.owed_for(service_id, Track.SERVICE) > 0]
    found = tuple(id for id in owed if id in counting)
    return Run(len(found), len(found), found)
