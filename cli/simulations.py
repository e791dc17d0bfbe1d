"""`grifo simulate` and `grifo today`: what would happen, when and why; the answer comes line by line, with progress."""

import csv
import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress, TaskID
from rich.text import Text

from cli import times
from cli.errors import Exit, Failed
from cli.session import AsJson, Session, session
from cli.words import Data, word

Row = dict[str, Any]

COLUMNS = (
    "account",
    "service",
    "kind",
    "sites",
    "policy",
    "what",
    "at",
    "against_at",
    "stage",
    "access",
    "text",
)


class Format(StrEnum):
    """How the answer is written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


PolicyFile = Annotated[
    Path | None, typer.Option("--policy", help="A policy file instead of the loaded one of its name, or of all.")
]
Site = Annotated[str, typer.Option("--site", help="Of services at this site alone.")]
Limit = Annotated[int, typer.Option("--limit", min=1, help="Show at most so many lines of a table.")]


def simulate(
    policy: PolicyFile = None,
    at: Annotated[str, typer.Option("--at", help="From when: 2026-12-01T10:00, or 3d; default: now.")] = "",
    until: Annotated[str, typer.Option("--until", help="Until when; default: at that instant alone.")] = "",
    against: Annotated[Path | None, typer.Option("--against", help="Tell only what this file does otherwise.")] = None,
    account: Annotated[str, typer.Option("--account", help="Of this account alone.")] = "",
    site: Site = "",
    notices: Annotated[
        bool, typer.Option("--notices/--no-notices", help="Assume that each notice is sent and delivered when due.")
    ] = True,
    form: Annotated[Format, typer.Option("--format", help="table, json or csv.")] = Format.TABLE,
    limit: Limit = 200,
    as_json: AsJson = False,
) -> None:
    """Who would be warned, cut and released, and what blocks the others: on live data, changing nothing."""
    with session(as_json or form is Format.JSON) as screen:
        body = {
            "policy": _file(policy),
            "against": _file(against),
            "at": times.moment(at, "--at", screen.now, screen.zone) if at else None,
            "until": times.moment(until, "--until", screen.now, screen.zone) if until else None,
            "account": account,
            "site": site,
            "notices": notices,
        }
        lines = screen.client.lines("POST", "simulations", body=body)
        _answer(screen, lines, form, limit, compare=against is not None)


def today(site: Site = "", limit: Limit = 200, as_json: AsJson = False) -> None:
    """Who is to be cut today, when and why; the brake may let fewer pass."""
    with session(as_json) as screen:
        query = {"site": site} if site else {}
        _answer(screen, screen.client.lines("GET", "today", query=query), Format.TABLE, limit, compare=False)


def _file(path: Path | None) -> dict[str, str] | None:
    if path is None:
        return None
    try:
        return {"name": path.stem, "content": path.read_text(encoding="utf-8")}
    except (OSError, UnicodeDecodeError) as wrong:
        raise Failed(f"{path} can't be read: {wrong}", Exit.USAGE) from wrong


def _answer(screen: Session, lines: Iterable[Data], form: Format, limit: int, *, compare: bool) -> None:
    with _followed(lines) as (found, ends):
        if form is Format.CSV and not screen.as_json:
            _write_csv(found)
            return
        rows = list(found)
    end = ends[0]
    if screen.as_json:
        typer.echo(json.dumps({"found": rows, **end}, indent=2, ensure_ascii=False))
        return
    _draw(screen, rows[:limit], compare)
    _sum_up(screen, end, len(rows), limit)


@contextmanager
def _followed(lines: Iterable[Data]) -> Iterator[tuple[Iterator[Row], list[Data]]]:
    """The findings as they come, with the progress shown where a person looks on; `ends` is filled at their end."""
    ends: list[Data] = []
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        yield _findings(lines, bar, bar.add_task("accounts", total=None), ends), ends


def _findings(lines: Iterable[Data], bar: Progress, task: TaskID, ends: list[Data]) -> Iterator[Row]:
    for line in lines:
        if "found" in line:
            yield line["found"]
        elif "progress" in line:
            bar.update(task, completed=line["progress"]["done"], total=line["progress"]["of"])
        elif "end" in line:
            ends.append(line["end"])
    if not ends:
        raise Failed("The answer was cut off before its end: it says nothing certain. Ask again.", Exit.UNREACHABLE)


def _write_csv(rows: Iterable[Row]) -> None:
    out = csv.writer(sys.stdout)
    out.writerow(COLUMNS)
    for row in rows:
        out.writerow([" ".join(row["sites"]) if name == "sites" else row[name] for name in COLUMNS])


def _draw(screen: Session, rows: list[Row], compare: bool) -> None:
    if not rows:
        return
    if compare:
        table = screen.table("by --policy", "by --against", "what", "service", "account", "stage", "why")
    else:
        table = screen.table("when", "what", "service", "account", "stage", "why")
    for row in rows:
        ats = (row["at"], row["against_at"]) if compare else (row["at"],)
        why = Text(row["text"])
        told = (word(row["what"]), row["service"], row["account"], row["stage"])
        table.add_row(*(screen.local(at) if at else screen.phrase("never") for at in ats), *told, why)
    screen.console.print(table)


def _sum_up(screen: Session, end: Data, found: int, limit: int) -> None:
    counts = ", ".join(f"{what} {number}" for what, number in end["counts"].items() if number)
    span = screen.local(end["from"])
    if end["until"] != end["from"]:
        span = screen.phrase("{start} to {end}", start=span, end=screen.local(end["until"]))
    screen.say(f"{span}: {counts or screen.phrase('nothing')}", "bold")
    if found > limit:
        screen.say(screen.phrase("{n} more lines: ask with --limit, --json or --format csv.", n=found - limit))
