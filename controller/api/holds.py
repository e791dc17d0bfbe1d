"""Holds and outages by people: why not to escalate, or to open now until a date."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse
from sqlalchemy import Connection

from controller.api.auth import Caller, Operator, Reader, Role, forbidden
from controller.api.models import ServiceOut
from controller.api.once import Key, Request, of_account, of_service, once
from controller.api.paths import AccountId, Given, ServiceId, unknown_device
from controller.api.people import HoldAsk, HoldListed, OrderedOut, OutageAsk
from controller.api.problems import Problem, responses
from controller.api.telling import Tongue
from controller.api.views import OutageOut
from controller.core.facts import Instalment
from controller.core.policy import Policy
from controller.core.wording import say
from controller.holding import HoldAsked, end_hold, give_hold
from controller.refusals import OrderRefused
from controller.store.queries import accounts, devices, freezing, holding, ordering, outages, shown
from controller.store.queries.timeline import Happening, record

router = APIRouter(prefix="/v1", tags=["holds"], responses=responses(401, 403, 422, 503))

LONGEST_OUTAGE = timedelta(days=31)


@router.post("/services/{service}/holds", response_model=ServiceOut, responses=responses(400, 404, 409))
def hold_service(
    context: Given,
    caller: Operator,
    service: ServiceId,
    ask: HoldAsk,
    language: Tongue,
    idempotency_key: Key = None,
) -> JSONResponse:
    """Hold one service; a hold beyond the policy's bounds is refused with the bound in words."""
    request = _request(context, caller, ask, (None, service), idempotency_key)
    return once(context, caller, of_service(context, service, request, language))


@router.post("/accounts/{account}/holds", response_model=OrderedOut, responses=responses(400, 404, 409))
def hold_account(
    context: Given,
    caller: Operator,
    account: AccountId,
    ask: HoldAsk,
    language: Tongue,
    idempotency_key: Key = None,
) -> JSONResponse:
    """Hold all services of an account."""
    request = _request(context, caller, ask, (account, None), idempotency_key)
    return once(context, caller, of_account(account, request, language))


def _request(
    context: Given, caller: Caller, ask: HoldAsk, whose: tuple[str | None, str | None], key: str | None
) -> Request:
    if ask.beyond and caller.role is not Role.ADMIN:
        raise Problem(403, forbidden(caller, frozenset({Role.ADMIN}), "A hold beyond the policy's bounds"))

    def effect(tx: Connection, now: datetime) -> str:
        account, policy = _account_and_policy(tx, context, whose)
        asked = HoldAsked(
            account=account,
            service=whose[1],
            kind=ask.kind,
            note=ask.note,
            author=caller.name,
            until=ask.until,
            review_on=ask.review_on,
            instalments=tuple(Instalment(one.due_on, one.amount) for one in ask.instalments),
            currency=ask.currency,
            beyond=ask.beyond,
        )
        return say("The hold {hold} is given.", hold=give_hold(tx, asked, policy, now))

    return Request(key, {"order": "hold", "whose": list(whose), **ask.model_dump(mode="json")}, effect)


def _account_and_policy(tx: Connection, context: Given, whose: tuple[str | None, str | None]) -> tuple[str, Policy]:
    account, service = whose
    if service is not None:
        account = str(shown.service_row(tx, service).account_id)
    assert account is not None
    row = shown.account_row(tx, account)
    named = row.policy if row is not None else None
    return account, context.book.policies.get(named or "", context.book.policies[context.book.default])


@router.get("/holds")
def holds(
    context: Given,
    caller: Reader,
    overdue: Annotated[bool, Query(description="Only those that somebody should have looked at by now.")] = False,
) -> list[HoldListed]:
    """Holds that are not over, at most 1000; with `overdue`, all whose review date has passed."""
    book, find = context.book, holding.overdue_holds if overdue else holding.holds_listed
    with context.database.read() as tx:
        return [HoldListed.model_validate(one) for one in find(tx, book.policies, book.default, context.clock())]


@router.delete("/holds/{hold}", status_code=204, responses=responses(404, 409))
def end(
    context: Given,
    caller: Operator,
    hold: Annotated[str, Path(max_length=64, description="The hold's id.")],
    note: Annotated[str, Query(min_length=1, max_length=2000, description="Why, for whoever reads the timeline.")],
) -> None:
    """End a hold, whoever gave it; its account is reviewed at once."""
    now = context.clock()
    with context.database.write() as tx:
        row = ordering.hold_row_of(tx, hold)
        if row is None:
            raise Problem(404, f"No hold has the id {hold!r}. GET /v1/holds lists them.")
        accounts.lock_accounts(tx, [row.account_id])
        row = ordering.hold_row_of(tx, hold)
        try:
            end_hold(tx, row, note, caller.name, now)
        except OrderRefused as refused:
            raise Problem(409, str(refused)) from refused
    context.review_soon()


@router.get("/outages")
def outages_now(context: Given, caller: Reader) -> list[OutageOut]:
    """Outages that are not over."""
    with context.database.read() as tx:
        return [OutageOut.model_validate(one) for one in outages.outages_in_force(tx, context.clock())]


@router.put("/outages", responses=responses(404))
def begin_outage(context: Given, caller: Operator, ask: OutageAsk) -> OutageOut:
    """An outage begins: nobody bound there is newly restricted until it ends; what is restricted stays so."""
    now = context.clock()
    if (ask.device is None) == (ask.site is None):
        raise Problem(422, "body: name the device or the site of the outage, and not both")
    if not now < ask.until <= now + LONGEST_OUTAGE:
        raise Problem(422, f"body.until must be ahead of now by at most {LONGEST_OUTAGE.days} days")
    with context.database.write() as tx:
        place = _place(tx, ask)
        number = outages.begin_outage(tx, place, now, ask.until, caller.name, ask.note)
        text = f"outage {number} of {place[0]} {place[1]} until {ask.until.isoformat()}: {ask.note}"
        record(tx, [Happening(now, "hold", caller.name, text, device=ask.device)])
        found = next(one for one in outages.outages_in_force(tx, now) if one["outage"] == number)
    context.review_soon()
    return OutageOut.model_validate(found)


def _place(tx: Connection, ask: OutageAsk) -> tuple[str, str]:
    if ask.device is not None:
        if devices.device(tx, ask.device) is None:
            raise unknown_device(ask.device)
        return "device", ask.device
    sites = freezing.sites_named(tx)
    if ask.site not in sites:
        known = ", ".join(sites) or "none: agents name them by `site` in their settings"
        raise Problem(404, f"No device is at a site named {ask.site!r}. Sites: {known}.")
    return "site", str(ask.site)


@router.delete("/outages/{outage}", status_code=204, responses=responses(404))
def end_outage(context: Given, caller: Operator, outage: Annotated[int, Path(ge=0, le=2**31 - 1)]) -> None:
    """An outage is over: the accounts that are bound there are reviewed at once."""
    now = context.clock()
    with context.database.write() as tx:
        ended = outages.end_outage(tx, outage, now, caller.name)
        if ended is None:
            raise Problem(404, f"No outage in force has the number {outage}. GET /v1/outages lists them.")
        record(tx, [Happening(now, "hold", caller.name, f"outage {outage} is over", device=ended["device"])])
    context.review_soon()
