"""`grifo agent`: the agent on this host, and what a technician at the site does with it while nobody else answers."""

import json
from pathlib import Path
from typing import Annotated

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
def check_agent(config: AgentConfig = AGENT_CONFIG, as_json: AsJson = False) -> None:
    """Read the settings and ask each device what in its setup would defeat grifo; changes nothing. Exit 1 if any."""
    problems = installed("agents.main", "agent").check(config)
    if as_json:
        typer.echo(json.dumps({"problems": problems}))
    else:
        typer.echo("\n".join(problems) or "All is well.")
    raise typer.Exit(int(Exit.REFUSED if problems else Exit.OK))


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
