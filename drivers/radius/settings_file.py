"""Reads the driver's settings out of the agent's settings file: every fault gets a sentence that names its key."""

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from drivers.radius.attributes import KNOWN
from drivers.radius.settings import IDENTIFIERS, Groups, Nas, Settings, TableNames, Way
from drivers.secret import secret_from
from enforcement.access import LADDERS, Access, Kind

GROUP_LENGTH = 64
"""radusergroup.groupname is varchar(64) in FreeRADIUS's MySQL and SQLite schemas."""
CAN_IDENTIFY = frozenset({*IDENTIFIERS, "Framed-IP-Address", "Calling-Station-Id", "NAS-Identifier"})
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
    }
)
_NAS_KEYS = frozenset(
    {
        "address",
        "nasipaddress",
        "port",
        "live",
        "identifiers",
        "nas_identifier",
        "changes",
        "coa_class",
        "in_flight",
        "timeout_seconds",
        "tries",
    }
)


def settings_from(given: Mapping[str, Any]) -> Settings:
    """Validated settings. Raises ValueError naming the key and what was wrong."""
    _only_known("", given, _KEYS, "database_password")
    nases = [_nas(index, one) for index, one in enumerate(_list(given, "nases", ()), start=1)]
    twice = {nas.nas_ip for nas in nases if sum(other.nas_ip == nas.nas_ip for other in nases) > 1}
    if twice:
        raise ValueError(f"nases: {', '.join(sorted(twice))} stands there more than once")
    return Settings(
        database=_database(given),
        groups=_groups(given),
        nases={nas.nas_ip: nas for nas in nases},
        tables=_tables(given),
        priority=_number(given, "priority", 0, low=-(2**31)),
        interim_s=_number(given, "interim_seconds", 0),
        session_class=_switch(given, "session_class"),
        read_back_s=float(_number(given, "read_back_seconds", 5)),
    )


def _only_known(where: str, given: Mapping[str, Any], keys: frozenset[str], secret: str) -> None:
    secrets = {f"{secret}_{way}" for way in ("file", "env", "credential")} | {secret}
    unknown = sorted(set(given) - keys - secrets)
    if unknown:
        raise ValueError(f"{where}{unknown[0]} is no setting of the radius driver; known are {', '.join(sorted(keys))}")


def _database(given: Mapping[str, Any]) -> URL:
    text = given.get("database")
    _require(isinstance(text, str), "database must be a URL such as postgresql+psycopg://grifo@db.example/radius")
    try:
        url = make_url(str(text))
    except ArgumentError:
        raise ValueError(
            "database is no SQLAlchemy URL; write it like postgresql+psycopg://grifo@db.example/radius"
        ) from None
    if url.password is not None:
        raise ValueError("database must not hold the password; give database_password_file instead")
    if any(key.startswith("database_password") for key in given):
        url = url.set(password=secret_from(given, "database_password").reveal())
    return url


def _groups(given: Mapping[str, Any]) -> Groups:
    by_access = _accesses("groups", given.get("groups"))
    if not by_access:
        raise ValueError('groups must name a group for at least one access, e.g. groups = { portal = "grifo-portal" }')
    plans = given.get("groups_for_plan", {})
    _require(isinstance(plans, Mapping), "groups_for_plan must be a table of plan groups")
    by_plan = {str(plan): _accesses(f"groups_for_plan.{plan}", one) for plan, one in plans.items()}
    obstructing = frozenset(str(name) for name in _list(given, "obstructing_groups", ()))
    groups = Groups(by_access, by_plan, obstructing)
    _check_groups(groups)
    return groups


def _check_groups(groups: Groups) -> None:
    meanings: dict[str, Access] = {}
    for variants in (groups.by_access, *groups.by_plan.values()):
        for access, group in variants.items():
            if meanings.setdefault(group, access) is not access:
                raise ValueError(f"groups: {group} stands for both {meanings[group]} and {access}")
    for plan, variants in groups.by_plan.items():
        lost = set(variants) - set(groups.by_access)
        if lost:
            raise ValueError(f"groups_for_plan.{plan}: {', '.join(lost)} has no group under groups for other plans")
    both = set(meanings) & (groups.obstructing | set(groups.by_plan))
    if both:
        raise ValueError(f"groups: {', '.join(sorted(both))} can't be ours and a plan or an old suspension group too")


