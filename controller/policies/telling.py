"""A policy as a person reads it: plain values for the command's screens and for JSON."""

from collections.abc import Iterable
from typing import Any

from controller.core.calendar import Window
from controller.core.policy import Choice, Draft, Loosened, Policy, Stage
from controller.core.rule_words import rule_in_words
from controller.policies.days import WEEKDAYS


def told(policy: Policy) -> dict[str, Any]:
    """The policy in words: whose it is, what people answered and loosened, its hours, its ladders."""
    return {
        "policy": policy.name,
        "version": policy.version,
        "country": policy.country,
        "timezone": policy.timezone,
        "choices": [_choice(one) for one in policy.choices],
        "draft": _draft(policy.draft) if policy.draft is not None else None,
        "loosened": [_loosened(one) for one in policy.loosened],
        "cuts": _window(policy.window),
        "messages": _window(policy.messages),
        "ladders": {
            kind.value: [_stage(stage, policy.draft) for stage in stages] for kind, stages in policy.ladders.items()
        },
    }


def _choice(choice: Choice) -> dict[str, str]:
    on = choice.chosen_on.isoformat()
    return {"question": choice.name, "option": choice.option, "chosen_by": choice.chosen_by, "chosen_on": on}


def _draft(draft: Draft) -> dict[str, str]:
    on = draft.accepted_on.isoformat()
    return {"accepted_by": draft.accepted_by, "accepted_on": on, "reason": draft.reason}


def _loosened(one: Loosened) -> dict[str, str]:
    said = {"key": one.key, "floor": one.floor, "allows": one.allows, "reason": one.reason, "author": one.author}
    return said | {"signed_on": one.signed_on.isoformat(), "expires": one.expires_on.isoformat()}


def _window(window: Window) -> str:
    days = " ".join(WEEKDAYS[day - 1] for day in sorted(window.weekdays))
    eves = "also on eves of holidays" if window.on_eves else "not on eves of holidays"
    return f"{days}, {window.opens:%H:%M} to {window.closes:%H:%M}, {eves}"


def _stage(stage: Stage, draft: Draft | None) -> dict[str, Any]:
    source = stage.source
    return {
        "stage": stage.name,
        "access": stage.access.value,
        "track": stage.track.value,
        "approvals": stage.approvals,
        "rule": str(rule_in_words(stage, draft)),
        "besides": "; ".join(_besides(stage)),
        "source": source.text,
        "mark": source.mark,
        "verified_on": source.verified_on.isoformat(),
        "settled": source.mark == "F",
    }


def _besides(stage: Stage) -> Iterable[str]:
    if stage.rate is not None:
        yield f"{stage.rate.down_kbps} kbit/s down and {stage.rate.up_kbps} up are left"
    if stage.notice.channels:
        yield f"the notice by {' or '.join(sorted(stage.notice.channels))} only"
    if stage.notice.days_after_due:
        yield f"the notice {stage.notice.days_after_due} days after the due date at the earliest"
    if stage.notice.after_last_hours:
        yield f"{stage.notice.after_last_hours} h after the last message at the earliest"
    if stage.approvals:
        yield f"{stage.approvals} people approve"
