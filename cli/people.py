"""`grifo hold`, `grifo outage`, `grifo approve`, `grifo tasks` ...: what people decide, and what waits for them."""

from typing import Annotated, Any

import typer

from cli import people_screens as screens
from cli import service_screen, times
from cli.errors import Exit, Failed
from cli.session import AsJson, KeyArgument, Session, session
from cli.verbs import Note

hold_app = typer.Typer(no_args_is_help=True, help="Why not to escalate, or to open until a date.")
outage_app = typer.Typer(no_args_is_help=True, help="Outages: nobody bound there is newly restricted.")
number_app = typer.Typer(no_args_is_help=True, help="Numbers on their way back: quarantine, released, pool.")
notices_app = typer.Typer(no_args_is_help=True, help="Messages that billing must send.")

Stage = Annotated[str, typer.Argument(metavar="STAGE", help="The stage's name in the policy.")]


@hold_app.command("add")
def add_hold(
    key: KeyArgument,
    kind: Annotated[
        str, typer.Option("--kind", help="dispute, promise, courtesy, claimed_payment, plan, protected ...")
    ],
    note: Note,
    until: Annotated[
        str | None, typer.Option("--until", help="3d, or 2026-04-01; default: the policy's bound.")
    ] = None,
    review_on: Annotated[
        str | None, typer.Option("--review-on", help="When to look again, such as 2026-09-01.")
    ] = None,
    instalment: Annotated[
        list[str] | None, typer.Option("--instalment", help="Of a plan, again for each: 2026-04-01=1500 (minor units).")
    ] = None,
    currency: Annotated[str, typer.Option("--currency", help="Of the instalments.")] = "EUR",
    account: Annotated[bool, typer.Option("--account", help="All services of KEY's account.")] = False,
    beyond: Annotated[bool, typer.Option("--beyond", help="Beyond the policy's bounds; needs the role admin.")] = False,
    as_json: AsJson = False,
) -> None:
    """Hold a service, or with --account a whole account."""
    with session(as_json) as screen:
        parts = [_instalment(one) for one in instalment or ()]
        body = {
            "kind": kind,
            "note": note,
            "until": times.moment(until, "--until", screen.now, screen.zone) if until else None,
            "review_on": review_on,
            "instalments": parts or None,
            "currency": currency if parts else None,
            "beyond": beyond,
        }
        if account:
            whose = screen.client.get("services", screen.services_named(key)[0])["account"]
            found = screen.client.post("accounts", whose, "holds", body=body)
            screen.answer(found, screens.ordered)
            return
        found = screen.client.post("services", screen.service_named(key), "holds", body=body)
        screen.answer(found, service_screen.service)
        screen.say(found["told"])


def _instalment(text: str) -> dict[str, Any]:
    day, equals, amount = text.partition("=")
    if not equals or not amount.isdecimal():
        raise Failed(f"--instalment {text!r} is not a day and minor units such as 2026-04-01=1500.", Exit.USAGE)
    return {"due_on": day, "amount": int(amount)}


@hold_app.command("end")
def end_hold(
    hold: Annotated[str, typer.Argument(metavar="HOLD", help="The hold's id: grifo hold list.")],
    note: Note,
    as_json: AsJson = False,
) -> None:
    """End a hold, whoever gave it."""
    with session(as_json) as screen:
        screen.client.delete("holds", hold, note=note)
        screen.answer(
            {"hold": hold, "ended": True},
            lambda screen, _: screen.say(screen.phrase("Hold {hold} is ended.", hold=hold)),
        )


@hold_app.command("list")
def list_holds(
    overdue: Annotated[bool, typer.Option("--overdue", help="Those that somebody should have looked at.")] = False,
    as_json: AsJson = False,
) -> None:
    """Holds that are not over."""
    with session(as_json) as screen:
        screen.answer(screen.client.get("holds", overdue=str(overdue).lower()), screens.holds)


