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
KeyArgument = Annotated[str, typer.Argument(metavar="KEY", help="As the device knows it: username:ana@isp.")]
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
    config: AgentConfig = AGENT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Open a customer at this site and keep it open for a while; the running agent does it within a second."""
    if not local:
        raise Failed("With a controller at hand use `grifo restore KEY`; without one, add --local.", Exit.USAGE)
    pin = sensible(installed("agents.local", "agent").pin, config, key, note, hours)
    until = pin.until.astimezone()
    said = {"key": str(pin.key), "until": until.isoformat(), "note": pin.note}
    typer.echo(json.dumps(said) if as_json else f"{pin.key} is held open until {until:%Y-%m-%d %H:%M %Z}.")


@agent_app.command("unpin")
def unpin(key: KeyArgument, config: AgentConfig = AGENT_CONFIG, as_json: AsJson = False) -> None:
    """End what `restore --local` began: the controller's word counts again. Exit 1 where nothing was held open."""
    ended = sensible(installed("agents.local", "agent").unpin, config, key)
    words = f"{key} is no longer held open." if ended else f"{key} was not held open."
    typer.echo(json.dumps({"key": key, "ended": ended}) if as_json else words)
    raise typer.Exit(int(Exit.OK if ended else Exit.REFUSED))
