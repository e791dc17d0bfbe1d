"""Which key does a person at the site mean? With its type, or bare, as the NOC's verbs take it: a phone number with
spaces or without its country, a user name. The agent knows the keys of its devices, and no others."""

import json
import re
from collections.abc import Iterable

from agents.memory import Memory
from enforcement.keys import Key, KeyType

_NATIONAL = re.compile(r"[0-9]{7,14}")
"""A phone number without its country: fewer digits would name too many."""

_EXACT = """
SELECT value FROM json_each(?)
WHERE EXISTS (SELECT 1 FROM entries WHERE key = value) OR EXISTS (SELECT 1 FROM pins WHERE key = value)
"""
_ENDING = "SELECT key FROM entries WHERE key LIKE ?1 UNION SELECT key FROM pins WHERE key LIKE ?1"


def key_written(memory: Memory, text: str) -> Key:
    """The one key that `text` names. Raises ValueError saying what was wrong, or which keys it may be."""
    type, colon, _ = text.partition(":")
    if colon and type in set(KeyType):
        return Key.parse(text)
    found = _exactly(memory, text) or _by_its_end(memory, text)
    if len(found) > 1:
        raise ValueError(f"{text!r} may be any of {', '.join(found)}: write one of them")
    # What is not known here is not guessed at, unless it can only be a phone number.
    return Key.parse(found[0] if found else _typed(text))


def _typed(text: str) -> str:
    bare = Key.of(KeyType.MSISDN, text) if text.strip().startswith("+") else None
    return str(bare) if bare else text


def _exactly(memory: Memory, text: str) -> list[str]:
    meant = json.dumps([key for type in KeyType if (key := _key(type, text))])
    return _listed(memory.rows(_EXACT, meant))


def _by_its_end(memory: Memory, text: str) -> list[str]:
    number = re.sub(r"[ ().\-]", "", text)
    if not _NATIONAL.fullmatch(number):
        return []
    return _listed(memory.rows(_ENDING, f"{KeyType.MSISDN}:+%{number}"))


def _listed(rows: Iterable[tuple[str]]) -> list[str]:
    return sorted({key for (key,) in rows})


def _key(type: str, value: str) -> str:
    try:
        return str(Key.of(type, value))
    except ValueError:
        return ""
