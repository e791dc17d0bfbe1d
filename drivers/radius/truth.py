"""What the rows mean: pure. The access on record, whether live sessions obey it, and what stands in the way.

How a session that has the former access is known. Best by Class: the reply of each group of ours carries its own
Class, the NAS echoes it in accounting (RFC 2865, 5.25), radacct keeps it; so radacct says what a session was authorised
with, whatever was acknowledged since. Where radacct.class is not recorded, by order: a session whose row is not newer
than the change logged in before it. That leaves one gap, a login answered before the change whose accounting starts
after it, which only Class closes; check() says so.

A CoA changes a session without a new row, so order can't show its effect: such a session is UNKNOWN, honestly, until
it ends, unless the NAS reports the Class of the CoA in its Interim-Updates and radacct.class is refreshed by them.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from drivers.radius.profile import Way
from drivers.radius.refusals import Refusals
from drivers.radius.rows import Customer, GroupRow, MarkRow, Session
from drivers.radius.settings import Rung, Settings
from enforcement.access import Access, Kind, least, slowest
from enforcement.entries import Mark
from enforcement.observed import Live, Seen


@dataclass(frozen=True, slots=True)
class Meaning:
    """What rows are read by. `classes` maps a Class to the groups of ours whose reply carries it.

    `disowned` are sessions of which a NAS said that it has no such session, and radacct's last word of them when it
    first did: a later word proves that the session lives. `redialling` are customers whose session was ended a moment
    ago so that they be restricted, and who may have been let in again with that since.
    """

    settings: Settings
    installation: str
    classes: Mapping[bytes, frozenset[str]]
    disowned: Mapping[int, str] = field(default_factory=dict)
    redialling: frozenset[str] = frozenset()
    refusals: Refusals = field(default_factory=Refusals)
    """What the operator's own groups refuse."""

    @property
    def aside(self) -> frozenset[str]:
        """Groups that are no plan: ours, old suspension groups, and those that refuse logins."""
        groups = self.settings.groups
        return frozenset({*groups.ours, *groups.obstructing, *self.refusals.every, *self.refusals.some})


@dataclass(frozen=True, slots=True)
class Finding:
    """One live session against the rows. `to_tell`: it has not taken the present rows, as far as can be known."""

    session: Session
    live: Live
    to_tell: bool
    before: Rung | None
    """What it has now, where its Class says so."""
    disowned: bool = False
    """The NAS that was asked has no such session, and radacct holds it open: gone, or of another NAS. It is asked again
    whenever there is occasion, for a NAS may know its sessions again; what it says counts for no more."""


def is_ours(text: str, installation: str) -> Mark | None:
    """The mark, if it is this installation's."""
    mark = Mark.parse(text)
    return mark if mark is not None and mark.installation == installation else None


def active_marks(customer: Customer, meaning: Meaning) -> list[MarkRow]:
    """Our marks whose radusergroup row is there."""
    there = {row.group for row in customer.groups if row.priority == meaning.settings.priority}
    return [row for row in customer.marks if row.group in there and is_ours(row.mark, meaning.installation)]


def bereft_marks(customer: Customer, meaning: Meaning) -> list[MarkRow]:
    """Our marks whose radusergroup row somebody has deleted."""
    there = {row.group for row in customer.groups}
    ours = (row for row in customer.marks if is_ours(row.mark, meaning.installation))
    return [row for row in ours if row.group and row.group not in there]


def access_of(customer: Customer, meaning: Meaning) -> Access:
    """The access that our rows impose."""
    return rung_of(customer, meaning)[0]


def rung_of(customer: Customer, meaning: Meaning) -> Rung:
    """What our rows impose. A group that the settings no longer name counts as the least access: it restricts, and
    whatever is decided then rewrites it."""
    known = meaning.settings.groups.gives
    return _lowest([known.get(row.group, (Access.BLOCKED, None)) for row in active_marks(customer, meaning)])


