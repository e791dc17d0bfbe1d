"""Policies from the operator's TOML files: rules that a lawyer can read, with their sources, checked before they count.

Read once at the start and at each reload; `decide` is handed the result. What no policy may say is refused here as well
as in the core: a stage without a notice, a stage that releases a number, a cut on a Sunday.
"""

import tomllib
from collections.abc import Mapping
from datetime import date, time
from hashlib import sha256
from pathlib import Path
from re import fullmatch
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import holidays

from controller.core.calendar import Calendar, DayUnit, Window
from controller.core.policy import BrakeRule, Conditions, FreshnessRules, NoticeRule, Policy, Source, Stage
from controller.toml_table import Table, Unfit, day, days, flag, hour, number, one_of, text, whole
from enforcement.access import LADDERS, Access, Kind, lowers
from enforcement.entries import ID_PATTERN

YEARS = range(2020, 2036)
"""The years whose holidays are known to a policy: fixed, so that the same file is the same policy on every day."""

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat")
_MARKS = ("F", "F2", "R", "D")


class BadPolicy(ValueError):
    """A policy file can't be used; `str()` has a line for each mistake: file, key, what it is, what is allowed."""


def load_policies(folder: Path) -> dict[str, Policy]:
    """All policies of a folder by name. Raises BadPolicy with the mistakes of all files, or when there is no file."""
    found: dict[str, Policy] = {}
    problems: list[str] = []
    for path in sorted(folder.glob("*.toml")):
        try:
            policy = load_policy(path)
        except BadPolicy as wrong:
            problems.append(str(wrong))
        else:
            found[policy.name] = policy
    if not found and not problems:
        problems.append(f"{folder}: no policy (*.toml) in this folder")
    if problems:
        raise BadPolicy("\n".join(problems))
    return found


def load_policy(path: Path) -> Policy:
    """The policy of one file; its name is the file's. Raises BadPolicy saying all that is wrong with it."""
    try:
        content = path.read_bytes()
        data = tomllib.loads(content.decode())
    except OSError as wrong:
        raise BadPolicy(f"{path}: cannot be read: {wrong.strerror}") from wrong
    except ValueError as wrong:
        raise BadPolicy(f"{path}: is not TOML: {wrong}") from wrong
    problems: list[str] = []
    policy = _policy(path.stem, content, Table(data, "", problems))
    if problems:
        raise BadPolicy("\n".join(f"{path}: {problem}" for problem in problems))
    return policy


def _policy(name: str, content: bytes, table: Table) -> Policy:
    if fullmatch(ID_PATTERN, name) is None:
        table.problems.append(f"the file's name is the policy's, and {name!r} does not match {ID_PATTERN}")
    off = _holidays(table.table("calendar"))
    policy = Policy(
        name=name,
        version=_version(content, off),
        timezone=table.read("timezone", _timezone, "UTC"),
        calendar=Calendar(off),
        messages=Window(frozenset(range(1, 6)), time(9), time(20)),
        window=_window(table.table("window")),
        ladders=_ladders(table.table("ladders")),
        freshness=FreshnessRules(table.read("payments_fresh_hours", whole(1, 168), 1)),
        trivial_amount=table.read("trivial_amount", whole(0, 10**9), 0),
        courtesy_days=table.read("courtesy_days", whole(1, 60), 1),
        brake=_brake(table.table("brake")),
    )
    table.done()
    return policy


def _version(content: bytes, off: frozenset[date]) -> str:
    """A digest of the file and of the holidays that it led to: another release of the calendar is another policy."""
    told = "\n".join(sorted(map(date.isoformat, off)))
    return sha256(content + b"\0" + told.encode()).hexdigest()[:16]


def _timezone(value: Any) -> str:
    if value not in available_timezones():
        raise Unfit("it must be a name of the IANA time zone database, such as Europe/Madrid")
    return ZoneInfo(value).key


def _holidays(table: Table) -> frozenset[date]:
    regions = holidays.list_supported_countries()
    country = table.read("country", one_of(sorted(regions)), "")
    region = table.read("subdivision", one_of(regions.get(country, ())), "", required=False)
    municipal: tuple[date, ...] = table.read("municipal", days, (), required=False)
    table.done()
    if not country:
        return frozenset()
    national = holidays.country_holidays(country, subdiv=region or None, years=YEARS)
    return frozenset(national) | frozenset(municipal)


