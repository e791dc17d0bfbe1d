"""Starting the processes: `grifo controller`, `grifo agent`, `grifo lab`.

Each is imported when it is asked for: an agent's host has no FastAPI, and a NOC laptop has neither.
"""

import importlib
import os
from datetime import UTC
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from cli.errors import Exit, Failed

controller_app = typer.Typer(no_args_is_help=True, help="The controller on this host.")
token_app = typer.Typer(no_args_is_help=True, help="Who may call the controller, and as what.")
agent_app = typer.Typer(no_args_is_help=True, help="The agent on this host.")
controller_app.add_typer(token_app, name="token")

ControllerConfig = Annotated[
    Path | None,
    typer.Option("--config", help="Settings; default $GRIFO_CONTROLLER_CONFIG or /etc/grifo/controller.toml."),
]
AgentConfig = Annotated[Path, typer.Option("--config", envvar="GRIFO_AGENT_CONFIG", help="Settings of the agent.")]
AGENT_CONFIG = Path("/etc/grifo/agent.toml")


def _installed(module: str, extra: str) -> ModuleType:
    """A module of a part that may not be installed here. Raises Failed saying how to install it."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as missing:
        words = f"This host has no {extra} installed ({missing.name} is missing): pip install 'grifo[{extra}]'"
        raise Failed(words, Exit.USAGE) from missing


def _settings(config: Path | None) -> Any:
    settings = _installed("controller.settings", "controller")
    path = config or Path(os.environ.get("GRIFO_CONTROLLER_CONFIG", settings.DEFAULT_PATH))
    return _sensible(settings.load_settings, path)


def _sensible(work: Any, *arguments: Any) -> Any:
    """Do something that a person's file may make fail, in which case it says so in words (ValueError)."""
    try:
        return work(*arguments)
    except ValueError as wrong:
        raise Failed(str(wrong), Exit.USAGE) from wrong


@controller_app.command("run")
def run_controller(config: ControllerConfig = None) -> None:
    """Run the controller until Ctrl-C or SIGTERM."""
    _sensible(_installed("controller.app", "controller").serve, _settings(config))


@controller_app.command("migrate")
def migrate(config: ControllerConfig = None) -> None:
    """Bring the database to this version. Does nothing where it is there already."""
    administration = _installed("controller.administration", "controller")
    _sensible(administration.migrate_database, _settings(config))
    typer.echo("The database is at this version.")


@controller_app.command("check")
def check_controller(config: ControllerConfig = None) -> None:
    """Read settings and policies, and say what is wrong with them; nothing is started."""
    settings = _settings(config)
    administration = _installed("controller.administration", "controller")
    policies = _sensible(administration.checked_policies, settings)
    typer.echo(f"Settings are in order; policies: {', '.join(sorted(policies))}.")


@token_app.command("add")
def add_token(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose it is; an agent's name.")],
    role: Annotated[str, typer.Option("--role", help="read, noc, admin, billing or agent.")],
    config: ControllerConfig = None,
) -> None:
    """Make a token and print it, this once: the controller keeps its digest only."""
    administration = _installed("controller.administration", "controller")
    typer.echo(_sensible(administration.add_token, _settings(config), name, role))


@token_app.command("revoke")
def revoke_token(name: Annotated[str, typer.Argument(metavar="NAME")], config: ControllerConfig = None) -> None:
    """Refuse a token from now on."""
    administration = _installed("controller.administration", "controller")
    _sensible(administration.revoke_token, _settings(config), name)
    typer.echo(f"The token {name} is refused from now on.")


@token_app.command("list")
def list_tokens(config: ControllerConfig = None) -> None:
    """All tokens that were ever made."""
    administration = _installed("controller.administration", "controller")
    table = Table("name", "role", "made", "revoked", box=None, pad_edge=False)
    for token in _sensible(administration.list_tokens, _settings(config)):
        revoked = f"{token.revoked_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if token.revoked_at else "-"
        table.add_row(token.name, token.role, f"{token.created_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC", revoked)
    Console(soft_wrap=True).print(table)


@agent_app.command("run")
def run_agent(config: AgentConfig = AGENT_CONFIG) -> None:
    """Run the agent until Ctrl-C or SIGTERM."""
    _sensible(_installed("agents.main", "agent").run, config)


@agent_app.command("check")
def check_agent(config: AgentConfig = AGENT_CONFIG) -> None:
    """Read the settings, and ask each device what in its setup would defeat grifo; nothing is changed."""
    _sensible(_installed("agents.main", "agent").check, config)


def lab(context: typer.Context) -> None:
    """An operator in a box: controller, agent and simulated network elements, with a sample month of accounts."""
    _installed("lab.main", "controller,agent").app(args=context.args, prog_name="grifo lab")
