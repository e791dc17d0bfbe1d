"""Which rows to add and to take away for a slice of changes: pure, one customer at a time, idempotent.

A customer is touched only where our row would surely be the one that FreeRADIUS reads, and no row is taken away that
somebody else's mark, or no mark, claims.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from drivers.radius.rows import Customer, GroupRow, MarkRow
from drivers.radius.truth import Meaning, active_marks, beside_ours, is_ours, plan_of
from enforcement.access import Access
from enforcement.changes import Change, Refresh, Remove, Restore, Restrict, key_of

DONE_WITH = ""
"""The group of a mark whose row is gone and whose sessions are still to be told."""


@dataclass(slots=True)
class RowChanges:
    """What one transaction writes; each item is one row. `refused` says why a change was left out, by its place."""

    add_groups: list[tuple[str, str]] = field(default_factory=list)
    drop_groups: list[tuple[str, str]] = field(default_factory=list)
    put_marks: list[tuple[str, MarkRow]] = field(default_factory=list)
    drop_marks: list[tuple[str, str]] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)


def compose(slice: Sequence[Change], customers: Mapping[str, Customer], meaning: Meaning) -> RowChanges:
    """The rows that make `customers` what `slice` wants, each change seeing what those before it did."""
    now = dict(customers)
    changes = RowChanges()
    for place, change in enumerate(slice):
        username = key_of(change).value
        customer = now[username]
        if isinstance(change, Refresh):
            continue
        wanted = _wanted_group(change, customer, meaning)
        if wanted is not None and (wrong := _in_the_way(change, customer, wanted, meaning)):
            changes.refused[place] = wrong
            continue
        now[username] = _with(customer, str(change.mark), wanted, meaning)
    for username, before in customers.items():
        _difference(before, now[username], meaning, changes)
    return changes


def _wanted_group(change: Restrict | Restore | Remove, customer: Customer, meaning: Meaning) -> str | None:
    if isinstance(change, Remove) or change.entry.access is Access.FULL:
        return None
    return meaning.settings.groups.of((change.entry.access, change.entry.rate), plan_of(customer, meaning))


def _in_the_way(change: Change, customer: Customer, group: str, meaning: Meaning) -> str:
    """Why the row must not be written. A restore goes beside another's row, but never into it: our mark would claim
    a row that is not ours."""
    for row in beside_ours(customer, meaning):
        if isinstance(change, Restrict) or row.group == group:
            return (
                f"radusergroup has group {row.group} of somebody else's for {customer.username} at priority"
                f" {row.priority}: ours, {group} at priority {meaning.settings.priority}, would not surely be read"
            )
    return ""


def _with(customer: Customer, mark: str, group: str | None, meaning: Meaning) -> Customer:
    """The customer after one change: `mark` stands for `group`, or for nothing where it is None."""
    present = next((row for row in customer.marks if row.mark == mark), None)
    active = {row.mark for row in active_marks(customer, meaning)}
    if group is not None and present is not None and present.group == group and mark in active:
        return customer
    marks = [row for row in customer.marks if row.mark != mark]
    if group is not None:
        marks = [row for row in marks if row.group != DONE_WITH] + [MarkRow(mark, group, None, False)]
    elif present is not None and customer.sessions and mark in active:
        marks.append(MarkRow(mark, DONE_WITH, None, False))
    elif present is not None and present.group == DONE_WITH and customer.sessions:
        marks.append(present)
    claiming = active | {mark} if group is not None else active - {mark}
    return replace(customer, marks=tuple(marks), groups=_groups_after(customer, marks, active, claiming, meaning))


def _groups_after(
    customer: Customer, marks: list[MarkRow], active: set[str], claiming: set[str], meaning: Meaning
) -> tuple[GroupRow, ...]:
    """Our rows follow the marks in `claiming`; a row that another installation's mark names too stays as it is."""
    at = meaning.settings.priority
    were = {row.group for row in customer.marks if row.mark in active}
    wanted = {row.group for row in marks if row.mark in claiming}
    foreign = {row.group for row in marks if is_ours(row.mark, meaning.installation) is None}
    kept = [row for row in customer.groups if row.priority != at or row.group not in were - wanted - foreign]
    there = {row.group for row in kept if row.priority == at}
    return (*(GroupRow(group, at) for group in sorted(wanted - there)), *kept)


def _difference(before: Customer, after: Customer, meaning: Meaning, changes: RowChanges) -> None:
    at = meaning.settings.priority
    had = {row.group for row in before.groups if row.priority == at}
    has = {row.group for row in after.groups if row.priority == at}
    changes.drop_groups += [(before.username, group) for group in sorted(had - has)]
    changes.add_groups += [(before.username, group) for group in sorted(has - had)]
    kept = {row.mark for row in after.marks}
    changes.drop_marks += [(before.username, row.mark) for row in before.marks if row.mark not in kept]
    changes.put_marks += [(before.username, row) for row in after.marks if row not in before.marks]
