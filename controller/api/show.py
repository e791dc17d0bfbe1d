"""A service as the API shows it: decision, entries, orders and holds of one snapshot, and what would restore it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from controller.api.models import ServiceOut
from controller.api.paths import unknown_service
from controller.api.telling import told, told_stored
from controller.conclusion import Book
from controller.core.case import cases
from controller.core.facts import AccountId
from controller.core.holds import not_in_force
from controller.core.rule_words import rule_in_words
from controller.core.wording import say
from controller.desired import CONTESTED, DEVICE_CANNOT, NO_BINDING
from controller.store.queries import shown
from controller.store.queries.facts import facts_of
from enforcement.access import Access, Kind, Reason
from languages.language import Language

_SETTLED = ("verified", "armed")
_SHORTCOMINGS = (CONTESTED, DEVICE_CANNOT, NO_BINDING)


@dataclass(frozen=True, slots=True)
class Teller:
    """What words are made of: the loaded policies, and the language of whoever asks."""

    book: Book
    language: Language

    def say_all(self, stored: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """What a decision said, in the language."""
        return [told_stored(self.language, one) for one in stored]


def service_shown(tx: Connection, service: str, now: datetime, teller: Teller) -> ServiceOut:
    """Everything known of a service. Raises Problem 404."""
    row = shown.service_row(tx, service)
    if row is None:
        raise unknown_service(service)
    decision = shown.decision_row(tx, service)
    body: dict[str, Any] = decision.body if decision is not None else {}
    entries = shown.entries_of_service(tx, service)
    orders = shown.orders_in_force(tx, service, now)
    reasons, blocks = teller.say_all(body.get("reasons", [])), teller.say_all(body.get("blocks", []))
    evidence = teller.say_all(body.get("evidence", []))
    access = decision.access if decision is not None else Access.FULL.value
    return ServiceOut.model_validate(
        {
            "service": row.id,
            "account": row.account_id,
            "kind": row.kind,
            "ended_at": row.ended_at,
            "access": access,
            "stage": decision.stage if decision is not None else "",
            "stage_since": decision.stage_since if decision is not None else None,
            "applied": _is_applied(access, entries, blocks),
            "being_reviewed": row.review_at is not None and row.review_at <= now,
            "reasons": reasons,
            "evidence": evidence,
            "next_stage": body.get("next_stage", ""),
            "next_rule": _rule(teller, row, body.get("next_stage", "")),
            "blocks": blocks,
            "review_at": row.review_at,
            "restored_by": _restored_by(teller.language, service, reasons, evidence),
            "decided_at": decision.decided_at if decision is not None else None,
            "policy": decision.policy if decision is not None else row.policy or teller.book.default,
            "policy_version": decision.policy_version if decision is not None else "",
            "orders": orders,
            "holds": _holds(tx, row, now, teller),
            "entries": entries,
            "rate": body.get("rate"),
            "notice_due": body.get("notice_due"),
            "waits_for": decision.waits_for if decision is not None else "",
            "told": " ".join(one["text"] for one in reasons if one["access"] == Access.RELEASED),
        }
    )


def _is_applied(access: str, entries: Sequence[dict[str, Any]], blocks: Sequence[dict[str, Any]]) -> bool:
    """Read back everywhere, and what was read back is what was decided: a device that cannot is told to stay open."""
    if access != Access.FULL and any(block["code"] in _SHORTCOMINGS for block in blocks):
        return False
    return all(entry["state"] in _SETTLED and (entry["ended"] or entry["access"] == access) for entry in entries)


def _rule(teller: Teller, row: Any, stage: str) -> str:
    """The rule of the stage that would come next, as the policy that is loaded has it."""
    policy, _ = teller.book.policy_of(row)
    found = (one for one in policy.ladders.get(Kind(row.kind), ()) if one.name == stage)
    return next((told(teller.language, rule_in_words(one, policy.draft)) for one in found), "")


def _holds(tx: Connection, row: Any, now: datetime, teller: Teller) -> list[dict[str, Any]]:
    """The holds that are not over by their own words; each says why the policy keeps it from holding, if it does."""
    holds = shown.holds_of_account(tx, row.account_id, now, row.id)
    if not holds:
        return []
    policy, _ = teller.book.policy_of(row)
    facts = facts_of(tx, [row.account_id], now)[AccountId(row.account_id)]
    why_not = {
        one.hold.id: told(teller.language, one.why)
        for case in cases(facts, policy, now)
        if case.service.id == row.id
        for one in not_in_force(facts, case.service.id, policy, now)
    }
    return [hold | {"why_not": why_not.get(hold["hold"], "")} for hold in holds]


def _restored_by(
    language: Language, service: str, reasons: Sequence[dict[str, Any]], evidence: Sequence[dict[str, Any]]
) -> list[str]:
    """What would open the service again, a sentence for each reason that restricts it."""
    unpaid = [fact["ref"] for fact in evidence if fact["kind"] == "invoice"]
    found = (_sentence(service, one["reason"], unpaid, one["access"] == Access.RELEASED) for one in reasons)
    return [told(language, one) for one in found]


def _sentence(service: str, reason: str, unpaid: Sequence[str], released: bool) -> str:
    if reason == Reason.BILLING and released:
        return say("Nothing restores it: the number was given back. A new contract is needed.")
    if reason == Reason.BILLING and unpaid:
        return say(
            "Paying what is past due (invoice {invoices}): it opens by itself. "
            "Or a courtesy: grifo restore {service} --note ...",
            invoices=", ".join(unpaid),
            service=service,
        )
    if reason == Reason.BILLING:
        return say(
            "Paying what is past due: it opens by itself. Or a courtesy: grifo restore {service} --note ...",
            service=service,
        )
    if reason == Reason.COURT:
        return say("The court's word, then: grifo restore {service} --reason court --note ...", service=service)
    return say("Ending the order: grifo restore {service} --reason {reason} --note ...", service=service, reason=reason)
