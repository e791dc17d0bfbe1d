"""What stands in the way of any stage: the account's holds, its money under way, what billing told, whose it is.

Between the case and the blocks before a stage. None of it depends on the stage.
"""

from collections.abc import Iterable
from datetime import timedelta

from controller.core.blocks import Code
from controller.core.calendar import later
from controller.core.case import Case
from controller.core.decision import Block
from controller.core.payments import under_way
from controller.core.wording import At, Money, Said, say


def exemption(case: Case) -> Block | None:
    """Why billing never restricts this service, whatever is owed; None where it may."""
    rules, tags = case.policy.tags, case.facts.tags
    never, reseller = sorted(rules.never & tags), sorted(rules.reseller & tags)
    if never:
        return Block(Code.NEVER, say("Never restricted for non-payment: the account is {tags}.", tags=", ".join(never)))
    if reseller and case.service.user != case.facts.account:
        return Block(Code.RESELLER_USER, _used_by_another(case, ", ".join(reseller)))
    return None


def _used_by_another(case: Case, tags: str) -> Said:
    """Of a reseller only what billing told to be its own is restricted: where that is not told, somebody may use it."""
    user = case.service.user
    if user is None:
        return say(
            "The account is {tags}, and billing has not told that this service is its own (its user is the account).",
            tags=tags,
        )
    return say(
        "{user} uses this service and does not owe the debt of the account, which is {tags}.", user=user, tags=tags
    )


def opens(case: Case) -> bool:
    """Whether a hold or a part payment keeps the service open now."""
    return any(held.opens for held in case.held) or case.opened_until is not None


def by_account(case: Case) -> Iterable[Block]:
    """All that does not depend on the stage."""
    if case.ended:
        yield Block(
            Code.SERVICE_ENDED, say("The service is no longer sold: it is kept as it is until its binding ends.")
        )
    if case.facts.conflicts:
        told = ", ".join(sorted(case.facts.conflicts))
        yield Block(
            Code.CONFLICT, say("Billing told one event in two ways ({told}): settle the conflict first.", told=told)
        )
    yield from _by_hold(case)
    yield from _by_payment(case)
    yield from _by_freshness(case)


def by_person(case: Case) -> Iterable[Block]:
    """Customers whom a person deals with: a task instead of a cut."""
    tags = sorted(case.policy.tags.person & case.facts.tags)
    if tags:
        text = say("The account is {tags}: a person decides what to do, and does it by hand.", tags=", ".join(tags))
        yield Block(Code.PERSON, text)


def _by_hold(case: Case) -> Iterable[Block]:
    for held in case.held:
        hold = held.hold
        until = say("until {at}", at=At(held.until, case.zone)) if held.until else say("until somebody ends it")
        in_force = say(
            "Hold {id} ({kind}, by {author}: {note}) is in force {until}",
            id=hold.id,
            kind=hold.kind,
            author=hold.author,
            note=hold.note,
            until=until,
        )
        text = say("{hold} and keeps the service open.", hold=in_force) if held.opens else say("{hold}.", hold=in_force)
        yield Block(Code.HOLD, text, held.until)


def _by_payment(case: Case) -> Iterable[Block]:
    open_until = case.opened_until
    if open_until is not None:
        text = say("A part payment keeps the service open until {at}.", at=At(open_until, case.zone))
        yield Block(Code.PART_PAYMENT, text, open_until)
    for one in under_way(case.facts, case.policy, case.now, case.horizon):
        text = say(
            "Payment {id} of {amount} is under way; nobody is cut before {at}.",
            id=one.payment.id,
            amount=Money(one.amount, one.payment.currency),
            at=At(one.waits_until, case.zone),
        )
        yield Block(Code.PAYMENT_CLEARING, text, one.waits_until)
    for loose in sorted(case.facts.unmatched, key=lambda loose: (loose.received_at, loose.id)):
        text = say(
            "Money that nobody has attributed may be this account's: {amount}, {id}, received {at}.",
            amount=Money(loose.amount, loose.currency),
            id=loose.id,
            at=At(loose.received_at, case.zone),
        )
        yield Block(Code.UNMATCHED_PAYMENT, text)


def _by_freshness(case: Case) -> Iterable[Block]:
    """Every source of payments must have spoken lately: those that the policy expects, and those that ever spoke."""
    rules = case.policy.freshness
    spoken = {one.source: one.payments_known_until for one in case.facts.freshness}
    if not spoken:
        yield Block(Code.PAYMENTS_STALE, say("Billing has never said up to when all payments are told."))
    for source in sorted(rules.sources.keys() - spoken.keys() if spoken else ()):
        text = say(
            "{source}, which the policy expects, has never said up to when its payments are told.", source=source
        )
        yield Block(Code.PAYMENTS_STALE, text)
    for source, known in sorted(spoken.items()):
        hours = rules.sources.get(source, rules.hours)
        stale_at = later(known, timedelta(hours=hours))
        case.horizon.note(stale_at)
        if case.now >= stale_at:
            text = say(
                "Payments of {source} are told only up to {known}; the policy allows {hours} h.",
                source=source,
                known=At(known, case.zone),
                hours=hours,
            )
            yield Block(Code.PAYMENTS_STALE, text)
