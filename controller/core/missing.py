"""What keeps a stage from being imposed: every thing that is missing, in words, and until when by the clock alone.

`decide` imposes a stage only where nothing is found here. Nothing here can be turned off by a policy: without a proven
notice, under a hold or beside a conflict nobody is cut.
"""

from collections.abc import Iterable, Sequence

from controller.core.account import by_account, by_person
from controller.core.approvals import by_approvals
from controller.core.blocks import Code, ends_at
from controller.core.calendar import days_after, next_opening, start_of
from controller.core.case import Case
from controller.core.conditions import lacking
from controller.core.decision import Block
from controller.core.notices import by_notice
from controller.core.policy import Stage
from controller.core.release import by_release
from controller.core.wording import At, say


def blocks_before(case: Case, stage: Stage, also: Sequence[Block] = ()) -> tuple[Block, ...]:
    """All that keeps `stage` from being imposed on the service now; empty where nothing does."""
    debt = lacking(case, stage)
    found = [
        *by_account(case),
        *_by_rule(case, stage),
        *by_release(case, stage),
        *debt,
        *by_notice(case, stage, debt),
        *by_approvals(case, stage),
        *by_person(case),
        *also,
    ]
    found += _by_window(case, found)
    for block in found:
        case.horizon.note(block.until)
    return tuple(found)


def _by_rule(case: Case, stage: Stage) -> Iterable[Block]:
    """The law that the stage stands on must be in force, and what loosens it must not have run out."""
    begins = stage.source.valid_from
    if begins is not None and case.now < start_of(case.zone, begins):
        text = say("The rule of {stage} is in force from {day} on.", stage=stage.name, day=begins)
        yield Block(Code.RULE_NOT_IN_FORCE, text, start_of(case.zone, begins))
    for one in case.policy.loosened:
        if one.stage not in ("", stage.name) or one.kind not in (None, case.service.kind):
            continue
        over = start_of(case.zone, days_after(one.expires_on, 1))
        case.horizon.note(over)
        if case.now >= over:
            text = say(
                "{author}'s override of {key} ended on {day}: nothing new is imposed under it.",
                author=one.author,
                key=one.key,
                day=one.expires_on,
            )
            yield Block(Code.OVERRIDE_EXPIRED, text)


def _by_window(case: Case, others: Sequence[Block]) -> list[Block]:
    """The hours in which a restriction may first be imposed: asked of the instant at which nothing else is missing."""
    at = ends_at(others, case.now)
    if at is None:
        return []
    opening = next_opening(case.policy.window, case.days, at)
    if opening is None:
        return [Block(Code.WINDOW, say("The policy's window never opens."))]
    if opening.start > at:
        text = say(
            "Restrictions are first imposed in the policy's hours only; next on {at}.", at=At(opening.start, case.zone)
        )
        return [Block(Code.WINDOW, text, opening.start)]
    case.horizon.note(opening.end)
    return []
