"""What is to be saved of one decision: its row, the stage that begins or ends with it, its lines in the timeline."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from controller.conclusion import Case
from controller.core.blocks import Code
from controller.core.decision import Block, Decision, Evidence, NoticeDue, ReasonFor
from controller.core.facts import Imposed
from controller.core.wording import Said, say, sentences
from controller.desired import CONTESTED
from controller.said import to_json
from controller.situation import Situation
from controller.store.queries.decisions import Imposition
from controller.store.queries.timeline import Happening
from enforcement.access import Access, Rate, Reason

PAYMENTS, APPROVAL, PERSON = "payments", "approval", "person"
"""Words of `decisions.waits_for`, beside those of the brake; the latter two are codes of blocks too."""


@dataclass(frozen=True, slots=True)
class Conclusion:
    """`changed`: anything differs from what was decided before. `ends`: a stage that was in force is over. `owing`:
    something that may cost the service is unpaid."""

    service: str
    row: dict[str, Any]
    changed: bool
    ends: bool
    owing: bool
    begins: Imposition | None
    lines: tuple[Happening, ...]


def conclusion_of(case: Case, decision: Decision, situation: Situation, now: datetime) -> Conclusion:
    """What is to be saved of one decision of a case."""
    before = situation.decided.get(decision.service)
    imposed = _imposed_before(case, decision, situation)
    begins = _imposition(case, decision, imposed, situation)
    ends = imposed is not None and (begins is not None or not decision.stage)
    row = _saved(case, decision, _stage_since(decision, begins, imposed, now), now)
    changed = before is None or any(getattr(before, name) != row[name] for name in row if name != "decided_at")
    lines = tuple(_told(case, decision, before, now))
    # Where nothing is past due, nothing is in the way of a stage, nor beyond one.
    owing = bool(decision.stage or decision.next_stage or decision.blocks)
    return Conclusion(decision.service, row, changed, ends, owing, begins, lines)


def _imposed_before(case: Case, decision: Decision, situation: Situation) -> Imposed | None:
    if decision.service in case.withdrawn:
        return situation.unproven[decision.service].former
    return situation.imposed.get(decision.service)


def _stage_since(
    decision: Decision, begins: Imposition | None, imposed: Imposed | None, now: datetime
) -> datetime | None:
    if begins is not None:
        return now
    return imposed.since if imposed is not None and decision.stage else None


def _imposition(case: Case, decision: Decision, imposed: Imposed | None, situation: Situation) -> Imposition | None:
    """The billing stage that begins with this decision; None where none does."""
    if not decision.stage or (imposed is not None and imposed.stage == decision.stage):
        return None
    access = billing_access(decision)
    observed = not situation.enforcing(decision.service, access)
    return Imposition(decision.service, case.policy.name, decision.stage, access, observed)


def billing_access(decision: Decision) -> Access:
    """What the billing stage of a decision gives, whatever an order gives beside it."""
    return next(reason.access for reason in decision.reasons if reason.reason is Reason.BILLING)


def _saved(case: Case, decision: Decision, stage_since: datetime | None, now: datetime) -> dict[str, Any]:
    """The row of `decisions`."""
    return {
        "service_id": decision.service,
        "account_id": case.row.id,
        "access": decision.access.value,
        "stage": decision.stage,
        "stage_since": stage_since,
        "body": {
            "reasons": [_reason(reason) for reason in decision.reasons],
            "evidence": [_evidence(one) for one in decision.evidence],
            "next_stage": decision.next_stage,
            "blocks": [_block(block) for block in decision.blocks],
            "review_at": _text(decision.review_at),
            "rate": _rate(decision.rate),
            "notice_due": _notice_due(decision.notice_due),
        },
        "policy": case.policy.name,
        "policy_version": case.policy.version,
        "decided_at": now,
        "waits_for": _waits_for(decision),
        "notice_at": decision.notice_due.send_at if decision.notice_due is not None else None,
    }


def _reason(reason: ReasonFor) -> dict[str, Any]:
    return {"reason": reason.reason.value, "access": reason.access.value, "ref": reason.ref, **to_json(reason.text)}


def _evidence(one: Evidence) -> dict[str, Any]:
    return {"kind": one.kind, "ref": one.ref, **to_json(one.text)}


def _block(block: Block) -> dict[str, Any]:
    return {"code": str(block.code), "until": _text(block.until), **to_json(block.text)}


def _rate(rate: Rate | None) -> dict[str, int] | None:
    return None if rate is None else {"down_kbps": rate.down_kbps, "up_kbps": rate.up_kbps}


def _notice_due(due: NoticeDue | None) -> dict[str, str] | None:
    if due is None:
        return None
    when = {"send_at": due.send_at.isoformat(), "names_date": due.names_date.isoformat()}
    return {"stage": due.stage, "template": due.template, **when}


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()


def _waits_for(decision: Decision) -> str:
    """What would have the account reviewed, or which people are asked: these only once nothing but hours is lacking."""
    codes = {str(block.code) for block in decision.blocks}
    if Code.PAYMENTS_STALE in codes:
        return PAYMENTS
    people = codes & {APPROVAL, PERSON}
    if people and codes <= {APPROVAL, PERSON, Code.WINDOW}:
        return min(people)
    return next((code.value for code in (Code.BRAKE, Code.CANARY, Code.UNPROVEN) if code in codes), "")


def _told(case: Case, decision: Decision, before: Any | None, now: datetime) -> list[Happening]:
    """One line where the access, its rate or its reasons changed, and an alarm where a key has become contested.

    Of a number that was given back, every payment is told: it can do less than whoever paid may think.
    """
    lines = []
    former = (before.access, before.stage, before.body["rate"]) if before is not None else (Access.FULL, "", None)
    present = (decision.access, decision.stage, _rate(decision.rate))
    if present != former or _reasons_of(decision) != _reasons_before(before):
        lines.append(_line(case, decision, "decision", _in_words(decision), now))
    elif decision.access is Access.RELEASED and _reason_texts(before) != {one.text for one in decision.reasons}:
        lines.append(_line(case, decision, "number", _in_words(decision), now))
    alarms = {block.text for block in decision.blocks if block.code == CONTESTED} - _blocks_before(before)
    return lines + [_line(case, decision, "alarm", text, now) for text in sorted(alarms)]


def _line(case: Case, decision: Decision, kind: str, text: str, now: datetime) -> Happening:
    """A line of the timeline. Its `detail` keeps what the text was made of, as `said.to_json` writes it."""
    told = to_json(text)
    detail = {"policy": case.policy.name, "version": case.policy.version, "stage": decision.stage}
    detail |= {name: value for name, value in told.items() if name == "say"}
    return Happening(now, kind, "review", told["text"], account=case.row.id, service=decision.service, detail=detail)


def _in_words(decision: Decision) -> Said:
    why = sentences((reason.text for reason in decision.reasons), "; ") or say("nothing restricts it")
    return say("{service} shall have {access}: {why}", service=decision.service, access=decision.access, why=why)


def _reasons_of(decision: Decision) -> set[tuple[str, str]]:
    return {(reason.reason.value, reason.ref) for reason in decision.reasons}


def _reasons_before(before: Any | None) -> set[tuple[str, str]]:
    reasons = before.body["reasons"] if before is not None else []
    return {(reason["reason"], reason["ref"]) for reason in reasons}


def _reason_texts(before: Any | None) -> set[str]:
    return {reason["text"] for reason in before.body["reasons"]} if before is not None else set()


def _blocks_before(before: Any | None) -> set[str]:
    return {block["text"] for block in before.body["blocks"]} if before is not None else set()
