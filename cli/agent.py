"""`grifo agent`: the agent on this host, and what a technician at the site does with it while nobody else answers."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.errors import Exit, Failed
from cli.processes import installed, sensible

agent_app = typer.Typer(no_args_is_help=True, help="The agent on this host.")

AgentConfig = Annotated[Path, typer.Option("--config", envvar="GRIFO_AGENT_CONFIG", help="Settings of the agent.")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]
KeyArgument = Annotated[
    str,
    typer.Argument(metavar="KEY", help="A user name or phone number of this site, or with its type: username:ana@isp."),
]
AGENT_CONFIG = Path("/etc/grifo/agent.toml")


@agent_app.command("run")
def run_agent(config: AgentConfig = AGENT_CONFIG) -> None:
    """Run the agent until Ctrl-C or SIGTERM."""
    try:
        sensible(installed("agents.main", "agent").run, config)
    except OSError as wrong:
        raise Failed(f"metrics_listen: {wrong}", Exit.USAGE) from wrong


@agent_app.command("check")
def check_agent(
    device: Annotated[str, typer.Argument(metavar="[DEVICE]", help="This device only.")] = "",
    config: AgentConfig = AGENT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Read the settings, ask the controller whether the token is good, and each device what in its setup would defeat
    grifo; changes nothing. Exit 1 if any."""
    problems = installed("agents.setup", "agent").check(config, device)
    if as_json:
        typer.echo(json.dumps({"problems": problems}))
    else:
        typer.echo("\n".join(problems) or "All is well.")
    raise typer.Exit(int(Exit.REFUSED if problems else Exit.OK))


@agent_app.command("prepare")
def prepare_device(
    device: Annotated[str, typer.Argument(metavar="DEVICE", help="Its name in the settings.")],
    apply: Annotated[bool, typer.Option("--apply", help="Install what is missing.")] = False,
    config: AgentConfig = AGENT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Show what a device needs before it can restrict, and with --apply install what is missing.

    Nothing of the operator's is changed, moved or removed. Exit 1 where something is still missing or has no effect.
    """
    steps = sensible(installed("agents.setup", "agent").prepare, config, device, apply)
    if as_json:
        shown = [{"where": one.where, "state": one.state, "text": one.text, "note": one.note} for one in steps]
        typer.echo(json.dumps({"device": device, "steps": shown}, indent=2, ensure_ascii=False))
    else:
        typer.echo("\n\n".join(_grouped(steps)) or "Nothing is needed.")
    lacking = any(one.state in ("missing", "misplaced") for one in steps)
    raise typer.Exit(int(Exit.REFUSED if lacking else Exit.OK))


def _grouped(steps: Sequence[Any]) -> list[str]:
    """A block of text for each place, in the order in which the places come up."""
    places: dict[str, list[str]] = {}
    for step in steps:
        places.setdefault(step.where, []).append(_shown(step))
    return ["\n".join([place, *lines]) for place, lines in places.items()]


def _shown(step: Any) -> str:
    """The state, the note, and the text itself at the line's start: it is there to be copied."""
    said = f"# {step.state.replace('_', ' ')}{f': {step.note}' if step.note else ''}"
    return f"{said}\n{step.text}"


@agent_app.command("restore")
def restore_at_site(
    key: KeyArgument,
    note: Annotated[str, typer.Option("--note", help="Who opens this, and why.")],
    local: Annotated[bool, typer.Option("--local", help="Here and now, without the controller.")] = False,
    hours: Annotated[float, typer.Option("--hours", help="For how long.")] = 72.0,
    timeout: Annotated[float, typer.Option("--timeout", min=0, help="Wait no longer than so many seconds.")] = 15,
    config: AgentConfig = AGENT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Open a customer at this site and keep it open for a while; wait until the running agent has read it to be open.

    Exit 1 where a device has not opened it yet, or none knows the key; 3 where no agent takes it up.
    """
    if not local:
        raise Failed("With a controller at hand use `grifo restore KEY`; without one, add --local.", Exit.USAGE)
    held = sensible(installed("agents.local", "agent").pin, config, key, note, hours, timeout)
    if as_json:
        typer.echo(json.dumps(_held(held)))
    _tell_held(held, timeout, as_json)


def _tell_held(held: Any, timeout: float, as_json: bool) -> None:
    key, until = held.pin.key, f"{held.pin.until.astimezone():%Y-%m-%d %H:%M %Z}"
    if held.nobody_says:
        words = f"No agent has taken it up within {timeout:g} s: is one running with these settings? {key} is held open"
        raise Failed(f"{words} until {until} as soon as it runs.", Exit.UNREACHABLE)
    if held.nobody_knows:
        words = f"No device of this agent knows {key}, so nothing is held open: is it written as billing knows it?"
        raise Failed(words, Exit.REFUSED)
    if not held.is_open:
        raise Failed(f"{key} is not open yet: {_not_open(held)}. The agent goes on until {until}.", Exit.REFUSED)
    if not as_json:
        where = ", ".join(one.device for one in held.openings if one.came == "open")
        why = f"held open until {until}" if held.stands else "open by the controller's own word: nothing needs a hand"
        typer.echo(f"{key} was read to be open on {where}; it is {why}.")


def _not_open(held: Any) -> str:
    shut = [f"{one.device}: {one.words or 'not yet so'}" for one in held.openings if one.came == "shut"]
    return "; ".join([*shut, *(f"{name} has said nothing" for name in held.silent)])


def _held(held: Any) -> dict[str, Any]:
    devices = [{"device": one.device, "state": one.came, "detail": one.words} for one in held.openings]
    devices += [{"device": name, "state": "silent", "detail": ""} for name in held.silent]
    until = held.pin.until.astimezone().isoformat()
    return {"key": str(held.pin.key), "until": until, "note": held.pin.note, "held": held.stands, "devices": devices}


@agent_app.command("pins")
def show_pins(config: AgentConfig = AGENT_CONFIG, as_json: AsJson = False) -> None:
    """What `restore --local` holds open at this site, until when, and whether it is open."""
    found = sensible(installed("agents.local", "agent").pins, config)
    if as_json:
        typer.echo(json.dumps([_held(held) for held in found], indent=2, ensure_ascii=False))
        return
    for held in found:
        state = "open" if held.is_open else _not_open(held) or "no device of this agent knows it"
        typer.echo(f"{held.pin.key} {held.pin.words} - {state}")
    if not found:
        typer.echo("Nothing is held open.")


@agent_app.command("unpin")
def unpin(key: KeyArgument, config: AgentConfig = AGENT_CONFIG, as_json: AsJson = False) -> None:
    """End what `restore --local` began: the controller's word counts again. Exit 1 where nothing was held open."""
    ended = sensible(installed("agents.local", "agent").unpin, config, key)
    words = f"{key} is no longer held open." if ended else f"{key} was not held open."
    typer.echo(json.dumps({"key": key, "ended": ended}) if as_json else words)
    raise typer.Exit(int(Exit.OK if ended else Exit.REFUSED))
