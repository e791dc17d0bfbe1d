"""How entries and reports are written down: an entry as a row of the memory's file, a report as the text that is sent.

What a file holds was read from the controller's words once, and checked then: it is not parsed and normalised again at
each sweep of a hundred thousand.
"""

import json
from dataclasses import fields
from typing import Any

from enforcement.access import Access, Kind, Rate, Reason
from enforcement.entries import BindingId, Entry, ServiceId
from enforcement.keys import Key, KeyType
from enforcement.wire import EntryReport, Unreadable

COLUMNS = (
    "binding",
    "key",
    "service",
    "kind",
    "access",
    "reasons",
    "rate",
    "changed_revision",
    "ended",
    "first",
)
"""Of the memory's table `entries`, in the order of `row_of`."""

Row = tuple[Any, ...]

_HIGHEST = 2**63 - 1
"""SQLite's largest number."""

_FIELDS = tuple(each.name for each in fields(EntryReport))


def row_of(entry: Entry) -> Row:
    """An entry's row. Raises Unreadable for ids that are no text and a revision that is no row's."""
    if not all(isinstance(each, str) and each.isprintable() for each in (entry.binding, entry.service)):
        raise Unreadable(f"entry {entry.binding!r}: its ids are not of printable characters")
    if not 0 <= entry.changed_revision <= _HIGHEST:
        raise Unreadable(f"entry {entry.binding}: {entry.changed_revision} is no revision")
    return (
        entry.binding,
        str(entry.key),
        entry.service,
        entry.kind.value,
        entry.access.value,
        " ".join(entry.reasons),
        "" if entry.rate is None else str(entry.rate),
        entry.changed_revision,
        entry.ended,
        entry.first,
    )


def entry_of(row: Row) -> Entry:
    """The entry of a row that `row_of` made."""
    binding, key, service, kind, access, reasons, rate, changed_revision, ended, first = row
    return Entry(
        binding=BindingId(binding),
        service=ServiceId(service),
        kind=Kind(kind),
        key=stored_key(key),
        access=Access(access),
        reasons=tuple(map(Reason, reasons.split())),
        changed_revision=changed_revision,
        ended=bool(ended),
        first=bool(first),
        rate=Rate.parse(rate) if rate else None,
    )


def stored_key(text: str) -> Key:
    """A key that was written by `str` of one: it needs no normalising again."""
    type, _, value = text.partition(":")
    return Key(KeyType(type), value)


def written(report: EntryReport) -> str:
    """A report in JSON. Thousands are sent in a bulk: `dataclasses.asdict` would copy each of them deeply."""
    return json.dumps({name: getattr(report, name) for name in _FIELDS})


def report_of(text: str) -> EntryReport:
    """The report that was `written`."""
    return EntryReport(**json.loads(text))
