"""Telling live sessions: which packet says it to which NAS, and what the NAS's answer is worth. Pure.

Error-Causes (RFC 5176, 3.5) fall into four: the NAS has no such session (503), it is short of something and must be
left alone for a while (506), it is authorising anew by itself (507), and everything else is a fault of configuration
that repeating does not mend. Silence is none of them: nothing is known. Nor is 503 a proof: it may be the wrong NAS.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from pyrad.packet import CoAACK, CoANAK, CoARequest, DisconnectACK, DisconnectNAK, DisconnectRequest

from drivers.radius.attributes import Value, value_of
from drivers.radius.packets import Answer, Ask
from drivers.radius.profile import Passage, Way
from drivers.radius.reply import Replies
from drivers.radius.rows import Customer, Session
from drivers.radius.settings import Groups, Nas, Rung
from drivers.radius.truth import Finding
from enforcement.access import Access

FULL_CLASS = b"grifo-full"
"""Class of a CoA back to full where the plan's reply has none: a CoA can replace a Class, never take it away."""

SESSION_NOT_FOUND, BUSY, AUTHORISING_ANEW = 503, 506, 507
_WORDS = {
    401: "unsupported attribute",
    402: "missing attribute",
    403: "NAS identification mismatch",
    404: "invalid request",
    405: "unsupported service",
    407: "invalid attribute value",
    501: "administratively prohibited",
    502: "request not routable",
    503: "session context not found",
    504: "session context not removable",
    506: "resources unavailable",
    507: "request initiated",
    508: "several sessions match",
}


class Worth(Enum):
    """What an answer is worth."""

    TAKEN = auto()
    """Acknowledged: to be read back."""
    GONE = auto()
    """The NAS has no such session, which is no proof that the session is gone."""
    LATER = auto()
    """Not now, or nothing known: the effect stays owed."""
    REFUSED = auto()
    """A fault of configuration, to be reported."""


@dataclass(frozen=True, slots=True)
class Word:
    """An answer, judged; `detail` is for a person. `proven` is whether radacct will show the effect."""

    worth: Worth
    detail: str = ""
    proven: bool = True


@dataclass(frozen=True, slots=True)
class Move:
    """From which access to which; `before` holds all that the session may have now, none where nothing is known.

    `group` and `former` are the groups that stand for the two, empty where that is none of ours or not known.
    """

    before: frozenset[Access]
    after: Access
    group: str = ""
    former: str = ""


def move_of(before: frozenset[Rung], after: Rung, groups: Groups, plan: str | None) -> Move:
    """The move of a customer's session, with the groups that what it had and is to have stand for."""
    was = next(iter(before)) if len(before) == 1 else (Access.FULL, None)
    former = groups.of(was, plan) if was[0] in groups.by_access else ""
    group = groups.of(after, plan) if after[0] in groups.by_access else ""
    return Move(frozenset(access for access, _ in before), after[0], group, former)


def word_for(
    finding: Finding,
    customer: Customer,
    move: Move,
    nases: Mapping[str, Nas],
    replies: Replies,
) -> Ask | Word:
    """The request that tells one session, or why none can be sent."""
    session = finding.session
    nas = nases.get(session.nas_ip)
    if nas is None:
        return Word(Worth.REFUSED, f"NAS {session.nas_ip} of a live session is not in the settings' nases")
    if nas.way is Way.NONE:
        return Word(Worth.REFUSED, f"NAS {session.nas_ip} takes neither CoA nor Disconnect: it obeys at the next login")
    named = identification(nas, session)
    changes = _coa_changes(nas, customer, move, replies)
    if changes is None:
        return Ask(nas, DisconnectRequest, named)
    return Ask(nas, CoARequest, named + changes)


def identification(nas: Nas, session: Session) -> tuple[tuple[str, Value], ...]:
    """The attributes by which this NAS knows a session; those that radacct lacks are left out."""
    values = {
        "User-Name": session.username,
        "Acct-Session-Id": session.session_id,
        "NAS-IP-Address" if ":" not in session.nas_ip else "NAS-IPv6-Address": session.nas_ip,
        "NAS-Identifier": nas.nas_identifier,
        "Framed-IP-Address": session.framed_ip,
        "Calling-Station-Id": session.calling,
    }
    wanted = [*nas.identifiers, *(["NAS-IPv6-Address"] if "NAS-IP-Address" in nas.identifiers else [])]
    return tuple((name, values[name]) for name in wanted if values.get(name))


def _coa_changes(nas: Nas, customer: Customer, move: Move, replies: Replies) -> tuple[tuple[str, Value], ...] | None:
    """What a CoA carries; None where only a new login brings the whole change."""
    passage = nas.passage(move.before, move.after)
    reply = replies.of(customer)
    if passage is None or reply is None:
        return None
    try:
        changes = (*_given(passage, reply), *_fixed(passage, move))
    except ValueError:
        return None
    names = {name for name, _ in changes}
    if not names.issuperset(passage.reply):
        return None
    return (*changes, *(_class_of(reply) if nas.coa_class and "Class" not in names else ()))


def _given(passage: Passage, reply: list[tuple[str, str]]) -> list[tuple[str, Value]]:
    return [(name, value_of(name, text)) for name, text in reply if name in passage.reply]


def _fixed(passage: Passage, move: Move) -> list[tuple[str, Value]]:
    """Raises ValueError where a group is asked for that is not known: the Disconnect that is sent then needs none."""
    for place, group in (("{group}", move.group), ("{former}", move.former)):
        if not group and any(place in value for _, value in passage.fixed):
            raise ValueError(f"no group for {place}")
    return [(name, value_of(name, value.format(group=move.group, former=move.former))) for name, value in passage.fixed]


def _class_of(reply: list[tuple[str, str]]) -> tuple[tuple[str, Value], ...]:
    found = tuple(("Class", value_of("Class", text)) for name, text in reply if name == "Class")
    return found or (("Class", FULL_CLASS),)


def words_of(cause: int | None) -> str:
    """An Error-Cause for a person."""
    return f"{_WORDS.get(cause or 0, 'no cause that is known')} (Error-Cause {cause})"


def judged(ask: Ask, answer: Answer, heard_since: bool) -> Word:
    """What an answer is worth. `heard_since`: accounting has told of the session after its NAS had disowned it."""
    where = f"NAS {ask.nas.nas_ip}"
    asked, ack, nak = (
        ("Disconnect", DisconnectACK, DisconnectNAK) if ask.code == DisconnectRequest else ("CoA", CoAACK, CoANAK)
    )
    if answer.code is None:
        return Word(Worth.LATER, f"{where} did not answer the {asked}: down, or another secret, clock or firewall")
    if answer.code == ack:
        return Word(Worth.TAKEN, proven=ask.code == DisconnectRequest or ask.nas.coa_class)
    if answer.code != nak:
        return Word(
            Worth.LATER, f"{where} answered the {asked} with packet code {answer.code}, which is no answer to it"
        )
    cause = answer.error_cause
    detail = f"{where} refused the {asked}: {words_of(cause)}"
    if cause == SESSION_NOT_FOUND and heard_since:
        return Word(
            Worth.REFUSED,
            f"{where} says again that it has no such session (Error-Cause 503), while accounting goes on to report it:"
            " is this NAS's address in the settings its own, and does it know sessions by the identifiers set for it?",
        )
    if cause == SESSION_NOT_FOUND:
        return Word(Worth.GONE, f"{where} says that it has no such session (Error-Cause 503)")
    return Word(Worth.LATER if cause in (BUSY, AUTHORISING_ANEW) else Worth.REFUSED, detail)
