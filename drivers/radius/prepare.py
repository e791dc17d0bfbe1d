"""What FreeRADIUS and its NASes need before they can restrict as this driver does: step by step, as each stands.

Rows and tables can be installed from here, and only ever added: a group of grifo's gets the rows that it lacks, the
operator's own rows are neither changed nor removed. Files of FreeRADIUS and commands of a NAS are for a person.

FreeRADIUS stops at the first group that matches (rlm_sql, no Fall-Through): what the plan's group gives beside the
restriction is lost unless the restricted group repeats it. So each group of ours is compared with the plans behind it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, func, insert, select
from sqlalchemy.schema import CreateTable

from drivers.base import Step, StepState
from drivers.radius.indexes import lacking
from drivers.radius.reply import FALL_THROUGH, Item, group_checks, group_replies
from drivers.radius.settings import Rung, Settings
from drivers.radius.tables import ASSIGNS, Tables

KEPT = frozenset(
    {
        "Acct-Interim-Interval",
        "Delegated-IPv6-Prefix-Pool",
        "Framed-IP-Netmask",
        "Framed-IPv6-Pool",
        "Framed-MTU",
        "Framed-Pool",
        "Framed-Protocol",
        "Idle-Timeout",
        "Service-Type",
        "Session-Timeout",
    }
)
"""What a group that the operator wrote by hand should repeat of the plan: none of it is what restricts."""
INTERIM_CLASS = "Class = '%{Class}', \\"
_CLASS_SECTION = """class {
	column_name = ", Class"
	packet_xlat = ", '%{Class}'"
	reply_xlat = ", '%{reply:Class}'"
}"""


@dataclass(frozen=True, slots=True)
class Need:
    """A step, and the rows that install it: (table, values). `makes_marks` stands for the table of marks."""

    step: Step
    rows: tuple[tuple[str, Mapping[str, str]], ...] = ()
    makes_marks: bool = False


def needs(connection: Connection, tables: Tables, settings: Settings, marked: bool) -> list[Need]:
    """Everything, in the order in which it is to be done."""
    return [
        _marks(connection, tables, marked),
        *_groups(connection, tables, settings),
        *_slow(connection, tables),
        *_accounting(connection, tables, settings),
        *_nases(settings),
    ]


def add_rows(connection: Connection, tables: Tables, need: Need) -> None:
    """Insert what a step lacks; nothing that is there is touched."""
    for table, values in need.rows:
        connection.execute(insert(tables.by_name(table)), [dict(values)])


def after_installing(before: Sequence[Need], after: Sequence[Need]) -> list[Step]:
    """The steps as they stand now; those that were missing and are there now say so, with what was added."""
    was = {need.step.where: need.step for need in before if need.step.state is StepState.MISSING}
    steps = []
    for need in after:
        former = was.get(need.step.where)
        added = former is not None and need.step.state is StepState.PRESENT
        steps.append(replace(former, state=StepState.INSTALLED) if former and added else need.step)
    return steps


def _marks(connection: Connection, tables: Tables, marked: bool) -> Need:
    text = " ".join(str(CreateTable(tables.marks).compile(connection)).split()) + ";"
    state = StepState.PRESENT if marked else StepState.MISSING
    return Need(Step(f"table {tables.marks.name}", text, state, "says which rows are grifo's"), makes_marks=True)


@dataclass(frozen=True, slots=True)
class _Group:
    """A group of ours and the plans whose customers it takes."""

    name: str
    rung: Rung
    plans: tuple[str, ...]

    @property
    def given(self) -> str:
        """What the group stands for, as the settings name it."""
        access, rate = self.rung
        return str(access if rate is None else rate)


def _groups(connection: Connection, tables: Tables, settings: Settings) -> Iterator[Need]:
    plans = _plans(connection, tables, settings)
    everyone = [*plans, *settings.groups.ours]
    replies = group_replies(connection, tables, everyone)
    checks = group_checks(connection, tables, everyone)
    for group in _ours(settings, plans):
        wanted = _wanted_reply(group, settings, replies)
        names = tables.radgroupreply.name, tables.radgroupcheck.name
        yield from _group_rows(names[0], group, wanted, replies, settings)
        if replies.get(group.name) or wanted.rows:
            yield from _group_rows(names[1], group, _agreed(group, checks, frozenset()), checks, settings)


def _plans(connection: Connection, tables: Tables, settings: Settings) -> list[str]:
    aside = set(settings.groups.ours) | settings.groups.obstructing
    found = connection.execute(select(tables.radusergroup.c.groupname).distinct()).scalars()
    return sorted({str(name) for name in found} - aside)


def _ours(settings: Settings, plans: Iterable[str]) -> list[_Group]:
    gives = settings.groups.gives
    takes: dict[str, list[str]] = {name: [] for name in sorted(gives)}
    for plan in plans:
        for rung in settings.groups.rungs:
            takes[settings.groups.of(rung, plan)].append(plan)
    return [_Group(name, gives[name], tuple(behind)) for name, behind in takes.items()]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Rows that a group should have; `differing` are attributes in which its plans do not agree."""

    rows: tuple[Item, ...]
    differing: tuple[str, ...] = ()


def _wanted_reply(group: _Group, settings: Settings, replies: Mapping[str, list[Item]]) -> _Wanted:
    """Class, what restricts, and what the plans give beside it."""
    own = settings.reply_of(group.rung)
    kept = _agreed(group, replies, frozenset({"Class", FALL_THROUGH, *(name for name, _ in own)}))
    if not own:
        names = KEPT if replies.get(group.name) else frozenset()
        kept = _Wanted(
            tuple(row for row in kept.rows if row[0] in names), tuple(name for name in kept.differing if name in names)
        )
    class_ = [("Class", ":=", group.name)] if settings.session_class else []
    return _Wanted((*class_, *((name, ":=", value) for name, value in own), *kept.rows), kept.differing)


