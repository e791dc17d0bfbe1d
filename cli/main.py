"""The `grifo` command put together; `run()` is its entry point, and the one place where failures become exit codes."""

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from cli import agent, devices, people, policy, processes, simulations, verbs
from cli.errors import Failed

_HELP = """Turns services off when they are not paid, on again the moment they are, and proves both.

NOC verbs speak to the controller: set GRIFO_URL, and GRIFO_TOKEN or GRIFO_TOKEN_FILE; or write url, token_file,
ca_file and language (en, es, pt) into ~/.config/grifo/cli.toml. KEY may be a phone, user name, IP address, account or
service id.

Exit codes: 0 done; 1 refused, or not (yet) so; 2 the command was wrong, or KEY names several; 3 the controller can't be
reached or can't work; 4 the token is not known or its role does not suffice.
"""

app = typer.Typer(
    help=_HELP,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"grifo {version('grifo')}")
        raise typer.Exit


@app.callback()
def grifo(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """The command itself: its options come before the verb."""


grifo.__doc__ = None
for verb in (verbs.status, verbs.why, verbs.timeline, verbs.suspend, verbs.restore, verbs.drift):
    app.command()(verb)
for foresight in (simulations.simulate, simulations.today):
    app.command()(foresight)
for verdict in (people.approve, people.refuse, people.tasks, people.unmatched):
    app.command()(verdict)
for switch in (verbs.stop, verbs.freeze):
    app.command()(switch)
app.add_typer(people.hold_app, name="hold")
app.add_typer(people.outage_app, name="outage")
app.add_typer(people.notices_app, name="notices")
app.add_typer(people.number_app, name="number")
app.add_typer(devices.device_app, name="device")
app.add_typer(devices.brake_app, name="brake")
app.add_typer(devices.conflict_app, name="conflict")
app.add_typer(devices.event_app, name="event")
app.add_typer(policy.policy_app, name="policy")
app.add_typer(processes.controller_app, name="controller")
app.add_typer(agent.agent_app, name="agent")
app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
)(processes.lab)


def run() -> None:
    """The entry point. A person's error is one sentence on standard error and an exit code, never a traceback."""
    try:
        app()
    except Failed as failed:
        typer.echo(str(failed), err=True)
        sys.exit(int(failed.code))
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(0)
