"""A service as the API shows it: decision, entries, orders and holds of one snapshot, and what would restore it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from controller.api.models import ServiceOut
from controller.api.paths import unknown_service
from controller.desired import CONTESTED, DEVICE_CANNOT, NO_BINDING
from controller.store.queries import shown
from enforcement.access import Access, Reason

_SETTLED = ("verified", "armed")
_SHORTCOMINGS = (CONTESTED, DEVICE_CANNOT, NO_BINDING)


def service_shown(tx: Connection, service: str, now: datetime, default_policy: str) -> ServiceOut:
    """Everything known of a service. Raises Problem 404."""
    row = shown.service_row(tx, service)
    if row is None:
        raise unknown_service(service)
    decision = shown.decision_row(tx, service)
    body: dict[str, Any] = decision.body if decision is not None else {}
    entries = shown.entries_of_service(tx, service)
    orders = shown.orders_in_force(tx, service, now)
    reasons, blocks = body.get("reasons", []), body.get("blocks", [])
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
            "evidence": body.get("evidence", []),
            "next_stage": body.get("next_stage", ""),
            "blocks": blocks,
            "review_at": row.review_at,
            "restored_by": restored_by(service, reasons, body.get("evidence", [])),
            "decided_at": decision.decided_at if decision is not None else None,
            "policy": decision.policy if decision is not None else row.policy or default_policy,
            "policy_version": decision.policy_version if decision is not None else "",
            "orders": orders,
            "holds": shown.holds_of_account(tx, row.account_id, now, service),
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


def restored_by(service: str, reasons: Sequence[dict[str, Any]], evidence: Sequence[dict[str, Any]]) -> list[str]:
    """What would open the service again, a sentence for each reason that restricts it."""
    unpaid = [fact["ref"] for fact in evidence if fact["kind"] == "invoice"]
    return [_sentence(service, one["reason"], unpaid, one["access"] == Access.RELEASED) for one in reasons]


def _sentence(service: str, reason: str, unpaid: Sequence[str], released: bool) -> str:
    if reason == Reason.BILLING and released:
        return "Nothing restores it: the number was given back. A new contract is needed."
    if reason == Reason.BILLING:
        what = f" (invoice {', '.join(unpaid)})" if unpaid else ""
        return f"Paying what is past due{what}: it opens by itself. Or a courtesy: grifo restore {service} --note ..."
    if reason == Reason.COURT:
        return f"The court's word, then: grifo restore {service} --reason court --note ..."
    return f"Ending the order: grifo restore {service} --reason {reason} --note ..."
