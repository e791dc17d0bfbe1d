"""A stage's rule in words: what it asks for, the notice it needs, and the source that it stands on.

Beside the evidence: a person who defends a cut reads here what the policy's numbers mean.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import assert_never

from controller.core.calendar import DayUnit
from controller.core.policy import Conditions, Draft, NoticeRule, Source, Stage
from controller.core.wording import Said, say


@lru_cache(maxsize=256)
def rule_in_words(stage: Stage, draft: Draft | None = None) -> Said:
    """`portal: more than 1 month(s) since the bill was presented; notice 15 working days before. RD 899/2009 ...`."""
    rule = say(
        "{stage}: {conditions}; notice at least {lead} before. {source} [{mark}]",
        stage=stage.name,
        conditions=_any_of([_all_of(one) for one in stage.conditions]),
        lead=lead_in_words(stage.notice),
        source=stage.source.text,
        mark=_mark(stage.source),
    )
    if draft is None:
        return rule
    return say(
        "{rule} A draft: there are no floors of law; accepted by {author} on {day}: {reason}",
        rule=rule,
        author=draft.accepted_by,
        day=draft.accepted_on,
        reason=draft.reason,
    )


def _mark(source: Source) -> Said:
    """Only what was read in the law's own text has been verified."""
    if source.mark == "F":
        return say("{mark}, verified on {day}", mark=source.mark, day=source.verified_on)
    return say("{mark}, looked at on {day}", mark=source.mark, day=source.verified_on)


def lead_in_words(rule: NoticeRule) -> Said:
    """`15 working days`."""
    match rule.unit:
        case DayUnit.HOURS:
            return say("{n} hours", n=rule.lead)
        case DayUnit.DAYS:
            return say("{n} days", n=rule.lead)
        case DayUnit.WORKING_DAYS:
            return say("{n} working days", n=rule.lead)
    assert_never(rule.unit)


def _any_of(ways: list[Said]) -> Said:
    words = ways[0]
    for way in ways[1:]:
        words = say("{one}; or {other}", one=words, other=way)
    return words


def _all_of(conditions: Conditions) -> Said:
    asked = [*_of_age(conditions), *_of_count(conditions), *_of_tags(conditions)]
    words = asked[0] if asked else say("anything past due")
    for one in asked[1:]:
        words = say("{one} and {other}", one=words, other=one)
    return words


def _of_age(asks: Conditions) -> Iterable[Said]:
    if asks.months_since_presented:
        yield say("more than {n} month(s) since the bill was presented", n=asks.months_since_presented)
    if asks.days_since_presented:
        yield say("at least {n} day(s) since the bill was presented", n=asks.days_since_presented)
    if asks.months_since_due:
        yield say("more than {n} month(s) since it was due", n=asks.months_since_due)
    if asks.days_since_due:
        yield say("at least {n} day(s) since it was due", n=asks.days_since_due)
    if asks.days_in_previous_stage:
        yield say("at least {n} day(s) in the stage before", n=asks.days_in_previous_stage)


def _of_count(asks: Conditions) -> Iterable[Said]:
    if asks.unpaid_invoices > 1:
        yield say("at least {n} unpaid invoices", n=asks.unpaid_invoices)
    if asks.minimum_amount:
        yield say("at least {amount} past due", amount=_in_hundredths(asks.minimum_amount))
    if asks.consecutive_returns:
        yield say("at least {n} collections returned in a row", n=asks.consecutive_returns)
    if asks.earlier_suspensions:
        yield say("at least {n} earlier suspension(s)", n=asks.earlier_suspensions)


def _in_hundredths(amount: int) -> str:
    """A policy names no currency; those of the countries with floors here have cents."""
    return f"{amount // 100}.{amount % 100:02d}"


def _of_tags(asks: Conditions) -> Iterable[Said]:
    if asks.tags_with:
        yield say("for accounts that are {tags}", tags=", ".join(sorted(asks.tags_with)))
    if asks.tags_without:
        yield say("not for accounts that are {tags}", tags=", ".join(sorted(asks.tags_without)))