def _agreed(group: _Group, items: Mapping[str, list[Item]], without: frozenset[str]) -> _Wanted:
    """What all plans of a group give alike, and the names of what they do not."""
    given: dict[str, dict[str, list[Item]]] = defaultdict(dict)
    for plan in group.plans:
        for row in items.get(plan, []):
            if row[0] not in without and row[1] in ASSIGNS:
                given[row[0]].setdefault(plan, []).append(row)
    alike = {
        name: next(iter(by_plan.values()))
        for name, by_plan in given.items()
        if len(by_plan) == len(group.plans) and len({tuple(rows) for rows in by_plan.values()}) == 1
    }
    rows = tuple(row for rows in alike.values() for row in rows)
    return _Wanted(rows, tuple(sorted(given.keys() - alike.keys())))


def _group_rows(
    table: str, group: _Group, wanted: _Wanted, there: Mapping[str, list[Item]], settings: Settings
) -> Iterator[Need]:
    where = f"{table}, group {group.name} ({group.given})"
    has = there.get(group.name, [])
    names = {name for name, _, _ in has}
    silent = not has and not settings.reply_of(group.rung) and table == settings.tables.radgroupreply
    missing = [row for row in wanted.rows if row[0] not in names]
    if silent:
        text, note = _what_it_might_give(group, table)
        yield Need(Step(where, text, StepState.BY_HAND, note))
    elif missing:
        rows = tuple((table, _values(group.name, row)) for row in missing)
        text = "\n".join(_insert_text(name, values) for name, values in rows)
        yield Need(
            Step(where, text, StepState.MISSING, "a login gets this group alone, so it repeats the plan's"), rows
        )
    elif wanted.rows:
        yield Need(Step(where, "\n".join(" ".join(row) for row in has), StepState.PRESENT))
    differing = [name for name in wanted.differing if name not in names]
    if differing:
        yield _group_for_each(table, group, differing)


def _what_it_might_give(group: _Group, table: str) -> tuple[str, str]:
    """An example, and why it takes a person."""
    rate = group.rung[1]
    if rate is None:
        text = f'replies.{group.given} = {{ Mikrotik-Rate-Limit = "1M/1M" }}'
        return text, "the group has no rows, and the settings do not say what it gives: an example"
    row = "Mikrotik-Rate-Limit", ":=", f"{rate.up_kbps}k/{rate.down_kbps}k"
    note = "the group has no rows, and no profile of the NASes says how they are told a rate: an example"
    return _insert_text(table, _values(group.name, row)), note


def _key(group: _Group) -> str:
    """What stands before the group's name in the settings' tables of groups."""
    return group.given if group.rung[1] is None else f'"{group.given}"'


def _group_for_each(table: str, group: _Group, differing: Sequence[str]) -> Need:
    lines = [f'groups_for_plan."{plan}" = {{ {_key(group)} = "{group.name}-{plan}" }}' for plan in group.plans]
    note = (
        f"plans {', '.join(group.plans)} give different {', '.join(differing)}: one group {group.name}"
        " can't repeat them all, so give each plan its own in the settings"
    )
    return Need(Step(f"settings, for {table}, group {group.name}", "\n".join(lines), StepState.BY_HAND, note))


def _values(group: str, row: Item) -> dict[str, str]:
    return {"groupname": group, "attribute": row[0], "op": row[1], "value": row[2]}


def _insert_text(table: str, values: Mapping[str, str]) -> str:
    shown = ", ".join("'" + value.replace("'", "''") + "'" for value in values.values())
    return f"INSERT INTO {table} ({', '.join(values)}) VALUES ({shown});"  # noqa: S608 - for a person to read


def _slow(connection: Connection, tables: Tables) -> Iterator[Need]:
    """Indexes are the operator's to make: on a large table it takes minutes, and may hold accounting up."""
    for lack in lacking(connection, tables):
        note = "without it each slice reads the whole table; make it in a quiet hour"
        yield Need(Step(f"table {lack.table}", lack.statement, StepState.BY_HAND, note))


def _accounting(connection: Connection, tables: Tables, settings: Settings) -> Iterator[Need]:
    """Sections of queries.conf. That the class is recorded can be seen once somebody of ours is online."""
    if settings.session_class:
        acct = tables.radacct.c
        asked = select(func.count()).where(acct["class"].is_not(None), acct["class"] != "")
        seen = bool(connection.execute(asked).scalar())
        state = StepState.PRESENT if seen else StepState.BY_HAND
        note = "so that radacct says what a live session was given; restart FreeRADIUS after it"
        yield Need(Step("queries.conf, section class", _CLASS_SECTION, state, note))
    if any(nas.coa_class for nas in settings.nases.values()):
        note = "so that a CoA is read back: in each UPDATE of section interim-update, after AcctUpdateTime"
        yield Need(Step("queries.conf, section interim-update", INTERIM_CLASS, StepState.BY_HAND, note))


def _nases(settings: Settings) -> Iterator[Need]:
    for nas in settings.nases.values():
        if nas.profile is not None and nas.profile.setup:
            text = nas.profile.setup.replace("{port}", str(nas.port)).strip()
            yield Need(Step(f"NAS {nas.nas_ip} ({nas.profile.title})", text, StepState.BY_HAND, nas.profile.setup_note))
