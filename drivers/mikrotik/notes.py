"""Notes: what stands in the comment of a thing that is ours: the mark, then what must not be lost.

`grifo:v1:isp:svc7:b7 {"key":"username:ana"}` on an entry that follows a customer's address;
`grifo:v1:isp:svc7:b7 {"was":{"comment":"Ana","profile":"plan-100"}}` where a value was replaced: mark and former value
are one write, so that no crash can part them. ASCII, whatever the former values were: RouterOS keeps bytes.
"""

import json
from collections.abc import Mapping
from typing import NamedTuple

from enforcement.entries import Mark
from enforcement.keys import Key

_OURS = "grifo:"


class Note(NamedTuple):
    """A comment of ours. `key` is whom an entry follows; `was` the former values, by property."""

    mark: Mark
    key: Key | None = None
    was: Mapping[str, str] | None = None


def written(note: Note) -> str:
    """The comment."""
    more: dict[str, object] = {}
    if note.key is not None:
        more["key"] = str(note.key)
    if note.was is not None:
        more["was"] = dict(sorted(note.was.items()))
    return f"{note.mark} {json.dumps(more, separators=(',', ':'))}" if more else str(note.mark)


def note_in(comment: str) -> Note | None:
    """The note in a comment; None where the comment is somebody else's, or was tampered with."""
    if _OURS not in comment:
        return None
    text, _, rest = comment.strip().partition(" ")
    mark = Mark.parse(text)
    if mark is None or not rest:
        return Note(mark) if mark is not None else None
    try:
        more = json.loads(rest)
        key = Key.parse(more["key"]) if "key" in more else None
        was = {str(name): str(value) for name, value in more["was"].items()} if "was" in more else None
    except (ValueError, TypeError, AttributeError):
        return None
    return Note(mark, key, was)
