"""What NOC staff ask and order: services, accounts, drift, devices and their modes."""

from importlib.metadata import version
from typing import Annotated

from fastapi import APIRouter, Query

from controller.api.auth import Reader
from controller.api.models import AccountOut, FoundOut, HappenedOut, ServiceOut, TimelineOut
from controller.api.paths import AccountId, Given, ServiceId, unknown_account, unknown_device, unknown_service
from controller.api.problems import responses
from controller.api.show import Teller, service_shown
from controller.api.telling import Tongue, line_told
from controller.api.views import DriftOut, StatusOut
from controller.store.queries import freezing, holding, naming, outages, shown, unmatched, waiting, watched, withheld

router = APIRouter(prefix="/v1", responses=responses(401, 403, 422, 503))


@router.get("/services/{service}", tags=["services"], responses=responses(404))
def service(context: Given, caller: Reader, service: ServiceId, language: Tongue) -> ServiceOut:
    """What access a service has and why: reasons, evidence, what each device enforces, what comes next."""
    with context.database.read() as tx:
        return service_shown(tx, service, context.clock(), Teller(context.book, language))


@router.get("/services/{service}/timeline", tags=["services"], responses=responses(404))
def timeline(
    context: Given,
    caller: Reader,
    service: ServiceId,
    language: Tongue,
    limit: Annotated[int, Query(ge=1, le=1000, description="At most this many, newest first.")] = 100,
) -> TimelineOut:
    """What happened to a service and to its account, newest first."""
    with context.database.read() as tx:
        row = shown.service_row(tx, service)
        if row is None:
            raise unknown_service(service)
        items = [line_told(language, one) for one in shown.timeline_of(tx, row.account_id, service, limit)]
    return TimelineOut.model_validate({"service": service, "account": row.account_id, "items": items})


@router.get("/timeline", tags=["watching"])
def happened(
    context: Given,
    caller: Reader,
    language: Tongue,
    device: Annotated[str | None, Query(max_length=64, description="Of this device only.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="At most this many, newest first.")] = 100,
) -> HappenedOut:
    """What happened to a device, or to everything: modes, the stop switch, brakes and epochs belong to no account."""
    with context.database.read() as tx:
        if device is not None and not watched.devices_shown(tx, device):
            raise unknown_device(device)
        items = [line_told(language, one) for one in shown.timeline_of_everything(tx, device, limit)]
    return HappenedOut.model_validate({"device": device, "items": items})


@router.get("/accounts/{account}", tags=["services"], responses=responses(404))
def account(context: Given, caller: Reader, account: AccountId) -> AccountOut:
    """A customer by the billing system's id: services, invoices, payments, holds."""
    now = context.clock()
    with context.database.read() as tx:
        row = shown.account_row(tx, account)
        if row is None:
            raise unknown_account(account)
        return AccountOut.model_validate(
            {
                "account": row.id,
                "policy": row.policy or context.settings.default_policy,
                "municipality": row.municipality,
                "tags": row.tags,
                "being_reviewed": row.review_at is not None and row.review_at <= now,
                "review_at": row.review_at,
                "reviewed_at": row.reviewed_at,
                "services": shown.services_of_account(tx, account),
                "invoices": shown.invoices_of(tx, account),
                "payments": shown.payments_of(tx, account),
                "holds": shown.holds_of_account(tx, account, now),
                "conflicts": shown.unsettled_conflicts_of(tx, account),
            }
        )


@router.get("/find", tags=["services"])
def find(
    context: Given,
    caller: Reader,
    key: Annotated[
        str, Query(min_length=1, max_length=320, description="A phone, user name, address, account or service id.")
    ],
) -> FoundOut:
    """The services that a key names, however it is written; at most 50."""
    with context.database.read() as tx:
        return FoundOut.model_validate({"key": key, "services": naming.services_named(tx, key)})


@router.get("/status", tags=["watching"])
def status(context: Given, caller: Reader) -> StatusOut:
    """Everything on one screen."""
    now = context.clock()
    with context.database.read() as tx:
        ours = watched.installation_row(tx)
        accounts, due = watched.accounts_counted(tx, now)
        stopped = None
        if ours.stopped_at is not None:
            stopped = {"since": ours.stopped_at, "by": ours.stopped_by or "", "note": ours.stop_note or ""}
        return StatusOut.model_validate(
            {
                "installation": ours.name,
                "version": version("grifo"),
                "now": now,
                "timezone": context.settings.timezone,
                "stopped": stopped,
                "frozen": freezing.freezes_in_force(tx, now),
                "accounts": accounts,
                "due": due,
                "services": watched.services_counted(tx),
                "devices": watched.devices_shown(tx),
                "drift": watched.drift_counted(tx),
                "withheld": withheld.withheld_counted(tx),
                "conflicts": watched.conflicts_counted(tx),
                "holds_overdue": len(holding.overdue_holds(tx, context.book.policies, context.book.default, now)),
                "unmatched": unmatched.open_payments_counted(tx),
                "pinned": withheld.pinned_counted(tx),
                "outages": outages.outages_in_force(tx, now),
                "waiting": waiting.waiting_counted(tx),
            }
        )


@router.get("/drift", tags=["watching"])
def drift(context: Given, caller: Reader) -> DriftOut:
    """What devices enforce otherwise than wanted, after all that could be done; what is withheld, told apart."""
    with context.database.read() as tx:
        return DriftOut.model_validate(
            {
                "counts": watched.drift_counted(tx),
                "entries": watched.drift_listed(tx),
                "withheld": withheld.withheld_counted(tx),
                "withheld_entries": withheld.withheld_listed(tx),
                "still_cut": watched.still_cut_listed(tx),
                "unread_devices": watched.unread_devices(tx),
            }
        )