def _lowest(rungs: Sequence[Rung]) -> Rung:
    access = least(Kind.INTERNET, (each for each, _ in rungs))
    return access, slowest(rate for each, rate in rungs if each is access)


def plan_of(customer: Customer, meaning: Meaning) -> str | None:
    """The group of the customer's plan: the first by priority that is neither ours nor suspends."""
    aside = meaning.aside
    return next((row.group for row in customer.groups if row.group not in aside), None)


def seen(customer: Customer, meaning: Meaning) -> Seen | None:
    """What is to be said of a customer; None where nothing is ours, in the way, or live with former access."""
    access, rate = rung_of(customer, meaning)
    marks = tuple(mark for row in active_marks(customer, meaning) if (mark := is_ours(row.mark, meaning.installation)))
    found = Seen(access, _live(customer, meaning, access), marks, tuple(obstructions(customer, meaning)), rate)
    nothing = access is Access.FULL and not found.obstructions and found.live is Live.APPLIES
    return None if nothing else found


def _live(customer: Customer, meaning: Meaning, access: Access) -> Live:
    if access is not Access.FULL and beside_ours(customer, meaning):
        return Live.UNKNOWN
    found = {finding.live for finding in findings(customer, meaning)}
    if not found and access is Access.FULL:
        return Live.UNKNOWN if customer.username in meaning.redialling else Live.APPLIES
    if not found:
        return Live.OFFLINE
    return next(live for live in (Live.STALE, Live.UNKNOWN, Live.APPLIES) if live in found)


def findings(customer: Customer, meaning: Meaning) -> list[Finding]:
    """Each live session against the rows as they are."""
    return [_finding(session, customer, meaning) for session in _current(customer, meaning)]


def _current(customer: Customer, meaning: Meaning) -> list[Session]:
    """The sessions that may be live: all of them, for a customer may have several lines, links of one line, or a
    session for IPv6 beside that for IPv4. Passed over are rows that a NAS or a move to another NAS left open behind a
    newer session of the line: disowned, silent for long, or of a NAS that can't be asked. Without such a newer one a
    row counts until it is both: a NAS that has no such session may be another than that which has it."""
    newest = {_line(session): session.id for session in customer.sessions}
    return [one for one in customer.sessions if not _is_left_behind(one, newest[_line(one)] == one.id, meaning)]


def _is_left_behind(session: Session, is_newest: bool, meaning: Meaning) -> bool:
    disowned = _is_disowned(session, meaning)
    if is_newest:
        return disowned and session.silent
    return disowned or session.silent or _cannot_be_asked(session, meaning)


def _is_disowned(session: Session, meaning: Meaning) -> bool:
    """Whether its NAS said that it has no such session, and nothing was heard of it since."""
    return meaning.disowned.get(session.id) == session.updated


def _line(session: Session) -> str:
    """Without a Calling-Station-Id every session is a line of its own."""
    return session.calling or session.session_id


def _cannot_be_asked(session: Session, meaning: Meaning) -> bool:
    nas = meaning.settings.nases.get(session.nas_ip)
    return nas is None or nas.way is Way.NONE


def _finding(session: Session, customer: Customer, meaning: Meaning) -> Finding:
    expected = {row.group for row in active_marks(customer, meaning)}
    began_under = meaning.classes.get(session.class_ or b"", frozenset())
    gives = meaning.settings.groups.gives
    before = _lowest([gives[group] for group in began_under]) if began_under else None
    if _obeys(session, customer, meaning, expected, began_under):
        return Finding(session, Live.APPLIES, False, before)
    if _is_disowned(session, meaning):
        return Finding(session, Live.UNKNOWN, True, before, disowned=True)
    lines = [row for row in customer.marks if is_ours(row.mark, meaning.installation)]
    told = bool(lines) and all(row.told for row in lines) and not _shows_coa(session, meaning)
    live = Live.UNKNOWN if told or session.silent else Live.STALE
    return Finding(session, live, not told, before)


