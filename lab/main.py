"""`grifo lab`: the box with its story, and each simulated device on its own for anyone's tools."""

import json
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from lab.box.launch import Box, box
from lab.box.month import customers
from lab.box.screen import Screen
from lab.box.story import NotSettled, Outcome, Story
from lab.nas import main as nas_main
from lab.routeros import main as routeros_main
from lab.switch import main as switch_main

app = typer.Typer(
    help="An operator in a box; and simulated devices that behave, for anyone's tools.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def lab(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="End after the story.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON object, last.")] = False,
    accounts: Annotated[int, typer.Option("--accounts", min=40, max=380, help="How many customers.")] = 200,
) -> None:
    """Start the box, tell its story, and stay up for you to try things; Ctrl-C ends it."""
    if context.invoked_subcommand is not None:
        return
    screen = Screen(to_stderr=as_json)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # whatever ends the lab, its agent ends with it
    try:
        good = _tell(screen, accounts, once=once, as_json=as_json)
    except KeyboardInterrupt:
        screen.line("ended")
        good = True
    raise typer.Exit(0 if good else 1)


def _tell(screen: Screen, accounts: int, *, once: bool, as_json: bool) -> bool:
    with box(customers(accounts)) as running:
        screen.line(f"controller {running.files.url}   agent, router, RADIUS with NAS, switch: on this machine")
        outcome = _outcome(running, screen, accounts)
        if outcome is None:
            return False
        screen.chapter("What came of it")
        screen.result(outcome.as_json())
        if not once:
            _invite(running, screen)
        if as_json:
            sys.stdout.write(json.dumps(outcome.as_json()) + "\n")
            sys.stdout.flush()
        if not once:
            threading.Event().wait()
        return outcome.all_was_verified


def _outcome(running: Box, screen: Screen, accounts: int) -> Outcome | None:
    try:
        return Story(running.noc, running.clock, screen, accounts).tell()
    except NotSettled as why:
        screen.line(f"did not come true: {why}")
        for line in (running.files.folder / "agent.log").read_text().splitlines()[-20:]:
            screen.plain(f"  agent: {line}")
        return None


def _invite(running: Box, screen: Screen) -> None:
    """URLs, and three lines worth trying."""
    token = running.files.folder / "admin.token"
    grifo = Path(sys.executable).with_name("grifo")
    owing = next(person for person in customers(40) if person.voice and person.habit.value == "does not pay")
    screen.chapter("It stays up. In another terminal:")
    screen.plain(f"  export GRIFO_URL={running.files.url} GRIFO_TOKEN_FILE={token}")
    screen.plain(f"  {grifo} why {owing.phone}")
    screen.plain(f"  {grifo} restore {owing.phone} --for 3d --note 'promised by phone'")
    screen.plain(f"  {grifo} drift")
    screen.chapter("To look at")
    screen.plain(f"  {running.files.url}/docs      the API      {running.files.url}/metrics      for Prometheus")
    screen.plain(f"  {running.files.folder}      settings, logs and databases; gone when this ends (Ctrl-C)")


@app.command("routeros")
def routeros(
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Where the API listens.")] = 8728,
    user: Annotated[str, typer.Option("--user")] = "admin",
    password: Annotated[str, typer.Option("--password")] = "",
    max_sessions: Annotated[int, typer.Option("--max-sessions")] = 20,
) -> None:
    """A router that speaks the RouterOS API; lines typed here make it misbehave (`help`)."""
    _serving(lambda: routeros_main.run(port=port, user=user, password=password, max_sessions=max_sessions))


@app.command("nas")
def nas(
    port: Annotated[
        int, typer.Option("--port", min=1, max=65535, help="Where CoA and Disconnect are taken (UDP).")
    ] = 3799,
    secret: Annotated[str, typer.Option("--secret")] = "testing123",  # noqa: S107 - a laboratory's, shown at start
    sessions: Annotated[int, typer.Option("--sessions", min=1, max=10_000, help="How many are live.")] = 100,
    database: Annotated[Path | None, typer.Option("--database", help="An SQLite file; else a temporary one.")] = None,
) -> None:
    """A NAS by RFC 5176 with live sessions, and its RADIUS server; lines typed here make it misbehave (`help`)."""
    _serving(lambda: nas_main.run(port=port, secret=secret, sessions=sessions, database=database))


@app.command("switch")
def switch(
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Where JSON-RPC listens.")] = 8080,
    sip_port: Annotated[int, typer.Option("--sip-port", min=1, max=65535, help="Where SIP listens (UDP).")] = 5060,
    database: Annotated[Path | None, typer.Option("--database", help="An SQLite file; else a temporary one.")] = None,
) -> None:
    """A SIP switch with Kamailio's JSON-RPC; lines typed here make it misbehave (`help`)."""
    _serving(lambda: switch_main.run(port=port, sip_port=sip_port, database=database))


def _serving(run: Callable[[], None]) -> None:
    """Run a device; a port that can't be had is one sentence."""
    try:
        run()
    except OSError as wrong:
        typer.echo(f"The device can't listen there: {wrong.strerror or wrong}; choose another port.", err=True)
        raise typer.Exit(2) from None
