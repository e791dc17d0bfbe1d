"""Reads the driver's settings out of the agent's settings file: every fault gets a sentence that names its key."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.engine import URL

from drivers.radius.given import internet_access, list_of, number, only_known, require, switch
from drivers.radius.nas_file import nas_from
from drivers.radius.settings import Groups, Settings, TableNames
from drivers.radius_sql import url_from
from enforcement.access import Access, Rate

GROUP_LENGTH = 64
"""radusergroup.groupname is varchar(64) in FreeRADIUS's MySQL and SQLite schemas."""
_KEYS = frozenset(
    {
        "database",
        "groups",
        "groups_for_plan",
        "obstructing_groups",
        "nases",
        "tables",
        "priority",
        "interim_seconds",
        "session_class",
        "read_back_seconds",
        "replies",
        "other_databases",
    }
)


def settings_from(given: Mapping[str, Any]) -> Settings:
    """Validated settings. Raises ValueError naming the key and what was wrong."""
    only_known("", given, _KEYS, "database_password")
    nases = [nas_from(index, one) for index, one in enumerate(list_of(given, "nases", ()), start=1)]
    twice = {nas.nas_ip for nas in nases if sum(other.nas_ip == nas.nas_ip for other in nases) > 1}
    if twice:
        raise ValueError(f"nases: {', '.join(sorted(twice))} stands there more than once")
    groups = _groups(given)
    return Settings(
        database=url_from(given),
        other_databases=tuple(_other_database(at, one) for at, one in enumerate(_others(given), start=1)),
        groups=groups,
        nases={nas.nas_ip: nas for nas in nases},
        tables=_tables(given),
        priority=number(given, "priority", 0, low=-(2**31)),
        interim_s=number(given, "interim_seconds", 0),
        session_class=switch(given, "session_class"),
        read_back_s=float(number(given, "read_back_seconds", 5)),
        replies=_replies(given, groups),
    )


def _others(given: Mapping[str, Any]) -> Sequence[Any]:
    return list_of(given, "other_databases", ())


def _other_database(at: int, given: Any) -> URL:
    where = f"other_databases[{at}]"
    require(isinstance(given, Mapping), f"{where} must be a table with database and its password")
    only_known(f"{where}.", given, frozenset({"database"}), "database_password")
    try:
        return url_from(given)
    except ValueError as wrong:
        raise ValueError(f"{where}: {wrong}") from None


def _replies(given: Mapping[str, Any], groups: Groups) -> dict[Access, tuple[tuple[str, str], ...]]:
    table = given.get("replies", {})
    require(isinstance(table, Mapping), "replies must be a table of access to attributes and their values")
    found: dict[Access, tuple[tuple[str, str], ...]] = {}
    for name, items in table.items():
        access = internet_access("replies", name)
        require(access in groups.by_access, f"replies.{name}: there is no group for it under groups")
        fine = isinstance(items, Mapping) and items and all(isinstance(value, str) for value in items.values())
        require(bool(fine), f'replies.{name} must name attributes, e.g. {{ Mikrotik-Rate-Limit = "1M/1M" }}')
        found[access] = tuple((str(attribute), value) for attribute, value in items.items())
    return found


def _groups(given: Mapping[str, Any]) -> Groups:
    by_access, by_rate = _named("groups", given.get("groups"))
    if not by_access:
        raise ValueError('groups must name a group for at least one access, e.g. groups = { portal = "grifo-portal" }')
    plans = given.get("groups_for_plan", {})
    require(isinstance(plans, Mapping), "groups_for_plan must be a table of plan groups")
    of_plans = {str(plan): _named(f"groups_for_plan.{plan}", one) for plan, one in plans.items()}
    obstructing = frozenset(str(name) for name in list_of(given, "obstructing_groups", ()))
    by_plan, rates_by_plan = {p: one[0] for p, one in of_plans.items()}, {p: one[1] for p, one in of_plans.items()}
    groups = Groups(by_access, by_plan, obstructing, by_rate, rates_by_plan)
    _check_groups(groups)
    return groups


def _check_groups(groups: Groups) -> None:
    if groups.by_rate and Access.THROTTLED not in groups.by_access:
        raise ValueError("groups: a rate needs a group for throttled too, for all rates that have none")
    accesses, rates = (groups.by_access, *groups.by_plan.values()), (groups.by_rate, *groups.rates_by_plan.values())
    stand_for: list[tuple[str, Access | Rate]] = [(name, of) for named in accesses for of, name in named.items()]
    stand_for += [(name, of) for of_rates in rates for of, name in of_rates.items()]
    meanings: dict[str, Access | Rate] = {}
    for group, meaning in stand_for:
        if meanings.setdefault(group, meaning) != meaning:
            raise ValueError(f"groups: {group} stands for both {meanings[group]} and {meaning}")
    for plan in groups.by_plan:
        lost = [
            *(groups.by_plan[plan].keys() - groups.by_access),
            *(groups.rates_by_plan[plan].keys() - groups.by_rate),
        ]
        if lost:
            names = ", ".join(map(str, lost))
            raise ValueError(f"groups_for_plan.{plan}: {names} has no group under groups for other plans")
    both = set(meanings) & (groups.obstructing | set(groups.by_plan))
    if both:
        raise ValueError(f"groups: {', '.join(sorted(both))} can't be ours and a plan or an old suspension group too")


def _named(where: str, given: Any) -> tuple[dict[Access, str], dict[Rate, str]]:
    """The groups of accesses, and those of rates: `"1024/512" = "slow"`."""
    require(isinstance(given, Mapping), f"{where} must be a table of access, or of a rate such as 1024/512, to group")
    accesses: dict[Access, str] = {}
    rates: dict[Rate, str] = {}
    for name, group in given.items():
        if not isinstance(group, str) or not 0 < len(group) <= GROUP_LENGTH or name == Access.FULL:
            raise ValueError(f"{where}.{name} must name a group of 1 to {GROUP_LENGTH} characters below full")
        if "/" in name:
            rates[_rate(where, name)] = group
        else:
            accesses[internet_access(where, name)] = group
    return accesses, rates


def _rate(where: str, name: str) -> Rate:
    try:
        return Rate.parse(name)
    except ValueError as wrong:
        raise ValueError(f"{where}: {wrong}") from None


def _tables(given: Mapping[str, Any]) -> TableNames:
    names = given.get("tables", {})
    if not isinstance(names, Mapping) or not set(names) <= set(TableNames.__dataclass_fields__):
        raise ValueError(f"tables may rename {', '.join(TableNames.__dataclass_fields__)}")
    return TableNames(**{key: str(value) for key, value in names.items()})
