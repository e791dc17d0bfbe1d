"""The API's sentences for a person at the command: they name its options and verbs, not fields and paths."""

import re

_VERBS = (
    (re.compile(r"with GET /v1/find\?key=(\S+?)(?=[.;]?(\s|$))"), r"with: grifo why \1"),
    (re.compile(r"GET /v1/devices lists them"), "grifo device list shows them"),
    (re.compile(r"GET /v1/brakes lists them"), "grifo brake list shows them"),
    (re.compile(r"GET /v1/conflicts lists them"), "grifo conflict list shows them"),
    (re.compile(r"GET /v1/holds lists them"), "grifo hold list shows them"),
    (re.compile(r"GET /v1/outages lists them"), "grifo outage list shows them"),
    (re.compile(r"GET /v1/numbers lists those that were"), "grifo number list shows those that were"),
)

_ARGUMENTS = {"mode": "MODE"}


def for_a_person(words: str, verb: str) -> str:
    """A problem's words, where the last part of the path that was asked is `verb`: only suspend has an `--until`."""
    for pattern, told in _VERBS:
        words = pattern.sub(told, words)
    until = "--until" if verb in ("suspend", "holds", "outages") else "--for"
    options = _ARGUMENTS | {"until": until}
    return re.sub(r"\b(?:body|query)\.(\w+)", lambda found: options.get(found[1], f"--{found[1]}"), words)
