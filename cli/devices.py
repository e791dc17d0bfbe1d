"""`grifo device`, `grifo brake`, `grifo conflict`, `grifo event`: what keeps the loop itself in order."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from cli import people_screens, screens, times
from cli.errors import Exit, Failed
from cli.session import AsJson, session
from cli.verbs import Note

device_app = typer.Typer(no_args_is_help=True, help="Network elements: how they are, how far grifo may go on them.")
brake_app = typer.Typer(no_args_is_help=True, help="How many may be cut in a day, for each policy and device.")
conflict_app = typer.Typer(no_args_is_help=True, help="Billing events that contradict an earlier one.")
event_app = typer.Typer(no_args_is_help=True, help="Billing events, by hand.")

Device = Annotated[str, typer.Argument(metavar="DEVICE", help="The device's name.")]

ONE = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"


@device_app.command("list")
def list_devices(as_json: AsJson = False) -> None:
    """All devices with their modes, entries and last reads."""
    with session(as_json) as screen:
        screen.answer(screen.client.get("devices"), screens.devices)


@device_app.command("show")
def show_device(device: Device, as_json: AsJson = False) -> None:
    """One device: what it can enforce, where it stands, what is wrong with it."""
    with session(as_json) as screen:
        screen.answer(screen.client.get("devices", device), screens.device)


@device_app.command("mode")
def set_mode(
    device: Device,
    mode: Annotated[str, typer.Argument(metavar="MODE", help="observe, restore_only or enforce.")],
    kind: Annotated[
        str | None, typer.Option("--kind", help="internet, fixed_voice or mobile_voice; default: all.")
    ] = None,
    note: Annotated[str, typer.Option("--note", help="Why, for whoever reads the timeline.")] = "",
    as_json: AsJson = False,
) -> None:
    """How far grifo may go on a device: observe writes nothing, restore_only only raises access, enforce does both."""
    with session(as_json) as screen:
        found = screen.client.put("devices", device, "mode", body={"mode": mode, "kind": kind, "note": note})
        screen.answer(found, screens.device)


@device_app.command("adopt-epoch")
def adopt_epoch(
    device: Device,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without, it is only shown what would change.")] = False,
    as_json: AsJson = False,
) -> None:
    """Have a device's agent leave another database's epoch for this one. Shows what would change; --yes does it."""
    with session(as_json) as screen:
        path = ("devices", device, "adopt-epoch")
        screen.answer(screen.client.post(*path) if yes else screen.client.get(*path), screens.adoption)
        if not yes:
            screen.say(screen.phrase("Nothing was changed. To do it: --yes"), "bold")


@device_app.command("release")
def release(device: Device, as_json: AsJson = False) -> None:
    """Take a device from its agent, so that another agent may enrol it."""
    with session(as_json) as screen:
        screen.client.delete("devices", device, "agent")
        found = {"device": device, "agent": None}
        screen.answer(found, lambda screen, _: screen.say(screen.phrase("{device} is nobody's now.", device=device)))


@brake_app.command("list")
def list_brakes(as_json: AsJson = False) -> None:
    """First impositions of the last 24 h, and how many may pass with what is approved."""
    with session(as_json) as screen:
        screen.answer(screen.client.get("brakes"), screens.brakes)


@brake_app.command("approve")
def approve(
    policy: Annotated[str, typer.Argument(metavar="POLICY")],
    device: Device,
    extra: Annotated[int, typer.Option("--extra", min=1, help="How many more may pass.")],
    note: Note,
    lasting: Annotated[str, typer.Option("--for", help="How long, at most 7d.")] = "24h",
    as_json: AsJson = False,
) -> None:
    """Let more first impositions pass; the accounts of the device are decided again.

    Replaces a former approval of the same policy and device: --extra is not added to it.
    """
    with session(as_json) as screen:
        until = (screen.now + times.span(lasting, "--for")).isoformat()
        body = {"extra": extra, "until": until, "note": note}
        found = screen.client.post("brakes", policy, device, "approve", body=body)
        screen.answer(found, lambda screen, brake: screens.brakes(screen, [brake]))


@brake_app.command("cycle")
def cycle(
    policy: Annotated[str | None, typer.Argument(metavar="[POLICY]")] = None,
    device: Annotated[str | None, typer.Argument(metavar="[DEVICE]")] = None,
    day: Annotated[int | None, typer.Option("--day", min=1, max=31, help="Of the month; three around it, too.")] = None,
    cap: Annotated[int | None, typer.Option("--cap", min=0, help="How many may pass; 0 takes it back.")] = None,
    note: Annotated[str | None, typer.Option("--note", help="Why, for whoever reads the timeline.")] = None,
    as_json: AsJson = False,
) -> None:
    """What the days of the month have seen; with all options, let so many pass around one day of every month."""
    given = [one is not None for one in (policy, device, day, cap, note)]
    if any(given) and not all(given):
        raise Failed("Say POLICY, DEVICE, --day, --cap and --note to approve; nothing to look.", Exit.USAGE)
    with session(as_json) as screen:
        if policy is None or device is None:
            screen.answer(screen.client.get("brakes", "cycle"), people_screens.cycle)
            return
        body = {"day": day, "cap": cap, "note": note}
        found = screen.client.post("brakes", policy, device, "cycle", body=body)
        screen.answer(found, lambda screen, one: people_screens.cycle(screen, [one]))


@conflict_app.command("list")
def list_conflicts(as_json: AsJson = False) -> None:
    """Events that were refused because the same id had come with other content; --json shows both."""
    with session(as_json) as screen:
        screen.answer(screen.client.get("conflicts"), screens.conflicts)


@conflict_app.command("settle")
def settle(number: Annotated[int, typer.Argument(metavar="NUMBER")], note: Note, as_json: AsJson = False) -> None:
    """A person has looked: the stored event stands, and its account may be cut again."""
    with session(as_json) as screen:
        screen.client.post("conflicts", str(number), "settle", body={"note": note})
        found = {"conflict": number, "settled": True}
        screen.answer(
            found, lambda screen, _: screen.say(screen.phrase("Conflict {number} is settled.", number=number))
        )


@event_app.command("send")
def send(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="CloudEvents (JSON, a list, lines) or pain.002; - reads stdin.")
    ],
    as_json: AsJson = False,
) -> None:
    """Send billing events, or a bank's pain.002 file of returned debits."""
    content = _read(file)
    with session(as_json) as screen:
        if content.lstrip()[:1] == b"<":
            found = screen.client.send("returns", "pain002", content=content, media_type="application/xml")
        else:
            events = _events(content, file)
            body, kind = (events, BATCH) if isinstance(events, list) else (events, ONE)
            found = screen.client.send("events", content=json.dumps(body).encode(), media_type=kind)
        screen.answer(found, screens.sent)
        if found["refused"]:
            raise Failed(f"{len(found['refused'])} events were refused; the others are stored.", Exit.REFUSED)


def _read(file: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as wrong:
        raise Failed(f"{file} can't be read: {wrong.strerror}", Exit.USAGE) from wrong


def _events(content: bytes, file: str) -> Any:
    """One event, a list, or one event a line."""
    try:
        return json.loads(content)
    except ValueError as wrong:
        first = wrong
    try:
        return [json.loads(line) for line in content.splitlines() if line.strip()]
    except ValueError:
        raise Failed(f"{file} is neither JSON nor XML: {first}", Exit.USAGE) from first
