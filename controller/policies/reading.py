"""A policy file, read whole: TOML to Policy, with everything that is wrong with it said at once.

Read at the start of the controller; `decide` is handed the result. The order is that of a careful reader: is it TOML,
does each key say something, are the questions answered, are the ladders ladders, is it as strict as the law.
"""

import tomllib
from collections.abc import Iterable, Sequence
from datetime import date
from hashlib import sha256
from pathlib import Path
from re import fullmatch
from zoneinfo import available_timezones

from controller.core.policy import Choice, Policy
from controller.policies.choices import FILE as CHOICES_FILE
from controller.policies.choices import Question, read_choices, read_questions, unanswered
from controller.policies.days import read_calendar, read_window
from controller.policies.drafts import read_draft
from controller.policies.errors import BadPolicy
from controller.policies.floors import Breach, stage_breaches
from controller.policies.ladders import check_ladders, ladders_of, stages_of
from controller.policies.law import EVERYWHERE, LAW, RELEASE
from controller.policies.overrides import read_overrides, refusals
from controller.policies.prudence import prudent_breaches
from controller.policies.rules import (
    read_brake,
    read_clearing,
    read_freshness,
    read_holds,
    read_partial,
    read_returns,
    read_tags,
)
from controller.policies.stages import Rung, read_ladders
from controller.policies.table import Table
from controller.policies.values import TEXT, Schema, checked, whole
from enforcement.access import Access
from enforcement.entries import ID_PATTERN

_ZONE = checked(
    TEXT, available_timezones().__contains__, "it must be a name of the IANA time zone database, such as Europe/Madrid"
)
_TRIVIAL = "Less than this past due, in minor units (500 is 5.00), restricts nothing."
_COURTESY = "How long a courtesy of the NOC keeps a service open where no date is given."
_APPROVAL = "For how long an approval counts."


def load_policies(folder: Path) -> dict[str, Policy]:
    """All policies of a folder by name. Raises BadPolicy with the mistakes of all files, or when there is no file."""
    found: dict[str, Policy] = {}
    problems: list[str] = []
    for path in policy_files(folder):
        try:
            found[path.stem] = load_policy(path)
        except BadPolicy as wrong:
            problems.append(str(wrong))
    if not found and not problems:
        problems.append(f"{folder}: no policy (*.toml) in this folder")
    if problems:
        raise BadPolicy("\n".join(dict.fromkeys(problems)))
    return found


def policy_files(folder: Path) -> list[Path]:
    """The policy files of a folder, by name; the answers to their questions are none."""
    return sorted(path for path in folder.glob("*.toml") if path.name != CHOICES_FILE)


def load_policy(path: Path) -> Policy:
    """The policy of one file, by the answers beside it; its name is the file's. Raises BadPolicy with all mistakes."""
    try:
        content = path.read_bytes()
    except OSError as wrong:
        raise BadPolicy(f"{path}: cannot be read: {wrong.strerror}") from wrong
    return read_policy(path.stem, content, path.parent)


def read_policy(name: str, content: bytes, folder: Path) -> Policy:
    """The policy that the file `name`.toml of this content would be in a folder, by the answers there.

    Raises BadPolicy with all mistakes.
    """
    path = folder / f"{name}.toml"
    if fullmatch(ID_PATTERN, name) is None:
        raise BadPolicy(f"{path}: the file's name is the policy's, and {name!r} does not match {ID_PATTERN}")
    try:
        data = tomllib.loads(content.decode())
    except ValueError as wrong:
        raise BadPolicy(f"{path}: is not TOML: {wrong}") from wrong
    choices = read_choices(folder).get(name, ())
    problems: list[str] = []
    policy = _policy(path, content, choices, Table(data, "", problems))
    if problems:
        raise BadPolicy("\n".join(f"{path}: {problem}" for problem in problems))
    return policy


def policy_schema() -> Schema:
    """Draft-07 JSON schema of a policy file: all that the reader asks of one."""
    sketch = Table({}, "", [], sketch=True)
    _policy(Path("policy.toml"), b"", (), sketch)
    head = {"$schema": "http://json-schema.org/draft-07/schema#", "title": "A policy of grifo"}
    return head | sketch.schema()


