"""Single values out of the agent's settings file: a wrong one raises ValueError with a sentence that names its key."""

from collections.abc import Mapping, Sequence
from typing import Any

from enforcement.access import LADDERS, Access, Kind


def only_known(where: str, given: Mapping[str, Any], keys: frozenset[str], secret: str) -> None:
    """`where` stands before the key in the sentence; `secret` may be given in any of its ways."""
    secrets = {f"{secret}_{way}" for way in ("file", "env", "credential")} | {secret}
    unknown = sorted(set(given) - keys - secrets)
    if unknown:
        raise ValueError(f"{where}{unknown[0]} is no setting of the radius driver; known are {', '.join(sorted(keys))}")


def internet_access(where: str, name: object) -> Access:
    ladder = LADDERS[Kind.INTERNET]
    found = next((access for access in ladder if access.value == name), None)
    if found is None:
        raise ValueError(f"{where}.{name} is no access of internet; there are {', '.join(ladder)}")
    return found


def list_of(given: Mapping[str, Any], key: str, default: Sequence[Any]) -> Sequence[Any]:
    value: Any = given.get(key, default)
    require(isinstance(value, Sequence) and not isinstance(value, str), f"{key} must be a list")
    return list(value)


def number(given: Mapping[str, Any], key: str, default: int, low: int = 0, high: int = 2**31) -> int:
    value = given.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise ValueError(f"{key} must be a whole number of at least {low}, not {value!r}")
    return value


def seconds(given: Mapping[str, Any], key: str, default: float) -> float:
    value = given.get(key, default)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value <= 60:
        raise ValueError(f"{key} must be more than 0 and at most 60 seconds, not {value!r}")
    return float(value)


def switch(given: Mapping[str, Any], key: str, *, default: bool = False) -> bool:
    value: Any = given.get(key, default)
    require(isinstance(value, bool), f"{key} must be true or false, not {value!r}")
    return bool(value)


def require(fine: bool, otherwise: str) -> None:
    if not fine:
        raise ValueError(otherwise)
