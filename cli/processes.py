"""Starting the processes: `grifo controller` and `grifo lab`; `grifo agent` is in `agent.py`.

Each is imported when it is asked for: an agent's host has no FastAPI, and a NOC laptop has neither.
"""

import importlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from cli.errors import Exit, Failed

controller_app = typer.Typer(no_args_is_help=True, help="The controller on this host.")
token_app = typer.Typer(no_args_is_help=True, help="Who may call the controller, and as what.")
controller_app.add_typer(token_app, name="token")

ControllerConfig = Annotated[
    Path | None,
    typer.Option("--config", help="Settings; default $GRIFO_CONTROLLER_CONFIG or /etc/grifo/controller.toml."),
]

AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]


def installed(module: str, extra: str) -> ModuleType:
    """A module of a part that may not be installed here. Raises Failed saying how to install it."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as missing:
        words = f"This host has no {extra} installed ({missing.name} is missing): pip install 'grifo[{extra}]'"
        raise Failed(words, Exit.USAGE) from missing


def _settings(config: Path | None) -> Any:
    settings = installed("controller.settings", "controller")
    path = config or Path(os.environ.get("GRIFO_CONTROLLER_CONFIG", settings.DEFAULT_PATH))
    return sensible(settings.load_settings, path)


def sensible(work: Any, *arguments: Any) -> Any:
    """Do something that a person's file may make fail, in which case it says so in words (ValueError)."""
    try:
        return work(*arguments)
    except ValueError as wrong:
        raise Failed(str(wrong), Exit.USAGE) from wrong


@controller_app.command("run")
def run_controller(config: ControllerConfig = None) -> None:
    """Run the controller until Ctrl-C or SIGTERM."""
    sensible(installed("controller.app", "controller").serve, _settings(config))


@controller_app.command("migrate")
def migrate(config: ControllerConfig = None, as_json: AsJson = False) -> None:
    """Bring the database to this version. Does nothing where it is there already."""
    administration = installed("controller.administration", "controller")
    sensible(administration.migrate_database, _settings(config))
    _say(as_json, {"migrated": True}, "The database is at this version.")


@controller_app.command("check")
def check_controller(config: ControllerConfig = None, as_json: AsJson = False) -> None:
    """Read settings and policies, and say what is wrong with them; nothing is started."""
    settings = _settings(config)
    administration = installed("controller.administration", "controller")
    policies = sorted(sensible(administration.checked_policies, settings))
    _say(as_json, {"policies": policies}, f"Settings are in order; policies: {', '.join(policies)}.")


@token_app.command("add")
def add_token(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose it is; an agent's name.")],
    role: Annotated[str, typer.Option("--role", help="read, noc, admin, billing or agent.")],
    config: ControllerConfig = None,
    as_json: AsJson = False,
) -> None:
    """Make a token and print it, this once: the controller keeps its digest only."""
    administration = installed("controller.administration", "controller")
    token = sensible(administration.add_token, _settings(config), name, role)
    _say(as_json, {"name": name, "role": role, "token": token}, token)


@token_app.command("revoke")
def revoke_token(
    name: Annotated[str, typer.Argument(metavar="NAME")], config: ControllerConfig = None, as_json: AsJson = False
) -> None:
    """Refuse a token from now on."""
    administration = installed("controller.administration", "controller")
    sensible(administration.revoke_token, _settings(config), name)
    _say(as_json, {"name": name, "revoked": True}, f"The token {name} is refused from now on.")


@token_app.command("list")
def list_tokens(config: ControllerConfig = None, as_json: AsJson = False) -> None:
    """All tokens that were ever made."""
    administration = installed("controller.administration", "controller")
    tokens = sensible(administration.list_tokens, _settings(config))
    if as_json:
        typer.echo(json.dumps([_token_shown(token) for token in tokens]))
        return
    table = Table("name", "role", "made", "revoked", box=None, pad_edge=False)
    for token in tokens:
        table.add_row(token.name, token.role, _minute(token.created_at), _minute(token.revoked_at))
    Console(soft_wrap=True).print(table)


def _token_shown(token: Any) -> dict[str, str | None]:
    revoked = token.revoked_at.isoformat() if token.revoked_at else None
    return {"name": token.name, "role": token.role, "created_at": token.created_at.isoformat(), "revoked_at": revoked}


def _minute(at: datetime | None) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if at else "-"


def _say(as_json: bool, said: dict[str, Any], words: str) -> None:
    typer.echo(json.dumps(said) if as_json else words)


def lab(context: typer.Context) -> None:
    """An operator in a box: controller, agent and simulated network elements, with a sample month of accounts."""
    installed("lab.main", "controller,agent").app(args=context.args, prog_name="grifo lab")