def _accesses(where: str, given: Any) -> dict[Access, str]:
    _require(isinstance(given, Mapping), f"{where} must be a table of access to group name")
    found: dict[Access, str] = {}
    for name, group in given.items():
        access = _internet_access(where, name)
        if access is Access.FULL or not isinstance(group, str) or not 0 < len(group) <= GROUP_LENGTH:
            raise ValueError(f"{where}.{name} must name a group of 1 to {GROUP_LENGTH} characters below full")
        found[access] = group
    return found


def _internet_access(where: str, name: object) -> Access:
    ladder = LADDERS[Kind.INTERNET]
    found = next((access for access in ladder if access.value == name), None)
    if found is None:
        raise ValueError(f"{where}.{name} is no access of internet; there are {', '.join(ladder)}")
    return found


def _nas(index: int, given: Any) -> Nas:
    where = f"nases[{index}]."
    _require(isinstance(given, Mapping), f"nases[{index}] must be a table")
    _only_known(where, given, _NAS_KEYS, "secret")
    try:
        address = str(ipaddress.ip_address(given.get("address", "")))
        nas_ip = str(ipaddress.ip_address(given.get("nasipaddress", address)))
        secret = secret_from(given, "secret")
        way = _way(given.get("live", Way.DISCONNECT))
        return Nas(
            address=address,
            nas_ip=nas_ip,
            secret=secret,
            port=_number(given, "port", 3799, low=1, high=65535),
            way=way,
            identifiers=_identifiers(given),
            nas_identifier=str(given.get("nas_identifier", "")),
            changes=_changes(given.get("changes", {})),
            coa_class=_switch(given, "coa_class"),
            in_flight=_number(given, "in_flight", 64, low=1, high=256),
            timeout_s=_seconds(given, "timeout_seconds", 2.0),
            tries=_number(given, "tries", 3, low=1, high=10),
        )
    except ValueError as wrong:
        raise ValueError(f"{where.rstrip('.')}: {wrong}") from None


def _way(given: object) -> Way:
    found = next((way for way in Way if way.value == given), None)
    if found is None:
        raise ValueError(f"live must be one of {', '.join(Way)}, not {given!r}")
    return found


def _identifiers(given: Mapping[str, Any]) -> tuple[str, ...]:
    names = tuple(str(name) for name in _list(given, "identifiers", IDENTIFIERS))
    wrong = [name for name in names if name not in CAN_IDENTIFY]
    if wrong or not set(names) - {"NAS-IP-Address", "NAS-Identifier"}:
        raise ValueError(f"identifiers must name a session by some of {', '.join(sorted(CAN_IDENTIFY))}")
    return names


def _changes(given: Any) -> dict[Access, tuple[str, ...]]:
    _require(isinstance(given, Mapping), "changes must be a table of access to attribute names")
    found = {_internet_access("changes", name): tuple(str(one) for one in names) for name, names in given.items()}
    unknown = sorted({name for names in found.values() for name in names} - KNOWN)
    if unknown:
        raise ValueError(
            f"changes: {unknown[0]} is not in the driver's dictionary; known are {', '.join(sorted(KNOWN))}"
        )
    return found


def _tables(given: Mapping[str, Any]) -> TableNames:
    names = given.get("tables", {})
    if not isinstance(names, Mapping) or not set(names) <= set(TableNames.__dataclass_fields__):
        raise ValueError(f"tables may rename {', '.join(TableNames.__dataclass_fields__)}")
    return TableNames(**{key: str(value) for key, value in names.items()})


def _list(given: Mapping[str, Any], key: str, default: Sequence[Any]) -> Sequence[Any]:
    value: Any = given.get(key, default)
    _require(isinstance(value, Sequence) and not isinstance(value, str), f"{key} must be a list")
    return list(value)


def _number(given: Mapping[str, Any], key: str, default: int, low: int = 0, high: int = 2**31) -> int:
    value = given.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise ValueError(f"{key} must be a whole number of at least {low}, not {value!r}")
    return value


def _seconds(given: Mapping[str, Any], key: str, default: float) -> float:
    value = given.get(key, default)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= 60:
        raise ValueError(f"{key} must be more than 0 and at most 60 seconds, not {value!r}")
    return float(value)


def _switch(given: Mapping[str, Any], key: str) -> bool:
    value: Any = given.get(key, False)
    _require(isinstance(value, bool), f"{key} must be true or false, not {value!r}")
    return bool(value)


def _require(fine: bool, otherwise: str) -> None:
    if not fine:
        raise ValueError(otherwise)
