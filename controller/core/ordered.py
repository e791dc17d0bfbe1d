"""What an order by name gives a service: at once, beside whatever non-payment gives.

Between the orders in force and the decision. An order can't release a number, which needs what `release` asks for.
"""

from controller.core.case import Case
from controller.core.decision import ReasonFor
from controller.core.facts import Order
from controller.core.wording import At, say
from enforcement.access import LADDERS, Access, Kind


def reason_for(case: Case, order: Order) -> ReasonFor:
    """What an order gives; an access that the kind does not have restricts nothing, and that is said."""
    access = _enforceable(case.service.kind, order.access)
    until = say("until {at}", at=At(order.until, case.zone)) if order.until else say("until it is ended")
    text = say(
        "{reason} order {id} by {author}, {until}: {note}",
        reason=order.reason,
        id=order.id,
        author=order.author,
        until=until,
        note=order.note,
    )
    if access is not order.access:
        text = say(
            "{order} (it asks for {access}, which an order for {kind} cannot give)",
            order=text,
            access=order.access,
            kind=case.service.kind,
        )
    return ReasonFor(order.reason, access, text, order.id)


def _enforceable(kind: Kind, access: Access) -> Access:
    if access is Access.RELEASED:
        return LADDERS[kind][-2] if access in LADDERS[kind] else Access.FULL
    return access if access in LADDERS[kind] else Access.FULL