@outage_app.command("begin")
def begin_outage(
    until: Annotated[str, typer.Option("--until", help="When it ends at the latest: 6h, or 2026-04-01T18:00.")],
    note: Note,
    device: Annotated[str | None, typer.Argument(metavar="[DEVICE]", help="The device.")] = None,
    site: Annotated[str | None, typer.Option("--site", help="All devices of a site instead.")] = None,
    as_json: AsJson = False,
) -> None:
    """Restrict nobody newly who is bound to a device or a site, until it works again."""
    if (device is None) == (site is None):
        raise Failed("Say where: a DEVICE, or --site NAME.", Exit.USAGE)
    with session(as_json) as screen:
        ends = times.moment(until, "--until", screen.now, screen.zone)
        body = {"device": device, "site": site, "until": ends, "note": note}
        screen.answer(screen.client.put("outages", body=body), lambda screen, one: screens.outages(screen, [one]))


@outage_app.command("end")
def end_outage(
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="grifo outage list.")], as_json: AsJson = False
) -> None:
    """An outage is over."""
    with session(as_json) as screen:
        screen.client.delete("outages", str(number))
        screen.answer(
            {"outage": number, "ended": True},
            lambda screen, _: screen.say(screen.phrase("Outage {number} is over.", number=number)),
        )


@outage_app.command("list")
def list_outages(as_json: AsJson = False) -> None:
    """Outages that are not over."""
    with session(as_json) as screen:
        screen.answer(screen.client.get("outages"), screens.outages)


def approve(key: KeyArgument, stage: Stage, note: Note, as_json: AsJson = False) -> None:
    """Say yes to a stage of a service; two approvals are two people's."""
    _say(key, stage, note, refused=False, as_json=as_json)


def refuse(key: KeyArgument, stage: Stage, note: Note, as_json: AsJson = False) -> None:
    """Say no to a stage of a service: it waits until somebody says yes anew."""
    _say(key, stage, note, refused=True, as_json=as_json)


def _say(key: str, stage: str, note: str, refused: bool, as_json: bool) -> None:
    with session(as_json) as screen:
        body = {"stage": stage, "note": note, "refused": refused}
        found = screen.client.post("services", screen.service_named(key), "approvals", body=body)
        screen.answer(found, service_screen.service)
        screen.say(found["told"])


def tasks(as_json: AsJson = False) -> None:
    """What waits for people: approvals, tasks, money of nobody, conflicts, holds to look at, brakes."""
    with session(as_json) as screen:
        screen.answer(screen.client.get("tasks"), screens.tasks)


def unmatched(as_json: AsJson = False) -> None:
    """Payments that nobody has attributed, and returns of collections that nobody has told of."""
    with session(as_json) as screen:
        screen.answer(screen.client.get("unmatched"), screens.nobodys)


@notices_app.command("due")
def notices_due(
    within: Annotated[int, typer.Option("--within", min=0, help="Hours ahead.")] = 24, as_json: AsJson = False
) -> None:
    """What billing must send: account, service, stage, template, when, and the date to name."""
    with session(as_json) as screen:
        screen.answer(_all_due(screen, within), screens.notices)


def _all_due(screen: Session, within: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after: str | None = ""
    while after is not None:
        page = screen.client.get("notices", "due", within=within, after=after, limit=10_000)
        found += page["notices"]
        after = page["next"]
    return found


@number_app.command("list")
def list_numbers(
    state: Annotated[str | None, typer.Option("--state", help="in_use, quarantine, released or pool.")] = None,
    as_json: AsJson = False,
) -> None:
    """Numbers that were ever on their way back."""
    with session(as_json) as screen:
        asked: dict[str, str | int] = {"state": state} if state else {}
        screen.answer(screen.client.get("numbers", **asked), screens.numbers)


@number_app.command("show")
def show_number(
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="As a key: msisdn:+34910000001.")],
    as_json: AsJson = False,
) -> None:
    """One number with its history."""
    with session(as_json) as screen:
        key = number if ":" in number else f"msisdn:{number}"
        screen.answer(screen.client.get("numbers", key), screens.number)
