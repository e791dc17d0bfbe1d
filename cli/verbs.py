"""What NOC staff ask and order: status, why, timeline, suspend, restore, drift, stop."""

from typing import Annotated, Any

import typer

from cli import screens, service_screen, times
from cli.errors import Exit, Failed
from cli.session import KEY_HELP, AsJson, KeyArgument, Session, session
from cli.waiting import wait_until_restored

Note = Annotated[str, typer.Option("--note", help="Why, for whoever reads the timeline.")]
Until = Annotated[
    str | None, typer.Option("--until", help="When it ends by itself: 3d, 12h, or a time such as 2026-04-01T18:00.")
]


def status(as_json: AsJson = False) -> None:
    """The state of everything: services, devices, drift, stop."""
    with session(as_json) as screen:
        screen.answer(screen.status, screens.status)


def why(key: KeyArgument, as_json: AsJson = False) -> None:
    """Why a service has the access that it has: reasons, evidence, devices, what comes next, what restores it.

    For an account, all its services.
    """
    with session(as_json) as screen:
        found = [screen.client.get("services", service) for service in screen.services_named(key)]
        screen.answer_all(found, service_screen.service)


def timeline(
    key: Annotated[str, typer.Argument(metavar="KEY", help=KEY_HELP)] = "",
    device: Annotated[str, typer.Option("--device", help="What happened to this device, newest first.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="Everything that happened, newest first.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="The newest so many.")] = 100,
    as_json: AsJson = False,
) -> None:
    """What happened to a service or an account's services, oldest first; or to a device, or at all, newest first."""
    if (bool(key), bool(device), everything).count(True) != 1:
        raise Failed("Say whose timeline: a KEY, or --device NAME, or --all.", Exit.USAGE)
    with session(as_json) as screen:
        if not key:
            asked: dict[str, str | int] = {"device": device} if device else {}
            screen.answer(screen.client.get("timeline", limit=limit, **asked), service_screen.happened)
            return
        names = screen.services_named(key)
        found = [screen.client.get("services", service, "timeline", limit=limit) for service in names]
        screen.answer_all(found, service_screen.timeline if len(found) == 1 else service_screen.timeline_named)


def suspend(
    key: KeyArgument,
    reason: Annotated[str, typer.Option("--reason", help="billing, abuse, court, technical or customer_request.")],
    note: Note,
    until: Until = None,
    access: Annotated[
        str | None, typer.Option("--access", help="Default: internet blocked, voice incoming_only.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Suspend a service at once; for billing, have it reviewed now: the policy decides, and says what blocks it."""
    with session(as_json) as screen:
        service = screen.service_named(key)
        ends = times.moment(until, "--until", screen.now, screen.zone) if until else None
        body = {"reason": reason, "note": note, "until": ends, "access": access}
        found = screen.client.post("services", service, "suspend", body=body)
        screen.answer(found, service_screen.service)
        _tell_suspended(found)


def _tell_suspended(found: dict[str, Any]) -> None:
    if found["access"] == "full":
        blocks = "; ".join(block["text"] for block in found["blocks"]) or "nothing past due asks for it"
        words = service_screen.without_our_ids(blocks)
        raise Failed(f"{found['service']} is not restricted: {words}", Exit.REFUSED)
    if service_screen.unenforced(found):
        blocks = " ".join(service_screen.shortcomings(found)) or "No device is told to."
        raise Failed(f"{found['service']} is to be {found['access']}, and nothing enforces it. {blocks}", Exit.REFUSED)


def restore(
    key: KeyArgument,
    note: Note,
    lasting: Annotated[
        str | None, typer.Option("--for", help="How long a courtesy lasts, such as 3d; default: the policy's.")
    ] = None,
    reason: Annotated[str, typer.Option("--reason", help="End the orders of this reason; billing: a courtesy.")] = (
        "billing"
    ),
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until it is read back from the device.")] = True,
    timeout: Annotated[float, typer.Option("--timeout", min=0, help="Wait no longer than so many seconds.")] = 60,
    as_json: AsJson = False,
) -> None:
    """Restore a service at once, and wait until the device was read to have it open."""
    with session(as_json) as screen:
        service = screen.service_named(key)
        until = (screen.now + times.span(lasting, "--for")).isoformat() if lasting else None
        body = {"reason": reason, "note": note, "until": until}
        if not wait:
            found = screen.client.post("services", service, "restore", body=body)
            screen.answer(found, service_screen.service)
            screen.say(found["told"])
            return
        found, milliseconds = wait_until_restored(screen, service, body, timeout)
        screen.answer(found | {"restore_ms": milliseconds}, service_screen.service)
        _tell_restored(screen, found, milliseconds)


def _tell_restored(screen: Session, found: dict[str, Any], milliseconds: int | None) -> None:
    if found["access"] != "full":
        others = ", ".join(reason["reason"] for reason in found["reasons"])
        raise Failed(f"{found['service']} is still {found['access']}, because of {others}.", Exit.REFUSED)
    if milliseconds is None:
        states = ", ".join(f"{entry['device']}: {entry['state']}" for entry in found["entries"])
        words = f"{found['service']} is restored, but not yet read back from every device ({states})."
        raise Failed(words, Exit.REFUSED)
    screen.say(found["told"] or screen.phrase("restored and read back in {n} ms", n=milliseconds), "green")


def drift(as_json: AsJson = False) -> None:
    """What devices enforce otherwise than wanted, after all that could be done."""
    with session(as_json) as screen:
        screen.answer(screen.client.get("drift"), screens.drift)


def stop(
    note: Annotated[str | None, typer.Option("--note", help="Why.")] = None,
    end: Annotated[bool, typer.Option("--end", help="Let restricting go on.")] = False,
    as_json: AsJson = False,
) -> None:
    """Stop all restricting at once, everywhere; restores go on. `--end` lets it go on."""
    if end == bool(note):
        raise Failed("Say why with --note to stop restricting, or --end to let it go on.", Exit.USAGE)
    with session(as_json) as screen:
        if end:
            screen.client.delete("stop")
            screen.answer({"stopped": None}, lambda screen, _: screen.say(screen.phrase("Restricting goes on.")))
            return
        found = screen.client.put("stop", body={"note": note})
        words = screen.phrase("All restricting is stopped; restores go on.")
        screen.answer(found, lambda screen, _: screen.say(words, "bold red"))


def freeze(
    site: Annotated[str, typer.Option("--site", help="The site's name in the settings of its agents.")],
    until: Until = None,
    note: Annotated[str | None, typer.Option("--note", help="Why.")] = None,
    end: Annotated[bool, typer.Option("--end", help="Let restricting go on there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Restrict nobody newly at one site until a time; restores go on. `--end` lets it go on."""
    if end == bool(note) or end == bool(until):
        raise Failed("Say --until and --note to freeze a site, or --end to let restricting go on.", Exit.USAGE)
    with session(as_json) as screen:
        if end:
            screen.client.delete("freezes", site)
            screen.answer(
                {"site": site, "until": None},
                lambda screen, _: screen.say(screen.phrase("Restricting goes on at {site}.", site=site)),
            )
            return
        ends = times.moment(until or "", "--until", screen.now, screen.zone)
        found = screen.client.put("freezes", site, body={"until": ends, "note": note})
        until = screen.local(found["until"])
        words = screen.phrase(
            "Nobody is newly restricted at {site} until {until}; restores go on.", site=site, until=until
        )
        screen.answer(found, lambda screen, _: screen.say(words, "bold yellow"))