def _policy(path: Path, content: bytes, choices: Sequence[Choice], table: Table) -> Policy:
    zone = table.read("timezone", _ZONE, "UTC", "A name of the IANA time zone database.")
    trivial = table.read("trivial_amount", whole(0, 10**9), 0, _TRIVIAL)
    courtesy = table.read("courtesy_days", whole(1, 60), 1, _COURTESY)
    country, calendar = read_calendar(table.table("calendar"))
    windows = table.table("windows")
    questions = read_questions(table)
    rungs = read_ladders(table.table("ladders"))
    answers = {choice.name: choice.option for choice in choices}
    in_force = ladders_of(rungs, answers)
    policy = Policy(
        name=path.stem,
        version=_version(content, choices, (calendar.holidays, calendar.bank, *calendar.towns.values())),
        timezone=zone,
        calendar=calendar,
        window=read_window(windows.table("cut"), on_eves=False),
        messages=read_window(windows.table("messages"), on_eves=True),
        ladders=stages_of(in_force),
        trivial_amount=trivial,
        courtesy_days=courtesy,
        brake=read_brake(table.table("brake")),
        country=country,
        freshness=read_freshness(table.table("freshness")),
        clearing=read_clearing(table.table("clearing", required=False)),
        partial=read_partial(table.table("partial", required=False)),
        returns=read_returns(table.table("returns", required=False)),
        holds=read_holds(table.table("holds", required=False)),
        tags=read_tags(table.table("tags", required=False)),
        approval_days=table.read("approval_days", whole(1, 365), 30, _APPROVAL, required=False),
        loosened=read_overrides(table.tables("loosened")),
        choices=tuple(choices),
        draft=read_draft(table, country),
    )
    windows.done()
    table.done()
    _check(path, policy, questions, rungs, in_force, table.problems)
    return policy


def _check(
    path: Path,
    policy: Policy,
    questions: Sequence[Question],
    rungs: Sequence[Rung],
    in_force: Sequence[Rung],
    problems: list[str],
) -> None:
    """What is wrong with a file each of whose keys makes sense by itself."""
    readable = not problems
    if not rungs:
        problems.append("ladders: at least one ladder is needed, such as [[ladders.internet]]")
    open_questions = [*_strangers(questions, rungs), *unanswered(path, questions, policy.choices)]
    problems += open_questions
    if open_questions:
        return
    check_ladders(in_force)
    if readable and rungs:
        problems += refusals(list(_breaches(policy, in_force)), policy.loosened)


def _breaches(policy: Policy, rungs: Sequence[Rung]) -> Iterable[Breach]:
    answers = {choice.name: choice.option for choice in policy.choices}
    releasing = {rung.kind for rung in rungs if rung.stage.access is Access.RELEASED}
    yield from stage_breaches((*LAW.get(policy.country, ()), *EVERYWHERE), rungs, answers)
    yield from stage_breaches(RELEASE, [rung for rung in rungs if rung.kind in releasing], answers)
    yield from prudent_breaches(policy)


def _strangers(questions: Sequence[Question], rungs: Sequence[Rung]) -> Iterable[str]:
    """Answers that stages wait for and no question has."""
    options = {question.name: question.options for question in questions}
    for rung in rungs:
        for name, option in rung.only_if.items():
            if option not in options.get(name, ()):
                yield f"{rung.table.path('only_if')}: {name} = {option!r} is no option of [choices.{name}]"


def _version(content: bytes, choices: Sequence[Choice], calendars: Iterable[frozenset[date]]) -> str:
    """A digest of the file, of the answers, and of the holidays: another release of the calendar is another policy."""
    days = "\n".join(",".join(sorted(map(date.isoformat, off))) for off in calendars)
    answers = "\n".join(f"{choice.name}={choice.option}" for choice in choices)
    return sha256(b"\0".join((content, answers.encode(), days.encode()))).hexdigest()[:16]