def _obeys(
    session: Session, customer: Customer, meaning: Meaning, expected: set[str], began_under: frozenset[str]
) -> bool:
    if _changed_unseen(session, customer, meaning):
        return False
    if began_under:
        return bool(began_under & (expected or _first_read(customer)))
    shows: frozenset[str] = frozenset().union(*meaning.classes.values())
    if expected & shows:
        return False
    if not expected and shows.issuperset(meaning.settings.groups.ours):
        return True
    return not _precedes(session, customer, meaning)


def _first_read(customer: Customer) -> set[str]:
    """The groups that a login is given now. Where no mark of ours governs, a session that has what somebody else's row
    gives, another installation's or a hand's, obeys the tables: to end it would only bring it back the same."""
    first = min((row.priority for row in customer.groups), default=None)
    return {row.group for row in customer.groups if row.priority == first}


def _precedes(session: Session, customer: Customer, meaning: Meaning) -> bool:
    """Whether the session began before a change of ours that it has to take."""
    return any(
        row.sessions_until is None or session.id <= row.sessions_until
        for row in customer.marks
        if is_ours(row.mark, meaning.installation)
    )


def _changed_unseen(session: Session, customer: Customer, meaning: Meaning) -> bool:
    """Whether the session's Class is history: its NAS was sent a CoA since, and does not report what it did."""
    return _by_coa(session, meaning) and not _shows_coa(session, meaning) and _precedes(session, customer, meaning)


def must_be_told(finding: Finding, customer: Customer, meaning: Meaning) -> bool:
    """Whether a change just made must be told to a session, even one whose Class seems to obey: the report of an
    earlier CoA may still be on its way."""
    late = _by_coa(finding.session, meaning) and _precedes(finding.session, customer, meaning)
    return finding.to_tell or late


def _by_coa(session: Session, meaning: Meaning) -> bool:
    nas = meaning.settings.nases.get(session.nas_ip)
    return nas is not None and nas.way is Way.COA


def _shows_coa(session: Session, meaning: Meaning) -> bool:
    nas = meaning.settings.nases.get(session.nas_ip)
    return nas is not None and (nas.way is not Way.COA or nas.coa_class) and meaning.settings.session_class


def beside_ours(customer: Customer, meaning: Meaning) -> list[GroupRow]:
    """Rows of others at our priority or before it: FreeRADIUS might read them in our row's stead."""
    own = {row.group for row in active_marks(customer, meaning)}
    limit = meaning.settings.priority
    return [row for row in customer.groups if row.priority <= limit and (row.group not in own or row.priority < limit)]


def obstructions(customer: Customer, meaning: Meaning) -> list[str]:
    """What is not ours and restricts the customer, in words."""
    found = ["radcheck refuses every login (Auth-Type := Reject)"] if customer.rejected else []
    groups = meaning.settings.groups
    own = {row.group for row in active_marks(customer, meaning)}
    last = _last_read(customer, meaning)
    for row in customer.groups:
        where = f"radusergroup has group {row.group} at priority {row.priority}"
        if row.group in groups.ours and not (row.group in own and row.priority == meaning.settings.priority):
            found.append(f"{where} without a mark of this installation{_other_mark(customer, row)}")
        elif row.group in groups.obstructing and row.priority <= last:
            found.append(f"{where}, an old suspension group")
        elif row.group in meaning.refusals.every and row.group not in groups.ours and row.priority <= last:
            found.append(f"{where}, which refuses every login (radgroupcheck has Auth-Type := Reject)")
    return found


def _last_read(customer: Customer, meaning: Meaning) -> float:
    """The priority at which FreeRADIUS stops, were ours not there: that of the first plan that does not fall through.
    Rows of equal priority come in no order, so that any of them may be read."""
    going_on = meaning.aside | meaning.refusals.passed
    return min((row.priority for row in customer.groups if row.group not in going_on), default=math.inf)


def _other_mark(customer: Customer, row: GroupRow) -> str:
    other = next((mark.mark for mark in customer.marks if mark.group == row.group), None)
    return f" (marked {other})" if other else ""