def _window(table: Table) -> Window:
    window = Window(
        weekdays=table.read("weekdays", _weekdays, frozenset({1})),
        opens=table.read("opens", hour, time(9)),
        closes=table.read("closes", hour, time(14)),
        on_eves=table.read("on_eves", flag, default=False),
    )
    if window.opens >= window.closes:
        table.complain("closes", f"is {window.closes:%H:%M}; it must be later than opens, {window.opens:%H:%M}")
    table.done()
    return window


def _weekdays(value: Any) -> frozenset[int]:
    allowed = f"it must be a list of {', '.join(_WEEKDAYS)}; nothing is restricted on a Sunday"
    if not isinstance(value, list) or not value or not all(item in _WEEKDAYS for item in value):
        raise Unfit(allowed)
    return frozenset(_WEEKDAYS.index(item) + 1 for item in value)


def _brake(table: Table) -> BrakeRule:
    rule = BrakeRule(
        number=table.read("number", whole(1, 10**6), 1),
        percent=table.read("percent", number(0, 100), 1.0),
        canary=table.read("canary", whole(1, 10**6), 1),
    )
    if rule.canary > rule.number:
        table.complain("canary", f"is {rule.canary}; it must not be more than number, {rule.number}")
    table.done()
    return rule


def _ladders(table: Table) -> Mapping[Kind, tuple[Stage, ...]]:
    ladders = {kind: _ladder(kind, table.tables(kind.value)) for kind in Kind}
    table.done()
    if not any(ladders.values()):
        table.problems.append(f"{table.where}: at least one ladder is needed, such as [[ladders.internet]]")
    return {kind: stages for kind, stages in ladders.items() if stages}


def _ladder(kind: Kind, tables: list[Table]) -> tuple[Stage, ...]:
    stages: list[Stage] = []
    for table in tables:
        stage = _stage(kind, table, first=not stages)
        if stage.name in [other.name for other in stages]:
            table.complain("name", f"is {stage.name!r}; another stage of this ladder has it")
        before = stages[-1].access if stages else Access.FULL
        if stage.access is not Access.FULL and not lowers(kind, before, stage.access):
            table.complain(
                "access", f"is {stage.access.value!r}; it must be lower than what comes before, {before.value!r}"
            )
        stages.append(stage)
    return tuple(stages)


def _stage(kind: Kind, table: Table, *, first: bool) -> Stage:
    allowed = [access.value for access in LADDERS[kind] if access not in (Access.FULL, Access.RELEASED)]
    stage = Stage(
        name=table.read("name", _name, f"stage {table.where}"),
        access=Access(table.read("access", one_of(allowed), Access.FULL.value)),
        conditions=(_conditions(table.table("conditions"), first=first),),
        notice=_notice(table.table("notice")),
        source=_source(table.table("source")),
    )
    table.done()
    return stage


def _name(value: Any) -> str:
    if fullmatch(ID_PATTERN, text(value)) is None:
        raise Unfit(f"it must match {ID_PATTERN}, since notices name it")
    return text(value)


def _conditions(table: Table, *, first: bool) -> Conditions:
    in_previous = whole(0, 0) if first else whole(1, 3650)
    conditions = Conditions(
        months_since_presented=table.read("months_since_presented", whole(0, 120), 0, required=False),
        days_since_due=table.read("days_since_due", whole(0, 3650), 0, required=False),
        unpaid_invoices=table.read("unpaid_invoices", whole(1, 120), 1, required=False),
        minimum_amount=table.read("minimum_amount", whole(0, 10**9), 0, required=False),
        days_in_previous_stage=table.read("days_in_previous_stage", in_previous, 0, required=not first),
    )
    table.done()
    return conditions


def _notice(table: Table) -> NoticeRule:
    rule = NoticeRule(
        lead=table.read("lead", whole(1, 3650), 1),
        unit=DayUnit(table.read("unit", one_of([unit.value for unit in DayUnit]), DayUnit.DAYS.value)),
        valid_days=table.read("valid_days", whole(1, 365), 1),
    )
    table.done()
    return rule


def _source(table: Table) -> Source:
    source = Source(
        text=table.read("text", text, ""),
        mark=table.read("mark", one_of(_MARKS), ""),
        verified_on=table.read("verified_on", day, date.min),
    )
    table.done()
    return source
