"""Giving a number back: what no policy can leave out before it, and what is said after it.

Between the stages and their blocks. It is the one step that payment cannot roll back: incoming calls are kept first,
then the number rests where payment still brings all back, two people have approved, and it is never taken mid-port.
"""

from collections.abc import Iterable

from controller.core.approvals import TWO_PEOPLE, given_in_this_restriction, lacking_people
from controller.core.blocks import Code, ends_at
from controller.core.calendar import local_date
from controller.core.case import Case
from controller.core.conditions import unmet_by_debt
from controller.core.decision import Block, Decision, Evidence, ReasonFor
from controller.core.facts import Imposed, Port, PortDirection, PortState
from controller.core.policy import Conditions, Stage
from controller.core.stages import stage_named
from controller.core.wording import Said, owed, say
from enforcement.access import Access, Reason


def by_release(case: Case, stage: Stage) -> Iterable[Block]:
    """What keeps a number from being put in quarantine, or given back."""
    if stage.access in (Access.EMERGENCY_ONLY, Access.RELEASED):
        yield from _by_port(case)
        quarantine = stage if stage.access is Access.EMERGENCY_ONLY else stage_named(case, _imposed_stage(case))
        if quarantine is not None:
            yield from _by_foundation(case, stage, quarantine)


def released(case: Case, imposed: Imposed) -> Decision:
    """The number is gone: nothing that is paid, held or told brings it back, and what is possible instead is said."""
    text = say(
        "The number was given back on {day}: no payment brings it back. {instead} {debt}",
        day=local_date(case.zone, imposed.since),
        instead=_instead(case),
        debt=_what_is_owed(case),
    )
    reason = ReasonFor(Reason.BILLING, Access.RELEASED, text, imposed.stage)
    return Decision(case.service.id, Access.RELEASED, imposed.stage, (reason,), tuple(_ports(case)))


def _by_port(case: Case) -> Iterable[Block]:
    """Never mid-port; and a number that has moved to another operator is not there to be given back."""
    leaving = sorted(one.id for one in case.facts.ports if _is_mine(case, one) and _is_leaving(one))
    if leaving:
        text = say("The number is moving to another operator ({ports}).", ports=", ".join(leaving))
        yield Block(Code.PORT_PENDING, text)
    last = _moved_last(case)
    if last is not None and last.direction is PortDirection.OUT:
        text = say("The number moved to another operator ({port}): there is nothing to give back.", port=last.id)
        yield Block(Code.PORTED_OUT, text)


def _by_foundation(case: Case, stage: Stage, quarantine: Stage) -> Iterable[Block]:
    """What the quarantine stands on: a reason in time or in returned money, and two people, up to the last moment."""
    if not all(_is_founded(one) for one in quarantine.conditions):
        text = say(
            "{stage} asks for no age, returned collections or earlier suspensions: no ground to give a number back.",
            stage=quarantine.name,
        )
        yield Block(Code.RELEASE_UNFOUNDED, text)
    if stage is quarantine:
        return
    yield from lacking_people(quarantine, given_in_this_restriction(case, quarantine), TWO_PEOPLE)
    gone = unmet_by_debt(case, quarantine, case.live(quarantine.track))
    if gone:
        text = say("What {stage} was imposed for no longer holds: {what}", stage=quarantine.name, what=gone[0].text)
        yield Block(Code.RELEASE_UNFOUNDED, text, ends_at(gone, case.now))


def _is_founded(conditions: Conditions) -> bool:
    asks = conditions
    age = asks.months_since_presented + asks.days_since_presented + asks.months_since_due + asks.days_since_due
    return bool(age or asks.consecutive_returns or asks.earlier_suspensions)


def _instead(case: Case) -> Said:
    last = _moved_last(case)
    if last is not None and last.direction is PortDirection.OUT:
        return say("It moved to another operator before ({port}).", port=last.id)
    if last is not None:
        return say(
            "It was ported in and went back to its range holder, {holder}: ask there, or take another number.",
            holder=last.range_holder or say("which is not told"),
        )
    return say("A new contract can have another number, or this one as long as nobody else has got it.")


def _what_is_owed(case: Case) -> Said:
    if not any(case.owed.values()):
        return say("Nothing is owed any more.")
    return say("What is owed is still owed: {owed}.", owed=owed(case.owed))


def _ports(case: Case) -> Iterable[Evidence]:
    for one in sorted(case.facts.ports, key=lambda one: (one.at, one.id)):
        if _is_mine(case, one):
            day = local_date(case.zone, one.at)
            words = say("Move {way} of the number: {state}, {day}.", way=one.direction, state=one.state, day=day)
            yield Evidence("port", one.id, words)


def _imposed_stage(case: Case) -> str:
    return case.imposed.stage if case.imposed is not None else ""


def _is_mine(case: Case, port: Port) -> bool:
    return port.service == case.service.id


def _is_leaving(port: Port) -> bool:
    return port.direction is PortDirection.OUT and port.state is PortState.REQUESTED


def _moved_last(case: Case) -> Port | None:
    done = [one for one in case.facts.ports if _is_mine(case, one) and one.state is PortState.DONE]
    return max(done, key=lambda one: (one.at, one.id), default=None)
