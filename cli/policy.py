"""`grifo policy`: the policy files on this host, read with the controller's own reader. Nothing is started."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.errors import Exit, Failed
from cli.processes import installed, sensible
from cli.session import AsJson

policy_app = typer.Typer(no_args_is_help=True, help="Policy files: check, read, and answer what the law leaves open.")

FOLDER = Path("/etc/grifo/policies")
Folder = Annotated[Path, typer.Option("--folder", envvar="GRIFO_POLICIES", help="The folder of the policy files.")]


@policy_app.command("check")
def check(
    where: Annotated[
        Path, typer.Argument(metavar="[FILE|FOLDER]", envvar="GRIFO_POLICIES", help="A policy, or a folder of them.")
    ] = FOLDER,
    as_json: AsJson = False,
) -> None:
    """Read policies and say everything that is wrong with them. Exit 1 where one can't be used."""
    reading = _reading()
    found, problems = [], []
    for path in _files(reading, where):
        try:
            found.append(_told(reading.load_policy(path)))
        except reading.BadPolicy as wrong:
            problems += str(wrong).splitlines()
    problems = list(dict.fromkeys(problems))
    if as_json:
        typer.echo(json.dumps({"policies": found, "problems": problems}, indent=2, ensure_ascii=False))
    else:
        typer.echo("\n".join([*(_in_short(one) for one in found), *problems]))
    raise typer.Exit(int(Exit.REFUSED if problems else Exit.OK))


@policy_app.command("schema")
def schema() -> None:
    """Print the JSON schema with which editors complete and check policy files."""
    typer.echo(json.dumps(_reading().policy_schema(), indent=2, ensure_ascii=False))


@policy_app.command("show")
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A policy of the folder, or a file.")],
    folder: Folder = FOLDER,
    as_json: AsJson = False,
) -> None:
    """A policy in words: its ladders with their sources, what was chosen and what was loosened, by whom."""
    reading = _reading()
    path = Path(name) if name.endswith(".toml") else folder / f"{name}.toml"
    try:
        data = _told(reading.load_policy(path))
    except reading.BadPolicy as wrong:
        raise Failed(str(wrong), Exit.REFUSED) from wrong
    typer.echo(json.dumps(data, indent=2, ensure_ascii=False) if as_json else "\n".join(_in_words(data)))


@policy_app.command("choose")
def choose(
    policy: Annotated[str, typer.Argument(metavar="POLICY")],
    question: Annotated[str, typer.Argument(metavar="QUESTION")],
    option: Annotated[str, typer.Argument(metavar="OPTION")],
    by: Annotated[str, typer.Option("--by", help="Your name: it stands beside the answer.")],
    folder: Folder = FOLDER,
    as_json: AsJson = False,
) -> None:
    """Answer what the law leaves open, under your name: choices.toml beside the policies. A restart loads it."""
    choices = installed("controller.policies.choices", "controller")
    chosen_on = installed("controller.clock", "controller").system_clock().date()
    try:
        sensible(choices.choose, folder, policy, choices.Choice(question, option, by.strip(), chosen_on))
    except OSError as wrong:
        raise Failed(f"{folder / choices.FILE} can't be written: {wrong.strerror}", Exit.USAGE) from wrong
    words = f"{policy}: {question} is answered {option!r}, by {by.strip()}; it counts when the controller is restarted."
    said = {"policy": policy, "question": question, "option": option, "chosen_by": by.strip()}
    typer.echo(json.dumps(said | {"chosen_on": chosen_on.isoformat()}, ensure_ascii=False) if as_json else words)


def _reading() -> Any:
    return installed("controller.policies", "controller")


def _told(policy: Any) -> dict[str, Any]:
    told: dict[str, Any] = installed("controller.policies.telling", "controller").told(policy)
    return told


def _files(reading: Any, where: Path) -> list[Path]:
    if where.is_file():
        return [where]
    found: list[Path] = reading.policy_files(where)
    if not found:
        raise Failed(f"{where}: no policy (*.toml) there", Exit.USAGE)
    return found


def _in_short(data: dict[str, Any]) -> str:
    stages = sum(len(stages) for stages in data["ladders"].values())
    loosened = f", {len(data['loosened'])} rules loosened in writing" if data["loosened"] else ""
    draft = f", a DRAFT accepted by {data['draft']['accepted_by']}" if data["draft"] else ""
    return (
        f"{data['policy']}: in order ({data['country']}, {stages} stages, version {data['version']}{loosened}{draft})"
    )


def _in_words(data: dict[str, Any]) -> Iterable[str]:
    yield f"{data['policy']}  {data['country']}, {data['timezone']}, version {data['version']}"
    yield f"restricts: {data['cuts']}"
    yield f"writes:    {data['messages']}"
    if data["draft"]:
        one = data["draft"]
        accepted = f"accepted by {one['accepted_by']} on {one['accepted_on']}: {one['reason']}"
        yield f"DRAFT:     no floors of law here; {accepted}"
    for one in data["choices"]:
        yield f"chosen:    {one['question']} = {one['option']}, by {one['chosen_by']} on {one['chosen_on']}"
    for one in data["loosened"]:
        yield f"LOOSENED:  {one['key']} = {one['allows']} until {one['expires']}, by {one['author']}: {one['reason']}"
    for kind, stages in data["ladders"].items():
        yield f"\n{kind}"
        for stage in stages:
            yield from _stage_in_words(stage)


def _stage_in_words(stage: dict[str, Any]) -> Iterable[str]:
    unsettled = "" if stage["settled"] else "  (not settled law)"
    premium = ", for premium and third-party charges" if stage["track"] == "premium" else ""
    yield f"  {stage['access']}{premium}{unsettled}"
    yield f"    {stage['rule']}"
    if stage["besides"]:
        yield f"    {stage['besides']}"
