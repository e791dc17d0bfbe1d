"""Query words: which items a `print` returns (manual, API, "Queries").

A query is evaluated for each item on a stack of booleans, at first an endless supply of true; an item passes when no
false is left on it. Regular expressions do not exist here.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lab.routeros.traps import BAD_ARGUMENT, Trap

Row = Mapping[str, str]
Step = Callable[[Row, list[bool]], None]
Query = Callable[[Row], bool]

_BOOLEANS = {"yes": "true", "no": "false"}
_OPERATIONS = re.compile(r"(\d+)|([!&|.])")


def compile_query(words: Sequence[str]) -> Query | None:
    """A predicate for `words` (each with its question mark); None where there are none. Raises Trap."""
    steps = [_step(word[1:]) for word in words]
    if not steps:
        return None

    def passes(row: Row) -> bool:
        stack: list[bool] = []
        for step in steps:
            step(row, stack)
        return all(stack)

    return passes


def _step(word: str) -> Step:
    if word.startswith("#"):
        return _operations(word[1:].replace(" ", ""))
    if word.startswith("-"):
        return _absent(word[1:])
    if word[:1] in ("<", ">"):
        return _ordered(word[0], *_pair(word[1:]))
    if "=" not in word[1:]:
        return _present(word.lstrip("="))
    return _equal(*_pair(word.removeprefix("=")))


def _pair(word: str) -> tuple[str, str]:
    name, _, value = word.partition("=")
    return name, value


def _present(name: str) -> Step:
    return lambda row, stack: stack.append(name in row)


def _absent(name: str) -> Step:
    return lambda row, stack: stack.append(name not in row)


def _equal(name: str, value: str) -> Step:
    """Booleans are shown as true and false; a person may ask for yes and no."""
    wanted = (value, _BOOLEANS.get(value, value))
    return lambda row, stack: stack.append(row.get(name) in wanted)


def _ordered(sign: str, name: str, value: str) -> Step:
    """By number, by address, else by text: the manual says only "less than"."""
    kind: Callable[[str], Any] = next((kind for kind in (int, ipaddress.ip_address) if _is(kind, value)), str)
    wanted = kind(value)

    def step(row: Row, stack: list[bool]) -> None:
        have = row.get(name)
        if have is None:
            stack.append(False)
        elif kind is str or not _is(kind, have):
            stack.append(have < value if sign == "<" else value < have)
        else:
            stack.append(bool(kind(have) < wanted if sign == "<" else wanted < kind(have)))

    return step


def _is(kind: Callable[[str], Any], value: str) -> bool:
    try:
        kind(value)
    except ValueError:
        return False
    return True


def _operations(text: str) -> Step:
    """`?#` and its operations, from left to right; an index at the end of the word replaces all values by that one."""
    if _OPERATIONS.sub("", text):
        raise Trap(f"invalid query operation {text}", BAD_ARGUMENT)
    tokens = [(found[1], found[2]) for found in _OPERATIONS.finditer(text)]

    def step(_: Row, stack: list[bool]) -> None:
        for position, (index, sign) in enumerate(tokens):
            if not index:
                after_index = position > 0 and bool(tokens[position - 1][0])
                _apply(sign, stack, after_index)
                continue
            value = stack[-1 - int(index)] if int(index) < len(stack) else True
            if position == len(tokens) - 1:
                stack.clear()
            stack.append(value)

    return step


def _apply(sign: str, stack: list[bool], after_index: bool) -> None:
    if sign == "!":
        stack.append(not _pop(stack))
    elif sign == ".":
        if not after_index:
            stack.append(stack[-1] if stack else True)
    else:
        first, second = _pop(stack), _pop(stack)
        stack.append((first and second) if sign == "&" else (first or second))


def _pop(stack: list[bool]) -> bool:
    return stack.pop() if stack else True
